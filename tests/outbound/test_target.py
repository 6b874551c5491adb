"""URL tricks: nothing leaves the service's hosts, whatever the URL looks like."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.servers import OK, Names, Open, serving

from isthmus.errors import DestinationDenied
from isthmus.outbound import Outbound
from isthmus.outbound.target import DEFAULT_PORTS, Origin, check_path, is_host_allowed, read_authority, split_url
from isthmus.records import HttpRequest
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio

GOOD = "api.test"
EVIL = "evil.test"
HOSTS = (GOOD, "*.wild.test")

USERINFO = [
    "https://{good}@{evil}/",
    "https://{good}:443@{evil}/",
    "https://user:{good}@{evil}/",
    "https://{evil}@{good}/",
    "https://@{good}/",
    "https://:@{good}/",
    "https://{good}%40{evil}/",
    "https://{good}%2f@{evil}/",
    "https://{good}\uff20{evil}/",
]
SEPARATORS = [
    "https://{evil}{mark}{good}/",
    "https://{evil}{mark}.{good}/",
    "https://{evil}{mark}@{good}/",
    "https://{good}{mark}.{evil}/",
    "https://{good}{mark}@{evil}/",
    "https:{mark}{evil}/",
    "https:/{mark}{evil}/",
]
MARKS = [
    "\\",
    "#",
    "\t",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\x00",
    "\x0b",
    "%00",
    "%09",
    "%23",
    "%5c",
    "%2e",
    "\u2044",
    "\u200b",
]
SUFFIXES = [
    "https://{evil}.{good}.{evil}/",
    "https://{good}.{evil}/",
    "https://{good}{evil}/",
    "https://x{good}/",
    "https://x.{good}/",
    "https://{good}x/",
    "https://{good}../",
    "https://.{good}/",
    "https://wild.test/",
    "https://xwild.test/",
    "https://.wild.test/",
    "https://a..wild.test/",
    "https://*.wild.test/",
    "https://wild.test.evil.test/",
    "https://evil.test?.wild.test",
    "https://evil.test/.wild.test",
]
PORTS = [
    f"https://{GOOD}:{port}/"
    for port in (
        "",
        "0",
        "00443",
        "0443",
        "444",
        "80",
        "-443",
        "+443",
        "65536",
        "99999999",
        "4 43",
        "\uff14\uff14\uff13",
        "443x",
        "443:443",
        "0x1bb",
    )
]
SCHEMES = [
    f"{scheme}{GOOD}/"
    for scheme in (
        "ftp://", "file://", "gopher://", "ws://", "wss://", "unix://", "data:text/plain,",
        "javascript://", "https:", "https:/", "https:///", "https:////", "//", "/", "", " https://", "\thttps://",
        "ht\ntps://", "https ://", "https\uff1a//", "view-source:https://", "jar:https://", "https+unix://",
    )
]  # fmt: skip
NAMES = [
    f"https://{host}/"
    for host in (
        "\uff41pi.test", "api\u3002test", "api\uff0etest", "\u24d0pi.test", "a\u0440i.test", "xn--.test", "xn--a.test",
        "xn--api-\u00e9.test", "api.test\u00ad", "a_pi.test", "-api.test", "api-.test", "api..test", "a" * 64 + ".test",
        ".".join(["a" * 60] * 5), "%61pi.test", "api%2etest", "[api.test]", "api.test]", "[::1]api.test", "",
        "api.test,evil.test", "api.test;evil.test", "api.test&evil.test", "api.test!evil.test", "api.test'evil.test",
        "api.test(evil.test)", "api.test~", "api.test^", "api.test|evil.test", "api.test`", '"api.test"', "{api.test}",
        "<api.test>", "api.test$", "$api.test", "api.test=", "api.test+", "\u00e4pi.test", "stra\u00dfe.test",
    )
]  # fmt: skip
TRICKS = sorted(
    {text.format(good=GOOD, evil=EVIL) for text in USERINFO + SUFFIXES}
    | {text.format(good=GOOD, evil=EVIL, mark=mark) for text, mark in itertools.product(SEPARATORS, MARKS)}
    | set(PORTS) | set(SCHEMES) | set(NAMES)
)  # fmt: skip

# The one trick whose single sound reading stays within the hosts: everything after `/` or `?` is path and query.
HARMLESS = [
    f"https://{GOOD}/@{EVIL}/",
    f"https://{GOOD}?@{EVIL}/",
    f"https://{GOOD}//{EVIL}/",
    f"https://{GOOD}/https://{EVIL}/",
    f"https://{GOOD}/?https://{EVIL}/",
    f"https://{GOOD}.:443/%2f%2f{EVIL}",
    f"HTTPS://API.Test/%5c{EVIL}",
    "https://a.b.wild.test/",
]


def test_there_are_more_than_a_hundred_tricks() -> None:
    assert len(TRICKS) > 150


@pytest.fixture(scope="module")
def strict() -> Outbound:
    return Outbound(Settings(egress_allow=("192.0.2.0/24",)), resolver=Names())


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_trick_reaches_another_host(trick: str, open_outbound: Open, names: Names) -> None:
    """Every name leads to the sink here, and every host but the service's own is counted there."""
    outbound = open_outbound(egress_allow=("127.0.0.1",))
    async with serving(OK) as sink:
        for host in (EVIL, GOOD, f"{GOOD}.{EVIL}", f"{EVIL}.{GOOD}", "wild.test"):
            names.say(host, ["127.0.0.1"])
        with pytest.raises(DestinationDenied) as caught:
            await outbound.send(HttpRequest("GET", trick, (("Authorization", "canary"),)), hosts=HOSTS)
    assert caught.value.code in ("url_malformed", "scheme_denied", "host_not_allowed")
    assert names.asked == []
    assert sink.accepted == 0


