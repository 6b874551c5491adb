"""How commands end: exit codes, words, and never a traceback."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from isthmus import errors
from isthmus.cli.errors import MEANINGS, exit_code
from isthmus.cli.outcome import told


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InputError, 2),
        (errors.NotFound, 2),
        (errors.AccessDenied, 2),
        (errors.DestinationDenied, 2),
        (errors.NotConnected, 3),
        (errors.ReauthorizationRequired, 3),
        (errors.ConnectError, 3),
        (errors.SealBroken, 3),
        (errors.Unreachable, 4),
        (errors.TimedOut, 4),
        (errors.RefreshDeferred, 4),
        (errors.ProtocolError, 4),
        (errors.FunctionError, 5),
        (errors.StorageError, 70),
        (errors.KeyUnavailable, 70),
        (errors.RateLimited, 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(kind: type[errors.IsthmusError], code: int) -> None:
    assert exit_code(kind) == code
    assert code in MEANINGS


def test_an_error_is_told_with_field_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    @told
    def command() -> None:
        raise errors.InputError("The name is empty.", field="name", hint="Give one.")

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 2
    assert capsys.readouterr() == ("", "error: The name is empty.\nfield: name\nhint:  Give one.\n")


def test_an_unexpected_fault_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    @told
    def command() -> None:
        raise ValueError("password hunter2 is no number")

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 1
    shown = capsys.readouterr().err
    assert "ValueError" in shown
    assert "line" in shown
    assert "hunter2" not in shown
    assert "Traceback" not in shown


def test_ctrl_c_ends_with_130_and_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    @told
    def command() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_goes_away_is_no_fault(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "isthmus", "catalog", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


def test_a_value_that_nobody_is_there_to_give_names_its_option(terminal: Any) -> None:
    asked = terminal("user", "create", "--email", "ann@example.com", "--role", "member")
    assert asked.exit_code == 2
    assert "field: --password-stdin" in asked.stderr
