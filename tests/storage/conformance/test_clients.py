from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.made import NOTHING, NOW, SECOND, actions_in, activity, client, client_secret

from isthmus.errors import Conflict
from isthmus.records import AuthorizationRequest, DeviceAuthorization
from isthmus.storage import Journal, Storage

pytestmark = pytest.mark.anyio
SAID = Journal((activity("said"),))


def request(token: str = "hash-r", **more: object) -> AuthorizationRequest:
    values = {"kind": "pushed", "client_id": "c1", "parameters": {"scope": "ä"}, "expires_at": NOW + SECOND}
    return AuthorizationRequest(token, **(values | more))  # type: ignore[arg-type]


def device(code: str = "device", **more: object) -> DeviceAuthorization:
    values = {"user_code_hash": f"user-{code}", "client_id": "c1", "scopes": ("a",), "expires_at": NOW + SECOND}
    return DeviceAuthorization(code, **(values | more))  # type: ignore[arg-type]


async def test_a_client_that_changed_meanwhile_is_not_overwritten(storage: Storage) -> None:
    await storage.add_client(client(), client_secret(), NOTHING)
    await storage.save_client(client(name="Second"), SAID)
    with pytest.raises(Conflict) as caught:
        await storage.save_client(client(name="Third"), SAID)
    assert caught.value.code == "changed"
    found = await storage.client("c1")
    assert found == client(name="Second", version=2)
    assert await actions_in(storage) == ["said"]


async def test_a_client_goes_with_all_that_it_has(storage: Storage) -> None:
    await storage.add_client(client(), client_secret(), SAID)
    await storage.add_authorization_request(request())
    await storage.add_device_authorization(device())
    assert await storage.delete_client("c1", NOTHING)
    assert not await storage.delete_client("c1", SAID)
    assert await storage.client_secrets("c1") == []
    assert await storage.authorization_request("hash-r", now=NOW) is None
    assert await storage.device_authorization("device") is None
    assert await actions_in(storage) == ["said"]


async def test_clients_are_listed_by_name_and_by_who_made_them(storage: Storage) -> None:
    for number, name in enumerate(("Beta", "Alpha", "Gamma")):
        made_by = "user:eve" if name == "Gamma" else "user:ada"
        await storage.add_client(client(f"c{number}", name=name, created_by=made_by), None, NOTHING)
    first = await storage.clients(limit=2)
    rest = await storage.clients(limit=2, cursor=first.next_cursor)
    assert [item.name for item in (*first.items, *rest.items)] == ["Alpha", "Beta", "Gamma"]
    assert [item.name for item in (await storage.clients(limit=9, created_by="user:ada")).items] == ["Alpha", "Beta"]


async def test_a_rotated_secret_ends_the_others_but_never_later(storage: Storage) -> None:
    await storage.add_client(client(), client_secret("s1", expires_at=NOW + SECOND), NOTHING)
    fresh = client_secret("s2", created_at=NOW + SECOND)
    await storage.rotate_client_secret(fresh, ends={"s1": NOW + 5 * SECOND}, journal=SAID)
    kept = await storage.client_secrets("c1")
    assert [(secret.id, secret.expires_at) for secret in kept] == [("s1", NOW + SECOND), ("s2", None)]
    third = client_secret("s3", created_at=NOW + 2 * SECOND)
    await storage.rotate_client_secret(third, ends={"s2": NOW + 9 * SECOND}, journal=NOTHING)
    kept = await storage.client_secrets("c1")
    assert [secret.expires_at for secret in kept] == [NOW + SECOND, NOW + 9 * SECOND, None]
    assert not await storage.delete_client_secret("other", "s3", SAID)
    assert await storage.delete_client_secret("c1", "s3", NOTHING)
    assert await actions_in(storage) == ["said"]


async def test_the_use_of_a_client_never_goes_backwards(storage: Storage) -> None:
    await storage.add_client(client(), None, NOTHING)
    await storage.touch_client("c1", now=NOW + SECOND)
    await storage.touch_client("c1", now=NOW)
    found = await storage.client("c1")
    assert found is not None
    assert found.last_used_at == NOW + SECOND


async def test_a_request_is_taken_once_and_not_after_its_time(storage: Storage) -> None:
    await storage.add_client(client(), None, NOTHING)
    await storage.add_authorization_request(request())
    assert await storage.authorization_request("hash-r", now=NOW + SECOND) is None
    assert await storage.take_authorization_request("hash-r", now=NOW + SECOND) is None
    taken = await asyncio.gather(*(storage.take_authorization_request("hash-r", now=NOW) for _ in range(5)))
    assert [one for one in taken if one is not None] == [request()]


async def test_a_device_is_decided_once(storage: Storage) -> None:
    await storage.add_client(client(), None, NOTHING)
    await storage.add_device_authorization(device())
    assert await storage.device_by_user_code("user-device", now=NOW) == device()
    assert await storage.device_by_user_code("user-device", now=NOW + SECOND) is None
    chosen = {"user_id": "ada", "now": NOW, "journal": SAID}
    assert not await storage.decide_device("other", status="approved", **chosen)  # type: ignore[arg-type]
    assert await storage.decide_device("user-device", status="denied", **chosen)  # type: ignore[arg-type]
    assert not await storage.decide_device("user-device", status="approved", **chosen)  # type: ignore[arg-type]
    assert await storage.device_authorization("device") == device(status="denied", user_id="ada")
    assert await actions_in(storage) == ["said"]


async def test_two_polls_at_once_are_one_poll(storage: Storage) -> None:
    await storage.add_client(client(), None, NOTHING)
    await storage.add_device_authorization(device())
    polls = [
        storage.poll_device("device", last_polled_at=None, now=NOW, interval_seconds=5),
        storage.poll_device("device", last_polled_at=None, now=NOW, interval_seconds=5),
    ]
    assert sorted(await asyncio.gather(*polls)) == [False, True]
    assert await storage.poll_device("device", last_polled_at=NOW, now=NOW + SECOND, interval_seconds=10)
    assert await storage.device_authorization("device") == replace(
        device(), last_polled_at=NOW + SECOND, interval_seconds=10
    )


async def test_a_proof_is_new_once(storage: Storage) -> None:
    seen = await asyncio.gather(*(storage.note_proof("p", expires_at=NOW) for _ in range(5)))
    assert sorted(seen) == [False] * 4 + [True]
    assert await storage.note_proof("q", expires_at=NOW)
    assert await storage.purge_expired(now=NOW) == 2
    assert await storage.note_proof("p", expires_at=NOW)
