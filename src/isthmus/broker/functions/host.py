"""Answers what a run asks of the world: calls through connections as the actor, plain calls, mail, sleep."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from isthmus.broker.access import may_see
from isthmus.broker.call import Answer, Call, build_request
from isthmus.broker.functions.asking import call_of, mail_of
from isthmus.broker.functions.running import Frame, Running
from isthmus.broker.invoke import Invoker
from isthmus.broker.mailing import Mailing
from isthmus.errors import DestinationDenied, InputError, IsthmusError, NotFound, TimedOut
from isthmus.functions.host import HostCall, Reply
from isthmus.outbound import Outbound, redact_url
from isthmus.records import Actor, HttpRequest, HttpResponse, RunCall, Service
from isthmus.settings import Settings
from isthmus.storage.contract import Storage

_NO_SERVICE = Service("", "", "basic")
_WITHHELD = frozenset({"set-cookie", "set-cookie2"})
_MOST_NAMES = 1000
_PUBLIC_ONLY = (
    "Without a connection only https URLs of public addresses are called; the operator can except a host or network "
    "with ISTHMUS_FUNCTION_EGRESS_ALLOW."
)


class Host:
    """One call at a time. What goes wrong outside is a fault that the function can catch, never an exception here."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        invoker: Invoker,
        plain: Outbound,
        mailing: Mailing,
        clock: Callable[[], datetime],
    ) -> None:
        """`plain` is the way out for calls without a connection; it has an address policy of its own."""
        self._settings = settings
        self._storage = storage
        self._invoker = invoker
        self._plain = plain
        self._mailing = mailing
        self._clock = clock

    def note(self, running: Running, call: HostCall) -> RunCall:
        """What is remembered of the call before it is made; appended to the run's calls."""
        frame, asked = running.top, call.arguments
        note = RunCall(
            running.run_id,
            len(running.calls) + 1,
            call.name,
            self._clock(),
            "asked",
            frame.function,
            call.line,
            connection=str(asked.get("connection") or ""),
            method=str(asked.get("type") or "GET").upper()[:10] if call.name == "invokeurl" else "",
            url=redact_url(str(asked.get("url") or ""))[:2000],
        )
        running.calls.append(note)
        return note

    async def answer(self, running: Running, call: HostCall, note: RunCall) -> tuple[Reply, RunCall]:
        """The reply, and the note as it is after it; the note among the run's calls is replaced."""
        started = time.perf_counter()
        reply, noted = await self._reply(running, call, note)
        noted = replace(noted, state="answered", elapsed_ms=(time.perf_counter() - started) * 1000)
        running.calls[note.number - 1] = noted
        return reply, noted

    async def _reply(self, running: Running, call: HostCall, note: RunCall) -> tuple[Reply, RunCall]:
        seconds = max(0.0, min(running.seconds_left, float(call.arguments.get("timeout_seconds") or 40.0)))
        try:
            async with asyncio.timeout(None if call.name == "sleep" else seconds):
                return await self._done(running, call, note)
        except TimeoutError:
            problem: IsthmusError = TimedOut("socket timeout error: no whole answer came in time.")
        except IsthmusError as found:
            problem = await self._explained(running.top.actor, call, found)
        fault = f"{problem.message} {problem.hint}".strip()
        return Reply(fault=fault, fault_code=problem.code), replace(note, error=problem.code)

    async def _done(self, running: Running, call: HostCall, note: RunCall) -> tuple[Reply, RunCall]:
        if call.name == "sleep":
            # Not a moment longer than the run may live: the sandbox then ends it.
            await asyncio.sleep(max(0.0, min(float(call.arguments["seconds"]), running.seconds_left + 0.01)))
            return Reply(), note
        if call.name == "sendmail":
            refused = await self._mailing.send(mail_of(call.arguments))
            return Reply(value={"refused": list(refused)}), note
        answer, url = await self._invoke(running, running.top, call, note)
        value = {"status": answer.status, "headers": _joined(answer), "body": answer.body, "url": url}
        return Reply(value=value), replace(note, status=answer.status)

    async def _invoke(self, running: Running, frame: Frame, call: HostCall, note: RunCall) -> tuple[Answer, str]:
        asked = call.arguments
        wanted = call_of(asked, user=running.user, request_id=f"{running.run_id}-{note.number}")
        link_name = asked.get("connection")
        if link_name:
            return await self._invoker.invoke(frame.actor, str(link_name), wanted), wanted.url
        response = await self._send_plain(wanted)
        return Answer(response.status, response.headers, response.body, response.elapsed_ms, ""), response.url

    async def _send_plain(self, call: Call) -> HttpResponse:
        """A call without a credential: any public address, redirects followed and checked each."""
        try:
            return await self._follow(self._plain_request(call))
        except DestinationDenied as problem:
            problem.hint = _PUBLIC_ONLY  # no service and no connection is about it
            raise

    def _plain_request(self, call: Call) -> HttpRequest:
        if "://" not in call.url[:12]:
            raise InputError(
                "Without a connection the URL has to be absolute.",
                field="url",
                code="url_malformed",
                hint="Begin it with https://, or name the connection whose base URL it is relative to.",
            )
        return build_request(_NO_SERVICE, call)

    async def _follow(self, request: HttpRequest) -> HttpResponse:
        response = await self._plain.send(request, hosts=None)
        for _ in range(self._settings.redirects):
            hop = self._plain.next_hop(request, response, None)
            if hop is None:
                break
            request = hop.request
            response = await self._plain.send(request, hosts=None)
        return response

    async def _explained(self, actor: Actor, call: HostCall, problem: IsthmusError) -> IsthmusError:
        """An unknown link name gets the names that are like it, of those that the actor may see."""
        if not isinstance(problem, NotFound) or problem.code != "connection_not_found":
            return problem
        name = str(call.arguments.get("connection"))
        page = await self._storage.connections(limit=_MOST_NAMES, names=actor.connections)
        names = [connection.link_name for connection in page.items if may_see(actor, connection.link_name)]
        close = difflib.get_close_matches(name, names, 1)
        hint = f"Did you mean {close[0]!r}?" if close else "Check the link name on the connection's page."
        return NotFound(problem.message, code=problem.code, hint=hint, field="connection")


def _joined(answer: Answer) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for name, value in answer.headers:
        lower = name.lower()
        if lower not in _WITHHELD:
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers
