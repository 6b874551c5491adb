"""Programs that try to get out get nothing, and the sandbox serves on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.functions.running import Run, opened, python, run
from tests.functions.sandbox.children import children
from tests.functions.sandbox.escapes import DELUGE, PYTHON, VARIABLE, Escape

from isthmus.errors import FunctionError
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import Failed, Finished, Program, Reply
from isthmus.functions.sandbox import Sandbox

pytestmark = pytest.mark.anyio
CANARY = "canary-5f0c1d7e-in-a-cage"
LEFT = "left-9ab3-by-another-run"


class Sink:
    """A port of ours; counts who came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.came = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.came += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def cage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sink]]:
    """A file and a variable that hold the canary, and a port; all there before a worker starts."""
    file = tmp_path_factory.mktemp("cage") / "canary.txt"
    file.write_text(CANARY)
    os.environ[VARIABLE] = CANARY
    sink = Sink()
    try:
        yield file, sink
    finally:
        del os.environ[VARIABLE]
        sink.close()


@pytest.fixture(scope="module")
async def sandbox(anyio_backend: str, cage: object) -> AsyncIterator[Sandbox]:
    """One worker, in which another run has left what it could."""
    async with opened(workers=1) as made:
        source = f"global left_behind\nleft_behind = '{LEFT}'\nFile.left_behind = left_behind\nreturn left_behind"
        assert (await run(made, python(source))).value == LEFT
        yield made


def put_in(source: str, cage: tuple[Path, Sink]) -> str:
    return source.replace("FILE", str(cage[0])).replace("PORT", str(cage[1].port))


def outside(source: str, tmp_path: Path) -> str:
    """What the program prints in plain Python."""
    script = tmp_path / "outside.py"
    script.write_text(f"import os\ndef main():\n{textwrap.indent(source, '    ')}\nprint(main())\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def told(ended: Run) -> str:
    """Everything that a run gave away."""
    return f"{ended.end!r} {ended.info!r} {ended.calls!r}"


async def contained(sandbox: Sandbox, program: Program, cage: tuple[Path, Sink]) -> Run:
    came = cage[1].came
    ended = await run(sandbox, program, replies=[Reply(fault="refused")] * 5)
    assert CANARY not in told(ended)
    assert LEFT not in told(ended)
    assert cage[1].came == came
    assert [path.name for path in cage[0].parent.iterdir()] == [cage[0].name]
    assert cage[0].read_text() == CANARY
    assert (await run(sandbox, python("return 1"))).value == 1
    return ended


@pytest.mark.parametrize("escape", PYTHON, ids=lambda escape: escape.name)
async def test_a_python_program_gets_nothing(
    sandbox: Sandbox, cage: tuple[Path, Sink], tmp_path: Path, escape: Escape
) -> None:
    source = put_in(escape.source, cage)
    ended = await contained(sandbox, python(source), cage)
    assert isinstance(ended.end, Failed)
    if escape.works_outside:
        came = cage[1].came
        worked = CANARY in outside(source, tmp_path)
        made = cage[0].with_name(cage[0].name + ".made")
        worked = worked or cage[1].came > came or made.exists()
        made.unlink(missing_ok=True)
        assert worked, "this program gets nowhere outside either"


@pytest.mark.parametrize("escape", DELUGE, ids=lambda escape: escape.name)
async def test_a_deluge_script_gets_nothing(sandbox: Sandbox, cage: tuple[Path, Sink], escape: Escape) -> None:
    # Some are refused before they run, which is as well.
    with suppress(FunctionError):
        await contained(sandbox, compile_deluge(put_in(escape.source, cage)), cage)


async def test_a_script_cannot_lift_its_limit_by_the_compilers_own_names(sandbox: Sandbox) -> None:
    source = 'limit = 99999999; n = 0; for each x in "a,".repeat(6000).toList() { n = 0; limit = 99999999; }'
    ended = await run(sandbox, compile_deluge(source))
    assert ended.fault.code == "limit_statements"


async def test_what_a_run_changes_in_the_built_ins_ends_with_it(sandbox: Sandbox) -> None:
    await run(sandbox, python("global info, finish\ndef info(*a): pass\nfinish = info\nreturn 1"))
    ended = await run(sandbox, python("info('heard')\nreturn 1"))
    assert isinstance(ended.end, Finished)
    assert ended.info == ["heard"]


async def test_a_worker_has_no_environment(sandbox: Sandbox) -> None:
    assert (await run(sandbox, python("return 1"))).value == 1
    found = [(Path("/proc") / str(pid) / "environ").read_bytes() for pid in children()]
    assert found
    assert set(found) == {b""}


def test_there_are_more_than_thirty() -> None:
    assert len(PYTHON) + len(DELUGE) >= 30
    assert sum(escape.works_outside for escape in PYTHON) >= 25
