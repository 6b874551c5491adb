from typing import Any

import pytest

from isthmus.errors import ProtocolError
from isthmus.protocols import read_answer, text_at, value_at
from isthmus.protocols.text import clean
from isthmus.records import HttpResponse

DOCUMENT = {"a": {"b": [{"c": 1}, {"c": "two"}]}, "dash-ed": "x", "none": None, "flag": True, "bad": "a\x00b"}


def test_error_names_the_status_and_shows_nothing_of_the_body() -> None:
    with pytest.raises(ProtocolError) as caught:
        read_answer(HttpResponse(418, (), b"<p>cnry-secret</p>"))
    assert caught.value.status == 418
    assert "418" in caught.value.message
    assert "cnry" not in f"{caught.value.message}{caught.value.description}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "x",
        "a.x",
        "a.b.2.c",
        "a.b.-3",
        "a.b[c=3]",
        "a.b[c]",
        "a[",
        "a.b]",
        "dash-ed.@claims",
        "flag.@first",
        "a.b.c",
        "a.b.0.c.d",
        "none",
        "none.x",
        "a..b",
        "a.b.²",
        ".",
        "|",
    ],
)
def test_path_that_leads_nowhere_holds_nothing(path: str) -> None:
    assert value_at(DOCUMENT, path) is None
    assert text_at(DOCUMENT, path) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b.1.c", "two"), ("a.b.0.c", 1), ("dash-ed", "x"), ("x|none|dash-ed", "x"), ("dash-ed|a.b.1.c", "x")],
)
def test_path_leads_through_objects_and_lists(path: str, value: Any) -> None:
    assert value_at(DOCUMENT, path) == value
    assert text_at(DOCUMENT, path) == str(value)


@pytest.mark.parametrize("path", ["a", "a.b", "flag", "bad"])
def test_what_is_no_plain_text_is_not_text(path: str) -> None:
    assert value_at(DOCUMENT, path) is not None
    assert text_at(DOCUMENT, path) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb", "a b"),
        ("\x1b[31mred", "[31mred"),
        ("a\u202eb\u200fc\ufeff", "a b c"),
        ("\ud800x", "x"),
        ("<b>é</b>", "<b>é</b>"),
        ("  ", ""),
    ],
)
def test_words_of_a_third_party_become_one_plain_line(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_words_of_a_third_party_are_cut() -> None:
    assert clean("x" * 301) == "x" * 299 + "…"
    assert clean("x" * 300) == "x" * 300
    assert len(clean("\n x" * 100_000)) == 300
