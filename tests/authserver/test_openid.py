"""Signing in through the organisation: whose account opens, and everything that opens none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey
from tests.authserver.conftest import ADMIN_EMAIL, World, at
from tests.authserver.openid_server import CLIENT_ID, SECRET, OpenIdServer, basic_of, openid_server
from tests.authserver.test_accounts import make_bob

from isthmus.authserver.challenges import LIVES, Challenges
from isthmus.authserver.openid import Arrived, OpenId
from isthmus.authserver.openid_provider import PAUSE, OpenIdProvider
from isthmus.errors import AccessDenied, Conflict, NotAuthenticated, NotFound
from isthmus.outbound import Outbound
from isthmus.protocols.oauth2 import challenge
from isthmus.records import Actor
from isthmus.settings import Settings
from isthmus.storage import Journal

pytestmark = pytest.mark.anyio
HERE, BROWSER, BACK = "192.0.2.7", "cookie of one browser", "http://127.0.0.1:8400/login/openid/callback"


class Office:
    """An installation that trusts one provider, and somebody before a browser."""

    def __init__(self, world: World, server: OpenIdServer, **settings: Any) -> None:
        self.world, self.server = world, server
        self.settings = replace(
            Settings(
                data_dir=world.settings.data_dir,
                egress_allow=("127.0.0.0/8",),
                openid_issuer=server.issuer,
                openid_client_id=CLIENT_ID,
            ),
            **settings,
        )
        self.outbound = Outbound(self.settings)
        self.openid = self.another_process()

    def another_process(self) -> OpenId:
        world = self.world
        provider = OpenIdProvider(
            settings=self.settings, secret=SECRET, outbound=self.outbound, clock=world.clock, redirect_uri=BACK
        )
        challenges = Challenges(storage=world.storage, key="k" * 64, clock=world.clock)
        return OpenId(
            settings=self.settings,
            provider=provider,
            storage=world.storage,
            sessions=world.sessions,
            challenges=challenges,
            clock=world.clock,
        )

    async def leave(self, linking: Actor | None = None, **claims: Any) -> dict[str, str]:
        """To the provider, where somebody signs in; the parameters that come back."""
        asked = parse_qs(urlsplit(await self.openid.begin(BROWSER, linking)).query)
        now = int(self.world.clock().timestamp())
        person = {"sub": "ada at the provider", "email": ADMIN_EMAIL, "email_verified": True, "name": "Ada Lovelace"}
        times = {"iss": self.server.issuer, "aud": CLIENT_ID, "nonce": asked["nonce"][0], "iat": now, "exp": now + 300}
        told = {**person, **times, **claims}
        self.server.claims = {name: value for name, value in told.items() if value is not None}
        self.challenge = asked["code_challenge"][0]
        return {"code": "c0de", "state": asked["state"][0], "iss": self.server.issuer}

    async def come_back(self, back: dict[str, str], linking: Actor | None = None, browser: str = BROWSER) -> Arrived:
        return await self.openid.finish(list(back.items()), browser, at(HERE), linking)

    async def sign_in(self, **claims: Any) -> Arrived:
        return await self.come_back(await self.leave(**claims))

    async def refuse(self, code: str, back: dict[str, str] | None = None, **claims: Any) -> str:
        """Nobody is signed in, and why is in the activity; the reason that stands there."""
        with pytest.raises(NotAuthenticated) as caught:
            await self.come_back(back or await self.leave(**claims))
        assert caught.value.code == code
        entry = (await self.world.storage.activity(limit=1)).items[0]
        assert (entry.action, entry.result, entry.details["code"]) == ("user.sign_in", "refused", code)
        return str(entry.details["reason"])

    async def people(self) -> list[str]:
        return [one.email for one in (await self.world.storage.users(limit=50)).items]


@pytest.fixture
def server() -> Iterator[OpenIdServer]:
    with openid_server() as running:
        yield running


@pytest.fixture
async def office(world: World, server: OpenIdServer) -> AsyncIterator[Office]:
    office = Office(world, server)
    yield office
    await office.outbound.close()


async def linked(office: Office) -> None:
    """The administrator's account has the identity from now on."""
    back = await office.leave(office.world.admin)
    assert (await office.come_back(back, office.world.admin)).linked


