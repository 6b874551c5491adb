"""Calls to authorization endpoints: send, judge, and name the cause when the answer is no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from isthmus.broker.clocks import Clocks, Sign
from isthmus.broker.services import Resolved
from isthmus.catalog.causes import Cause, Causes, Facts
from isthmus.errors import ConnectError, IsthmusError, OutboundError, ProtocolError
from isthmus.outbound import Limits, Outbound, retry_after_seconds
from isthmus.protocols.limits import asked_wait
from isthmus.protocols.oauth2.token import TokenAnswer, is_grant_dead, judge_token_answer
from isthmus.records import HttpRequest, HttpResponse, Reason
from isthmus.settings import Settings

# Failures that happen before anything of the request can have reached the endpoint.
_UNSENT = frozenset({"name_not_resolved", "connection_refused", "connect_timed_out", "tls_failed"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A token call that brought no credential. `maybe_spent`: the endpoint may have acted on the request."""

    error: IsthmusError
    cause: Cause | None
    maybe_spent: bool
    retry_after_seconds: float | None = None
    grant_dead: bool = field(default=False)

    def reason(self, at: datetime) -> Reason:
        """What to show for it: the cause if the rule base knows it, else the error's own words."""
        if self.cause is not None:
            return Reason(self.cause.code, self.cause.message, self.cause.hint, at)
        return Reason(self.error.code, self.error.message, self.error.hint, at)

    def connect_error(self) -> ConnectError | OutboundError:
        """The same as an error for the person who is connecting."""
        if isinstance(self.error, OutboundError):
            return self.error
        told = {"error": getattr(self.error, "error", None), "description": getattr(self.error, "description", None)}
        details = {key: value for key, value in told.items() if value}
        if self.cause is None:
            return ConnectError(self.error.message, code=self.error.code, hint=self.error.hint, details=details)
        return ConnectError(self.cause.message, code=self.cause.code, hint=self.cause.hint, details=details)


class Exchange:
    """Sends requests to a service's own authorization endpoints, never anywhere else."""

    def __init__(
        self, *, outbound: Outbound, causes: Causes, settings: Settings, clocks: Clocks, clock: Callable[[], datetime]
    ) -> None:
        self._outbound = outbound
        self._causes = causes
        self._clocks = clocks
        self._clock = clock
        self._limits = replace(
            Limits.buffered(settings), total_seconds=settings.token_seconds, wire_bytes=1 << 20, decoded_bytes=1 << 20
        )

    async def send(self, resolved: Resolved, request: HttpRequest) -> HttpResponse:
        """The answer of one of the service's endpoints. Raises OutboundError."""
        return await self._outbound.send(request, hosts=resolved.endpoint_hosts, limits=self._limits)

    async def send_signed(self, resolved: Resolved, sign: Sign) -> HttpResponse:
        """As `send`, for what is signed with a nonce and the time. Raises OutboundError, and what `sign` raises."""
        return await self._clocks.signed(resolved.service.link_name, sign, partial(self.send, resolved))

    async def ask(
        self,
        resolved: Resolved,
        request: HttpRequest,
        *,
        stage: str,
        requested_scopes: Sequence[str] = (),
        previous_refresh_token: str | None = None,
        facts: Facts | None = None,
    ) -> TokenAnswer | Failure:
        """One token call. Times in the answer count from before the request was sent, which errs on the safe side."""
        sent_at = self._clock()
        try:
            response = await self.send(resolved, request)
        except OutboundError as problem:
            return Failure(problem, None, maybe_spent=problem.code not in _UNSENT and not problem.permanent)
        try:
            return judge_token_answer(
                resolved.service,
                response,
                received_at=sent_at,
                requested_scopes=requested_scopes,
                previous_refresh_token=previous_refresh_token,
            )
        except ProtocolError as problem:
            return Failure(
                problem,
                self.diagnose(resolved, stage, response, facts) if problem.error else None,
                maybe_spent=problem.error is None,
                retry_after_seconds=self.asked_to_wait(resolved, response),
                grant_dead=is_grant_dead(problem, resolved.service),
            )

    def asked_to_wait(self, resolved: Resolved, response: HttpResponse) -> float | None:
        """How long the answer asks to wait, as the service says it or by Retry-After; None where it does not."""
        retry = resolved.service.retry
        told = asked_wait(retry, response, self._clock().timestamp()) if retry is not None else None
        return told if told is not None else retry_after_seconds(response)

    def diagnose(self, resolved: Resolved, stage: str, response: HttpResponse, facts: Facts | None = None) -> Cause:
        """The cause of an answer that is an error, by the rule base, and by what is known of the grant."""
        return self._causes.diagnose(
            service=resolved.service,
            stage=stage,
            status=response.status,
            headers=response.headers,
            body=response.body,
            facts=facts,
        )
