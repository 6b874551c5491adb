"""A service's addresses from its issuer: authorization server metadata (RFC 8414), or OpenID Connect Discovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from isthmus.broker.access import require
from isthmus.errors import DestinationDenied, InputError, OutboundError, ProtocolError
from isthmus.outbound import Outbound
from isthmus.protocols.answers import read_answer
from isthmus.records import Actor, HttpRequest

_ENDPOINTS = {
    "authorization_endpoint": "authorize_url",
    "token_endpoint": "access_token_url",
    "revocation_endpoint": "revoke_token_url",
}
_AUTHENTICATION = (
    ("client_secret_basic", "basic"),
    ("client_secret_post", "post"),
    ("private_key_jwt", "private_key_jwt"),
    ("none", "none"),
)
_MOST_SCOPES = 500
PROBED = ("authorize_url", "access_token_url", "refresh_token_url", "revoke_token_url", "base_url")


class Discovery:
    """Asks an issuer what it is. Nothing is stored."""

    def __init__(self, *, outbound: Outbound) -> None:
        self._outbound = outbound

    async def discover(self, actor: Actor, issuer: str) -> dict[str, Any]:
        """The keys of a service's document that the issuer's metadata tells.

        Raises InputError (`issuer`): it is no URL, tells of no metadata, its metadata is another issuer's (RFC 8414
        §3.3), or names an endpoint that may not be reached.
        """
        require(actor, "services.manage")
        where = _well_known(issuer)
        found: dict[str, Any] | None = None
        trouble: InputError | None = None
        for url in where:
            try:
                found = await self._read(url)
            except (OutboundError, ProtocolError) as problem:
                trouble = trouble or _wrong(problem.message, problem.hint, problem.code)
            if found is not None:
                break
        if found is None:
            raise trouble or _wrong(
                "This issuer publishes no metadata.", "Enter the URLs from its documentation.", "no_metadata"
            )
        if found.get("issuer") != issuer:
            raise _wrong(
                "The metadata found there belongs to another issuer.",
                "Enter the issuer exactly as the service's documentation writes it.",
                "issuer_mismatch",
            )
        return self._document(issuer, found)

    async def fetch(self, actor: Actor, url: str) -> bytes:
        """What stands at a public address. Raises InputError (`openapi`) where it does not answer well."""
        require(actor, "services.manage")
        try:
            response = await self._outbound.send(HttpRequest("GET", url), hosts=(urlsplit(url).netloc,))
        except OutboundError as problem:
            raise InputError(problem.message, field="openapi", hint=problem.hint) from problem
        if response.status != 200:
            hint = "Give the address that the description itself has."
            raise InputError(f"The answer is {response.status}.", field="openapi", hint=hint)
        return response.body

    async def probe(self, actor: Actor, document: Mapping[str, Any]) -> dict[str, str]:
        """What the definition's addresses say to a bare GET: field -> words. An error answer is an answer, too."""
        require(actor, "services.manage")
        said = {}
        for field in PROBED:
            url = str(document.get(field) or "").partition("#")[0]
            if not url or "${" in url:
                continue
            try:
                response = await self._outbound.send(HttpRequest("GET", url), hosts=(urlsplit(url).netloc,))
                said[field] = f"answers {response.status}"
            except OutboundError as problem:
                said[field] = problem.message
        return said

    async def _read(self, url: str) -> dict[str, Any] | None:
        request = HttpRequest("GET", url, (("Accept", "application/json"),))
        response = await self._outbound.send(request, hosts=(urlsplit(url).netloc,))
        return dict(read_answer(response)) if response.status == 200 else None

    def _document(self, issuer: str, found: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {"issuer": issuer, "issuer_in_response": _says(found)}
        for theirs, ours in _ENDPOINTS.items():
            url = found.get(theirs)
            if url is None:
                continue
            self._check(theirs, url)
            document[ours] = url
        methods = _texts(found.get("code_challenge_methods_supported"))
        document["pkce"] = "S256" if "S256" in methods else "none"
        offered = _texts(found.get("token_endpoint_auth_methods_supported")) or ["client_secret_basic"]
        document["client_authentication"] = next(
            (ours for theirs, ours in _AUTHENTICATION if theirs in offered), "basic"
        )
        scopes = [scope for scope in _texts(found.get("scopes_supported")) if scope.isprintable() and " " not in scope]
        document["scopes"] = [{"name": scope, "display_name": ""} for scope in scopes[:_MOST_SCOPES]]
        if isinstance(documentation := found.get("service_documentation"), str) and documentation.startswith(
            "https://"
        ):
            document["documentation_url"] = documentation
        return document

    def _check(self, name: str, url: object) -> None:
        try:
            if not isinstance(url, str):
                raise DestinationDenied("It is no text.")
            self._outbound.check(url, None)
        except (DestinationDenied, InputError) as problem:
            raise _wrong(
                f"The metadata's {name} may not be reached: {problem.message}", problem.hint, "endpoint_denied"
            ) from problem


def _well_known(issuer: str) -> tuple[str, ...]:
    """Where the metadata may be: the path of the issuer after the well-known part, and before it (RFC 8414 §3.1, §5)."""
    parts = urlsplit(issuer)
    if (
        parts.scheme not in ("https", "http")
        or not parts.netloc
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise _wrong("The issuer is not a URL.", "Such as https://login.example.com.", "url_malformed")
    path = parts.path.rstrip("/")
    paths = (
        f"/.well-known/oauth-authorization-server{path}",
        f"{path}/.well-known/openid-configuration",
        f"/.well-known/openid-configuration{path}",
    )
    return tuple(dict.fromkeys(urlunsplit((parts.scheme, parts.netloc, one, "", "")) for one in paths))


def _says(found: dict[str, Any]) -> bool:
    return found.get("authorization_response_iss_parameter_supported") is True


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _wrong(message: str, hint: str, code: str) -> InputError:
    return InputError(message, field="issuer", hint=hint, code=code)
