"""`Outbound`: check where a request goes, send it, and give back the answer whole or as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from types import TracebackType

from isthmus.errors import DestinationDenied, ResponseTooLarge, Unreachable
from isthmus.outbound.decoding import ACCEPTED, Decoder
from isthmus.outbound.limits import Limits
from isthmus.outbound.names import Resolver, SystemResolver
from isthmus.outbound.policy import AddressPolicy
from isthmus.outbound.pool import Pool
from isthmus.outbound.redirects import Hop, next_request
from isthmus.outbound.request import Prepared, prepare
from isthmus.outbound.target import Origin, Target, is_host_allowed, read_authority, split_url
from isthmus.outbound.tls import build_context
from isthmus.outbound.wire import Connection
from isthmus.records import Headers, HttpRequest, HttpResponse
from isthmus.settings import Settings

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_REMEMBERED_ORIGINS = 4096


class StreamedResponse:
    """An answer whose body is still coming. Header names are lower case; content codings are left as they are."""

    def __init__(self, connection: Connection) -> None:
        self.status = connection.status
        self.headers: Headers = tuple(connection.headers)
        self._connection = connection

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they came over the wire; reading slowly slows the third party down.

        Raises TimedOut (`timed_out`, `idle`), Unreachable (`connection_lost`).
        """
        return _Chunks(self._connection)


class _Chunks:
    """The bytes of a body. No generator: those cost each call an entry with the event loop."""

    __slots__ = ("_read",)

    def __init__(self, connection: Connection) -> None:
        self._read = connection.read

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._read()
        if piece is None:
            raise StopAsyncIteration
        return piece


class Outbound:
    """The only door to the network."""

    def __init__(self, settings: Settings, *, resolver: Resolver | None = None) -> None:
        self._policy = AddressPolicy(settings.egress_allow)
        self._system_names = None if resolver is not None else SystemResolver()
        names = resolver or self._system_names
        assert names is not None
        self._pool = Pool(self._policy, names, build_context(settings.ca_bundle))
        self._buffered_limits = Limits.buffered(settings)
        self._streamed_limits = Limits.streamed(settings)
        self._checked: dict[tuple[str, str, tuple[str, ...] | None], Origin] = {}

    def check(self, url: str, hosts: Sequence[str] | None) -> Target:
        """Where the URL leads, without looking anything up.

        `hosts` is the allow-list (`is_host_allowed`), None for no list; the address policy holds either way, here
        for addresses written in the URL and again for every address a name resolves to.
        Raises DestinationDenied (`url_malformed`, `scheme_denied`, `host_not_allowed`, `address_denied`).
        """
        scheme, authority, path = split_url(url)
        return Target(self._origin(scheme, authority, hosts), path)

    async def send(
        self,
        request: HttpRequest,
        *,
        hosts: Sequence[str] | None,
        limits: Limits | None = None,
        wrote: Callable[[bytes, bytes], None] | None = None,
    ) -> HttpResponse:
        """The whole answer, whatever its status, with its compression undone.

        `wrote` is told head and body of the request as they are written, before they are; the head has the credential.

        Redirects are not followed (`next_hop`), nothing is repeated (`with_retries`).
        Raises InputError (nothing sent), DestinationDenied (nothing sent), Unreachable, TimedOut, ResponseTooLarge.
        """
        started = time.perf_counter()
        limits = limits or self._buffered_limits
        exchange = Exchange(self, request, None, hosts, limits, ACCEPTED)
        if wrote is not None:
            wrote(exchange.head, exchange.body)
        async with exchange as answer:
            body, decoded = await _collect(exchange.target.host, request.method, answer, limits)
        headers = answer.headers
        if decoded:
            headers = tuple(pair for pair in headers if pair[0] not in ("content-encoding", "content-length"))
        elapsed_ms = (time.perf_counter() - started) * 1000
        return HttpResponse(answer.status, headers, body, elapsed_ms, exchange.target.url)

    def stream(
        self,
        request: HttpRequest,
        body: AsyncIterable[bytes] | None,
        *,
        hosts: Sequence[str] | None,
        limits: Limits | None = None,
        target: Target | None = None,
    ) -> Exchange:
        """`async with outbound.stream(...) as answer`: the answer as it comes, both ways held back by the slower side.

        `target` is what `check` made of this very URL and these hosts, if that was done already.

        `body` is sent as it comes, framed by the request's Content-Length or else chunked; None sends the request's
        own body. Raises as `send` does, and whatever `body` raises; leaving early closes the connection.
        """
        return Exchange(self, request, body, hosts, limits or self._streamed_limits, None, target)

    def next_hop(self, request: HttpRequest, response: HttpResponse, hosts: Sequence[str] | None) -> Hop | None:
        """Where a redirect leads, as a request without any credential, or None where the answer is final.

        `request` is the request as it was before its credential was attached. A redirect that would carry a body
        to another origin is not followed: its answer is final.
        Raises DestinationDenied where it leads outside `hosts`, from https to http, or nowhere sensible.
        """
        following = next_request(request, response)
        if following is None:
            return None
        here = read_authority(*split_url(request.url)[:2])
        target = self.check(following.url, hosts)
        if here.scheme == "https" and target.scheme != "https":
            raise DestinationDenied("The redirect leads from https to http.", code="scheme_denied")
        return following.at(target.url, same_origin=here == target.origin)

    async def close(self) -> None:
        """Close idle connections and stop resolving names."""
        self._pool.close()
        if self._system_names is not None:
            self._system_names.close()

    def _origin(self, scheme: str, authority: str, hosts: Sequence[str] | None) -> Origin:
        key = (scheme, authority, None if hosts is None else tuple(hosts))
        known = self._checked.get(key)
        if known is not None:
            return known
        origin = read_authority(scheme, authority)
        if hosts is not None and not is_host_allowed(origin, hosts):
            raise DestinationDenied(
                f"The host {origin.host} (port {origin.port}) is not among the service's hosts.",
                code="host_not_allowed",
                hint="Use a URL within the service's hosts, or let an administrator add the host to the service.",
            )
        if origin.address is not None:
            self._policy.judge(origin.host, (origin.address,))
        if scheme != "https":
            self._check_plain(origin)
        if len(self._checked) >= _REMEMBERED_ORIGINS:
            self._checked.clear()
        self._checked[key] = origin
        return origin

    def _check_plain(self, origin: Origin) -> None:
        """Plain http only to exceptions. A name may turn out to lie in an excepted network; the pool decides then."""
        if self._policy.is_host_excepted(origin.host):
            return
        address = origin.address
        if self._policy.is_excepted(address) if address is not None else self._policy.has_networks:
            return
        raise DestinationDenied(
            f"The host {origin.host} may be reached by https only.",
            code="scheme_denied",
            hint="Use https, or let an administrator of the installation except the host with ISTHMUS_EGRESS_ALLOW.",
        )


