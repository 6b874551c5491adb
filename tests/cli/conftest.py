from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.practice_server import PracticeServer
from tests.tables import lay_tables
from typer.testing import CliRunner

from isthmus.cli.commands import application
from isthmus.practice import definitions

Terminal = Callable[..., Any]


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a terminal of its own; nothing of this process's environment reaches it."""
    monkeypatch.delenv("ISTHMUS_CONFIG", raising=False)
    chosen = {
        "ISTHMUS_DATA_DIR": str(tmp_path / "data"),
        "ISTHMUS_EGRESS_ALLOW": "127.0.0.0/8",
        "ISTHMUS_PROACTIVE_REFRESH": "false",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


@pytest.fixture
def terminal(environ: dict[str, str]) -> Terminal:
    """Runs one command; its result has `exit_code`, `stdout`, `stderr`."""

    def run(*words: str, stdin: str | bytes = "", **settings: str) -> Any:
        more = {f"ISTHMUS_{name.upper()}": value for name, value in settings.items()}
        return CliRunner().invoke(application, list(words), input=stdin, env=more, catch_exceptions=False)

    return run


@pytest.fixture
def prepared(terminal: Terminal, environ: dict[str, str], practice: PracticeServer, tmp_path: Path) -> Terminal:
    """A terminal on an installation with a service and a connection for everything the practice party offers."""
    import yaml

    asyncio.run(lay_tables(Path(environ["ISTHMUS_DATA_DIR"])))
    services = definitions(practice.url)
    connections = [{"link_name": s["link_name"], "name": s["name"], "service": s["link_name"]} for s in services]
    path = tmp_path / "practice.yaml"
    path.write_text(yaml.safe_dump({"services": services, "connections": connections}))
    applied = terminal("apply", str(path))
    assert applied.exit_code == 0, applied.stderr
    return terminal