@pytest.mark.parametrize("url", HARMLESS)
def test_what_follows_the_host_is_only_path(url: str, strict: Outbound) -> None:
    target = strict.check(url, HOSTS)
    assert target.host == GOOD or target.host.endswith(".wild.test")
    assert target.port == 443
    assert target.url.startswith(f"https://{target.host}/")


@pytest.mark.parametrize(
    "path",
    ["/..", "/.", "/a/../b", "/a/./b", "/%2e%2e/b", "/a/%2E./b", "/a%2f..%2fb", "/a/..%5cb", "/a/..;/b", "/a/..;x=1",
     "/%2e%2e%3bx/", "/..?x", "/%", "/%2", "/%zz", "/a%u002e", "/a\\b", "/a b", "/a\tb", "/a#b", "/a\x7fb", "/\x85"],
)  # fmt: skip
def test_a_path_with_two_readings_is_refused(path: str, strict: Outbound) -> None:
    with pytest.raises(DestinationDenied) as caught:
        strict.check(f"https://{GOOD}{path}", HOSTS)
    assert caught.value.code == "url_malformed"


@pytest.mark.parametrize(
    ("given_path", "sent"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/a%2Fb//c/", "/a%2Fb//c/"),
        ("/a;v=1/b:c@d,e'f(g)!$&*+=~-_.", "/a;v=1/b:c@d,e'f(g)!$&*+=~-_."),
        ("/...", "/..."),
        ("/a..b/.hidden/x.", "/a..b/.hidden/x."),
        ("/v1/?q='a'|{b}[c]&p=100%&d=/../x", "/v1/?q='a'%7C%7Bb%7D[c]&p=100%&d=/../x"),
        ("/caf\u00e9/\u65e5?x=\u00e9", "/caf%C3%A9/%E6%97%A5?x=%C3%A9"),
        ("/??a=?", "/??a=?"),
    ],
)
async def test_the_path_travels_byte_for_byte(given_path: str, sent: str, local: Outbound, names: Names) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as site:
        response = await local.send(HttpRequest("GET", f"http://api.test:{site.port}{given_path}"), hosts=site.hosts)
    assert site.heads[0].split(b"\r\n")[0].decode() == f"GET {sent} HTTP/1.1"
    assert site.heads[0].split(b"\r\n")[1].decode() == f"Host: api.test:{site.port}"
    assert response.url == site.url(sent)


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("api.zoom.us", "https://api.zoom.us/", True),
        ("API.Zoom.us.", "https://api.zoom.us/", True),
        ("api.zoom.us", "https://zoom.us/", False),
        ("api.zoom.us:8443", "https://api.zoom.us:8443/", True),
        ("api.zoom.us:8443", "https://api.zoom.us/", False),
        ("api.zoom.us", "https://api.zoom.us:8443/", False),
        ("api.zoom.us:443", "https://api.zoom.us/", True),
        ("*.zoom.us", "https://a.b.zoom.us/", True),
        ("*.zoom.us", "https://zoom.us/", False),
        ("*.zoom.us:8443", "https://a.zoom.us:8443/", True),
        ("*.us", "https://zoom.us/", False),
        ("*", "https://zoom.us/", False),
        ("*.*.us", "https://a.zoom.us/", False),
        ("z*.us", "https://zoom.us/", False),
        ("", "https://zoom.us/", False),
        ("https://zoom.us", "https://zoom.us/", False),
        ("zoom.us/path", "https://zoom.us/", False),
        ("*.2.3", "https://192.0.2.3/", False),
        ("*.0.2.3", "https://192.0.2.3/", False),
        ("192.0.2.3", "https://192.0.2.3/", True),
        ("[2001:db8::1]:444", "https://[2001:db8:0::1]:444/", True),
        ("[2001:db8::1]", "https://[2001:db8::1]/", True),
        ("b\u00fccher.test", "https://xn--bcher-kva.test/", True),
        ("xn--bcher-kva.test", "https://b\u00fccher.test/", True),
    ],
)
def test_an_entry_covers_exactly_what_it_says(entry: str, url: str, allowed: bool) -> None:
    assert is_host_allowed(read_authority(*split_url(url)[:2]), (entry,)) is allowed