class Exchange:
    """One request and its answer, as an asynchronous context manager."""

    def __init__(
        self,
        outbound: Outbound,
        request: HttpRequest,
        body: AsyncIterable[bytes] | None,
        hosts: Sequence[str] | None,
        limits: Limits,
        accept_encoding: str | None,
        target: Target | None = None,
    ) -> None:
        self.target = target or outbound.check(request.url, hosts)
        self._prepared: Prepared = prepare(
            request, self.target, streamed=body is not None, accept_encoding=accept_encoding
        )
        self._pool = outbound._pool
        self._body = body
        self._limits = limits
        self._connection: Connection | None = None
        self._upload: asyncio.Task[None] | None = None

    @property
    def head(self) -> bytes:
        """The request's head as it is written, with the credential."""
        return self._prepared.head

    @property
    def body(self) -> bytes:
        """The request's body as it is written; empty where it is streamed."""
        return self._prepared.body

    def moved(self) -> tuple[int | None, int | None]:
        """How many bytes of the request's body were sent, and of the answer's came, until now; None where that is not
        known (any more): ask before the exchange is left."""
        connection = self._connection
        sent = len(self._prepared.body) if self._body is None else connection.uploaded_bytes if connection else None
        return sent, connection.body_bytes if connection else None

    async def __aenter__(self) -> StreamedResponse:
        deadline = asyncio.get_running_loop().time() + self._limits.total_seconds
        try:
            await self._ask(deadline, fresh=False)
        except Unreachable:
            if not self._was_stale():
                self._leave()
                raise
            self._leave()
            await self._ask_again(deadline)
        except BaseException:
            self._leave()
            raise
        assert self._connection is not None
        return StreamedResponse(self._connection)

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def _ask_again(self, deadline: float) -> None:
        try:
            await self._ask(deadline, fresh=True)
        except BaseException:
            self._leave()
            raise

    async def _ask(self, deadline: float, *, fresh: bool) -> None:
        loop = asyncio.get_running_loop()
        left = max(0.0, min(self._limits.connect_seconds, deadline - loop.time()))
        connection = self._connection = await self._pool.acquire(self.target.origin, left, fresh=fresh)
        prepared = self._prepared
        connection.start(prepared.method, self._limits, deadline)
        connection.write(prepared.head + prepared.body if len(prepared.body) < 65536 else prepared.head)
        if len(prepared.body) >= 65536:
            connection.write(prepared.body)
        if self._body is not None:
            self._upload = loop.create_task(_upload(connection, self._body, prepared.length))
        await connection.head()

    def _was_stale(self) -> bool:
        """A kept connection that the other side closed just as it was used: nothing was answered, and the request
        may be sent once more on a new one if it does the same twice (RFC 9110 section 9.2.2)."""
        connection = self._connection
        return (
            connection is not None
            and connection.exchanges > 1
            and connection.received_bytes == 0
            and self._body is None
            and self._prepared.method in _IDEMPOTENT
        )

    def _leave(self) -> None:
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
        self._upload = None
        if self._connection is not None:
            self._pool.release(self.target.origin, self._connection)
            self._connection = None


async def _upload(connection: Connection, body: AsyncIterable[bytes], length: int | None) -> None:
    try:
        await connection.upload(body, length)
    except Exception as problem:
        # Whoever waits for the answer is told; there is nobody else to tell.
        connection.fail(problem)


async def _collect(host: str, method: str, answer: StreamedResponse, limits: Limits) -> tuple[bytes, bool]:
    """The body, decoded, and whether it had to be. HEAD, 204 and 304 describe a body they do not have."""
    if method == "HEAD" or answer.status in (204, 304):
        async for _ in answer.chunks():
            pass
        return b"", False
    _check_announced(host, answer.headers, limits.wire_bytes)
    decoder = Decoder(host, answer.headers, limits.decoded_bytes)
    wire = 0
    async for piece in answer.chunks():
        wire += len(piece)
        if limits.wire_bytes is not None and wire > limits.wire_bytes:
            raise _too_large(host, limits.wire_bytes)
        decoder.feed(piece)
    return decoder.finish(), decoder.active


def _check_announced(host: str, headers: Headers, limit: int | None) -> None:
    if limit is None:
        return
    for name, value in headers:
        if name == "content-length" and value.isascii() and value.isdigit() and int(value) > limit:
            raise _too_large(host, limit)


def _too_large(host: str, limit: int) -> ResponseTooLarge:
    return ResponseTooLarge(f"The answer of {host} is larger than {limit} bytes.")
