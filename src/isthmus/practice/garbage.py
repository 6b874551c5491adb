"""Answers of a token endpoint that nobody should believe."""

from __future__ import annotations

from isthmus.practice.messages import Answer

_TOKENS = b'"access_token":"garbage-token","token_type":"Bearer","expires_in":3600'
ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "empty": (200, "application/json", b""),
    "blank": (200, "application/json", b"  \n "),
    "html_200": (200, "text/html", b"<html><body>Sign in</body></html>"),
    "html_502": (502, "text/html", b"<html><body>Bad gateway</body></html>"),
    "cut_off": (200, "application/json", b'{"access_token":"garb'),
    "list": (200, "application/json", b"[1,2,3]"),
    "text": (200, "application/json", b'"access_token"'),
    "number": (200, "application/json", b"42"),
    "null": (200, "application/json", b"null"),
    "no_token": (200, "application/json", b'{"token_type":"Bearer","expires_in":3600}'),
    "token_null": (200, "application/json", b'{"access_token":null}'),
    "token_empty": (200, "application/json", b'{"access_token":""}'),
    "token_number": (200, "application/json", b'{"access_token":12345}'),
    "token_list": (200, "application/json", b'{"access_token":["a"]}'),
    "token_object": (200, "application/json", b'{"access_token":{"a":"b"}}'),
    "token_with_line_break": (200, "application/json", b'{"access_token":"a\\r\\nX-Injected: 1"}'),
    "token_with_nul": (200, "application/json", b'{"access_token":"a\\u0000b"}'),
    "refresh_token_number": (200, "application/json", b"{" + _TOKENS + b',"refresh_token":7}'),
    "not_utf8": (200, "application/json", b'{"access_token":"\xff\xfe"}'),
    "nested": (200, "application/json", b'{"a":' * 2000 + b"1" + b"}" * 2000),
    "huge": (200, "application/json", b'{"access_token":"' + b"a" * 3_000_000 + b'"}'),
    "two_documents": (200, "application/json", b"{" + _TOKENS + b"}{" + _TOKENS + b"}"),
    "redirect": (302, "text/html", b""),
    "no_content": (204, "application/json", b""),
    "error_500": (500, "application/json", b'{"message":"oh"}'),
    "constant": (200, "application/json", b'{"access_token":NaN}'),
}


def names() -> list[str]:
    return list(ANSWERS)


def answer(name: str) -> Answer:
    status, content_type, body = ANSWERS[name]
    headers = [("location", "/elsewhere")] if status == 302 else []
    return Answer(status, body, content_type, headers)
