from __future__ import annotations

import asyncio

import pytest

from isthmus.single_flight import SingleFlight

pytestmark = pytest.mark.anyio


class Looking:
    """A look-up that counts how often it was made and waits to be let go."""

    def __init__(self) -> None:
        self.made = 0
        self.go = asyncio.Event()
        self.problem: Exception | None = None

    async def __call__(self) -> int:
        self.made += 1
        number = self.made
        await self.go.wait()
        if self.problem is not None:
            raise self.problem
        return number


async def test_whoever_asks_meanwhile_shares_one_look_up() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    callers = [asyncio.create_task(flight.find("a", looking)) for _ in range(50)]
    await asyncio.sleep(0)
    looking.go.set()
    assert await asyncio.gather(*callers) == [1] * 50
    assert await flight.find("a", looking) == 2


async def test_other_keys_are_looked_up_by_themselves() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    looking.go.set()
    assert sorted(await asyncio.gather(flight.find("a", looking), flight.find("b", looking))) == [1, 2]


async def test_each_caller_gets_the_error_and_the_next_one_looks_again() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    looking.problem = LookupError("gone")
    looking.go.set()
    told = await asyncio.gather(flight.find("a", looking), flight.find("a", looking), return_exceptions=True)
    assert told == [looking.problem] * 2
    assert looking.made == 1
    looking.problem = None
    assert await flight.find("a", looking) == 2


async def test_a_cancelled_caller_takes_nothing_from_the_others() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    first, second = (asyncio.create_task(flight.find("a", looking)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    looking.go.set()
    assert await second == 1
    assert looking.made == 1


async def test_after_a_change_nobody_joins_a_look_up_from_before_it() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    before = asyncio.create_task(flight.find("a", looking))
    await asyncio.sleep(0)
    flight.forget()
    after = asyncio.create_task(flight.find("a", looking))
    await asyncio.sleep(0)
    looking.go.set()
    assert (await before, await after) == (1, 2)


async def test_a_look_up_ahead_is_made_once_and_its_error_is_nobodys() -> None:
    flight, looking = SingleFlight[str, int](), Looking()
    looking.problem = LookupError("gone")
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    flight.ahead("a", looking)
    flight.ahead("a", looking)
    looking.go.set()
    with pytest.raises(LookupError):
        await flight.find("a", looking)
    assert looking.made == 1
    assert not unheard
