"""What keeps every command from beginning: settings, database, key."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

COMMANDS = [("api-key", "list"), ("serve", "--port", "18499"), ("export",), ("status",)]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_setting_that_does_not_parse_is_named(terminal: Any, words: tuple[str, ...]) -> None:
    asked = terminal(*words, redirects="many")
    assert asked.exit_code == 2
    assert "ISTHMUS_REDIRECTS" in asked.stderr
    assert "whole number" in asked.stderr


@pytest.mark.parametrize(("zone", "code"), [("utc", 2), ("Europe/Nowhere", 2), ("Europe/Madrid", 0), ("UTC", 0)])
def test_a_time_zone_is_one_that_there_is(terminal: Any, zone: str, code: int) -> None:
    asked = terminal("api-key", "list", function_timezone=zone)
    assert asked.exit_code == code
    assert ("ISTHMUS_FUNCTION_TIMEZONE" in asked.stderr) == (code == 2)


def test_an_unknown_key_in_the_file_is_named(terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "isthmus.toml"
    path.write_text('data_dri = "somewhere"\n')
    for words in (["--config", str(path), "api-key", "list"], ["api-key", "list", "--config", str(path)]):
        asked = terminal(*words, config="")
        assert asked.exit_code == 2
        assert "data_dri" in asked.stderr
        assert str(path) in asked.stderr


def test_the_file_is_read_and_the_environment_wins(terminal: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "isthmus.toml"
    path.write_text(f'data_dir = "{tmp_path / "from-file"}"\n')
    monkeypatch.delenv("ISTHMUS_DATA_DIR")
    assert terminal("api-key", "list", "--config", str(path)).exit_code == 0
    assert (tmp_path / "from-file" / "isthmus.sqlite").is_file()
    assert terminal("api-key", "list", "--config", str(path), data_dir=str(tmp_path / "from-environ")).exit_code == 0
    assert (tmp_path / "from-environ" / "isthmus.sqlite").is_file()


@pytest.mark.parametrize("words", COMMANDS)
def test_a_data_directory_that_cannot_be_made_ends_with_70(terminal: Any, tmp_path: Path, words: tuple[str]) -> None:
    (tmp_path / "file").write_text("")
    asked = terminal(*words, data_dir=str(tmp_path / "file" / "data"))
    assert asked.exit_code == 70
    assert "hint:  Set ISTHMUS_DATA_DIR" in asked.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_another_key_ends_with_70_names_both_and_leaves_the_data(terminal: Any, environ: Any, words: Any) -> None:
    assert terminal("api-key", "list").exit_code == 0
    data = Path(environ["ISTHMUS_DATA_DIR"])
    before = _digest(data)
    asked = terminal(*words, master_key="A" * 43 + "=")
    assert asked.exit_code == 70
    assert "key-encryption key" in asked.stderr
    assert "Traceback" not in asked.stderr
    assert _digest(data) == before


def test_a_database_that_is_away_ends_with_70_and_does_not_show_its_password(terminal: Any) -> None:
    asked = terminal("api-key", "list", database_url="postgresql://isthmus:hunter2@127.0.0.1:1/isthmus")
    assert asked.exit_code == 70
    assert "hunter2" not in asked.stderr + asked.stdout


def _digest(data: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(data.iterdir())}
