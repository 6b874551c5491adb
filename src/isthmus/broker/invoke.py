"""Send a request with a connection's credential: choose it, check where it goes, attach it, send, record.

The order is fixed: access, policy and destination are checked before the credential is opened.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from isthmus.broker.access import may_see, require, visible
from isthmus.broker.call import (
    Answer,
    Call,
    StreamAnswer,
    StreamCall,
    absolute_url,
    build_request,
    check_policy,
    stream_url,
    with_service_headers,
)
from isthmus.broker.call_record import Recorded, Recorder
from isthmus.broker.clocks import Clocks
from isthmus.broker.lookup import Entry, Lookup
from isthmus.broker.observer import Observer
from isthmus.broker.owner import resource_owner
from isthmus.broker.pages import gather
from isthmus.broker.refresh import Refresher
from isthmus.broker.replay import NO_BODY, Replay
from isthmus.broker.tokens import draw_nonce
from isthmus.broker.views import iso
from isthmus.errors import AccessDenied, DestinationDenied, InputError, IsthmusError, NotFound
from isthmus.outbound import (
    Outbound,
    RetryBudget,
    StreamedResponse,
    Target,
    forwardable_request_headers,
    forwardable_response_headers,
    with_retries,
)
from isthmus.outbound.sender import Exchange
from isthmus.protocols.attach import attach, attach_ready, needs_moment, ready_headers
from isthmus.protocols.limits import asked_wait
from isthmus.records import ActivityEntry, Actor, Credential, HttpRequest, HttpResponse, OAuth1Credential
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

LEASE_TOLD_SECONDS = 60.0
MOST_LEASES = 10_000


class Invoker:
    """Calls by link name, buffered and streamed, and leases of ready-made headers."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        outbound: Outbound,
        lookup: Lookup,
        refresher: Refresher,
        observer: Observer,
        recorder: Recorder,
        clocks: Clocks,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self.outbound = outbound
        self.lookup = lookup
        self._refresher = refresher
        self.observer = observer
        self.recorder = recorder
        self._clocks = clocks
        self._clock = clock
        self._budget = RetryBudget()
        self._storage = storage
        self._leases: dict[tuple[str, str, int], float] = {}

    async def invoke(self, actor: Actor, link_name: str, call: Call) -> Answer:
        """The third party's whole answer, whatever its status.

        A 401 against a credential that can be refreshed brings one refresh and one more try. Redirects are followed
        within the service's hosts; a credential never goes to another origin.
        Raises AccessDenied, CredentialError, InputError, OutboundError.
        """
        entry = await self.entry(actor, link_name, call.user)
        service = entry.resolved.service
        url = absolute_url(service, call.url)
        keeps = entry.connection.policy.keep_bodies
        recorded = Recorded(call.method.upper()[:10], url, call.request_id, time.perf_counter(), keeps)
        try:
            self.outbound.check(url, service.hosts)
            request = build_request(service, call)
            target = self.outbound.check(request.url, service.hosts)
            check_policy(entry.connection, service, request.method, target.path)
            pages = 0
            if call.all_pages:
                response, pages = await self._all_pages(entry, request, recorded)
            else:
                response = await self._answer(entry, request, recorded)
            recorded.status = response.status
            recorded.came(response.headers, response.body)
        except IsthmusError as problem:
            recorded.error = problem.code
            if isinstance(problem, DestinationDenied):
                problem.field = problem.field or "url"
            raise
        finally:
            self.recorder.record(actor, entry, recorded)
        elapsed_ms = (time.perf_counter() - recorded.started) * 1000
        return Answer(response.status, response.headers, response.body, elapsed_ms, call.request_id, pages)

    def stream(self, actor: Actor, link_name: str, call: StreamCall) -> StreamedCall:
        """`async with invoker.stream(...) as answer`: the third party's answer as it comes.

        A 401 is retried after a refresh where the body could be kept (64 KiB). Raises as `invoke` does, on entering.
        """
        return StreamedCall(self, actor, link_name, call)

    async def lease(
        self, actor: Actor, link_name: str, *, minimum_seconds: int = 60, user: str | None = None
    ) -> dict[str, Any]:
        """`{"headers": {...}, "expires_at": ...}`: ready-made headers that live at least `minimum_seconds` where the
        provider's lifetimes allow. Raises AccessDenied (`export_denied`) where the policy does not allow it."""
        entry = await self.entry(actor, link_name, user)
        if not entry.connection.policy.credential_export:
            raise AccessDenied(
                f"The policy of {link_name!r} does not allow its credential to be handed out.",
                code="export_denied",
                hint="Use invoke or the proxy, or let an administrator set policy.credential_export.",
            )
        entry = await self.usable(entry, minimum=timedelta(seconds=minimum_seconds))
        await self._tell_of_lease(actor, entry)
        headers = ready_headers(entry.resolved.service, self.open(entry))
        if headers is None:
            raise InputError(
                "This connection's credential does not travel in headers alone.",
                code="not_exportable",
                field="link_name",
                hint="Use invoke or the proxy; they sign each request.",
            )
        return {"headers": dict(headers), "expires_at": iso(entry.authorization.expires_at)}

    async def _tell_of_lease(self, actor: Actor, entry: Entry) -> None:
        """Write down who is given which credential before it is given; once a minute for the same one to the same actor."""
        leased = (actor.id, entry.authorization.id, entry.authorization.version)
        now = time.monotonic()
        if now - self._leases.get(leased, -LEASE_TOLD_SECONDS) < LEASE_TOLD_SECONDS:
            return
        details = {"authorization": entry.authorization.id, "user": entry.authorization.resource_owner or None}
        link_name = entry.connection.link_name
        activity = ActivityEntry.by(actor, self._clock(), "credential.lease", link_name, details)
        await self._storage.add_journal(Journal(activity=(activity,)))
        if len(self._leases) > MOST_LEASES:
            self._leases.clear()
        self._leases[leased] = now

    # --- choosing the credential

    def known(self, actor: Actor, link_name: str, user: str | None) -> Entry | None:
        """The hot path: a shared connection that was looked at within the last second."""
        entry = self.lookup.remembered(link_name, "")
        if entry is None or entry.connection.use_credentials_of_login_user or not may_see(actor, link_name):
            return None
        return entry

    async def entry(self, actor: Actor, link_name: str, user: str | None) -> Entry:
        require(actor, "connections.use")
        if not may_see(actor, link_name):
            raise NotFound(f"There is no connection {link_name!r}.", code="connection_not_found", field="link_name")
        entry = self.known(actor, link_name, user)
        if entry is not None:
            return entry
        connection = visible(actor, await self.lookup.connection(link_name), link_name)
        return await self.lookup.find(link_name, resource_owner(actor, connection, user))

    async def usable(
        self, entry: Entry, *, failed_version: int | None = None, minimum: timedelta = timedelta(0)
    ) -> Entry:
        authorization = entry.authorization
        fresh = await self._refresher.usable(authorization, failed_version=failed_version, minimum=minimum)
        return entry if fresh is authorization else self.lookup.renew(entry, fresh)

    # --- sending

    def attached(self, entry: Entry, request: HttpRequest) -> HttpRequest:
        credential = self.open(entry)
        if entry.headers is not None:
            return attach_ready(request, entry.headers)
        # Only a signature or a template with the time needs the two, and they cost.
        signed = needs_moment(entry.resolved.service, credential)
        return attach(
            entry.resolved.service,
            entry.resolved.client,
            credential,
            request,
            nonce=draw_nonce() if signed else "",
            timestamp=self._clocks.timestamp(entry.connection.service) if signed else 0,
        )

    async def _send(self, entry: Entry, request: HttpRequest, recorded: Recorded | None = None) -> HttpResponse:
        """One request with safe retries; each try is attached anew (a fresh nonce for each)."""

        retry = entry.resolved.service.retry

        async def attempt() -> HttpResponse:
            attached, wrote = self.attached(entry, request), None
            if recorded is not None:
                recorded.sending(entry, request, attached)
                wrote = recorded.wrote
            return await self.outbound.send(attached, hosts=entry.resolved.service.hosts, wrote=wrote)

        def asked(response: HttpResponse) -> float | None:
            return asked_wait(retry, response, self._clock().timestamp()) if retry is not None else None

        return await with_retries(
            attempt,
            method=request.method,
            retries=self._settings.retries,
            deadline=time.monotonic() + self._settings.request_seconds,
            budget=self._budget,
            headers=request.headers,
            host=entry.connection.service,
            asked=asked,
        )

    async def _all_pages(self, entry: Entry, request: HttpRequest, recorded: Recorded) -> tuple[HttpResponse, int]:
        """Every page goes through the same checks as a call of its own: the next URL is the third party's word. The
        request that is recorded is the first one's."""
        service = entry.resolved.service

        async def send(request: HttpRequest) -> HttpResponse:
            target = self.outbound.check(request.url, service.hosts)
            check_policy(entry.connection, service, request.method, target.path)
            first = None if recorded.head else recorded
            return await self._answer(self.lookup.remembered_as(entry), request, first)

        return await gather(service, request, send, most_bytes=self._settings.response_bytes)

    async def _answer(self, entry: Entry, request: HttpRequest, recorded: Recorded | None) -> HttpResponse:
        """The answer after a refresh where one is called for, and after redirects; the request that is recorded is
        the one that was asked for, as it was sent last."""
        entry = await self.usable(entry)
        response = await self._send(entry, request, recorded)
        if response.status == 401:
            renewed = await self.after_refusal(entry, response)
            if renewed is not None:
                entry = renewed
                response = await self._send(entry, request, recorded)
        self.observer.saw(entry, response)
        for _ in range(self._settings.redirects):
            hop = self.outbound.next_hop(request, response, entry.resolved.service.hosts)
            if hop is None:
                return response
            request = hop.request
            check_policy(
                entry.connection,
                entry.resolved.service,
                request.method,
                self.outbound.check(request.url, entry.resolved.service.hosts).path,
            )
            if hop.same_origin:
                response = await self._send(entry, request)
            else:
                response = await self.outbound.send(request, hosts=entry.resolved.service.hosts)
        return response

    async def after_refusal(self, entry: Entry, response: HttpResponse) -> Entry | None:
        """The entry to try once more with after a 401, or None if there is nothing better to try."""
        if isinstance(entry.opened, OAuth1Credential):
            return entry if self._clocks.learn(entry.connection.service, response) else None
        if not entry.authorization.refreshable:
            return None
        renewed = await self.usable(entry, failed_version=entry.authorization.version)
        return renewed if renewed.authorization.version != entry.authorization.version else None

    def open(self, entry: Entry) -> Credential:
        """The credential, once everything about the destination has been checked. Raises SealBroken."""
        return self.lookup.open(entry)


