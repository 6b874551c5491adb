"""What clients call: token, revocation, introspection, pushed requests, devices, and the metadata that tells of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from isthmus.authserver.authentication import METHODS
from isthmus.authserver.client_types import GRANT_TYPES
from isthmus.authserver.jose import ALGORITHMS
from isthmus.authserver.parameters import Parameters
from isthmus.authserver.proofs import NonceNeeded
from isthmus.authserver.scopes import SCOPES
from isthmus.errors import OAuthError
from isthmus.web.api.route import answer, edge_of
from isthmus.web.asgi import ERROR_CODE, all_values, peer_address
from isthmus.web.edge import Edge

_MOST_FIELDS = 100
_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthRoute(APIRoute):
    """Errors as RFC 6749 §5.2 gives them, not as problem documents: that is what OAuth clients read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                return _told(edge_of(request), request, error)

        return respond


router = APIRouter(tags=["OAuth"], route_class=OAuthRoute)


@router.post("/oauth/v2/token", response_class=Response)
async def token(request: Request) -> Response:
    """The token endpoint: a form with `grant_type`; the answer of RFC 6749 section 5."""
    edge, parameters = edge_of(request), await _parameters(request)
    proof = _one(request, b"dpop", "invalid_dpop_proof")
    given = await edge.app.tokens.give(
        _authorization(request), parameters, proof=proof, address=peer_address(request.scope)
    )
    return answer(given, headers=_UNCACHED)


@router.post("/oauth/v2/token/revoke", response_class=Response)
async def revoke(request: Request) -> Response:
    """End a token (RFC 7009); 200 whether it was known or not."""
    parameters = await _parameters(request)
    await edge_of(request).app.tokens.revoke(_authorization(request), parameters, address=peer_address(request.scope))
    return Response(status_code=200, headers=_UNCACHED)


@router.post("/oauth/v2/introspect", response_class=Response)
async def introspect(request: Request) -> Response:
    """What is known of a token (RFC 7662)."""
    parameters = await _parameters(request)
    return answer(await edge_of(request).app.tokens.introspect(_authorization(request), parameters), headers=_UNCACHED)


@router.post("/oauth/v2/par", response_class=Response)
async def push(request: Request) -> Response:
    """Push an authorization request (RFC 9126); the answer has a `request_uri` for one use within 90 seconds."""
    parameters = await _parameters(request)
    given = await edge_of(request).app.authorize.push(_authorization(request), parameters)
    return answer(given, status=201, headers=_UNCACHED)


@router.post("/oauth/v2/device", response_class=Response)
async def device(request: Request) -> Response:
    """Begin a device authorization (RFC 8628)."""
    parameters = await _parameters(request)
    return answer(await edge_of(request).app.devices.begin(_authorization(request), parameters), headers=_UNCACHED)


@router.get("/.well-known/oauth-authorization-server", response_class=Response)
async def metadata(request: Request) -> Response:
    """What this authorization server offers (RFC 8414). Built from the public URL, never from the request's host."""
    return answer(describe(edge_of(request)), headers={"Cache-Control": "public, max-age=3600"})


def describe(edge: Edge) -> dict[str, Any]:
    """The metadata document."""
    issuer = edge.site.public_url
    signed = list(ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/v2/auth",
        "token_endpoint": f"{issuer}/oauth/v2/token",
        "revocation_endpoint": f"{issuer}/oauth/v2/token/revoke",
        "introspection_endpoint": f"{issuer}/oauth/v2/introspect",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/v2/par",
        "device_authorization_endpoint": f"{issuer}/oauth/v2/device",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": signed,
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": signed,
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": signed,
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": signed,
        "require_pushed_authorization_requests": False,
        "service_documentation": f"{issuer}/docs",
    }


async def _parameters(request: Request) -> Parameters:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise OAuthError("The body must be a form: application/x-www-form-urlencoded.", code="invalid_request")
    try:
        raw = (await request.body()).decode("ascii")
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise OAuthError("The form could not be read.", code="invalid_request") from None
    return Parameters.of(pairs)


def _authorization(request: Request) -> str | None:
    return _one(request, b"authorization", "invalid_request")


def _one(request: Request, name: bytes, code: str) -> str | None:
    values = all_values(request.scope, name)
    if len(values) > 1:
        raise OAuthError(f"The header {name.decode()} came more than once.", code=code)
    return values[0] if values else None


def _told(edge: Edge, request: Request, error: Exception) -> Response:
    if not isinstance(error, OAuthError):
        problem = edge.judge(error, request.scope)
        code = {503: "temporarily_unavailable", 500: "server_error"}.get(problem.status, "invalid_request")
        status = problem.status
        return _error(code, problem.detail, status, dict(problem.headers))
    request.scope[ERROR_CODE] = error.code
    headers: dict[str, str] = {}
    if isinstance(error, NonceNeeded):
        headers["DPoP-Nonce"] = error.nonce
    if error.code == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="isthmus"'
        return _error(error.code, error.message, 401, headers)
    return _error(error.code, error.message, 400, headers)


def _error(code: str, description: str, status: int, headers: dict[str, str]) -> Response:
    """`error_description` is printable ASCII without quote and backslash (RFC 6749 §5.2)."""
    kept = "".join(letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in description)
    headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return answer({"error": code, "error_description": kept}, status=status, headers={**_UNCACHED, **headers})