# --- the way there and back


async def test_the_provider_is_asked_with_state_nonce_and_pkce_and_gets_the_verifier(office: Office) -> None:
    await linked(office)
    url = await office.openid.begin(BROWSER)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == BACK
    assert asked["scope"].split() == ["openid", "email", "profile"]
    assert asked["code_challenge_method"] == "S256"
    again = {name: values[0] for name, values in parse_qs(urlsplit(await office.openid.begin(BROWSER)).query).items()}
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert again[name] != asked[name]
    await office.sign_in()
    path, form, headers = office.server.asked[-1]
    assert path == "/token"
    assert challenge(form["code_verifier"]) == office.challenge
    assert form["redirect_uri"] == BACK
    assert basic_of(headers) == (CLIENT_ID, SECRET)
    assert SECRET not in str(form)


async def test_an_answer_counts_once_soon_and_in_the_browser_that_began(office: Office) -> None:
    await linked(office)
    back = await office.leave()
    for browser in ("another browser", ""):
        with pytest.raises(NotAuthenticated) as caught:
            await office.come_back(back, browser=browser)
        assert caught.value.code == "openid_attempt_ended"
    await office.come_back(back)
    await office.refuse("openid_attempt_ended", back)
    for state in ("", "x", back["state"][:-1]):
        await office.refuse("openid_attempt_ended", {**back, "state": state})
    late = await office.leave()
    office.world.clock.move(seconds=LIVES.total_seconds() + 1)
    await office.refuse("openid_attempt_ended", late)


async def test_an_attempt_to_link_signs_nobody_in_and_links_only_for_who_began_it(office: Office) -> None:
    bob = await make_bob(office.world)
    back = await office.leave(office.world.admin)
    await office.refuse("openid_attempt_ended", back)
    with pytest.raises(NotAuthenticated):
        await office.come_back(back, bob)
    signing_in = await office.leave()
    with pytest.raises(NotAuthenticated):
        await office.come_back(signing_in, bob)
    assert await office.openid.mine(bob) == []


@pytest.mark.parametrize("issuer", [None, "https://evil.example", "", "/"])
async def test_an_answer_of_another_issuer_does_not_reach_the_token_endpoint(
    office: Office, issuer: str | None
) -> None:
    back = await office.leave()
    back = {name: value for name, value in {**back, "iss": issuer}.items() if value is not None}
    await office.refuse("openid_refused", back)
    assert "/token" not in office.server.paths()


async def test_a_provider_that_does_not_promise_its_name_need_not_give_it(office: Office) -> None:
    del office.server.metadata["authorization_response_iss_parameter_supported"]
    back = await office.leave()
    del back["iss"]
    await office.refuse("openid_account_exists", back)


async def test_a_parameter_that_came_twice_or_without_end_is_refused(office: Office) -> None:
    back = await office.leave()
    with pytest.raises(NotAuthenticated):
        await office.openid.finish([*back.items(), ("code", "another")], BROWSER, at(HERE))
    await office.refuse("openid_refused", {**back, "code": "x" * 5000})
    await office.refuse("openid_refused", {**await office.leave(), "code": ""})


async def test_a_refusal_of_the_provider_is_told_in_our_words(office: Office) -> None:
    back = {**await office.leave(), "error": "access_denied", "error_description": "<b>call 555</b>"}
    with pytest.raises(NotAuthenticated) as caught:
        await office.come_back(back)
    assert caught.value.code == "openid_denied"
    assert "555" not in f"{caught.value.message} {caught.value.hint}"


# --- what the provider says of itself


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://10.0.0.1/me"},
        {"token_endpoint": ["http://127.0.0.1/"]},
    ],
    ids=str,
)
async def test_metadata_that_does_not_hold_sends_nobody_anywhere(office: Office, lie: dict[str, Any]) -> None:
    office.server.metadata |= lie
    with pytest.raises(NotAuthenticated) as caught:
        await office.openid.begin(BROWSER)
    assert caught.value.code == "openid_refused"


