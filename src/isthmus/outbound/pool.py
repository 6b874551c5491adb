"""Connections to pinned addresses, kept alive per origin.

A name is resolved, every address of the answer is judged, and only a judged address is dialled, as a number.
The answer is used for half a minute at most; connections live on as long as their address is still in the answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict

from isthmus.errors import DestinationDenied, OutboundError, TimedOut, Unreachable
from isthmus.outbound.names import Resolver, addresses_of
from isthmus.outbound.policy import AddressPolicy
from isthmus.outbound.target import Origin
from isthmus.outbound.wire import Connection

_ANSWER_SECONDS = 30.0
_IDLE_SECONDS = 60.0
_SWEEP_SECONDS = 15.0
_IDLE_PER_ORIGIN = 64
_ORIGINS = 512


class _Lane:
    """The pinned addresses of one origin and its idle connections, the latest used last."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.addresses: tuple[str, ...] = ()
        self.expires = 0.0
        self.idle: list[Connection] = []
        self.resolving = asyncio.Lock()
        self.dropped = False


class Pool:
    """Hands out connections; `acquire`, then `release` whatever became of them."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver, tls: ssl.SSLContext) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls = tls
        self._lanes: OrderedDict[Origin, _Lane] = OrderedDict()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def acquire(self, origin: Origin, connect_seconds: float, *, fresh: bool = False) -> Connection:
        """A connection to the origin, kept alive or (`fresh`) new.

        Raises DestinationDenied (`address_denied`, `scheme_denied`), Unreachable (`name_not_resolved`,
        `connection_refused`, `tls_failed`) or TimedOut (`connect_timed_out`): nothing has been sent then.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(origin)
        if lane is not None and lane.expires > loop.time() and not fresh:
            connection = _take_idle(lane)
            if connection is not None:
                return connection
        deadline = loop.time() + connect_seconds
        lane = lane or self._open_lane(origin)
        self._lanes.move_to_end(origin)
        try:
            async with asyncio.timeout_at(deadline):
                await self._pin(lane)
                connection = None if fresh else _take_idle(lane)
                return connection or await self._dial(lane, deadline)
        except TimeoutError:
            raise TimedOut(f"Connecting to {origin.host} took too long.", code="connect_timed_out") from None

    def release(self, origin: Origin, connection: Connection) -> None:
        """End the exchange; the connection is kept if it is clean and its address still the origin's."""
        if not connection.finish():
            return
        lane = self._lanes.get(origin)
        if lane is None or self._closed or len(lane.idle) >= _IDLE_PER_ORIGIN or not _is_pinned(lane, connection):
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        lane.idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP_SECONDS, self._sweep_idle)

    def close(self) -> None:
        """Close what is idle now; connections in use are closed as they come back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for lane in self._lanes.values():
            _abort_idle(lane)
        self._lanes.clear()

    @property
    def idle_connections(self) -> int:
        return sum(len(lane.idle) for lane in self._lanes.values())

    def _open_lane(self, origin: Origin) -> _Lane:
        lane = self._lanes[origin] = _Lane(origin)
        if len(self._lanes) > _ORIGINS:
            _, oldest = self._lanes.popitem(last=False)
            _abort_idle(oldest)
        return lane

    async def _pin(self, lane: _Lane) -> None:
        loop = asyncio.get_running_loop()
        async with lane.resolving:
            if lane.expires > loop.time():
                return
            addresses = await addresses_of(self._resolver, lane.origin.host, lane.origin.port)
            excepted = self._policy.judge(lane.origin.host, addresses)
            if lane.origin.scheme != "https" and not excepted:
                raise DestinationDenied(
                    f"The host {lane.origin.host} may be reached by https only.", code="scheme_denied"
                )
            lane.addresses = tuple(map(str, addresses))
            lane.expires = loop.time() + _ANSWER_SECONDS
            stale = [connection for connection in lane.idle if not _is_pinned(lane, connection)]
            lane.idle = [connection for connection in lane.idle if _is_pinned(lane, connection)]
        for connection in stale:
            connection.abort()

    async def _dial(self, lane: _Lane, deadline: float) -> Connection:
        """The first address that answers; each may take its share of the time that is left."""
        loop = asyncio.get_running_loop()
        problem: OutboundError | None = None
        addresses = lane.addresses
        for position, address in enumerate(addresses):
            share = (deadline - loop.time()) / (len(addresses) - position)
            try:
                async with asyncio.timeout(share):
                    return await self._connect(lane.origin, address)
            except TimeoutError:
                problem = TimedOut(f"Connecting to {lane.origin.host} took too long.", code="connect_timed_out")
            except (OSError, ssl.SSLError) as failure:
                problem = _explain(lane.origin.host, failure)
        assert problem is not None
        # The name may lead elsewhere by now.
        lane.expires = 0.0
        raise problem from None

    async def _connect(self, origin: Origin, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        secure = origin.scheme == "https"
        _, connection = await loop.create_connection(
            lambda: Connection(origin.host, address),
            address,
            origin.port,
            ssl=self._tls if secure else None,
            server_hostname=origin.host if secure else None,
        )
        return connection

    def _sweep_idle(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - _IDLE_SECONDS
        left = 0
        for lane in self._lanes.values():
            for connection in lane.idle:
                if connection.idle_since < oldest:
                    connection.abort()
            lane.idle = [connection for connection in lane.idle if connection.alive]
            left += len(lane.idle)
        self._sweep = loop.call_later(_SWEEP_SECONDS, self._sweep_idle) if left else None


def _take_idle(lane: _Lane) -> Connection | None:
    while lane.idle:
        connection = lane.idle.pop()
        if connection.alive:
            return connection
    return None


def _is_pinned(lane: _Lane, connection: Connection) -> bool:
    return connection.address in lane.addresses


def _abort_idle(lane: _Lane) -> None:
    for connection in lane.idle:
        connection.abort()
    lane.idle.clear()


def _explain(host: str, problem: OSError) -> OutboundError:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return Unreachable(
            f"The certificate of {host} is not accepted: {_certificate_reason(problem.verify_code)}.",
            code="tls_failed",
            hint="Check the third party's certificate; name a private authority with ISTHMUS_CA_BUNDLE.",
        )
    # A server that shares no TLS version with us often just closes.
    if isinstance(problem, ssl.SSLError | ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return Unreachable(
            f"No secure connection to {host} could be made.",
            code="tls_failed",
            hint="The third party must speak TLS 1.2 or newer on this port.",
        )
    return Unreachable(f"The connection to {host} was refused.", code="connection_refused")


def _certificate_reason(code: int) -> str:
    reasons = {
        9: "it is not valid yet",
        10: "it has expired",
        18: "it is self-signed",
        19: "its authority is not known",
        20: "its authority is not known",
        21: "its authority is not known",
        62: "it was made for another host",
        64: "it was made for another address",
    }
    return reasons.get(code, "it could not be verified")
