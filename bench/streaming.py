"""A body of 1 GiB through the proxy, each way, over a plain socket that neither side buffers."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

_CHUNK = b"u" * 262_144


def download(url: str, headers: dict[str, str]) -> tuple[int, float]:
    """Bytes received and seconds taken."""
    started = time.perf_counter()
    with _ask(url, "GET", headers) as connection:
        received = -1
        buffer = bytearray(1 << 20)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65_536)
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        received = len(head.partition(b"\r\n\r\n")[2])
        while count := connection.recv_into(buffer):
            received += count
    return received, time.perf_counter() - started


def upload(url: str, headers: dict[str, str], size: int) -> tuple[bytes, float]:
    """The end of the answer, and seconds taken."""
    started = time.perf_counter()
    with _ask(
        url, "POST", {**headers, "Content-Length": str(size), "Content-Type": "application/octet-stream"}
    ) as connection:
        left = size
        while left > 0:
            connection.sendall(_CHUNK[: min(left, len(_CHUNK))])
            left -= len(_CHUNK)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
    return answer[-200:], time.perf_counter() - started


def _ask(url: str, method: str, headers: dict[str, str]) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=120)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection
