"""An OAuth 1.0a server on oauthlib: the library verifies, this file keeps the values and answers.

Run as `python oauth1_app.py PORT`; settings come as JSON in the environment variable COUNTERPART.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_PLAINTEXT,
    SIGNATURE_RSA,
    RequestValidator,
    WebApplicationServer,
)

ASKED = json.loads(os.environ["COUNTERPART"])
CONSUMERS = {"hmac-consumer": ASKED["consumer_secret"], "rsa-consumer": ""}


class Validator(RequestValidator):
    """Everything is kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.request_tokens: dict[str, dict[str, Any]] = {}
        self.access_tokens: dict[str, dict[str, Any]] = {}
        self.nonces: set[tuple[Any, ...]] = set()

    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_RSA, SIGNATURE_PLAINTEXT)
    enforce_ssl = False
    client_key_length = (3, 100)
    request_token_length = (3, 100)
    access_token_length = (3, 100)
    nonce_length = (8, 100)
    verifier_length = (3, 100)
    realms = ()

    @property
    def safe_characters(self) -> set[str]:
        return set(map(chr, range(33, 127)))

    dummy_client = "dummy-client"
    dummy_request_token = "dummy-request"
    dummy_access_token = "dummy-access"

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):  # type: ignore[no-untyped-def]
        used = (client_key, timestamp, nonce, request_token, access_token)
        fresh = used not in self.nonces
        self.nonces.add(used)
        return fresh

    def validate_client_key(self, client_key, request):  # type: ignore[no-untyped-def]
        return client_key in CONSUMERS

    def get_client_secret(self, client_key, request):  # type: ignore[no-untyped-def]
        return CONSUMERS.get(client_key, "dummy")

    def get_rsa_key(self, client_key, request):  # type: ignore[no-untyped-def]
        return ASKED["rsa_public_key"]

    def validate_request_token(self, client_key, token, request):  # type: ignore[no-untyped-def]
        return self.request_tokens.get(token, {}).get("client") == client_key

    def validate_access_token(self, client_key, token, request):  # type: ignore[no-untyped-def]
        return self.access_tokens.get(token, {}).get("client") == client_key

    def get_request_token_secret(self, client_key, token, request):  # type: ignore[no-untyped-def]
        return self.request_tokens.get(token, {}).get("secret", "dummy")

    def get_access_token_secret(self, client_key, token, request):  # type: ignore[no-untyped-def]
        return self.access_tokens.get(token, {}).get("secret", "dummy")

    def validate_verifier(self, client_key, token, verifier, request):  # type: ignore[no-untyped-def]
        known = self.request_tokens.get(token, {}).get("verifier")
        return known is not None and known == verifier

    def validate_redirect_uri(self, client_key, redirect_uri, request):  # type: ignore[no-untyped-def]
        return "/oauth/callback/" in redirect_uri

    def validate_requested_realms(self, client_key, realms, request):  # type: ignore[no-untyped-def]
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):  # type: ignore[no-untyped-def]
        return True

    def get_default_realms(self, client_key, request):  # type: ignore[no-untyped-def]
        return []

    def get_realms(self, token, request):  # type: ignore[no-untyped-def]
        return []

    def get_redirect_uri(self, token, request):  # type: ignore[no-untyped-def]
        return self.request_tokens[token]["callback"]

    def verify_request_token(self, token, request):  # type: ignore[no-untyped-def]
        return token in self.request_tokens

    def verify_realms(self, token, realms, request):  # type: ignore[no-untyped-def]
        return True

    def save_request_token(self, token, request):  # type: ignore[no-untyped-def]
        self.request_tokens[token["oauth_token"]] = {
            "client": request.client_key,
            "secret": token["oauth_token_secret"],
            "callback": request.redirect_uri,
        }

    def save_verifier(self, token, verifier, request):  # type: ignore[no-untyped-def]
        self.request_tokens[token]["verifier"] = verifier["oauth_verifier"]

    def save_access_token(self, token, request):  # type: ignore[no-untyped-def]
        self.access_tokens[token["oauth_token"]] = {"client": request.client_key, "secret": token["oauth_token_secret"]}

    def invalidate_request_token(self, client_key, request_token, request):  # type: ignore[no-untyped-def]
        self.request_tokens.pop(request_token, None)


VALIDATOR = Validator()
SERVER = WebApplicationServer(VALIDATOR)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0") or "0"))
        path = urlsplit(self.path).path
        uri = f"http://{self.headers['Host']}{self.path}"
        text = body.decode() if "form" in self.headers.get("Content-Type", "") else ""
        headers = dict(self.headers.items())
        if path == "/revoke_all":
            VALIDATOR.access_tokens.clear()
            self._answer(200, {}, "done")
        elif path == "/request_token":
            self._answer_with(SERVER.create_request_token_response(uri, self.command, text, headers))
        elif path == "/access_token":
            self._answer_with(SERVER.create_access_token_response(uri, self.command, text, headers))
        elif path == "/authorize" and self.command == "GET":
            self._answer(200, {"Content-Type": "text/html"}, "<form method=post><button>Allow</button></form>")
        elif path == "/authorize":
            token = parse_qs(urlsplit(self.path).query)["oauth_token"][0]
            signed = f"{uri}"
            self._answer_with(SERVER.create_authorization_response(signed, "GET", None, {"x": token}, [], {}))
        else:
            good, request = SERVER.validate_protected_resource_request(uri, self.command, text, headers, [])
            if not good:
                self._answer(401, {"WWW-Authenticate": "OAuth"}, '{"error":"unauthorized"}')
                return
            seen = sorted([name, value] for name, value in request.params if not name.startswith("oauth_"))
            document = {"name": "ada", "parameters": seen}
            self._answer(200, {"Content-Type": "application/json"}, json.dumps(document))

    def _answer_with(self, made: tuple[dict[str, str], Any, int]) -> None:
        headers, body, status = made
        self._answer(status, headers, body or "")

    def _answer(self, status: int, headers: dict[str, str], body: str) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
