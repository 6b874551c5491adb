"""What only a real server and a socket show: broken answers, clients that go away, drip-fed bodies, raw paths."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.ports import free_port

from isthmus.authserver.keys import draw_key

PROJECT = Path(__file__).parents[2]


class Wire(NamedTuple):
    port: int
    pid: int
    key: str
    notes: Path
    output: Path

    def send(self, head: str, body: bytes = b"", *, close: bool = True) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        closing = "Connection: close\r\n" if close else ""
        connection.sendall(f"{head}\r\nHost: 127.0.0.1\r\n{closing}\r\n".encode() + body)
        return connection

    def ask(self, head: str, body: bytes = b"") -> bytes:
        with self.send(head, body) as connection:
            return read_all(connection)

    def noted(self, part: str) -> str:
        """The line of the notes that holds `part`, waited for at most twenty seconds."""
        for _ in range(400):
            line = next((line for line in self.notes.read_text().splitlines() if part in line), "")
            if line:
                return line
            time.sleep(0.05)
        raise AssertionError(f"nothing noted about {part}")

    def told(self, part: str) -> str:
        """What the server wrote, once that part is there; waited for as long as for the notes."""
        for _ in range(400):
            text = self.output.read_text()
            if part in text:
                return text
            time.sleep(0.05)
        raise AssertionError(f"nothing told about {part}: {text}")


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    folder = tmp_path_factory.mktemp("wire")
    notes, output, key = folder / "notes", folder / "output", draw_key()
    port = free_port()
    notes.touch()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{PROJECT / 'src'}:{PROJECT}",
        "STAND_IN_KEY": key,
        "STAND_IN_NOTES": str(notes),
    }
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--workers", "1"]
    with output.open("wb") as stream:
        server = subprocess.Popen(
            [*command, "tests.web.served:application"], env=environment, stdout=stream, stderr=stream, cwd=PROJECT
        )
    try:
        for _ in range(200):
            if b'"started"' in output.read_bytes():
                break
            time.sleep(0.05)
        else:
            raise AssertionError(output.read_text())
        worker = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[-1])
        yield Wire(port, worker, key, notes, output)
    finally:
        server.terminate()
        server.wait(30)


def proxied(wire: Wire, target: str, method: str = "GET", more: str = "") -> str:
    return f"{method} /proxy/crm{target} HTTP/1.1\r\nAuthorization: Bearer {wire.key}{more}"


def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(wire: Wire) -> None:
    answer = wire.ask(proxied(wire, "/broken"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"part" in answer
    assert not answer.endswith(b"0\r\n\r\n")


def test_an_answer_of_known_length_that_breaks_off_is_short(wire: Wire) -> None:
    head, _, body = wire.ask(proxied(wire, "/broken-length")).partition(b"\r\n\r\n")
    assert b"content-length: 11" in head
    assert body == b'{"ok"'


def test_an_endless_answer_ends_when_the_client_goes_away(wire: Wire) -> None:
    with wire.send(proxied(wire, "/endless?leave")) as connection:
        assert connection.recv(65536)
    assert "sent=" in wire.noted("/endless?leave")


def test_a_silent_third_party_is_left_when_the_client_goes_away(wire: Wire) -> None:
    with wire.send(proxied(wire, "/silent?leave")) as connection:
        received = 0
        while received < 140_000:
            received += len(connection.recv(65536))
    wire.noted("/silent?leave")


def test_a_slow_reader_slows_the_third_party_down_instead_of_filling_memory(wire: Wire) -> None:
    before = resident_kib(wire.pid)
    with wire.send(proxied(wire, "/endless?slow")) as connection:
        connection.recv(1024)
        sent = settled(lambda: int(wire.ask(proxied(wire, "/sent?slow")).rpartition(b"\r\n\r\n")[2]))
    assert 0 < sent < 64 * 1024 * 1024
    assert resident_kib(wire.pid) - before < 32 * 1024


def settled(measure: Callable[[], int]) -> int:
    """The value once it stands still for half a second; asked for at most fifteen seconds."""
    last = measure()
    for _ in range(30):
        time.sleep(0.5)
        last, previous = measure(), last
        if last == previous:
            return last
    raise AssertionError(f"still growing at {last}")


def test_a_large_upload_is_streamed(wire: Wire) -> None:
    before, size, part = resident_kib(wire.pid), 128 * 1024 * 1024, b"x" * 1024 * 1024
    more = f"\r\nContent-Length: {size}"
    with wire.send(proxied(wire, "/echo?large", "POST", more)) as connection:
        for _ in range(size // len(part)):
            connection.sendall(part)
        assert read_all(connection).startswith(b"HTTP/1.1 200")
    assert wire.noted("/echo?large").endswith(f"received={size}")
    assert resident_kib(wire.pid) - before < 32 * 1024


def test_an_upload_that_the_client_gives_up_ends_the_call(wire: Wire) -> None:
    more = "\r\nContent-Length: 1000000"
    wire.send(proxied(wire, "/echo?given-up", "POST", more), b"x" * 1000).close()
    wire.noted("/echo?given-up")


def test_a_body_that_drips_in_is_cut_off_at_the_deadline(wire: Wire) -> None:
    head = f"POST /api/v1/services HTTP/1.1\r\nAuthorization: Bearer {wire.key}"
    head += "\r\nContent-Type: application/json\r\nContent-Length: 500"
    started = time.monotonic()
    with wire.send(head, b"{", close=False) as connection:
        answer = b""
        while b"body_too_slow" not in answer and time.monotonic() - started < 5:
            connection.sendall(b" ")
            connection.settimeout(0.2)
            try:
                answer += connection.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started > 0.8


def test_a_body_without_declared_length_is_cut_off_at_the_size_limit(wire: Wire) -> None:
    head = f"POST /api/v1/services HTTP/1.1\r\nAuthorization: Bearer {wire.key}"
    head += "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    chunk = b"200\r\n" + b" " * 0x200 + b"\r\n"
    answer = wire.ask(head, chunk * 4 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


def test_head_and_kept_connections_work(wire: Wire) -> None:
    with wire.send(proxied(wire, "/x", "HEAD"), close=False) as connection:
        head = connection.recv(65536)
        assert b"content-length: 11" in head
        assert head.endswith(b"\r\n\r\n")
        request = proxied(wire, "/y") + "\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert read_all(connection).endswith(b'{"ok":true}')


def test_a_websocket_is_refused(wire: Wire) -> None:
    more = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    more += "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    connection = wire.send(proxied(wire, "/ws", "GET", more), close=False)
    with connection:
        connection.settimeout(5)
        assert not connection.recv(1000).startswith(b"HTTP/1.1 101")


def test_standard_output_holds_one_json_object_a_line_and_no_query(wire: Wire) -> None:
    wire.ask(proxied(wire, "/x?api_key=query-value"))
    wire.ask("GET /connect/one-time-token HTTP/1.1")
    text = wire.told("/connect/")
    ours = [line for line in text.splitlines() if not line.startswith("[INFO]")]
    assert any(json.loads(line)["event"] == "call" for line in ours)
    assert "query-value" not in text
    assert "one-time-token" not in text
    assert wire.key not in text


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
