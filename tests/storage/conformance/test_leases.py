from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.storage.conftest import Opener
from tests.storage.made import (
    NOTHING,
    NOW,
    SECOND,
    actions_in,
    authorization,
    connection,
    kinds_in,
    told,
    with_grant,
)

from isthmus.records import Authorization, Reason
from isthmus.storage import Storage

pytestmark = pytest.mark.anyio

UNTIL = NOW + 30 * SECOND
NEW_PAIR = {"credential_sealed": b"sealed-2", "refresh_token_hash": "hash-2", "expires_at": NOW + 7200 * SECOND}


async def take(storage: Storage, *, at: datetime = NOW, version: int = 1, owner: str = "me") -> Authorization | None:
    return await storage.take_lease(
        "auth-1", version=version, owner=owner, now=at, until=at + 30 * SECOND, attempt_id=f"attempt-of-{owner}"
    )


async def commit(storage: Storage, **more: Any) -> Authorization | None:
    values: dict[str, Any] = {"used_hash": "hash-1", "version": 1, "rotated": True, "changes": NEW_PAIR}
    return await storage.commit_refresh("auth-1", **(values | more), journal=told("refreshed"))


async def row(storage: Storage) -> Authorization:
    found = await storage.authorization("auth-1")
    assert found is not None
    return found


# --- taking


async def test_a_lease_is_refused_while_another_lives(storage: Storage) -> None:
    await with_grant(storage)
    assert await take(storage) is not None
    before = await row(storage)
    assert await take(storage, at=UNTIL - SECOND, owner="other") is None
    assert await take(storage, at=UNTIL - SECOND) is None
    assert await row(storage) == before


@pytest.mark.parametrize("version", [0, 2])
async def test_a_lease_is_refused_for_a_version_that_is_not_the_present_one(storage: Storage, version: int) -> None:
    before = await with_grant(storage)
    assert await take(storage, version=version) is None
    assert await row(storage) == before


async def test_a_lease_is_refused_where_a_person_is_needed_or_nothing_is_there(storage: Storage) -> None:
    assert await take(storage) is None
    before = await with_grant(storage, state="needs_person")
    assert await take(storage) is None
    assert await row(storage) == before


async def test_a_lease_writes_the_intent_and_gives_the_row_as_it_was(storage: Storage) -> None:
    before = await with_grant(storage)
    assert await take(storage) == replace(before, epoch=1)
    expected = replace(
        before, state="refreshing", epoch=1, lease_owner="me", lease_until=UNTIL,
        attempt_id="attempt-of-me", attempt_hash="hash-1",
    )  # fmt: skip
    assert await row(storage) == expected


async def test_a_lease_that_ran_out_is_taken_over_and_shows_the_attempt_left_behind(storage: Storage) -> None:
    await with_grant(storage)
    await take(storage)
    left = await row(storage)
    taken = await take(storage, at=UNTIL, owner="other")
    assert taken == replace(left, epoch=2)
    assert taken.attempt_id == "attempt-of-me"
    assert taken.attempt_hash == taken.refresh_token_hash == "hash-1"
    now_held = await row(storage)
    assert (now_held.lease_owner, now_held.attempt_id, now_held.epoch) == ("other", "attempt-of-other", 2)


async def test_of_fifty_in_two_processes_exactly_one_takes_the_lease(open_another: Opener) -> None:
    first, second = await open_another(), await open_another()
    await first.migrate()
    await with_grant(first)
    for round_ in range(10):
        at = NOW + 60 * round_ * SECOND
        takers = (take((first, second)[n % 2], at=at, owner=f"{n}") for n in range(50))
        taken = [held for held in await asyncio.gather(*takers) if held is not None]
        assert len(taken) == 1
        assert taken[0].epoch == round_ + 1


# --- committing


