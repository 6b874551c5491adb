"""Against independent servers, unmodified: connect, call, let the token end, call again, revoke."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.counterparts.servers import Counterpart, DjangoOAuthToolkit, OAuth1Server, OidcProvider, Radicale
from tests.world import ADMIN, World, open_world

from isthmus.errors import ConnectError, ReauthorizationRequired

pytestmark = [pytest.mark.anyio, pytest.mark.counterpart]


@pytest.fixture(scope="module")
def oidc() -> Iterator[OidcProvider]:
    with OidcProvider(lifetime=3) as server:
        yield server


@pytest.fixture(scope="module")
def dot() -> Iterator[DjangoOAuthToolkit]:
    with DjangoOAuthToolkit(lifetime=3) as server:
        yield server


@pytest.fixture(scope="module")
def oauth1() -> Iterator[OAuth1Server]:
    with OAuth1Server() as server:
        yield server


@pytest.fixture(scope="module")
def radicale() -> Iterator[Radicale]:
    with Radicale() as server:
        yield server


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path, None) as opened:
        yield opened


async def connect(world: World, server: Counterpart, definition: dict[str, Any]) -> None:
    await world.isthmus.directory.create_service(ADMIN, definition)
    await world.connection(definition["link_name"])
    if definition["auth_type"] == "oauth2" and not definition["authorize_url"]:
        await world.isthmus.connect.begin(ADMIN, "link", {})
        return
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    callback = server.approve(proceeding.location)
    await world.finish(callback, {proceeding.cookie_name: proceeding.browser_secret})


async def lives_through_expiry_and_revocation(world: World) -> None:
    """Call; wait until the token has ended; call again, several at once; revoke; the call is refused with the reason."""
    assert (await world.call()).status == 200
    for _ in range(2):
        await asyncio.sleep(3.2)
        answers = await asyncio.gather(*(world.call() for _ in range(5)))
        assert [answer.status for answer in answers] == [200] * 5
    story = await world.story()
    assert story.count("refreshed") in (2, 3, 4)
    assert "refresh_failed" not in story
    revoked = await world.isthmus.upkeep.revoke(ADMIN, "link")
    assert revoked["status"] == "not_connected"
    page = await world.isthmus.directory.timeline(ADMIN, "link", limit=1)
    assert page.items[0]["code"] == "revoked"


@pytest.mark.parametrize(("link_name", "client"), [("oidc", "code-basic"), ("oidc_post", "code-post")])
async def test_oidc_provider_by_code(world: World, oidc: OidcProvider, link_name: str, client: str) -> None:
    await connect(world, oidc, oidc.definition(link_name, client))
    document = await world.shown()
    assert document["status"] == "connected"
    assert document["connected_as"] == "ada"
    await lives_through_expiry_and_revocation(world)


async def test_oidc_provider_by_client_credentials(world: World, oidc: OidcProvider) -> None:
    await connect(world, oidc, oidc.definition("oidc", "machine"))
    assert json.loads((await world.call("/me")).body)["name"] == "machine"
    await asyncio.sleep(3.2)
    assert (await world.call("/me")).status == 200


async def test_oidc_provider_refuses_a_wrong_secret_and_the_cause_is_named(world: World, oidc: OidcProvider) -> None:
    definition = {**oidc.definition("oidc", "machine"), "client_secret": "wrong"}
    await world.isthmus.directory.create_service(ADMIN, definition)
    await world.connection("oidc")
    with pytest.raises(ConnectError) as caught:
        await world.isthmus.connect.begin(ADMIN, "link", {})
    assert caught.value.code == "client_secret_wrong"


async def test_oidc_provider_refuses_without_pkce(world: World, oidc: OidcProvider) -> None:
    definition = {**oidc.definition(), "pkce": "none"}
    await world.isthmus.directory.create_service(ADMIN, definition)
    await world.connection("oidc")
    proceeding = await world.isthmus.connect.proceed(await world.begin(), None)
    callback = oidc.approve(proceeding.location)
    with pytest.raises(ConnectError):
        await world.finish(callback, {proceeding.cookie_name: proceeding.browser_secret})


async def test_django_oauth_toolkit_by_code(world: World, dot: DjangoOAuthToolkit) -> None:
    await connect(world, dot, dot.definition())
    assert (await world.shown())["connected_as"] == "ada"
    await lives_through_expiry_and_revocation(world)


async def test_django_oauth_toolkit_by_client_credentials(world: World, dot: DjangoOAuthToolkit) -> None:
    await connect(world, dot, dot.definition("dot", "machine"))
    await asyncio.sleep(3.2)
    assert (await world.call()).status == 200


@pytest.mark.parametrize("placement", ["header", "query", "form"])
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"])
async def test_oauth1_in_every_way(world: World, oauth1: OAuth1Server, method: str, placement: str) -> None:
    definition = oauth1.definition(method=method, placement=placement)
    if method == "PLAINTEXT":
        # Without TLS its secrets would be readable on the wire: refused before anything is sent.
        await world.isthmus.directory.create_service(ADMIN, definition)
        await world.connection("first")
        with pytest.raises(Exception, match="PLAINTEXT"):
            await world.isthmus.connect.proceed(await world.begin(), None)
        return
    await connect(world, oauth1, definition)
    assert (await world.shown())["connected_as"] == "ada"
    given = {"a": ["1", "1", "ä b"], "c&d": "e=f%20+g", "empty": ""}
    answer = await world.call("/api/echo", method="POST", parameters=given)
    assert answer.status == 200, answer.body
    seen = json.loads(answer.body)["parameters"]
    assert seen == sorted([["a", "1"], ["a", "1"], ["a", "ä b"], ["c&d", "e=f%20+g"], ["empty", ""]])
    if placement != "form":
        answer = await world.call("/api/echo?x=%C3%A4&x=1%202", parameters={"y": "z/:?"})
        assert answer.status == 200, answer.body


async def test_oauth1_grant_that_was_taken_back_is_told(world: World, oauth1: OAuth1Server) -> None:
    await connect(world, oauth1, oauth1.definition())
    assert (await world.call("/api/me")).status == 200
    oauth1_browser(oauth1)
    assert (await world.call("/api/me")).status == 401
    document = await world.shown()
    assert document["status"] == "reauthorization_required"
    assert document["status_reason"]["hint"]


def oauth1_browser(server: OAuth1Server) -> None:
    from tests.counterparts.servers import Browser

    assert Browser().go(f"{server.url}/revoke_all")[0] == 200


async def test_radicale_with_a_difficult_password(world: World, radicale: Radicale) -> None:
    await world.isthmus.directory.create_service(ADMIN, radicale.definition())
    await world.connection("calendar")
    with pytest.raises(ConnectError) as caught:
        await world.isthmus.connect.begin(ADMIN, "link", {"username": "ada", "password": "wrong"})
    assert caught.value.code == "credential_refused"
    values = {"username": radicale.username, "password": radicale.password}
    assert (await world.isthmus.connect.begin(ADMIN, "link", values))["status"] == "connected"
    answer = await world.call("/calendar/1.ics")
    assert answer.status == 200
    assert b"SUMMARY:tea" in answer.body


async def test_a_grant_revoked_at_the_provider_is_reported_once(world: World, oidc: OidcProvider) -> None:
    await connect(world, oidc, oidc.definition())
    storage: Any = world.isthmus._storage
    connection = await storage.connection("link")
    row = await storage.authorization_of(connection.id, "")
    outcome = await world.isthmus.upkeep._revoker.revoke(connection, row)
    assert outcome == "revoked"
    for _ in range(3):
        with pytest.raises(ReauthorizationRequired):
            await world.call()
    assert (await world.story()).count("needs_person") == 1
