"""What a program takes of its built-ins: all that it needs, and not what only has the name of a variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.functions.library import Library
from isthmus.functions.sandbox.images import LIBRARIES

MODULE = '''"""Words."""
from typing import Any
import json
LIMIT: int = 5


class Box:
    """A box."""

    def __init__(self, value: Any) -> None:
        self.value = helper(value)


def helper(value: Any, other: int = LIMIT) -> Any:
    """Words."""
    return value


def shown(value: Any) -> str:
    return json.dumps(value)


def own(value: Any) -> Any:
    shown = value
    return shown


def within(values: Any) -> Any:
    return [helper for helper in values], helper(1)


def boxed(value: Any) -> Any:
    return Box(value)
'''


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "module.py").write_text(MODULE)
    return Library(tmp_path, "package")


@pytest.mark.parametrize(
    ("name", "taken", "left"),
    [
        ("own", ["def own"], ["def shown", "json", "helper"]),
        ("shown", ["import json", "def shown"], ["def own", "Box"]),
        ("boxed", ["class Box", "def helper", "LIMIT = 5", "def boxed"], ["json", "def own"]),
        ("within", ["def within", "def helper"], ["Box"]),
    ],
)
def test_a_name_brings_what_it_needs_and_no_more(
    library: Library, name: str, taken: list[str], left: list[str]
) -> None:
    source = library.source(library.needed(f"x = {name}(1)"))
    assert all(text in source for text in taken)
    assert not any(text in source for text in left)
    assert "Words" not in source
    assert "Any" not in source
    compile(source, "source", "exec")


def test_a_name_that_two_modules_define_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    (tmp_path / "b.py").write_text("def f():\n    return 2\n")
    with pytest.raises(ValueError, match="another module defines too"):
        Library(tmp_path, "package").needed("f()")


def test_an_empty_script_carries_little() -> None:
    """It goes through every snapshot of every run."""
    deluge = LIBRARIES["deluge"]
    assert len(deluge.source(deluge.needed("") | {"finish"})) < 6_000
    assert len(deluge.source(deluge.needed("") | {"finish", "invoke"})) < 10_000
