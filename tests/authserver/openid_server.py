"""An OpenID provider on loopback that says whatever a test wants it to say."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, SECRET = "isthmus console", "s+e/c=r:e&t%41"


class OpenIdServer:
    """Change the public attributes to have it lie; `asked` is what it was asked, in order."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = ECKey.generate_key("P-256", {"kid": "first"}, private=True)
        self.published: list[dict[str, Any]] = [self.key.as_dict(private=False)]
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
            "authorization_response_iss_parameter_supported": True,
        }
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "ES256", "kid": "first"}
        self.userinfo: dict[str, Any] = {}
        self.answer: dict[str, Any] | None = None
        self.token_status = 200
        self.asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []

    def sign(self, claims: Mapping[str, Any], *, key: ECKey | RSAKey | None = None, **header: Any) -> str:
        return jwt.encode({**self.header, **header}, dict(claims), key or self.key)

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def agree(self, query: str) -> str:
        """Whoever comes is Ada and agrees: the callback URL."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        now = int(time.time())
        self.claims = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "sub": "ada",
            "email": "ada@example.com",
            "email_verified": True,
        }
        back = {"code": "c0de", "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def reply(self, path: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, self.metadata
        if path == "/keys":
            return 200, {"keys": self.published}
        if path == "/me":
            return 200, self.userinfo
        if path == "/token":
            said = {"access_token": "at", "token_type": "Bearer", "id_token": self.sign(self.claims)}
            return self.token_status, said if self.answer is None else self.answer
        return 404, {}


def basic_of(headers: Mapping[str, str]) -> tuple[str, str]:
    name, _, secret = b64decode(headers["authorization"].removeprefix("Basic ")).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


@contextmanager
def openid_server() -> Iterator[OpenIdServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            path = urlsplit(self.path).path
            if path == "/auth":
                self.send_response(302)
                self.send_header("Location", told.agree(urlsplit(self.path).query))
                self.end_headers()
                return
            told.asked.append((path, form, {name.lower(): value for name, value in self.headers.items()}))
            status, document = told.reply(path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = OpenIdServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
