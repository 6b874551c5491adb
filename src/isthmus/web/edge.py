"""What every route of the web edge shares: the application, the site, the logs, the metrics, and how errors are told."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isthmus.authserver.proofs import NonceNeeded
from isthmus.errors import OAuthError
from isthmus.records import Actor
from isthmus.web.asgi import ERROR_CODE, REQUEST_ID, Scope, peer_address
from isthmus.web.credentials import Shown, find_credential
from isthmus.web.errors import Problem, Refusal, is_expected, judge
from isthmus.web.logs import Logs
from isthmus.web.metrics import Metrics
from isthmus.web.origin import require_same_site, unauthenticated
from isthmus.web.site import Site

if TYPE_CHECKING:
    from isthmus.app import Isthmus

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestIds:
    """Request ids of ours, never the caller's: a random part of this process and a count. They are no secret."""

    def __init__(self) -> None:
        self._prefix = f"req_{secrets.token_hex(8)}"
        self._count = itertools.count(1)

    def draw(self) -> str:
        return f"{self._prefix}{next(self._count):08x}"


@dataclass(slots=True)
class Edge:
    """Built once when the server starts."""

    app: Isthmus
    site: Site
    logs: Logs
    metrics: Metrics
    ids: RequestIds = field(default_factory=RequestIds)
    draining: bool = False

    async def actor(self, scope: Scope) -> Actor:
        """Who asks, by API key or session. A session changes something only where our own pages ask for it.

        Raises NotAuthenticated, Refusal 400 (`two_credentials`), Refusal 403 (`cross_site`).
        """
        shown = find_credential(scope["headers"], self.site.session_cookie)
        if shown is None:
            raise unauthenticated()
        address = peer_address(scope)
        if shown.kind == "key":
            return await self.app.protect.actor_for_key(shown.value, address)
        if shown.kind == "bound":
            return await self.bound_actor(scope, shown)
        if scope["method"] not in READING:
            require_same_site(scope, self.site)
        return await self.app.protect.actor_for_session(shown.value, address)

    async def bound_actor(self, scope: Scope, shown: Shown) -> Actor:
        """Who asks with an access token and a proof of the key that it is bound to.

        Raises NotAuthenticated, and Refusal 401 with a challenge where the proof does not hold (RFC 9449 §7.1).
        """
        url = self.site.public_url + scope["raw_path"].decode("latin-1")
        try:
            return await self.app.protect.actor_for_bound_token(
                shown.value, peer_address(scope), proof=shown.proof, method=scope["method"], url=url
            )
        except OAuthError as problem:
            headers = {"WWW-Authenticate": f'DPoP realm="isthmus", error="{problem.code}"'}
            if isinstance(problem, NonceNeeded):
                headers["DPoP-Nonce"] = problem.nonce
            raise Refusal(
                401,
                code=problem.code,
                detail=problem.message,
                hint="Make the proof for this very request, with the nonce of this answer.",
                headers=headers,
            ) from None

    def judge(self, error: BaseException, scope: Scope) -> Problem:
        """The problem that tells of this error; what nobody foresaw is logged."""
        if not is_expected(error):
            self.logs.unexpected(error, request_id=scope[REQUEST_ID], method=scope["method"])
        problem = judge(error)
        scope[ERROR_CODE] = problem.code
        return problem

    def problem_body(self, problem: Problem, scope: Scope) -> bytes:
        return problem.document(request_id=scope[REQUEST_ID], public_url=self.site.public_url)
