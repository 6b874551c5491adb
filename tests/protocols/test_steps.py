"""Steps: what refuses, what is missing, and where in an answer the values may stand."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.errors import InputError, ProtocolError
from isthmus.protocols.answers import read_parts, value_at
from isthmus.protocols.steps import judge_step, step_request, uses
from isthmus.protocols.xml import read_xml
from isthmus.records import HttpResponse, Step

URL = "https://acme.example.com/login"


def answer(body: bytes = b"{}", status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


@pytest.mark.parametrize(
    ("step", "response"),
    [
        (Step("GET", URL), answer(status=401)),
        (Step("GET", URL), answer(b"<html>", 503)),
        (Step("GET", URL, ok="success"), answer(b'{"success": false}')),
        (Step("GET", URL, ok="success"), answer(b"{}")),
        (Step("GET", URL, error="problem"), answer(b'{"problem": "bad"}')),
    ],
)
def test_a_refusal_is_told_from_an_answer(step: Step, response: HttpResponse) -> None:
    with pytest.raises(ProtocolError) as caught:
        judge_step(step, response)
    assert caught.value.error


def test_what_is_not_there_is_named() -> None:
    step = Step("GET", URL, copy={"a": "x.a", "b": "x.b"})
    found = judge_step(step, answer(b'{"x": {"a": 1, "b": {}}}'))
    assert (found.values, found.missing) == ({"a": "1"}, ("b",))


@pytest.mark.parametrize(
    ("path", "body", "headers", "value"),
    [
        ("a.b", b'{"a": {"b": "x"}}', {}, "x"),
        ("-1.id", b'[{"id": 1}, {"id": 2}]', {}, "2"),
        ("sites[main=true].id", b'{"sites": [{"id": 1, "main": false}, {"id": 2, "main": true}]}', {}, "2"),
        ("[kind=b].id", b'[{"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}]', {}, "2"),
        ("users.@first.name", b'{"users": {"17": {"name": "mara"}}}', {}, "mara"),
        ("token.@claims.email", b'{"token": "e30.eyJlbWFpbCI6ICJtQHguZXhhbXBsZSJ9.x"}', {}, "m@x.example"),
        ("header:x-session", b"", {"x_session": "s1"}, "s1"),
        ("cookie:SID", b"", {"set_cookie": "SID=abc; Path=/; HttpOnly"}, "abc"),
        ("cookie:SID|body:", b" plain-token \n", {}, "plain-token"),
        (
            "login.@id",
            b"<?xml version='1.0'?><x:login xmlns:x='u' id='7'><s>t</s></x:login>",
            {"content_type": "text/xml"},
            "7",
        ),
        ("a.item.1", b"<a><item>x</item><item>y</item></a>", {"content_type": "application/xml"}, "y"),
    ],
)
def test_a_value_is_found_wherever_it_stands(path: str, body: bytes, headers: dict[str, str], value: str) -> None:
    assert read_parts(answer(body, **headers)).text(path) == value


@pytest.mark.parametrize(
    "path", ["a[", "a[b", "sites[main=true", "header", "cookie:", "header:", "@claims", "@first.x"]
)
def test_a_path_that_is_none_leads_nowhere(path: str) -> None:
    assert read_parts(answer(b'{"a": 1}')).value(path) is None
    assert value_at({"a": 1}, path) is None


@pytest.mark.parametrize(
    "text", ["", "{}", "<a>", "<a></b>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<!doctype html><p>", "<a>&x;</a>"]
)
def test_xml_that_is_none_or_defines_something_is_not_read(text: str) -> None:
    assert read_xml(text) is None


@pytest.mark.parametrize(
    ("step", "content_type", "body"),
    [
        (Step("POST", URL, format="json", body={"a": {"b": "é"}}), "application/json", '{"a": {"b": "é"}}'.encode()),
        (Step("POST", URL, format="xml", body="<a/>"), "application/xml", b"<a/>"),
        (Step("POST", URL, format="text", body="x"), "text/plain; charset=utf-8", b"x"),
        (
            Step("POST", URL, format="text", body="{}", headers={"Content-Type": "application/graphql"}),
            "application/graphql",
            b"{}",
        ),
    ],
)
def test_a_body_has_the_type_of_its_format(step: Step, content_type: str, body: bytes) -> None:
    request = step_request(step, {"User-Agent": "us"})
    assert request.body == body
    sent = dict(request.headers)
    assert (sent["Content-Type"], sent["User-Agent"], sent["Accept"]) == (content_type, "us", "application/json")


def test_a_form_step_is_sent_as_a_form() -> None:
    assert step_request(Step("POST", URL, format="form", body={"a": "1", "n": 2}), {}).form == (("a", "1"), ("n", "2"))


def test_a_value_that_cannot_stand_in_a_header_is_refused() -> None:
    with pytest.raises(InputError):
        step_request(Step("GET", URL, headers={"X": "a\nb"}), {})


@pytest.mark.parametrize(
    "changes", [{"url": URL + "?t=${token}"}, {"headers": {"X": "${sha256(token)}"}}, {"body": [{"a": "${token}"}]}]
)
def test_a_step_knows_what_it_uses(changes: dict[str, Any]) -> None:
    step = Step(**{"method": "GET", "url": URL, **changes})
    assert uses(step, "token")
    assert not uses(step, "tok")
