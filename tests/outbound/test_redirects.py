"""Redirects: each hop is checked again, and no secret crosses to another origin."""

from __future__ import annotations

import pytest
from tests.outbound.servers import OK, Names, Open, serving

from isthmus.errors import DestinationDenied
from isthmus.outbound import Hop, Outbound
from isthmus.records import HttpRequest, HttpResponse

pytestmark = pytest.mark.anyio

HOSTS = ("api.test", "other.test", "*.cdn.test", "api.test:8443", "other.test:80", "[::1]", "127.0.0.1")
CANARIES = (
    ("Authorization", "canary"),
    ("Cookie", "canary"),
    ("X-Api-Key", "canary"),
    ("Private-Token", "canary"),
    ("Proxy-Authorization", "canary"),
    ("X-Custom", "canary"),
    ("Referer", "https://api.test/?canary"),
    ("Accept", "a"),
    ("User-Agent", "u"),
    ("Content-Type", "text/plain"),
)
ELSEWHERE = [
    "https://other.test/x",
    "//other.test/x",
    "https://a.cdn.test/",
    "https://api.test:8443/",
    "HTTPS://OTHER.test/x",
]
OUTSIDE = [
    "https://evil.test/",
    "//evil.test/",
    "https://api.test@evil.test/",
    "https://api.test.evil.test/",
    "https://api.test:444/",
    "http://api.test/",
    "http://other.test/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "ftp://api.test/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https:/evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https://evil.test\\@api.test/",
    "https://api.test/%2e%2e/x",
    "https://[broken/",
    "/a\tb",
    "",
    "https://api.test:99999/",
]


def request(method: str = "GET", **more: object) -> HttpRequest:
    return HttpRequest(method, "https://api.test/v1/things?page=1", CANARIES, **more)  # type: ignore[arg-type]


def redirect(status: int, location: str | None) -> HttpResponse:
    headers = () if location is None else (("location", location),)
    return HttpResponse(status, headers, b"")


@pytest.mark.parametrize("location", OUTSIDE)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_out_of_the_hosts_is_refused(status: int, location: str, open_outbound: Open) -> None:
    with pytest.raises(DestinationDenied) as caught:
        open_outbound().next_hop(request(), redirect(status, location), HOSTS)
    assert caught.value.code in ("url_malformed", "scheme_denied", "host_not_allowed", "address_denied")


