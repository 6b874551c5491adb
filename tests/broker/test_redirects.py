"""Redirects: how far they are followed, and what of a credential comes along, wherever it was placed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from tests.world import ADMIN, World

from isthmus.practice.state import API_KEY, PASSWORD

pytestmark = pytest.mark.anyio
HOPS = 5
"""What ISTHMUS_REDIRECTS is from the factory."""


async def lead_to(world: World, service: str, elsewhere: Any) -> None:
    """Make the other origin one of the service's own hosts: what stays at home does so for being another origin."""
    shown = await world.isthmus.directory.service(ADMIN, service)
    await world.isthmus.directory.update_service(ADMIN, service, {"hosts": [*shown["hosts"], elsewhere.host]})


@pytest.mark.parametrize(("placement", "key"), [("query", "api_key"), ("form", "api_key"), ("header", "X-Api-Key")])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_key_in_any_place_stays_with_its_origin(
    world: World, placement: str, key: str, code: int, elsewhere: Any
) -> None:
    parameters = [{"key": key, "display_name": "Key", "placement": placement}]
    await world.service("practice_api_key", parameters=parameters, test=None)
    await world.connection("practice_api_key")
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {key: API_KEY}})
    await lead_to(world, "practice_api_key", elsewhere)
    call: dict[str, Any] = {"method": "POST", "parameters": {"a": "1"}} if placement == "form" else {}
    answer = await world.call(f"/redirect?code={code}&to={elsewhere.url}/x", **call)
    assert answer.status in (200, code)
    # A body goes nowhere else; where the redirect makes the request a GET, an empty-handed one does.
    assert len(elsewhere.whole) == (0 if placement == "form" and code in (307, 308) else 1)
    assert not [seen for seen in elsewhere.whole if API_KEY in seen or quote(API_KEY) in seen]


async def test_a_chain_of_redirects_is_followed_so_far_and_no_farther(world: World, elsewhere: Any) -> None:
    elsewhere.location = lambda path: f"/{int(path[1:]) + 1}" if int(path[1:]) < 11 else None
    await world.connected("practice_basic")
    await lead_to(world, "practice_basic", elsewhere)
    answer = await world.call(f"{elsewhere.url}/0")
    assert answer.status == 302
    assert len(elsewhere.requests) == HOPS + 1
    elsewhere.requests.clear()
    assert (await world.call(f"{elsewhere.url}/8")).status == 200
    assert len(elsewhere.requests) == 4


async def test_a_redirect_to_itself_ends(world: World, elsewhere: Any) -> None:
    elsewhere.location = lambda path: path
    await world.connected("practice_basic")
    await lead_to(world, "practice_basic", elsewhere)
    assert (await world.call(f"{elsewhere.url}/same")).status == 302
    assert len(elsewhere.requests) == HOPS + 1


async def test_what_left_its_origin_comes_back_without_the_credential(world: World, elsewhere: Any) -> None:
    back = f"{world.practice.url}/basic/api/me"
    elsewhere.location = lambda path: back
    await world.connected("practice_basic")
    await lead_to(world, "practice_basic", elsewhere)
    answer = await world.call(f"/redirect?to={elsewhere.url}/x")
    assert answer.status == 401
    assert not [seen for seen in elsewhere.whole if PASSWORD in seen or "Basic " in seen]
