"""The rate limit of wrong passwords: growing waits that never lock the owner out from another address.

Counted per account *and* address, so that a stranger who guesses makes only the stranger wait. Where many addresses
guess at one account, each of them gets a single free attempt instead of five: the owner's right password still goes
through at the first try from anywhere. Addresses that guess at many accounts wait as well. A browser that is known for
the account, or a session of its person, is counted by itself alone: nobody else can use its attempts up. Kept in this process's
memory: a restart forgets, and each process counts for itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from isthmus.errors import RateLimited

FREE_ATTEMPTS = 5
FREE_ATTEMPTS_UNDER_ATTACK = 1
ATTACK_FAILURES = 30
ADDRESS_ATTEMPTS = 60
LONGEST_WAIT = timedelta(minutes=15)
MOST_ENTRIES = 20_000


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last_at: datetime | None = None


class Attempts:
    """Counts failures; an attempt is counted before the password is looked at, so that parallel ones count too."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[str, _Count] = OrderedDict()
        self._accounts: OrderedDict[str, _Count] = OrderedDict()
        self._addresses: OrderedDict[str, _Count] = OrderedDict()

    def begin(self, account: str, address: str, now: datetime, known: str = "") -> None:
        """Count an attempt; `known` names a browser or session that belongs to the account.

        Raises RateLimited, with the time to come back, before any work is done.
        """
        account, address = account_key(account), _network(address)
        if known:
            self._count((self._recent(self._pairs, f"{account} {known}", now),), FREE_ATTEMPTS, now)
            return
        attacked = self._recent(self._accounts, account, now).failures >= ATTACK_FAILURES
        pair = self._recent(self._pairs, f"{account} {address}", now)
        _refuse_early(self._recent(self._addresses, address, now), ADDRESS_ATTEMPTS, now)
        free = FREE_ATTEMPTS_UNDER_ATTACK if attacked else FREE_ATTEMPTS
        others = (self._recent(self._addresses, address, now), self._recent(self._accounts, account, now))
        self._count((pair, *others), free, now)

    def succeeded(self, account: str, address: str, known: str = "") -> None:
        """The password was right: this account is clear at this address, and the attempt was no failure."""
        account, address = account_key(account), _network(address)
        self._pairs.pop(f"{account} {known or address}", None)
        if known:
            return
        for counts, key in ((self._accounts, account), (self._addresses, address)):
            if key in counts:
                counts[key].failures = max(0, counts[key].failures - 1)

    def _count(self, counts: tuple[_Count, ...], allowed: int, now: datetime) -> None:
        """One more failure for all, unless the first has to wait."""
        _refuse_early(counts[0], allowed, now)
        for count in counts:
            count.failures += 1
            count.last_at = now

    def _recent(self, counts: OrderedDict[str, _Count], key: str, now: datetime) -> _Count:
        """The count of `key`, started afresh when nothing failed for longer than the longest wait."""
        count = counts.setdefault(key, _Count())
        if count.last_at is not None and now - count.last_at > LONGEST_WAIT:
            count.failures, count.last_at = 0, None
        counts.move_to_end(key)
        while len(counts) > MOST_ENTRIES:
            counts.popitem(last=False)
        return count


def _refuse_early(count: _Count, allowed: int, now: datetime) -> None:
    if count.last_at is None or count.failures < allowed:
        return
    wait = min(timedelta(seconds=2 ** min(count.failures - allowed, 20)), LONGEST_WAIT)
    if now < count.last_at + wait:
        raise RateLimited(
            "Too many wrong passwords from here.", retry_at=count.last_at + wait, code="too_many_attempts"
        )


def account_key(account: str) -> str:
    """One key for every way to write the address, of bounded length."""
    folded = unicodedata.normalize("NFKC", account).strip().casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    """The address, or for IPv6 its /64: one subscriber commands all of that."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