def test_https_never_becomes_http_even_where_http_is_allowed(open_outbound: Open) -> None:
    outbound = open_outbound(egress_allow=("api.test",))
    assert outbound.check("http://api.test/", HOSTS)
    with pytest.raises(DestinationDenied) as caught:
        outbound.next_hop(request(), redirect(302, "http://api.test/"), HOSTS)
    assert caught.value.code == "scheme_denied"


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_no_secret_and_no_body_goes_to_another_origin(
    method: str, status: int, location: str, open_outbound: Open
) -> None:
    body = b"canary" if method in ("POST", "PUT", "PATCH") else b""
    hop = open_outbound().next_hop(request(method, body=body), redirect(status, location), HOSTS)
    becomes_get = status == 303 or (status in (301, 302) and method == "POST")
    if method not in ("GET", "HEAD") and not becomes_get:
        assert hop is None
        return
    assert hop is not None
    assert not hop.same_origin
    assert hop.request.method == ("HEAD" if method == "HEAD" else "GET")
    assert hop.request.headers == (("Accept", "a"), ("User-Agent", "u"))
    assert hop.request.body == b""
    assert hop.request.form is None
    assert "canary" not in hop.request.url


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"), (301, "POST", "GET"), (301, "PUT", "PUT"), (301, "HEAD", "HEAD"), (301, "DELETE", "DELETE"),
        (302, "GET", "GET"), (302, "POST", "GET"), (302, "PATCH", "PATCH"), (302, "HEAD", "HEAD"),
        (303, "GET", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (303, "DELETE", "GET"),
        (307, "GET", "GET"), (307, "POST", "POST"), (307, "PUT", "PUT"), (308, "POST", "POST"), (308, "DELETE", "DELETE"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [None, (("k", "v"),)])
def test_method_and_body_on_the_same_origin(
    status: int, method: str, becomes: str, form: tuple[tuple[str, str], ...] | None, open_outbound: Open
) -> None:
    hop = open_outbound().next_hop(request(method, body=b"body", form=form), redirect(status, "/next"), HOSTS)
    assert hop is not None
    assert hop.same_origin
    assert (hop.request.method, hop.request.url) == (becomes, "https://api.test/next")
    kept = becomes == method and status != 303
    if kept:
        assert (hop.request.body, hop.request.form) == (b"body", form)
    elif method != "HEAD":
        assert (hop.request.body, hop.request.form) == (b"", None)
        assert not [name for name, _ in hop.request.headers if name.lower().startswith("content-")]
    assert not {"authorization", "cookie", "proxy-authorization"} & {name.lower() for name, _ in hop.request.headers}


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/a/b", "https://api.test/a/b"),
        ("b", "https://api.test/v1/b"),
        ("../b?c=d", "https://api.test/b?c=d"),
        ("?page=2", "https://api.test/v1/things?page=2"),
        ("//api.test/x", "https://api.test/x"),
        ("https://API.test:443/x#part", "https://api.test/x"),
        ("https://api.test", "https://api.test/"),
        ("/caf\u00e9", "https://api.test/caf%C3%A9"),
        (b"/caf\xc3\xa9".decode("latin-1"), "https://api.test/caf%C3%A9"),
        ("/a b", "https://api.test/a%20b"),
        ("/a%2Fb//c", "https://api.test/a%2Fb//c"),
    ],
)
def test_a_location_is_read_against_the_url_it_answers(location: str, url: str, open_outbound: Open) -> None:
    hop = open_outbound().next_hop(request(), redirect(302, location), HOSTS)
    assert hop is not None
    assert (hop.request.url, hop.same_origin) == (url, True)


@pytest.mark.parametrize(
    "response",
    [redirect(200, "/x"), redirect(201, "/x"), redirect(300, "/x"), redirect(304, "/x"), redirect(302, None)],
)
def test_what_is_no_redirect_is_final(response: HttpResponse, open_outbound: Open) -> None:
    assert open_outbound().next_hop(request(), response, HOSTS) is None


async def test_sending_follows_nothing_by_itself(local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n") as site:
        response = await local.send(HttpRequest("GET", site.url(), CANARIES[:1]), hosts=None)
        async with local.stream(HttpRequest("GET", site.url(), CANARIES[:1]), None, hosts=None) as answer:
            assert answer.status == 302
    assert response.status == 302
    assert len(site.heads) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_chain_over_two_origins_carries_no_secret_to_the_second_and_none_back(
    status: int, local: Outbound, names: Names
) -> None:
    """The rule a caller follows: attach a credential only where `same_origin`, relative to the hop before."""
    for host in ("api.test", "other.test"):
        names.say(host, ["127.0.0.1"])
    async with serving(OK) as second:

        def first_answer(head: bytes) -> bytes:
            where = b"/same" if b" / " in head else second.url("/over", host="other.test").encode()
            return b"HTTP/1.1 %d Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, where)

        async def handle(head: bytes, reader: object, writer: object) -> None:
            writer.write(first_answer(head))  # type: ignore[attr-defined]

        async with serving(handle) as first:
            hosts = (*first.hosts, f"other.test:{second.port}")
            plain = HttpRequest("GET", first.url("/"), (("X-Api-Key", "canary"), ("Accept", "a")))
            attached, flags = True, []
            while True:
                secret = (("Authorization", "canary"),) if attached else ()
                response = await local.send(HttpRequest(plain.method, plain.url, plain.headers + secret), hosts=hosts)
                hop: Hop | None = local.next_hop(plain, response, hosts)
                if hop is None:
                    break
                plain, attached = hop.request, hop.same_origin
                flags.append(hop.same_origin)
    assert flags == [True, False]
    assert response.status == 200
    assert len(second.heads) == 1
    assert b"canary" not in second.heads[0]
    assert all(b"canary" in head for head in first.heads)