async def test_an_issuer_is_compared_letter_by_letter(world: World, server: OpenIdServer) -> None:
    office = Office(world, server, openid_issuer=server.issuer + "/")
    with pytest.raises(NotAuthenticated):
        await office.openid.begin(BROWSER)
    await office.outbound.close()


async def test_without_an_exception_of_egress_a_provider_inside_is_not_reached(
    world: World, server: OpenIdServer
) -> None:
    office = Office(world, server, egress_allow=())
    with pytest.raises(NotAuthenticated) as caught:
        await office.openid.begin(BROWSER)
    assert caught.value.code == "openid_unreachable"
    assert server.asked == []
    await office.outbound.close()


async def test_a_provider_that_fails_is_left_alone_for_a_while(office: Office) -> None:
    good = office.server.metadata
    office.server.metadata = {**good, "issuer": "https://evil.example"}
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            await office.openid.begin(BROWSER)
    assert len(office.server.asked) == 1
    office.server.metadata = good
    office.world.clock.move(seconds=PAUSE.total_seconds() + 1)
    await office.openid.begin(BROWSER)


async def test_keys_are_read_again_for_one_that_is_new_and_not_for_every_forgery(office: Office) -> None:
    await linked(office)
    office.server.header = {"alg": "ES256", "kid": "made up"}
    for _ in range(3):
        await office.refuse("openid_refused")
    assert office.server.paths().count("/keys") == 1
    office.server.key = ECKey.generate_key("P-256", {"kid": "second"}, private=True)
    office.server.header = {"alg": "ES256", "kid": "second"}
    office.server.published = [office.server.key.as_dict(private=False)]
    office.world.clock.move(seconds=PAUSE.total_seconds() + 1)
    assert (await office.sign_in()).token
    assert office.server.paths().count("/keys") == 2


# --- who it is


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another attempt"},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": ""},
    ],
    ids=str,
)
async def test_a_token_that_does_not_hold_opens_nothing(office: Office, claims: dict[str, Any]) -> None:
    await linked(office)
    assert (await office.refuse("openid_refused", **claims)) != ""


async def test_an_answer_without_a_token_opens_nothing(office: Office) -> None:
    await linked(office)
    for status, answer in ((200, {}), (200, {"id_token": 7}), (400, {"error": "invalid_grant"}), (200, [])):
        office.server.token_status, office.server.answer = status, answer  # type: ignore[assignment]
        await office.refuse("openid_refused")


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_is_not_verified_opens_nothing_however_it_is_linked(
    office: Office, verified: Any
) -> None:
    await linked(office)
    await office.refuse("openid_email_unverified", email_verified=verified)


async def test_an_address_alone_does_not_take_an_account_over(office: Office) -> None:
    await office.refuse("openid_account_exists")
    await office.refuse("openid_account_exists", email=ADMIN_EMAIL.upper())
    assert await office.openid.mine(office.world.admin) == []


async def test_a_person_is_known_by_issuer_and_subject_whatever_the_address_is_now(office: Office) -> None:
    await linked(office)
    arrived = await office.sign_in(email="new@example.com")
    assert (await office.world.protect.actor_for_session(arrived.token, HERE)).id == office.world.admin.id
    assert (await office.openid.mine(office.world.admin))[0]["email"] == "new@example.com"
    await office.refuse("openid_account_exists", sub="somebody else there")
    await office.refuse("openid_account_exists", sub="Ada at the provider")


async def test_who_has_no_account_gets_none_unless_a_role_is_set(office: Office) -> None:
    before = await office.people()
    await office.refuse("openid_not_invited", email="eve@example.com")
    assert await office.people() == before


async def test_a_person_who_is_switched_off_stays_out(office: Office) -> None:
    bob = await make_bob(office.world)
    back = await office.leave(bob, email="bob@example.com")
    await office.come_back(back, bob)
    await office.world.accounts.update_user(office.world.admin, bob.id[5:], {"disabled": True})
    await office.refuse("openid_switched_off", email="bob@example.com")


