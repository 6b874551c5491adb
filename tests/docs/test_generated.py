"""The generated pages are current, and nothing that a user can meet is missing from them."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from tools.generate_docs import DOCS, NOTE, PAGES, SOURCE, collect_codes, main, openapi

from isthmus import errors
from isthmus.catalog.causes import HERE as CAUSES
from isthmus.cli.commands import HOMES, load
from isthmus.cli.errors import MEANINGS
from isthmus.practice.state import DIALS
from isthmus.records import (
    Evidence,
    Jwt,
    Lifetimes,
    Login,
    Paging,
    Parameter,
    Region,
    Repeat,
    Retry,
    Service,
    Step,
    TokenResponse,
    Variable,
)
from isthmus.records import TestRequest as WhoAmIRequest
from isthmus.settings import PREFIX, Settings


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    assert page(name) == NOTE + PAGES[name](), "run `make docs`"


def test_the_check_finds_a_page_that_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.generate_docs.PAGES", {"one.md": lambda: "one", "other.md": lambda: "other"})
    monkeypatch.setattr("tools.generate_docs.DOCS", tmp_path)
    for name, text in (("one.md", "one"), ("other.md", "old")):
        (tmp_path / name).write_text(NOTE + text)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert (tmp_path / "other.md").read_text() == NOTE + "other"


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    start = f"| `{PREFIX}{name.upper()}` | `{name}` |"
    rows = [line for line in page("settings.md").splitlines() if line.startswith(start)]
    assert len(rows) == 1
    assert len(rows[0].split("|")[4].strip()) > 10


def test_every_command_and_exit_code_is_documented() -> None:
    text = page("commands.md")
    for name in HOMES:
        nested = getattr(load(name), "commands", {})
        for word in [f"{name} {inner}" for inner in nested] or [name]:
            assert f"## isthmus {word}\n" in text
            section = text.split(f"## isthmus {word}\n")[1].split("\n## ")[0]
            assert f"Usage: isthmus {word} [OPTIONS]" in section
            assert re.search(r"\n  [A-Z][^\n]*(\n  [^\n]*)*\.\n", section), f"{word} says what it does"
    for code in MEANINGS:
        assert f"| {code} | " in text


def test_every_option_says_what_it_is() -> None:
    for name in HOMES:
        command = load(name)
        for one in getattr(command, "commands", {"": command}).values():
            for parameter in one.params:
                assert getattr(parameter, "help", ""), f"{name} {one.name} {parameter.name}"


def test_every_route_is_documented() -> None:
    text = page("api.md")
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            assert f"| `{method.upper()}` | `{path}` | " in text
            assert operation.get("description"), f"{method} {path} says what it does"


def named_in_the_sources() -> set[str]:
    """Read in another way than the generator does: every text that stands beside `code=`, or opens a Reason."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        if not path.is_relative_to(SOURCE / "practice"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'\bcode="([a-z_]+)"', text))
            found |= set(re.findall(r'default_code(?:: [\w\[\]]+)? = "([a-z_]+)"', text))
            found |= set(re.findall(r'Reason\(\s*"([a-z_]+)"', text))
            found |= set(re.findall(r': _Kind = \(\s*"([a-z_]+)"', text))
    return found


def test_the_sources_name_as_many_codes_as_expected() -> None:
    assert len(named_in_the_sources()) > 90


@pytest.mark.parametrize("code", sorted(named_in_the_sources()))
def test_every_error_code_is_documented_with_meaning_and_remedy(code: str) -> None:
    rows = [line for line in page("errors.md").splitlines() if line.startswith(f'| <a id="{code}"></a>`{code}` |')]
    assert len(rows) == 1
    _, _, _, _, meaning, remedy, _ = re.split(r"(?<!\\)\|", rows[0])
    assert len(meaning.strip()) > 10
    assert len(remedy.strip()) > 5


def test_every_class_of_error_says_who_must_act() -> None:
    codes = collect_codes()
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.IsthmusError):
            assert kind.__doc__, name
            assert kind.default_code in codes
            assert name in (errors.__doc__ or "")


def test_every_cause_is_documented() -> None:
    text = page("causes.md")
    for name in json.loads((CAUSES / "causes.json").read_text(encoding="utf-8")):
        assert f'<a id="{name}"></a>`{name}`' in text


RECORDS = [
    *(Service, TokenResponse, Step, WhoAmIRequest, Lifetimes, Parameter, Variable),
    *(Region, Jwt, Login, Retry, Repeat, Paging, Evidence),
]


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_of_a_service_definition_is_documented(record: type) -> None:
    text = page("service-definition.md")
    assert [f.name for f in fields(record) if f.name != "kind" and f"`{f.name}`" not in text] == []


@pytest.mark.parametrize("dial", DIALS)
def test_every_dial_is_documented(dial: str) -> None:
    assert re.search(rf"^\| `{dial}` \| .* \| .{{10,}} \|$", page("practice.md"), re.M)


def test_the_generator_reads_the_sources_and_not_itself() -> None:
    tree = ast.parse('raise InputError(f"No {x}.", code="made_up", hint="Do.")')
    from tools.generate_docs import _Module

    assert list(_Module(tree).sites()) == [("InputError", "made_up", "No ….", "Do.", 0)]