def test_an_empty_list_allows_nothing(strict: Outbound) -> None:
    with pytest.raises(DestinationDenied) as caught:
        strict.check("https://api.test/", ())
    assert caught.value.code == "host_not_allowed"
    assert strict.check("https://api.test/", None).host == "api.test"


def test_no_query_value_or_password_is_in_an_error(strict: Outbound) -> None:
    for url in ("https://u:canary@api.test/?k=canary", "https://evil.test/canary?k=canary", "ftp://x/?canary"):
        with pytest.raises(DestinationDenied) as caught:
            strict.check(url, HOSTS)
        assert "canary" not in f"{caught.value.message} {caught.value.hint} {caught.value!r} {caught.value.details}"
    assert "canary" not in repr(strict.check("https://api.test/?k=canary", HOSTS))


def test_a_url_that_is_too_long_is_refused(strict: Outbound) -> None:
    with pytest.raises(DestinationDenied):
        strict.check(f"https://{GOOD}/{'a' * 70_000}", HOSTS)


@given(st.text(max_size=40), st.sampled_from(["https://", "http://", "", "https://api.test", "https://x@"]))
def test_whatever_passes_is_within_the_hosts_and_reads_the_same_again(strict: Outbound, text: str, before: str) -> None:
    try:
        target = strict.check(before + text, HOSTS)
    except DestinationDenied:
        return
    assert target.host == GOOD or target.host.endswith(".wild.test")
    assert (target.scheme, target.port) == ("https", 443)
    assert target.url.isascii()
    assert strict.check(target.url, HOSTS) == target


@given(
    st.sampled_from(sorted(DEFAULT_PORTS)),
    st.lists(st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True), min_size=1, max_size=4),
    st.integers(1, 65535),
)
def test_an_authority_reads_back_as_itself(scheme: str, labels: list[str], port: int) -> None:
    origin = Origin(scheme, ".".join(labels), port)
    assert read_authority(scheme, origin.authority) == origin


@given(st.text(st.sampled_from("abc./%2eE;?&\u00e9|"), max_size=20))
def test_a_path_that_passes_has_no_dot_segment_left(text: str) -> None:
    try:
        raw = check_path("/" + text)
    except DestinationDenied:
        return
    assert raw.isascii()
    path = raw.partition("?")[0].lower().replace("%2e", ".").replace("%2f", "/")
    assert not {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}
    assert check_path(raw) == raw
