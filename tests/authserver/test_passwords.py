from __future__ import annotations

import asyncio
import time

import pytest

from isthmus.authserver.passwords import Passwords, check_acceptable
from isthmus.errors import InputError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025, None, 12345678])
def test_a_password_of_another_length_is_refused(password: object) -> None:
    with pytest.raises(InputError) as caught:
        check_acceptable(password)
    assert (caught.value.code, caught.value.field) == ("password_length", "password")


def test_a_password_is_taken_as_it_is() -> None:
    for password in ("12345678", " spaces ", "é" * 1024, "a\x00b\x00c\x00de"):
        assert check_acceptable(password) == password


async def test_only_the_right_password_matches() -> None:
    passwords = Passwords(time_cost=1, memory_kib=64, parallelism=1)
    stored = await passwords.hash("right horse")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.verify(stored, "right horse")
    for wrong in ("wrong horse", "", "right horse ", "\udc80"):
        assert not await passwords.verify(stored, wrong)
    assert not await passwords.verify(None, "right horse")
    assert not await passwords.verify("damaged", "right horse")


async def test_hashing_lets_the_server_go_on() -> None:
    passwords = Passwords()
    hashing = asyncio.create_task(passwords.hash("some password"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3, "the event loop stood still while the password was hashed"
    assert not passwords.outdated(await hashing)
    assert passwords.outdated(await Passwords(time_cost=1, memory_kib=64, parallelism=1).hash("some password"))


async def test_nobody_costs_as_much_as_somebody() -> None:
    passwords = Passwords(time_cost=2, memory_kib=16384, parallelism=1)
    stored = await passwords.hash("some password")
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(30):
        known = number % 2 == 0
        started = time.process_time()
        await passwords.verify(stored if known else None, "wrong password")
        times[known].append(time.process_time() - started)
    known_time, unknown_time = (sorted(values)[len(values) // 2] for values in times.values())
    assert 0.6 < unknown_time / known_time < 1.6
