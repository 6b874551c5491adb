"""A flood of wrong passwords: limited, tells nothing about who is known, and the owner still gets in."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.web.console.conftest import PASSWORD, URL, House, hidden_of

from isthmus.authserver.attempts import ATTACK_FAILURES
from isthmus.authserver.passwords import Passwords
from isthmus.authserver.sessions import Visit

pytestmark = pytest.mark.anyio
VARIANTS = ("ann@example.com", "ANN@Example.com", " ann@example.com\t", "ａｎｎ@example.com", "ann@example.com\u00a0")
UNKNOWN = (
    "nobody@example.com",
    "ann@example.con",
    "ann",
    "",
    "ann@exa\x00mple.com",
    "ann\u200b@example.com",
    "x" * 300,
)
HOME = "192.0.2.7"


class Flood:
    """Sends the form of the login page from any address, in one browser."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def open(self) -> None:
        page = await self._at(HOME).get("/login")
        self._hidden = dict(hidden_of(page.text, "/login"))
        self._cookie = page.headers["set-cookie"].split(";")[0]

    async def send(self, address: str, email: str, password: str, **headers: str) -> httpx.Response:
        fields = urlencode({**self._hidden, "email": email, "password": password})
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null", "Cookie": self._cookie}
        if "cookie" in headers:
            sent["Cookie"] += f"; {headers['cookie']}"
        return await self._at(address).post("/login", content=fields, headers=sent)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    def _at(self, address: str) -> httpx.AsyncClient:
        if address not in self._clients:
            transport = httpx.ASGITransport(app=self._house._asgi, client=(address, 4711))
            self._clients[address] = httpx.AsyncClient(transport=transport, base_url=URL)
        return self._clients[address]


def told(answer: httpx.Response) -> tuple[int, str, Mapping[str, Any]]:
    """What an answer tells: status, page without what was typed and what differs each time, and header names."""
    text = re.sub(r'name="email"[^>]*value="[^"]*"|value="[0-9a-f]{128}"| autofocus|req_\w+', "", answer.text)
    return answer.status_code, re.sub(r"\d+ seconds?", "", text), dict.fromkeys(answer.headers)


async def test_a_thousand_wrong_passwords_are_limited_and_do_not_lock_the_owner_out(house: House) -> None:
    await house.person("administrator", "ann")
    flood = Flood(house)
    await flood.open()
    owner = await house.browser()
    assert (await owner.send("/login", {"email": "ann@example.com", "password": PASSWORD})).status_code == 303
    known = "isthmus_known=" + owner.client.cookies["isthmus_known"]
    addresses = [f"198.51.100.{n}" for n in range(1, 60)] + [HOME]
    names = (*VARIANTS, *UNKNOWN)
    answers = [
        await flood.send(addresses[n % len(addresses)], names[n % len(names)], f"wrong password {n}")
        for n in range(1000)
    ]
    assert {answer.status_code for answer in answers} == {401, 429}
    looked_at = sum(answer.status_code == 401 for answer in answers)
    assert looked_at <= len(addresses) * (len(UNKNOWN) * 5 + 1) + ATTACK_FAILURES * 5
    assert sum(answer.status_code == 429 for answer in answers) >= 300
    # From an address nobody used, from a known browser at the attacked address, but not as a stranger there.
    assert (await flood.send("203.0.113.5", "ann@example.com", PASSWORD)).status_code == 303
    for _ in range(8):
        await flood.send(HOME, "ann@example.com", "wrong password")
    assert (await flood.send(HOME, "ann@example.com", PASSWORD)).status_code == 429
    assert (await flood.send(HOME, "ann@example.com", PASSWORD, cookie=known)).status_code == 303
    await flood.close()


