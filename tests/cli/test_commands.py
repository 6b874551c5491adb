"""The tree of commands."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import pytest

from isthmus import __version__
from isthmus.cli.commands import HOMES, load


def test_an_unknown_command_is_wrong_use(terminal: Any) -> None:
    asked = terminal("conect")
    assert asked.exit_code == 2
    assert "conect" in asked.stderr


@pytest.mark.parametrize("name", HOMES)
def test_every_command_says_what_it_does(terminal: Any, name: str) -> None:
    asked = terminal(name, "--help")
    assert asked.exit_code == 0
    assert f" {name} [OPTIONS]" in asked.stdout


def test_the_version_is_printed(terminal: Any) -> None:
    assert terminal("--version").stdout == f"isthmus {__version__}\n"


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--version"], ["isthmus.app", "fastapi", "sqlalchemy", "granian"]),
        (["api-key", "--help"], ["fastapi", "granian"]),
        (["invoke", "--help"], ["fastapi", "granian"]),
        (["practice", "--help"], ["isthmus.app", "fastapi", "sqlalchemy"]),
    ],
)
def test_a_command_loads_only_what_it_needs(words: list[str], unwanted: list[str]) -> None:
    program = (
        "import sys\nfrom isthmus.cli import main\n"
        f"sys.argv = ['isthmus', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {unwanted!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stderr.strip() == "[]"


def test_loading_a_command_leaves_the_collector_as_it_was() -> None:
    load("status")
    assert gc.isenabled()
