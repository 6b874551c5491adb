"""Which addresses are dialled. The sinks listen where a mistake would lead; nothing may ever connect to them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.servers import OK, Names, Open, serving

from isthmus.errors import DestinationDenied, Unreachable
from isthmus.outbound import Outbound
from isthmus.outbound.policy import is_public
from isthmus.records import HttpRequest

pytestmark = pytest.mark.anyio

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",
    "::ffff:0:8.8.8.8",
    "64:ff9b::169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:a00:1::f5ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2600::5efe:10.0.0.1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "168.63.129.15",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001::1",
]
REFUSED_SPELLINGS = [
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.1.",
    "127.0.0.1..",
    "127.0.0.256",
    "1.2.3.4.5",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "[::1]x",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:7f00:1]",
    "0",
    "0x0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "metadata.google.internal",
    "metadata.google.internal.",
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
async def test_a_name_that_leads_to_an_internal_address_is_never_dialled(
    address: str, open_outbound: Open, names: Names
) -> None:
    outbound: Outbound = open_outbound()
    async with serving(OK) as sink:
        names.say("api.test", [address])
        with pytest.raises(DestinationDenied) as caught:
            await outbound.send(HttpRequest("GET", sink.url(scheme="https")), hosts=None)
    assert caught.value.code == "address_denied"
    assert sink.accepted == 0
    assert address not in caught.value.message
    assert "api.test" in caught.value.message


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
async def test_a_literal_internal_address_is_refused_before_anything_is_looked_up(
    address: str, open_outbound: Open, names: Names
) -> None:
    outbound: Outbound = open_outbound()
    host = f"[{address}]" if ":" in address else address
    for scheme in ("https", "http"):
        with pytest.raises(DestinationDenied):
            outbound.check(f"{scheme}://{host}/", None)
        with pytest.raises(DestinationDenied):
            outbound.check(f"{scheme}://{host}/", (host,))
    assert names.asked == []


@pytest.mark.parametrize("spelling", REFUSED_SPELLINGS)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_no_spelling_of_this_machine_is_dialled(
    scheme: str, spelling: str, open_outbound: Open, names: Names
) -> None:
    outbound: Outbound = open_outbound()
    async with serving(OK) as sink, serving(OK, host="::1", port=sink.port) as sink6:
        for name in ("localhost", "metadata.google.internal"):
            names.say(name, ["127.0.0.1", "::1"])
        with pytest.raises(DestinationDenied):
            await outbound.send(HttpRequest("GET", f"{scheme}://{spelling}:{sink.port}/"), hosts=None)
    assert sink.accepted == sink6.accepted == 0


@pytest.mark.parametrize(
    "answer",
    [
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["2606:4700::1111", "::1"],
        ["1.1.1.1", "fd00::1"],
    ],
)
async def test_one_internal_address_refuses_the_whole_name(
    answer: list[str], open_outbound: Open, names: Names
) -> None:
    outbound: Outbound = open_outbound()
    names.say("api.test", answer)
    async with serving(OK) as sink:
        with pytest.raises(DestinationDenied, match=r"api\.test"):
            await outbound.send(HttpRequest("GET", sink.url(scheme="https")), hosts=None)
    assert sink.accepted == 0


async def test_a_name_that_turns_internal_between_two_looks_is_not_followed(open_outbound: Open, names: Names) -> None:
    """Only what was judged is dialled: one look-up per connection, and its answer is what is dialled."""
    outbound: Outbound = open_outbound(egress_allow=("127.0.0.2/32",))
    async with serving(OK, host="127.0.0.2") as site, serving(OK, host="127.0.0.1", port=site.port) as sink:
        names.say("api.test", ["127.0.0.2"], ["127.0.0.1"])
        response = await outbound.send(HttpRequest("GET", site.url()), hosts=None)
        assert response.body == b"ok"
        assert names.asked == ["api.test"]
        outbound._pool._lanes.clear()  # the answer has aged out
        with pytest.raises(DestinationDenied):
            await outbound.send(HttpRequest("GET", site.url()), hosts=None)
    assert (site.accepted, sink.accepted) == (1, 0)


async def test_connections_to_an_address_that_left_the_answer_are_not_used_again(
    open_outbound: Open, names: Names
) -> None:
    outbound: Outbound = open_outbound(egress_allow=("127.0.0.0/8",))
    async with serving(OK, host="127.0.0.2") as old, serving(OK, host="127.0.0.3", port=old.port) as new:
        names.say("api.test", ["127.0.0.2"], ["127.0.0.2"], ["127.0.0.3"])
        for expected in ((1, 0), (1, 0), (1, 1)):
            await outbound.send(HttpRequest("GET", old.url()), hosts=None)
            assert (old.accepted, new.accepted) == expected
            for lane in outbound._pool._lanes.values():
                lane.expires = 0.0


async def test_an_exception_opens_its_network_and_no_other(open_outbound: Open, names: Names) -> None:
    outbound: Outbound = open_outbound(egress_allow=("127.0.0.2", "friend.test"))
    async with serving(OK, host="127.0.0.2") as site, serving(OK, port=site.port) as other:
        names.say("api.test", ["127.0.0.2"])
        names.say("friend.test", ["127.0.0.1"])
        names.say("stranger.test", ["127.0.0.1"])
        for host in ("api.test", "friend.test", "127.0.0.2", "[::ffff:127.0.0.2]"):
            assert (await outbound.send(HttpRequest("GET", site.url(host=host)), hosts=None)).status == 200
        for host in ("stranger.test", "127.0.0.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(DestinationDenied):
                await outbound.send(HttpRequest("GET", site.url(host=host)), hosts=None)
    assert other.accepted == 1


async def test_plain_http_goes_to_exceptions_only(open_outbound: Open, names: Names) -> None:
    outbound: Outbound = open_outbound(egress_allow=("127.0.0.0/8", "friend.test"))
    names.say("public.test", ["1.1.1.1"])
    names.say("mixed.test", ["127.0.0.1", "1.1.1.1"])
    for host in ("public.test", "mixed.test", "1.1.1.1"):
        with pytest.raises(DestinationDenied) as caught:
            await outbound.send(HttpRequest("GET", f"http://{host}/"), hosts=None)
        assert caught.value.code == "scheme_denied"
    strict: Outbound = open_outbound()
    with pytest.raises(DestinationDenied) as caught:
        strict.check("http://public.test/", None)
    assert caught.value.code == "scheme_denied"


async def test_ipv6_is_dialled(open_outbound: Open, names: Names) -> None:
    outbound: Outbound = open_outbound(egress_allow=("::1",))
    names.say("api.test", ["::1"])
    async with serving(OK, host="::1") as site:
        assert (await outbound.send(HttpRequest("GET", site.url()), hosts=site.hosts)).status == 200
        assert (await outbound.send(HttpRequest("GET", site.url(host="[::1]")), hosts=None)).status == 200


async def test_the_next_address_is_dialled_when_the_first_refuses(open_outbound: Open, names: Names) -> None:
    outbound: Outbound = open_outbound(egress_allow=("127.0.0.0/8",))
    names.say("api.test", ["127.0.0.9", "127.0.0.1"])
    async with serving(OK) as site:
        assert (await outbound.send(HttpRequest("POST", site.url(), body=b"x"), hosts=None)).status == 200


async def test_a_name_without_addresses_is_said_to_be_so(open_outbound: Open, names: Names) -> None:
    outbound: Outbound = open_outbound()
    names.say("empty.test", [])
    for host in ("nowhere.test", "empty.test"):
        with pytest.raises(Unreachable) as caught:
            await outbound.send(HttpRequest("GET", f"https://{host}/?secret=1"), hosts=None)
        assert caught.value.code == "name_not_resolved"
        assert "secret" not in caught.value.message


async def test_the_environment_does_not_choose_a_proxy(
    local: Outbound, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.say("api.test", ["127.0.0.1"])
    async with serving(OK) as proxy, serving(OK) as site:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await local.send(HttpRequest("GET", site.url()), hosts=None)
    assert (site.accepted, proxy.accepted) == (1, 0)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_nothing_that_python_calls_internal_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_multicast or not plain.is_global:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_never_more_public_than_itself(address: ipaddress.IPv4Address) -> None:
    for form in ("::ffff:{}", "64:ff9b::{}", "::{}", "::ffff:0:{}", "64:ff9b:1::{}", "2600::5efe:{}"):
        assert is_public(address) or not is_public(ipaddress.IPv6Address(form.format(address)))
    assert not is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2002::")) | int(address) << 80))