@pytest.mark.parametrize(
    ("held_hash", "held_version", "used_hash", "version", "rotated", "stored"),
    [
        ("hash-1", 1, "hash-1", 1, True, True),
        ("hash-1", 1, "hash-1", 1, False, True),
        # Another refresh with the same token was stored meanwhile. Rotated: the provider voided what is there, so
        # this pair is the only good one. Not rotated: what is there is newer.
        ("hash-1", 2, "hash-1", 1, True, True),
        ("hash-1", 2, "hash-1", 1, False, False),
        # Another refresh token is stored: whatever this one brought is older.
        ("hash-9", 1, "hash-1", 1, True, False),
        ("hash-9", 1, "hash-1", 1, False, False),
        ("hash-9", 2, "hash-1", 1, True, False),
        # No refresh token was spent: only the version tells.
        (None, 1, None, 1, False, True),
        (None, 2, None, 1, False, False),
        (None, 2, None, 1, True, False),
        (None, 1, "hash-1", 1, True, False),
        ("hash-1", 1, None, 1, True, False),
        ("hash-1", 1, None, 1, False, False),
    ],
)
async def test_a_refresh_is_stored_only_over_what_it_was_made_from(
    storage: Storage,
    held_hash: str | None,
    held_version: int,
    used_hash: str | None,
    version: int,
    rotated: bool,
    stored: bool,
) -> None:
    before = await with_grant(storage, refresh_token_hash=held_hash, version=held_version)
    committed = await commit(storage, used_hash=used_hash, version=version, rotated=rotated)
    assert (committed is not None) == stored
    assert (await row(storage) != before) == stored
    assert await kinds_in(storage) == (["refreshed"] if stored else [])
    assert await actions_in(storage) == (["refreshed"] if stored else [])


async def test_a_commit_sets_the_pair_keeps_the_previous_and_frees_the_row(storage: Storage) -> None:
    await with_grant(storage, failures=3, not_before=NOW, state="backoff", previous_sealed=b"sealed-0")
    held = await take(storage)
    assert held is not None
    committed = await commit(storage, changes={**NEW_PAIR, "reason": None, "granted_scopes": ("a", "b")})
    expected = replace(
        authorization(), version=2, epoch=2, credential_sealed=b"sealed-2", previous_sealed=b"sealed-1",
        refresh_token_hash="hash-2", expires_at=NOW + 7200 * SECOND, reason=None, granted_scopes=("a", "b"),
    )  # fmt: skip
    assert committed == expected
    assert await row(storage) == expected


async def test_a_paused_holder_still_saves_the_only_valid_pair(storage: Storage) -> None:
    await with_grant(storage)
    await take(storage, owner="paused")
    other = await take(storage, at=UNTIL + SECOND, owner="other")
    assert other is not None
    committed = await commit(storage)
    assert committed is not None
    assert committed.lease_owner is None
    reason = Reason("grant_gone", "Refused.", "Connect again.", NOW)
    released = await storage.release_lease(
        "auth-1", epoch=other.epoch, changes={"state": "needs_person", "reason": reason}, journal=told("needs_person")
    )
    assert released is False, "the one who took over must not bury the grant that was just saved"
    assert await row(storage) == committed
    assert await kinds_in(storage) == ["refreshed"]


async def test_a_commit_repeated_after_a_lost_acknowledgement_changes_nothing(storage: Storage) -> None:
    await with_grant(storage)
    await take(storage)
    first = await commit(storage)
    assert first is not None
    assert await commit(storage) is None
    assert await row(storage) == first
    assert await kinds_in(storage) == ["refreshed"]


async def test_of_many_commits_of_one_token_one_is_stored(storage: Storage) -> None:
    await with_grant(storage)
    pairs = [{"credential_sealed": b"%d" % n, "refresh_token_hash": f"new-{n}"} for n in range(20)]
    results = await asyncio.gather(*(commit(storage, changes=pair) for pair in pairs))
    stored = [result for result in results if result is not None]
    assert len(stored) == 1
    assert await row(storage) == stored[0]
    assert await kinds_in(storage) == ["refreshed"]


@pytest.mark.parametrize("column", ["id", "version", "epoch", "lease_until", "previous_sealed", "no_such"])
async def test_a_commit_refuses_columns_that_are_not_its_own(storage: Storage, column: str) -> None:
    before = await with_grant(storage)
    with pytest.raises(ValueError, match=column):
        await commit(storage, changes={**NEW_PAIR, column: None})
    assert await row(storage) == before


# --- releasing


async def test_a_release_by_a_former_holder_changes_nothing(storage: Storage) -> None:
    await with_grant(storage)
    await take(storage)
    await take(storage, at=UNTIL, owner="other")
    before = await row(storage)
    released = await storage.release_lease("auth-1", epoch=1, changes={"state": "backoff"}, journal=told("failed"))
    assert released is False
    assert await row(storage) == before
    assert await kinds_in(storage) == []