async def _read_body(call: StreamCall, entry: Entry) -> Replay:
    """What of the body has to be here before the first byte is sent."""
    service = entry.resolved.service
    in_json = any(parameter.placement == "json" for parameter in service.parameters)
    signed = entry.headers is None
    return await Replay.read(call, signed=signed, whole=in_json or (signed and service.signature_body_hash))


class StreamedCall:
    """One call through the proxy, as an asynchronous context manager."""

    def __init__(self, invoker: Invoker, actor: Actor, link_name: str, call: StreamCall) -> None:
        self._invoker = invoker
        self._actor = actor
        self._link_name = link_name
        self._call = call
        self._exchange: Exchange | None = None
        self._entry: Entry | None = None
        self._recorded = Recorded(call.method, "", call.request_id, time.perf_counter())

    async def __aenter__(self) -> StreamAnswer:
        invoker, call = self._invoker, self._call
        entry = invoker.known(self._actor, self._link_name, call.user)
        self._entry = entry = entry or await invoker.entry(self._actor, self._link_name, call.user)
        self._recorded.url = stream_url(entry.resolved.service, call.target)
        try:
            answer = await self._open(entry, self._recorded.url)
        except BaseException as problem:
            await self.__aexit__(type(problem), problem, None)
            raise
        self._recorded.status = answer.status
        self._recorded.headers = answer.headers
        return StreamAnswer(answer.status, forwardable_response_headers(answer.headers), answer.chunks())

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._recorded.sent_bytes, self._recorded.received_bytes = exchange.moved()
            await exchange.__aexit__(kind, problem, trace)
        if isinstance(problem, IsthmusError):
            self._recorded.error = problem.code
        if isinstance(problem, DestinationDenied):
            problem.field = problem.field or "path"
        if self._entry is not None:
            self._invoker.recorder.record(self._actor, self._entry, self._recorded)
            self._entry = None

    async def _open(self, entry: Entry, url: str) -> StreamedResponse:
        invoker, call = self._invoker, self._call
        service = entry.resolved.service
        target = invoker.outbound.check(url, service.hosts)
        check_policy(entry.connection, service, call.method, target.path)
        entry = await invoker.usable(entry)
        invoker.open(entry)
        replay = await _read_body(call, entry) if call.body is not None else NO_BODY
        headers = with_service_headers(service, forwardable_request_headers(call.headers))
        request = HttpRequest(call.method, url, headers, replay.body, replay.form)
        answer = await self._send(entry, request, replay.rest, target)
        if answer.status == 401:
            renewed = await invoker.after_refusal(entry, HttpResponse(401, answer.headers, b""))
            if renewed is not None and replay.complete:
                if self._exchange is not None:
                    await self._exchange.__aexit__(None, None, None)
                entry = renewed
                answer = await self._send(entry, request, None, target)
        if entry.noted_version != entry.authorization.version or answer.status == 401:
            invoker.observer.saw(entry, HttpResponse(answer.status, answer.headers, b""))
        return answer

    async def _send(
        self, entry: Entry, request: HttpRequest, rest: AsyncIterator[bytes] | None, target: Target
    ) -> StreamedResponse:
        attached = self._invoker.attached(entry, request)
        self._exchange = self._invoker.outbound.stream(
            attached,
            rest,
            hosts=entry.resolved.service.hosts,
            target=target if attached.url is request.url else None,
        )
        self._recorded.sending(entry, request, attached)
        self._recorded.head = self._exchange.head
        return await self._exchange.__aenter__()
