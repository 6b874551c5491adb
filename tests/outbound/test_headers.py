"""Headers: nothing that could be read as two, nothing a caller may not set, nothing that must not travel on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.servers import OK, Names, head_value, serving

from isthmus.errors import DestinationDenied, InputError
from isthmus.outbound import (
    Outbound,
    check_caller_headers,
    forwardable_request_headers,
    forwardable_response_headers,
)
from isthmus.records import HttpRequest

pytestmark = pytest.mark.anyio

BAD_VALUES = ["a\r\nX-B: c", "a\nX-B: c", "a\rb", "a\x00b", "a\r\n b", "a\r\n\tb", "\r\n\r\nGET / HTTP/1.1", "a\x0bb",
              "a\x0cb", "a\x1bb", "a\x7fb", "a\ud800b", "\n", "\x00"]  # fmt: skip
BAD_NAMES = ["", "X A", "X:A", "X\r\nA", "X\nA", "X\x00", "X\tA", "X-\u00e9", "(x)", "X/A", "X,A", '"x"', "X[a]", " X", "X ",
             "x" * 300, "X\ud800"]  # fmt: skip
FRAMING = ["Host", "Content-Length", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade", "Expect",
           "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "proxy-x", "hOST", "X_Api_Key"]  # fmt: skip


@pytest.mark.parametrize("value", BAD_VALUES)
async def test_a_value_with_a_control_character_sends_nothing(value: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        for name in ("X-A", "Authorization"):
            request = HttpRequest("GET", site.url(), ((name, value),))
            with pytest.raises(InputError) as caught:
                await local.send(request, hosts=None)
            assert (caught.value.code, caught.value.field) == ("header_malformed", f"headers.{name}")
            with pytest.raises(InputError):
                async with local.stream(request, None, hosts=None):
                    pass
            with pytest.raises(InputError):
                check_caller_headers(request.headers)
    assert site.accepted == 0


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_is_no_token_sends_nothing(name: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        with pytest.raises(InputError) as caught:
            await local.send(HttpRequest("GET", site.url(), ((name, "canary"),)), hosts=None)
        with pytest.raises(InputError):
            check_caller_headers(((name, "canary"),))
    assert caught.value.code == "header_malformed"
    assert "canary" not in str(caught.value)
    assert "\n" not in (caught.value.field or "")
    assert site.accepted == 0


@pytest.mark.parametrize("url", ["/\r\nX-A: b", "/a\nb", "/a b", "/\x00", "/?a=\r\n\r\nGET / HTTP/1.1"])
async def test_a_url_with_a_line_break_sends_nothing(url: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        with pytest.raises(DestinationDenied):
            await local.send(HttpRequest("GET", site.url(url)), hosts=None)
    assert site.accepted == 0


@pytest.mark.parametrize("method", ["", "get", "GET /x HTTP/1.1\r\nX:", "CONNECT", "TRACE", "G\nET", "GET ", "\u0130"])
async def test_a_malformed_method_sends_nothing(method: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        with pytest.raises(InputError) as caught:
            await local.send(HttpRequest(method, site.url()), hosts=None)
    assert caught.value.code == "method_not_allowed"
    assert site.accepted == 0


@pytest.mark.parametrize("name", FRAMING)
def test_a_caller_may_not_set_what_frames_a_message(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_caller_headers((("X-Fine", "1"), (name, "canary")))
    assert (caught.value.code, caught.value.field) == ("header_not_allowed", f"headers.{name}")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["Host", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Expect", "Trailer"])
async def test_what_frames_a_message_is_never_sent_twice(name: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        with pytest.raises(InputError) as caught:
            await local.send(HttpRequest("POST", site.url(), ((name, "chunked"),), b"x"), hosts=None)
    assert caught.value.field == f"headers.{name}"
    assert site.accepted == 0


async def test_two_different_lengths_are_refused_and_a_wrong_one_is_corrected(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        two = (("Content-Length", "1"), ("content-length", "2"))
        with pytest.raises(InputError):
            await local.send(HttpRequest("POST", site.url(), two, b"x"), hosts=None)
        await local.send(HttpRequest("POST", site.url(), (("Content-Length", "99"),), b"abc"), hosts=None)
    assert head_value(site.heads[0], "content-length") == ["3"]
    assert site.bodies == [b"abc"]


async def test_headers_travel_in_order_with_their_case_and_duplicates(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    headers = (("X-b", "1"), ("x-A", "2"), ("X-B", "3"), ("X-Empty", ""), ("X-Tab", "a\tb"), ("User-Agent", "me"))
    async with serving(OK) as site:
        await local.send(HttpRequest("GET", site.url(), (*headers, ("Accept-Encoding", "identity"))), hosts=None)
    lines = site.heads[0].decode().split("\r\n")
    assert lines[2:] == [*(f"{name}: {value}" for name, value in headers), "Accept-Encoding: identity", "", ""]


async def test_text_beyond_ascii_travels_both_ways(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    answer = b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nX-File: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    async with serving(answer) as site:
        sent = (("X-Latin", "caf\u00e9"), ("X-Bytes", b"caf\xc3\xa9".decode("latin-1")), ("X-Wide", "\u65e5\u672c"))
        response = await local.send(HttpRequest("GET", site.url(), sent), hosts=None)
    head = site.heads[0]
    assert b"X-Latin: caf\xe9\r\n" in head
    assert b"X-Bytes: caf\xc3\xa9\r\n" in head
    assert "X-Wide: \u65e5\u672c\r\n".encode() in head
    assert response.header("x-name") == "caf\u00e9"
    assert (response.header("x-file") or "").encode("latin-1") == b"caf\xc3\xa9"


async def test_an_answer_keeps_its_duplicates_in_order(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    answer = b"HTTP/1.1 200 OK\r\nLink: <a>\r\nX-Other:  b \r\nLINK: <c>\r\nContent-Length: 0\r\n\r\n"
    async with serving(answer) as site:
        response = await local.send(HttpRequest("GET", site.url()), hosts=None)
    assert response.headers[:3] == (("link", "<a>"), ("x-other", "b"), ("link", "<c>"))


async def test_a_form_is_encoded_and_named(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    form = (("a", "1 +&="), ("a", "\u00e9"), ("b", ""))
    async with serving(OK) as site:
        await local.send(HttpRequest("POST", site.url(), (), b"ignored", form), hosts=None)
    assert site.bodies == [b"a=1+%2B%26%3D&a=%C3%A9&b="]
    assert head_value(site.heads[0], "content-type") == ["application/x-www-form-urlencoded"]


async def test_an_empty_post_says_that_it_is_empty(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        for method in ("POST", "GET"):
            await local.send(HttpRequest(method, site.url()), hosts=None)
    assert head_value(site.heads[0], "content-length") == ["0"]
    assert head_value(site.heads[1], "content-length") == []


def test_a_proxied_request_leaves_hop_by_hop_and_our_own_headers_behind() -> None:
    headers = (
        ("Connection", "close, X-Api-Key"), ("X-Api-Key", "k"), ("Keep-Alive", "1"), ("TE", "trailers"), ("Host", "us"),
        ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"), ("HTTP2-Settings", "x"), ("Trailer", "x"),
        ("Proxy-Authorization", "p"), ("Expect", "100-continue"), ("Authorization", "Bearer ours"), ("Cookie", "session"),
        ("Isthmus-Key", "ours"), ("Isthmus-User", "u"), ("X-Forwarded-For", "10.0.0.1"), ("Forwarded", "for=1"),
        ("Via", "1.1 us"), ("X_Under", "1"), ("Sec-Fetch-Site", "none"), ("Content-Length", "3"), ("Accept", "a"),
        ("accept", "b"), ("X-Keep", "1"), ("Content-Type", "t"),
    )  # fmt: skip
    assert forwardable_request_headers(headers) == (
        ("Content-Length", "3"),
        ("Accept", "a"),
        ("accept", "b"),
        ("X-Keep", "1"),
        ("Content-Type", "t"),
    )


def test_an_answer_to_the_proxy_changes_nothing_about_our_own_origin() -> None:
    kept = (
        ("content-type", "t"), ("content-length", "3"), ("content-encoding", "gzip"), ("link", "<next>"), ("etag", "e"),
        ("location", "/x"), ("retry-after", "1"), ("x-ratelimit-remaining", "0"), ("cache-control", "no-store"),
    )  # fmt: skip
    dropped = [
        (name, "v")
        for name in (
            "set-cookie", "Set-Cookie2", "www-authenticate", "proxy-authenticate", "authorization", "alt-svc", "refresh",
            "strict-transport-security", "public-key-pins", "clear-site-data", "content-security-policy",
            "content-security-policy-report-only", "access-control-allow-origin", "access-control-allow-credentials",
            "service-worker-allowed", "connection", "keep-alive", "transfer-encoding", "trailer", "upgrade", "x-listed",
            "isthmus-request-id",
        )
    ]  # fmt: skip
    headers = (*kept, *dropped, ("Connection", "X-Listed"))
    assert forwardable_response_headers(headers) == kept


@given(st.lists(st.tuples(st.text(max_size=10), st.text(max_size=10)), max_size=4))
def test_what_a_caller_may_set_is_one_line_each(headers: list[tuple[str, str]]) -> None:
    try:
        checked = check_caller_headers(headers)
    except InputError:
        return
    assert list(checked) == headers
    for name, value in checked:
        assert name.isascii()
        assert name.isprintable()
        assert not {" ", ":", "_"} & set(name)
        assert not {"\r", "\n", "\x00"} & set(value)
