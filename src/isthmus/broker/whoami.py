"""The who-am-I call: what the third party says about a credential, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from isthmus.broker.clocks import Clocks, Sign
from isthmus.broker.exchange import Exchange
from isthmus.broker.services import Resolved
from isthmus.broker.tokens import draw_moment
from isthmus.broker.views import iso
from isthmus.errors import OutboundError
from isthmus.expressions import Moment, fill
from isthmus.outbound import Outbound
from isthmus.protocols.answers import AnswerParts, read_parts
from isthmus.protocols.attach import attach
from isthmus.records import Credential, HttpRequest, HttpResponse, Reason, Service, TestRequest


@dataclass(frozen=True, slots=True)
class Seen:
    """What a test showed. `reason` is None exactly where it was good; `refused` where the credential was the reason."""

    at: datetime
    status: int | None
    latency_ms: float
    identity: str = ""
    granted_scopes: tuple[str, ...] | None = None
    reason: Reason | None = None
    refused: bool = False
    account_id: str = ""

    def document(self) -> dict[str, Any]:
        """As stored in `last_test` and shown."""
        return {
            "ok": self.reason is None,
            "at": iso(self.at),
            "status": self.status,
            "latency_ms": round(self.latency_ms, 1),
            "identity": self.identity or None,
            "account_id": self.account_id or None,
            "reason": {"code": self.reason.code, "message": self.reason.message, "hint": self.reason.hint}
            if self.reason
            else None,
        }


class WhoAmI:
    """Makes the test request of a service with a credential that may not be stored yet."""

    def __init__(
        self, *, outbound: Outbound, exchange: Exchange, clocks: Clocks, clock: Callable[[], datetime]
    ) -> None:
        self._outbound = outbound
        self._exchange = exchange
        self._clocks = clocks
        self._clock = clock

    async def ask(self, resolved: Resolved, credential: Credential) -> Seen | None:
        """What the service says; None if it has no test request. Never raises for what the third party does."""
        test = resolved.service.test
        if test is None or not test.url:
            return None
        moment = draw_moment(self._clock())
        sign = partial(attach, resolved.service, resolved.client, credential, _request(resolved, test, moment))
        started = time.perf_counter()
        try:
            response = await self._send(resolved.service, sign, moment)
        except OutboundError as problem:
            now = self._clock()
            latency = (time.perf_counter() - started) * 1000
            return Seen(now, None, latency, reason=Reason(problem.code, problem.message, problem.hint, now))
        return self._judge(resolved, test, response)

    async def _send(self, service: Service, sign: Sign, moment: Moment) -> HttpResponse:
        if service.auth_type == "oauth1":
            return await self._clocks.signed(service.link_name, sign, partial(self._outbound.send, hosts=service.hosts))
        return await self._outbound.send(sign(nonce=moment.noise, timestamp=int(moment.timestamp)), hosts=service.hosts)

    def _judge(self, resolved: Resolved, test: TestRequest, response: HttpResponse) -> Seen:
        now = self._clock()
        answer = read_parts(response)
        if response.status >= 400 or _says_no(test, answer):
            cause = self._exchange.diagnose(resolved, "api", response)
            reason = Reason(cause.code, cause.message, cause.hint, now)
            refused = response.status in (401, 403) or response.status < 400
            return Seen(now, response.status, response.elapsed_ms, reason=reason, refused=refused)
        return Seen(
            now,
            response.status,
            response.elapsed_ms,
            identity=(answer.text(test.identity) or "")[:200],
            account_id=(answer.text(test.account_id) or "")[:200],
            granted_scopes=_scopes(response, test.scopes_header),
        )


def _request(resolved: Resolved, test: TestRequest, moment: Moment) -> HttpRequest:
    headers = {"Accept": "application/json", **resolved.service.headers, **test.headers}
    headers = {name: fill(text, {}, moment=moment) for name, text in headers.items()}
    if test.body and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return HttpRequest(test.method, test.url, tuple(headers.items()), test.body.encode())


def _says_no(test: TestRequest, answer: AnswerParts) -> bool:
    if test.ok is not None and answer.value(test.ok) in (False, None, "false", 0):
        return True
    return test.error is not None and bool(answer.value(test.error))


def _scopes(response: HttpResponse, header: str | None) -> tuple[str, ...] | None:
    value = response.header(header) if header else None
    if value is None:
        return None
    return tuple(part for part in value.replace(",", " ").split() if part)