async def test_a_release_frees_the_row_and_keeps_the_intent_unless_told(storage: Storage) -> None:
    before = await with_grant(storage)
    held = await take(storage)
    assert held is not None
    changes = {"state": "backoff", "failures": 1, "not_before": NOW + SECOND}
    assert await storage.release_lease("auth-1", epoch=1, changes=changes, journal=told("failed")) is True
    expected = replace(
        before, state="backoff", failures=1, not_before=NOW + SECOND, epoch=1,
        attempt_id="attempt-of-me", attempt_hash="hash-1",
    )  # fmt: skip
    assert await row(storage) == expected
    assert await kinds_in(storage) == ["failed"]
    cleared = {"attempt_id": None, "attempt_hash": None}
    assert await storage.release_lease("auth-1", epoch=1, changes=cleared, journal=NOTHING) is True
    assert await row(storage) == replace(expected, attempt_id=None, attempt_hash=None)


@pytest.mark.parametrize("column", ["credential_sealed", "refresh_token_hash", "version", "lease_owner", "epoch"])
async def test_a_release_cannot_touch_the_credential(storage: Storage, column: str) -> None:
    await with_grant(storage)
    await take(storage)
    with pytest.raises(ValueError, match=column):
        await storage.release_lease("auth-1", epoch=1, changes={column: None}, journal=NOTHING)


# --- updating


async def test_an_update_for_an_older_version_changes_nothing(storage: Storage) -> None:
    before = await with_grant(storage, version=2)
    changes = {"seen_working_at": NOW}
    updated = await storage.update_authorization("auth-1", version=1, changes=changes, journal=told("tested"))
    assert updated is False
    assert await row(storage) == before
    assert await kinds_in(storage) == []


async def test_an_update_sets_what_was_seen_and_leaves_version_and_lease(storage: Storage) -> None:
    await with_grant(storage, previous_sealed=b"old")
    await take(storage)
    before = await row(storage)
    changes = {
        "seen_working_at": NOW, "previous_sealed": None, "reason": None, "last_test": {"status": 401},
        "connected_as": "bob", "granted_scopes": None,
    }  # fmt: skip
    assert await storage.update_authorization("auth-1", version=1, changes=changes, journal=told("tested")) is True
    assert await row(storage) == replace(before, **changes)
    assert await storage.update_authorization("auth-1", version=1, changes={}, journal=told("again")) is True
    assert await row(storage) == replace(before, **changes)
    assert await kinds_in(storage) == ["tested", "again"]


@pytest.mark.parametrize("column", ["credential_sealed", "refresh_token_hash", "lease_owner", "attempt_id", "version"])
async def test_an_update_cannot_touch_credential_lease_or_intent(storage: Storage, column: str) -> None:
    await with_grant(storage)
    with pytest.raises(ValueError, match=column):
        await storage.update_authorization("auth-1", version=1, changes={column: None}, journal=NOTHING)


# --- what is due


async def due(storage: Storage, limit: int = 100) -> list[str]:
    return [found.id for found in await storage.due_for_refresh(now=NOW, limit=limit)]


@pytest.mark.parametrize(
    "not_due",
    [
        {"refreshable": False},
        {"refresh_at": None},
        {"refresh_at": NOW + SECOND},
        {"state": "needs_person"},
        {"state": "backoff", "not_before": NOW + SECOND},
        {"state": "refreshing", "lease_owner": "x", "lease_until": NOW + SECOND},
    ],
)
async def test_what_cannot_or_need_not_be_refreshed_is_not_due(storage: Storage, not_due: dict[str, Any]) -> None:
    await with_grant(storage, **({"refresh_at": NOW} | not_due))
    assert await due(storage) == []


async def test_nothing_is_due_under_a_disabled_connection(storage: Storage) -> None:
    await storage.add_connection(connection(disabled=True), NOTHING)
    await storage.put_authorization(authorization(refresh_at=NOW), NOTHING)
    assert await due(storage) == []


@pytest.mark.parametrize(
    "is_due",
    [
        {"refresh_at": NOW},
        {"state": "backoff", "not_before": NOW},
        # Its holder died: nobody else would look after it.
        {"state": "refreshing", "lease_owner": "x", "lease_until": NOW},
    ],
)
async def test_what_can_be_refreshed_now_is_due(storage: Storage, is_due: dict[str, Any]) -> None:
    await with_grant(storage, **({"refresh_at": NOW - SECOND} | is_due))
    assert await due(storage) == ["auth-1"]


async def test_the_longest_due_come_first(storage: Storage) -> None:
    await storage.add_connection(connection(), NOTHING)
    for n in (3, 1, 4, 2):
        grant = authorization(id=f"a{n}", resource_owner=f"{n}", refresh_at=NOW - (10 - n) * SECOND)
        await storage.put_authorization(grant, NOTHING)
    assert await due(storage, limit=3) == ["a1", "a2", "a3"]
