"""From host names to addresses."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from isthmus.errors import Unreachable
from isthmus.outbound.target import IPAddress, literal_address


class Resolver(Protocol):
    """Gives all addresses of a host name, as text. Raises OSError where there are none."""

    async def resolve(self, host: str, port: int) -> Sequence[str]: ...


class SystemResolver:
    """The system's resolver (hosts file, DNS), on threads of its own: a slow name must not hold up other work."""

    def __init__(self, threads: int = 16) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="isthmus-names")

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def addresses_of(resolver: Resolver, host: str, port: int) -> tuple[IPAddress, ...]:
    """All addresses of a host; itself where it is one. Raises Unreachable (`name_not_resolved`)."""
    literal = literal_address(host)
    if literal is not None:
        return (literal,)
    try:
        texts = await resolver.resolve(host, port)
        addresses = tuple(ipaddress.ip_address(text) for text in texts)
    except (OSError, UnicodeError, ValueError):
        addresses = ()
    if not addresses:
        raise Unreachable(f"The host name {host} could not be resolved.", code="name_not_resolved")
    # IPv4 first: a host without working IPv6 must not wait for each call's first attempt to fail.
    return tuple(sorted(addresses, key=lambda address: address.version))


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