async def test_every_spelling_of_an_address_is_one_account(house: House) -> None:
    await house.person("administrator", "ann")
    flood = Flood(house)
    await flood.open()
    for spelling in VARIANTS:
        assert (await flood.send(HOME, spelling, "wrong password")).status_code == 401
    for spelling in VARIANTS:
        assert (await flood.send(HOME, spelling, PASSWORD)).status_code == 429
    await flood.close()


async def test_a_known_browser_has_few_guesses_too_and_a_mark_of_another_account_none_more(house: House) -> None:
    await house.person("administrator", "ann")
    await house.person("member", "bob")
    flood = Flood(house)
    await flood.open()
    marks = {}
    for name in ("ann", "bob"):
        browser = await house.browser()
        await browser.send("/login", {"email": f"{name}@example.com", "password": PASSWORD})
        marks[name] = "isthmus_known=" + browser.client.cookies["isthmus_known"]
    strangers = ("", marks["bob"], marks["bob"] + "0", "isthmus_known=a.9999999999.b")
    for n, mark in enumerate(strangers):
        statuses = [(await flood.send(HOME, "ann@example.com", "wrong", cookie=mark)).status_code for _ in range(6)]
        assert statuses == ([401] * 5 + [429] if n == 0 else [429] * 6), mark
    statuses = [(await flood.send(HOME, "ann@example.com", "wrong", cookie=marks["ann"])).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    await flood.close()


async def test_an_answer_does_not_tell_whether_somebody_is_known(house: House) -> None:
    await house.person("administrator", "ann")
    await house.person("member", "off")
    system = house.isthmus.protect.system_actor()
    off = next(one for one in (await house.isthmus.accounts.users(system)).items if one["email"] == "off@example.com")
    await house.isthmus.accounts.update_user(system, off["id"], {"disabled": True})
    flood = Flood(house)
    await flood.open()
    wanted = told(await flood.send("203.0.113.1", "ann@example.com", "wrong"))
    others = [("off@example.com", PASSWORD), ("ann@example.com", ""), ("ann@example.com", "x" * 5000)]
    others += [(name, "wrong") for name in UNKNOWN]
    for n, (email, password) in enumerate(others):
        assert told(await flood.send(f"203.0.113.{n + 2}", email, password)) == wanted, email
    for address, email in (("203.0.113.101", "ann@example.com"), ("203.0.113.102", "nobody@example.com")):
        limited = [told(await flood.send(address, email, "wrong")) for _ in range(6)][-1]
        assert limited[0] == 429
        wanted = limited if email.startswith("ann") else wanted
    assert limited == wanted
    await flood.close()


async def test_the_time_of_an_answer_does_not_tell_whether_somebody_is_known(house: House) -> None:
    """Welch's t between a known and an unknown address, of the processor's time: what else runs here counts little.

    A hash of 8 MiB instead of 64 keeps it short; the work around the hash weighs the more in it.
    """
    accounts = house.isthmus.accounts
    accounts._passwords = Passwords(time_cost=1, memory_kib=8192, parallelism=1)
    await house.person("administrator", "ann")
    spent: dict[str, list[float]] = {"ann@example.com": [], "eve@example.com": []}
    for n in range(110):
        for email in sorted(spent, reverse=n % 2 == 0):
            visit = Visit(f"10.{n // 250}.{n % 250}.{len(email)}")
            accounts._attempts = type(accounts._attempts)()
            begun = time.process_time()
            with pytest.raises(Exception, match="wrong"):
                await accounts.sign_in(email, "not the password", visit)
            spent[email].append(time.process_time() - begun)
    t = welch(*(trimmed(one[10:]) for one in spent.values()))
    assert abs(t) < 4.5, (t, {email: statistics.mean(times) for email, times in spent.items()})


def trimmed(times: list[float]) -> list[float]:
    """Without the slowest fifth, in which something else was in the way."""
    return sorted(times)[: len(times) * 4 // 5]


def welch(one: list[float], other: list[float]) -> float:
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.mean(one) - statistics.mean(other)) / float(max(spread, 1e-18)) ** 0.5
