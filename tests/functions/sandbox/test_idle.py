"""A sandbox that nobody uses costs nothing: neither the interpreter's library nor a worker."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.functions.running import opened, python, run

from isthmus.functions.sandbox import Sandbox

LOADED = """
import sys
from isthmus.functions.sandbox import Sandbox
import isthmus.app
idle = Sandbox(2)
print([name for name in sys.modules if name.startswith("pydantic_monty")])
idle.close()
"""


def test_an_application_without_a_run_has_not_loaded_the_interpreter() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.anyio
async def test_a_closed_sandbox_refuses_and_is_not_opened_again() -> None:
    async with opened(workers=1) as sandbox:
        assert (await run(sandbox, python("return 1"))).value == 1
    with pytest.raises(RuntimeError, match="closed"):
        await run(sandbox, python("return 1"))
    unused = Sandbox(1)
    unused.close()
    with pytest.raises(RuntimeError, match="closed"):
        await unused.check(python("return 1"))
