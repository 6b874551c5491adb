from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import NOW, SECOND

from isthmus.records import IdempotentAnswer, WrappedKey
from isthmus.storage import Storage

pytestmark = pytest.mark.anyio

ASKED = IdempotentAnswer("key", "request", NOW)


async def take(storage: Storage, owner: str, at: int = 0) -> bool:
    now = NOW + at * SECOND
    return await storage.take_duty("refresh", owner=owner, now=now, until=now + 10 * SECOND)


async def test_a_duty_that_another_has_is_refused_until_it_runs_out(storage: Storage) -> None:
    assert await take(storage, "a") is True
    assert await take(storage, "b", at=9) is False
    assert await take(storage, "b", at=10) is True
    assert await take(storage, "a", at=11) is False


async def test_a_duty_is_kept_by_taking_it_again(storage: Storage) -> None:
    assert await take(storage, "a") is True
    assert await take(storage, "a", at=9) is True
    assert await take(storage, "b", at=18) is False


async def test_only_its_owner_gives_a_duty_back(storage: Storage) -> None:
    await take(storage, "a")
    await storage.release_duty("refresh", owner="b")
    assert await take(storage, "b") is False
    await storage.release_duty("refresh", owner="a")
    assert await take(storage, "b") is True
    assert await storage.take_duty("other", owner="a", now=NOW, until=NOW + SECOND) is True


async def test_of_many_in_two_processes_one_takes_the_duty(open_another: Opener) -> None:
    both = [await open_another(), await open_another()]
    await both[0].migrate()
    for at in (0, 60, 120):
        assert sum(await asyncio.gather(*(take(both[n % 2], f"{n}", at=at) for n in range(30)))) == 1


async def test_of_many_repeated_requests_one_is_the_first(open_another: Opener) -> None:
    both = [await open_another(), await open_another()]
    await both[0].migrate()
    results = await asyncio.gather(*(both[n % 2].begin_idempotent(ASKED) for n in range(30)))
    assert results.count(None) == 1
    assert results.count(ASKED) == 29


async def test_a_repeated_request_gets_what_the_first_was_answered(storage: Storage) -> None:
    assert await storage.begin_idempotent(ASKED) is None
    await storage.finish_idempotent("key", status=201, answer_sealed=b"sealed")
    answered = replace(ASKED, status=201, answer_sealed=b"sealed")
    assert await storage.begin_idempotent(replace(ASKED, request_hash="another")) == answered
    await storage.abandon_idempotent("key")
    assert await storage.begin_idempotent(ASKED) == answered


async def test_a_request_that_was_abandoned_can_be_repeated(storage: Storage) -> None:
    await storage.begin_idempotent(ASKED)
    await storage.abandon_idempotent("key")
    assert await storage.begin_idempotent(ASKED) is None


async def test_a_key_version_is_added_once(open_another: Opener) -> None:
    both = [await open_another(), await open_another()]
    await both[0].migrate()
    keys = [WrappedKey(1, f"id{n}", b"%d" % n, NOW) for n in range(20)]
    added = await asyncio.gather(*(both[n % 2].add_wrapped_key(key) for n, key in enumerate(keys)))
    assert sum(added) == 1
    assert await both[0].add_wrapped_key(WrappedKey(2, "id", b"two")) is True
    first = keys[added.index(True)]
    assert await both[1].wrapped_keys() == [first, WrappedKey(2, "id", b"two")]
