"""The queue within one process: what is taken up, put down, interrupted, retried and skipped."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import Workshop
from tests.broker.runs.stage import GETS, NAME, POSTS, prepared, process, queued, row, settled, tags, torn
from tests.world import ADMIN, World, person

from isthmus.broker.functions.runner import Asking
from isthmus.broker.runs.journey import MOST_FUTILE_TAKES, Held, Lost
from isthmus.broker.runs.queue import Pace
from isthmus.errors import Conflict, InputError, NotFound
from isthmus.records import User
from isthmus.storage import Journal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def interrupted(tmp_path: Path, world: World, shop: Workshop, practice: Any) -> str:
    """A run that was interrupted during a POST that arrived."""
    await prepared(world, shop, POSTS)
    run_id = await queued(shop, tag="t")
    await torn(world, tmp_path, practice, run_id)
    async with process(tmp_path):
        await settled(world, run_id, "interrupted")
    return run_id


async def test_a_post_of_unknown_fate_is_not_made_again_and_says_so(
    world: World, interrupted: str, practice: Any
) -> None:
    run = await world.isthmus.functions.read.run(ADMIN, interrupted)
    assert run["error_code"] == "call_fate_unknown"
    assert "retry" in run["error"]["hint"]
    assert "skip" in run["error"]["hint"]
    assert [call["state"] for call in run["requests"]] == ["unknown"]
    assert run["ended_at"] is None, "it waits for a person, and is kept until then"
    assert tags(practice) == ["t"]
    stored = await row(world, interrupted)
    assert (stored.due_at, stored.lease_owner) == (None, None)


async def test_retry_makes_the_call_again_and_goes_on(
    tmp_path: Path, world: World, shop: Workshop, interrupted: str, practice: Any
) -> None:
    answer = await shop.functions.retry(ADMIN, interrupted, None)
    assert (answer["run_id"], answer["state"]) == (interrupted, "queued")
    async with process(tmp_path):
        run = await settled(world, interrupted, "finished", "failed", "interrupted")
    assert run["state"] == "finished"
    assert run["value"][0] == 201
    assert run["error"] is None
    assert tags(practice) == ["t", "t"], "as the person has said"
    assert [entry["target"] for entry in await shop.told("run.retry")] == [interrupted]


async def test_a_retry_that_is_torn_again_is_interrupted_again(
    tmp_path: Path, world: World, shop: Workshop, interrupted: str, practice: Any
) -> None:
    await shop.functions.retry(ADMIN, interrupted, None)
    await torn(world, tmp_path, practice, interrupted)
    async with process(tmp_path):
        await settled(world, interrupted, "interrupted")
    assert tags(practice) == ["t", "t"]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (None, [204, ""]),
        ({"status": 201, "body": "made"}, [201, "made"]),
        ({"status": 200, "body": {"id": 7}}, [200, '{"id":7}']),
    ],
)
async def test_skip_goes_on_with_the_answer_that_the_person_gives(
    tmp_path: Path, world: World, shop: Workshop, interrupted: str, practice: Any, answer: Any, value: Any
) -> None:
    await shop.functions.skip(ADMIN, interrupted, answer)
    async with process(tmp_path):
        run = await settled(world, interrupted, "finished", "failed", "interrupted")
    assert run["value"] == value
    assert (run["requests"][0]["state"], run["requests"][0]["error"]) == ("answered", "skipped")
    assert tags(practice) == ["t"]
    assert [entry["target"] for entry in await shop.told("run.skip")] == [interrupted]


async def test_of_two_who_decide_one_is_told_that_it_is_decided(
    world: World, shop: Workshop, interrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage: Any = world.isthmus._storage
    both_have_read, change = asyncio.Barrier(2), storage.change_run

    async def at_once(*given: Any, **named: Any) -> bool:
        async with asyncio.timeout(20):
            await both_have_read.wait()
        return bool(await change(*given, **named))

    monkeypatch.setattr(storage, "change_run", at_once)
    ended = await asyncio.gather(
        shop.functions.retry(ADMIN, interrupted, None),
        shop.functions.skip(ADMIN, interrupted, None),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "dict"]


async def test_what_cannot_be_skipped_or_retried_is_refused(world: World, shop: Workshop, interrupted: str) -> None:
    for answer in ({"status": "200"}, {"status": 99}, {"headers": {"a": 1}}, {"code": 200}):
        with pytest.raises(InputError) as refused:
            await shop.functions.skip(ADMIN, interrupted, answer)
        assert str(refused.value.field).startswith("answer.")
    for work in (shop.functions.skip, shop.functions.retry):
        with pytest.raises(NotFound):
            await work(person("mia"), interrupted, None)
    assert (await row(world, interrupted)).state == "interrupted"
    done = await shop.run(arguments={"tag": "x"})
    with pytest.raises(Conflict) as conflict:
        await shop.functions.skip(ADMIN, done["run_id"], None)
    assert conflict.value.code == "run_not_interrupted"


async def test_a_get_of_unknown_fate_is_made_again(tmp_path: Path, world: World, shop: Workshop, practice: Any) -> None:
    await prepared(world, shop, GETS)
    run_id = await queued(shop, tag="t")
    await torn(world, tmp_path, practice, run_id)
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed", "interrupted")
    assert (run["state"], run["value"]) == ("finished", 200)
    assert [(call["number"], call["state"]) for call in run["requests"]] == [(1, "answered")]


async def test_a_service_that_takes_a_key_gets_the_same_one_again(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    await world.service("practice_basic", repeat={"key_header": "X-Once"})
    await world.connection("practice_basic")
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "ada", "password": "pa:ss wörd"})
    echo = 'def main():\n    return connection("link").post("/echo", json={}).json()["headers"]["x-once"]\n'
    await shop.live(echo)
    run_id = await queued(shop)
    await torn(world, tmp_path, practice, run_id)
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed", "interrupted")
    assert (run["state"], run["value"]) == ("finished", f"{run_id}-1")


async def test_a_call_that_was_answered_is_not_made_again(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    code = POSTS.replace("return", 'connection("link").get("/me")\n    return')
    await prepared(world, shop, code)
    run_id = await queued(shop, tag="t")
    async with process(tmp_path) as dying:
        deadline = time.monotonic() + 20
        practice.dials(api={"slow_seconds": 0.3})
        while len(await world.isthmus._storage.run_calls(run_id)) < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await dying._queue.stop(0.0)
    practice.dials(api={})
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed", "interrupted")
    assert run["state"] == "finished"
    assert tags(practice) == ["t"]


DELUGE = """
string standalone.hello(string tag)
{
    made = invokeurl [ url: "/items" type: POST body: {"tag": tag} connection: "link" ];
    seen = invokeurl [ url: "/me" type: GET connection: "link" ];
    return seen.get("login") + " " + made.get("tag");
}
"""


async def test_a_deluge_function_goes_on_in_another_process(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    await world.connected("practice_basic")
    await shop.live(DELUGE, language="deluge")
    run_id = await queued(shop, tag="t")
    practice.dials(api={"slow_seconds": 0.3})
    async with process(tmp_path) as dying:
        deadline = time.monotonic() + 20
        while len(await world.isthmus._storage.run_calls(run_id)) < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await dying._queue.stop(0.0)
    practice.dials(api={})
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed", "interrupted")
    assert (run["state"], run["value"]) == ("finished", "ada t")
    assert tags(practice) == ["t"]


async def test_a_run_that_sleeps_is_nobodys(tmp_path: Path, world: World, shop: Workshop) -> None:
    await shop.live("import time\n\ndef main():\n    time.sleep(1.5)\n    return 'awake'\n")
    async with process(tmp_path) as one:
        run_id = await queued(shop)
        await settled(world, run_id, "waiting")
        deadline = time.monotonic() + 10
        while (stored := await row(world, run_id)).lease_owner is not None or one._queue.under_way:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert stored.due_at is not None
        assert stored.due_at > stored.created_at
    async with process(tmp_path):
        run = await settled(world, run_id, "finished", "failed")
    assert run["value"] == "awake"
    assert run["elapsed_ms"] >= 1400


async def test_what_is_kept_for_going_on_goes_when_the_run_ends(tmp_path: Path, world: World, shop: Workshop) -> None:
    await prepared(world, shop, POSTS.replace("return", 'connection("link").get("/me")\n    return'))
    run_id = await queued(shop, tag="t")
    async with process(tmp_path):
        await settled(world, run_id, "finished")
    stored = await row(world, run_id)
    assert (stored.snapshot_sealed, stored.due_at, stored.lease_owner) == (None, None, None)
    assert [call.answer_sealed for call in await world.isthmus._storage.run_calls(run_id)] == [None, None]


async def test_whoever_lost_the_lease_makes_no_call(world: World, shop: Workshop, practice: Any) -> None:
    """A process that was stopped past its lease: another may have the run by now."""
    await prepared(world, shop, POSTS)
    await queued(shop, tag="t")
    storage = world.isthmus._storage
    now = datetime.now(UTC)
    (run,) = await storage.take_runs(owner="a", now=now, until=now, limit=1)
    with pytest.raises(Lost):
        await world.isthmus._queue._travel(Held(run, lambda: False, lambda: False))
    assert await storage.take_runs(owner="b", now=datetime.now(UTC), until=now, limit=1)
    with pytest.raises(Lost):
        await world.isthmus._queue._travel(Held(run, lambda: True, lambda: False))
    assert tags(practice) == []


async def test_a_run_whose_actor_is_gone_fails_and_says_so(tmp_path: Path, world: World, shop: Workshop) -> None:
    await shop.live()
    storage = world.isthmus._storage
    await storage.add_user(User("u", "u@example.com", "U", "developer"), Journal())
    run = await shop.functions.runner.enqueue(person("u", "developer"), NAME, Asking())
    await storage.delete_user("u", Journal())
    async with process(tmp_path):
        document = await settled(world, run.id, "failed", "finished")
    assert document["error"]["code"] == "actor_gone"


async def test_a_run_that_ends_every_process_is_given_up(tmp_path: Path, world: World, shop: Workshop) -> None:
    await shop.live()
    run_id = await queued(shop)
    storage = world.isthmus._storage
    for _ in range(MOST_FUTILE_TAKES):
        now = datetime.now(UTC)
        assert await storage.take_runs(owner="x", now=now, until=now, limit=1)
    async with process(tmp_path):
        run = await settled(world, run_id, "failed", "finished")
    assert run["error_code"] == "run_given_up"


async def test_many_processes_share_the_queue_and_each_run_is_made_once(
    tmp_path: Path, world: World, shop: Workshop, practice: Any
) -> None:
    await prepared(world, shop, POSTS)
    pace = Pace(poll_seconds=0.1, most=5, at_once=3)
    async with process(tmp_path, pace), process(tmp_path, pace), process(tmp_path, pace):
        runs = [await queued(shop, tag=f"t{n}") for n in range(30)]
        for run_id in runs:
            assert (await settled(world, run_id, "finished", "failed"))["state"] == "finished"
    assert sorted(tags(practice)) == sorted(f"t{n}" for n in range(30))


@pytest.mark.slow
async def test_five_hundred_runs_that_wait_twice_are_done_soon_on_two_workers(
    tmp_path: Path, world: World, shop: Workshop
) -> None:
    """A run that waits holds no worker: 500 times 2 s on two of them would be 500 s. The figure itself is in the
    bench; here the machine may be busy with something else."""
    twice = 'def main():\n    for n in [1, 2]:\n        connection("link").get("/slow?seconds=1")\n    return n\n'
    await prepared(world, shop, twice)
    runs = await asyncio.gather(*(queued(shop) for _ in range(500)))
    started = time.monotonic()
    async with process(tmp_path, Pace()):
        for run_id in runs:
            await settled(world, run_id, "finished")
        assert time.monotonic() - started < 200