async def test_an_identity_of_one_person_is_not_linked_to_another(office: Office) -> None:
    bob = await make_bob(office.world)
    await linked(office)
    back = await office.leave(bob)
    with pytest.raises(NotAuthenticated) as caught:
        await office.come_back(back, bob)
    assert caught.value.code == "openid_taken"
    await linked(office)
    assert len(await office.openid.mine(office.world.admin)) == 1


async def test_with_a_role_set_people_of_the_domains_alone_get_an_account(world: World, server: OpenIdServer) -> None:
    office = Office(world, server, openid_role="member", openid_domains=("Example.com",))
    for email in ("eve@evil.example", "eve@sub.example.com", "eve@notexample.com", "eve@example.com.evil.example"):
        await office.refuse("openid_domain_refused", sub=email, email=email)
    assert await office.people() == [ADMIN_EMAIL]
    arrived = await office.sign_in(sub="eve", email="Eve@Example.com")
    actor = await world.protect.actor_for_session(arrived.token, HERE)
    assert (actor.role, actor.name) == ("member", "Ada Lovelace")
    assert (await office.sign_in(sub="eve", email="eve@example.com")).user.id == arrived.user.id
    assert arrived.user.password_hash is None
    actions = [entry.action for entry in (await world.storage.activity(limit=10)).items]
    assert {"user.create", "identity.link"} <= set(actions)
    await office.outbound.close()


async def test_where_the_setting_says_so_a_verified_address_opens_its_account(
    world: World, server: OpenIdServer
) -> None:
    office = Office(world, server, openid_link_by_email=True)
    await office.refuse("openid_email_unverified", email_verified=False)
    arrived = await office.sign_in()
    assert f"user:{arrived.user.id}" == world.admin.id
    await office.refuse("openid_not_invited", sub="x", email="eve@example.com")
    await office.outbound.close()


async def test_an_address_may_come_from_the_userinfo_of_the_same_person(office: Office) -> None:
    await linked(office)
    office.server.userinfo = {"sub": "ada at the provider", "email": ADMIN_EMAIL, "email_verified": True, "iss": "x"}
    assert (await office.sign_in(email=None, email_verified=None)).token
    office.server.userinfo["sub"] = "somebody else"
    await office.refuse("openid_refused", email=None, email_verified=None)
    office.server.userinfo |= {"sub": "ada at the provider", "email_verified": False}
    await office.refuse("openid_email_unverified", email=None, email_verified=None)


# --- taking it off


async def test_an_identity_is_taken_off_by_its_person_after_a_confirmation(office: Office) -> None:
    await linked(office)
    bob, place = await make_bob(office.world), (office.server.issuer, "ada at the provider")
    bobs, _ = await office.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    with pytest.raises(NotFound):
        await office.openid.unlink(bob, bobs, *place)
    with pytest.raises(AccessDenied):
        await office.openid.unlink(office.world.admin, "no session", *place)
    token = (await office.sign_in()).token
    await office.openid.unlink(office.world.admin, token, *place)
    await office.refuse("openid_account_exists")


async def test_the_only_way_in_is_not_taken_off(office: Office) -> None:
    await linked(office)
    user = await office.world.storage.user(office.world.admin.id[5:])
    assert user is not None
    await office.world.storage.save_user(replace(user, password_hash=None), Journal())
    token = (await office.sign_in()).token
    with pytest.raises(Conflict) as caught:
        await office.openid.unlink(office.world.admin, token, office.server.issuer, "ada at the provider")
    assert caught.value.code == "last_way_in"


async def test_any_process_finishes_what_another_began(office: Office) -> None:
    await linked(office)
    back = await office.leave()
    office.openid = office.another_process()
    assert (await office.come_back(back)).token


def test_the_secret_is_not_in_what_settings_show(tmp_path: Path) -> None:
    assert "hush" not in repr(Settings(openid_client_secret="hush"))
    (tmp_path / "secret").write_text("hush\n")
    assert Settings(openid_client_secret_file=tmp_path / "secret").openid_secret() == "hush"
