"""What may be written down of headers and bodies that strangers wrote."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest

from isthmus.broker.withholding import (
    MOST_HEADERS,
    Hidden,
    is_text,
    kept_body,
    kept_headers,
    looks_secret,
    media_type_of,
)
from isthmus.records import Headers

NONE = Hidden(())
FORM = "application/x-www-form-urlencoded"
SECRET_NAMES = (
    "password newPassword passwd passphrase passcode pwd client_secret access_token tokens Authorization api_key apiKey "
    "API-Key access.key credentials cookie sessionId signature assertion code_verifier bearer jwt otp auth pin pass key sid sig"
)
SECRET = 'top/secret+"ü" 1'


def shown(*headers: tuple[str, str], attached: frozenset[str] = frozenset()) -> list[tuple[str, str | None, bool]]:
    return [(one.name, one.value, one.attached) for one in kept_headers(headers, attached, NONE)]


def of(media_type: str, **more: str) -> Headers:
    return (("Content-Type", media_type), *((name.replace("_", "-"), value) for name, value in more.items()))


def body(text: str, media_type: str = "application/json", hidden: Hidden = NONE, *, cut: bool = False) -> str:
    kept = kept_body(text.encode(), of(media_type), hidden, cut=cut)
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "Proxy-Authorization",
        "X-Anything",
        "ETag",
        "Link",
        "Referer",
    ],
)
def test_a_header_that_is_not_known_to_be_harmless_is_named_and_withheld(name: str) -> None:
    assert shown((name, "cnry")) == [(name, None, False)]


def test_harmless_headers_are_shown_and_a_location_without_its_query() -> None:
    given = [("Accept", "*/*"), ("X-RateLimit-Remaining", "7"), ("x-request-id", "r1"), ("Retry-After", "3")]
    assert shown(*given) == [(name, value, False) for name, value in given]
    assert shown(("Location", "https://ada:pw@x.example/a?code=cnry#cnry")) == [
        ("Location", "https://x.example/a", False)
    ]


def test_what_isthmus_attached_is_withheld_whatever_its_name() -> None:
    assert shown(("Accept", "cnry"), attached=frozenset({"accept"})) == [("Accept", None, True)]


def test_a_secret_is_taken_out_of_a_shown_header_and_no_control_character_is_kept() -> None:
    (kept,) = kept_headers([("location", "/of/cnry-123/x\x00")], frozenset(), Hidden(["cnry-123"]))
    assert (kept.value or "").startswith("/of/***/x")
    assert "\x00" not in (kept.value or "")
    (kept,) = kept_headers([("location", "/" + "x" * 294 + "cnry-123")], frozenset(), Hidden(["cnry-123"]))
    assert "cnry" not in (kept.value or "")
    assert len(kept_headers([("a", "b")] * 500, frozenset(), NONE)) == MOST_HEADERS


@pytest.mark.parametrize("name", [*SECRET_NAMES.split(), "private key"])
def test_names_that_look_secret(name: str) -> None:
    assert looks_secret(name)
    assert json.loads(body(json.dumps({"a": {name: "cnry"}}))) == {"a": {name: "***"}}
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in name)
    assert "cnry" not in body(f'{{"a": {{"{escaped}": "cnry"}}}}')
    assert "cnry" not in body(f"{name}=cnry&b=1", FORM)


@pytest.mark.parametrize("name", ["name", "author", "email", "passenger", "keyboard", "status", "compass", "pinned"])
def test_names_that_do_not(name: str) -> None:
    assert not looks_secret(name)


def test_members_that_look_secret_go_at_any_depth_and_the_rest_stays_as_it_was() -> None:
    text = json.dumps(
        {
            "name": 'A "quoted" {name}',
            "deep": [{"password": "cnry"}, {"tokens": ["cnry", {"a": "cnry"}], "b": 1}],
            "secret": {"x": {"y": "cnry"}},
            "api_key": 12345678,
            "pass\u0077ord": None,
            "last": [True, 2.5, ""],
        },
        indent=1,
    )
    kept = body(text)
    assert "cnry" not in kept
    assert "12345678" not in kept
    assert json.loads(kept) == {
        "name": 'A "quoted" {name}',
        "deep": [{"password": "***"}, {"tokens": "***", "b": 1}],
        "secret": "***",
        "api_key": "***",
        "password": "***",
        "last": [True, 2.5, ""],
    }


def test_a_name_written_with_escapes_is_read() -> None:
    assert "cnry" not in body('{"pass\\u0077ord": "cnry"}')


def test_a_body_that_is_cut_off_shows_no_part_of_a_secret() -> None:
    text = json.dumps({"a": 1, "password": "cnry-" + "x" * 50, "b": {"token": {"c": ["cnry", "cnry"]}}})
    own = json.dumps({"note": "cnry-own-value-1234"})
    for end in range(10, len(text)):
        assert "cnry" not in body(text[:end], cut=True), end
    for end in range(15, len(own)):
        assert "cnry-own" not in body(own[:end], cut=True, hidden=Hidden(["cnry-own-value-1234"])), end


def test_forms_text_and_markup_lose_what_looks_secret() -> None:
    assert body("a=1&pass%77ord=cnry&b=2&x_token=cnry", FORM) == "a=1&pass%77ord=***&b=2&x_token=***"
    for text in (
        "password: cnry\nname: ada",
        "see https://x.example/?access_token=cnry&name=ada",
        "<a><password>cnry</password><name>ada</name></a>",
        "<a:clientSecret kind='x'>cnry</a:clientSecret> ada",
        "Authorization: Bearer cnry, ada",
        '{"note": "api_key=cnry ada"}',
        '{"inner": "{\\"password\\": \\"cnry\\", \\"name\\": \\"ada\\"}"}',
    ):
        kept = body(text, "text/plain")
        assert "cnry" not in kept
        assert "***" in kept
        assert "ada" in kept


@pytest.mark.parametrize("media_type", ["image/png", "multipart/form-data", "application/octet-stream", ""])
def test_what_is_no_text_is_not_kept(media_type: str) -> None:
    assert kept_body(b"abc", of(media_type), NONE, cut=False) is None
    assert not is_text(media_type)


def test_what_cannot_be_looked_through_is_not_kept() -> None:
    for headers, content in (
        (of("application/json", content_encoding="gzip"), b"\x1f\x8b cnry"),
        (of("text/plain; charset=utf-16"), "cnry".encode("utf-16")),
        (of("text/plain; charset=UTF-7"), b"cnry"),
        (of("text/plain"), "cnry".encode("utf-16-le")),
    ):
        assert kept_body(content, headers, NONE, cut=False) is None, headers


def test_letters_of_latin_1_and_half_a_letter_at_the_end_are_read() -> None:
    hidden = Hidden(["w\u00f6rtlich"])
    for charset in ("utf-8", "iso-8859-1"):
        text = "so w\u00f6rtlich \u00e4".encode(charset)
        assert kept_body(text, of(f"text/plain; charset={charset}"), hidden, cut=False) == "so *** \u00e4"
    assert kept_body("so \u00e4".encode()[:-1], of("text/plain"), NONE, cut=True) == "so "


@pytest.mark.parametrize(
    "escape", [lambda letter: f"\\u{ord(letter):04X}", lambda letter: "\\/" if letter == "/" else letter]
)
def test_a_value_is_found_however_json_escapes_it(escape: Callable[[str], str]) -> None:
    hidden = Hidden(["top/secret+value"])
    spelt = "".join(map(escape, "top/secret+value"))
    text = f'{{"echo": "so: {spelt}!", "kept": "a\\/b"}}'
    assert json.loads(body(text, hidden=hidden)) == {"echo": "so: ***!", "kept": "a/b"}
    for end in range(text.index("top") + 5 if "top" in text else text.index("so: ") + 40, text.index("!")):
        assert "top" not in str(_read(body(text[:end], hidden=hidden, cut=True))), end


def _read(text: str) -> str:
    return re.sub(r"\\u([0-9A-F]{4})", lambda match: chr(int(match[1], 16)), text)


def test_a_name_and_its_value_in_two_members_are_seen_together() -> None:
    text = '{"fields": [{"name": "Password", "value": "cnry"}, {"name": "city", "value": "Oslo"}], "value": 1}'
    expected = [{"name": "Password", "value": "***"}, {"name": "city", "value": "Oslo"}]
    assert json.loads(body(text)) == {"fields": expected, "value": 1}


def test_a_value_is_found_in_every_spelling() -> None:
    hidden = Hidden([SECRET])
    raw = SECRET.encode()
    spelt = [
        SECRET,
        quote_plus(SECRET),
        re.sub("%..", lambda match: match[0].lower(), quote_plus(SECRET)),
        json.dumps(SECRET)[1:-1],
        raw.hex(),
    ]
    spelt += [base64.b64encode(b"user:"[:n] + raw + b":more").decode() for n in range(3)]
    for one in spelt:
        assert one[len(one) // 3 : -len(one) // 3] not in hidden.cover(f"before {one} after"), one
    assert SECRET not in repr(hidden)
    assert hidden.cover("nothing of it") == "nothing of it"


def test_the_media_type_is_told_without_its_parameters() -> None:
    assert media_type_of([("content-TYPE", "Application/JSON; charset=utf-8")]) == "application/json"
    assert media_type_of([]) == ""


def test_nothing_makes_it_fail_or_slow() -> None:
    half = Hidden(["\ud800 half a letter"])
    assert kept_body(b'{"a": "\\ud800 half a letter"}', of("application/json"), half, cut=False) == '{"a": "***"}'
    assert kept_body(b'{"a": "\\ud800"}', of("application/json"), half, cut=False) == '{"a": "\\ud800"}'
    chance = random.Random(7)
    letters = "{}[]:,\"\\'=&;<>%token \n\x00\xff1a"
    for _ in range(2000):
        text = "".join(chance.choices(letters, k=chance.randrange(80)))
        for media_type in ("application/json", FORM, "text/xml"):
            kept_body(text.encode("latin-1") or b"-", of(media_type), Hidden(["token"]), cut=chance.random() < 0.5)
    for hard in (
        '{"a":' * 2000,
        "token" * 4000,
        "token=" * 3000,
        '"\\' * 4000,
        "<token " * 3000,
        "[" * 9000,
        "a." * 4000,
    ):
        assert kept_body(hard.encode(), of("text/plain"), Hidden(["token" * 9]), cut=True) is not None
