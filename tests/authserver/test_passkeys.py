"""Passkeys: every answer that does not hold is refused, and nothing is kept or begun then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.authserver.authenticator import PRESENT, VERIFIED, Authenticator, b64
from tests.authserver.conftest import ADMIN_EMAIL, ADMIN_PASSWORD, World, at
from tests.authserver.test_accounts import make_bob

from isthmus.authserver.challenges import LIVES, Challenges
from isthmus.authserver.passkeys import MOST, Passkeys
from isthmus.authserver.sessions import CONFIRMED_FOR
from isthmus.errors import AccessDenied, Conflict, InputError, NotAuthenticated, NotFound
from isthmus.records import Actor
from isthmus.storage import Journal

pytestmark = pytest.mark.anyio
HERE, BROWSER = "192.0.2.7", "cookie of one browser"
SITE = "https://isthmus.example"
OTHER = ec.generate_private_key(ec.SECP256R1())


class Desk:
    """One administrator, signed in, at the desk with a passkey."""

    def __init__(self, world: World, session: str) -> None:
        self.world, self.session, self.admin = world, session, world.admin
        challenges = Challenges(storage=world.storage, key="k" * 64, clock=world.clock)
        self.passkeys = Passkeys(
            storage=world.storage, sessions=world.sessions, challenges=challenges, public_url=SITE, clock=world.clock
        )

    async def register(
        self, key: Authenticator, *, actor: Actor | None = None, session: str = "", **untrue: Any
    ) -> None:
        actor, session = actor or self.admin, session or self.session
        options = await self.passkeys.registration_options(actor, session, BROWSER)
        await self.passkeys.register(actor, session, BROWSER, "Laptop", key.make(options, **untrue))

    async def registered(self) -> Authenticator:
        key = Authenticator(SITE)
        await self.register(key)
        return key

    async def sign_in(self, key: Authenticator, **untrue: Any) -> str:
        answer = key.use(self.passkeys.sign_in_options(BROWSER), **untrue)
        return (await self.passkeys.sign_in(BROWSER, answer, at(HERE, "Firefox")))[0]

    async def refuse_sign_in(self, key: Authenticator, code: str = "passkey_refused", **untrue: Any) -> None:
        before = len(await self.world.storage.sessions_of(self.admin.id[5:], now=self.world.clock()))
        with pytest.raises(NotAuthenticated) as caught:
            await self.sign_in(key, **untrue)
        assert caught.value.code == code
        assert len(await self.world.storage.sessions_of(self.admin.id[5:], now=self.world.clock())) == before


@pytest.fixture
async def desk(world: World) -> Desk:
    token, _ = await world.accounts.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD, at(HERE))
    return Desk(world, token)


# --- signing in


@pytest.mark.parametrize(
    "untrue",
    [
        {"client": {"origin": "https://evil.example"}},
        {"client": {"origin": "http://isthmus.example"}},
        {"client": {"origin": "https://sub.isthmus.example"}},
        {"client": {"origin": "https://isthmus.example:8443"}},
        {"client": {"origin": None}},
        {"client": {"type": "webauthn.create"}},
        {"client": {"crossOrigin": True}},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"signer": OTHER},
        {"handle": b"somebody else"},
        {"handle": b""},
    ],
    ids=lambda untrue: "-".join(untrue),
)
async def test_an_answer_that_is_untrue_in_one_point_signs_nobody_in(desk: Desk, untrue: dict[str, Any]) -> None:
    key = await desk.registered()
    await desk.refuse_sign_in(key, **untrue)
    page = await desk.world.storage.activity(limit=1)
    assert (page.items[0].action, page.items[0].result) == ("user.sign_in", "refused")
    await desk.sign_in(key)


async def test_an_answer_counts_once_soon_and_in_the_browser_that_asked(desk: Desk) -> None:
    key = await desk.registered()
    answer = key.use(desk.passkeys.sign_in_options(BROWSER))
    for browser in ("another browser", ""):
        with pytest.raises(NotAuthenticated) as caught:
            await desk.passkeys.sign_in(browser, answer, at(HERE))
        assert caught.value.code == "challenge_refused"
    await desk.passkeys.sign_in(BROWSER, answer, at(HERE))
    late = key.use(desk.passkeys.sign_in_options(BROWSER))
    for used in (answer, late):
        if used is late:
            desk.world.clock.move(seconds=LIVES.total_seconds() + 1)
        with pytest.raises(NotAuthenticated) as caught:
            await desk.passkeys.sign_in(BROWSER, used, at(HERE))
        assert caught.value.code == "challenge_refused"


async def test_a_challenge_that_was_drawn_for_registering_signs_nobody_in(desk: Desk) -> None:
    key = await desk.registered()
    options = await desk.passkeys.registration_options(desk.admin, desk.session, BROWSER)
    for challenge in (options["challenge"], b64(b"x" * 56), "", "=", "é", 5):
        await desk.refuse_sign_in(key, "challenge_refused", client={"challenge": challenge})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "x" * 30_000, '{"response": {"clientDataJSON": "e30"}}', "{" * 9000]
)
async def test_what_is_no_answer_is_refused(desk: Desk, text: str) -> None:
    with pytest.raises(NotAuthenticated):
        await desk.passkeys.sign_in(BROWSER, text, at(HERE))


async def test_an_answer_in_pieces_is_refused_and_no_fault(desk: Desk) -> None:
    key = await desk.registered()
    for part, put in (
        ("authenticatorData", "AA"),
        ("signature", ""),
        ("signature", 7),
        ("userHandle", []),
        ("signature", None),
    ):
        document = json.loads(key.use(desk.passkeys.sign_in_options(BROWSER)))
        document["response"][part] = put
        with pytest.raises(NotAuthenticated) as caught:
            await desk.passkeys.sign_in(BROWSER, json.dumps(document), at(HERE))
        assert caught.value.code == "passkey_refused"


async def test_a_passkey_that_is_not_known_and_one_of_a_person_switched_off_are_told_alike(desk: Desk) -> None:
    bob = await make_bob(desk.world)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    key, stranger = Authenticator(SITE), Authenticator(SITE)
    await desk.register(key, actor=bob, session=session)
    await desk.world.accounts.update_user(desk.admin, bob.id[5:], {"disabled": True})
    stranger.handle = key.handle
    for one in (stranger, key):
        await desk.refuse_sign_in(one, "passkey_unknown")


async def test_a_passkey_of_one_person_does_not_sign_another_in(desk: Desk) -> None:
    bob = await make_bob(desk.world)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    own, bobs = await desk.registered(), Authenticator(SITE)
    await desk.register(bobs, actor=bob, session=session)
    await desk.refuse_sign_in(own, signer=bobs.key)
    await desk.refuse_sign_in(bobs, handle=own.handle)
    token = await desk.sign_in(bobs)
    assert (await desk.world.protect.actor_for_session(token, HERE)).id == bob.id


async def test_a_count_that_goes_back_tells_of_a_copy(desk: Desk) -> None:
    key = await desk.registered()
    await desk.sign_in(key, count=9)
    for count in (9, 8, 0):
        await desk.refuse_sign_in(key, "passkey_copied", count=count)
    await desk.sign_in(key, count=10)


async def test_an_authenticator_that_does_not_count_is_taken(desk: Desk) -> None:
    key = Authenticator(SITE)
    await desk.register(key, count=0)
    for _ in range(2):
        await desk.sign_in(key, count=0)
    await desk.sign_in(key, count=4)
    await desk.refuse_sign_in(key, "passkey_copied", count=0)


async def test_who_signs_in_with_a_passkey_need_not_say_who_they_are(desk: Desk) -> None:
    key = await desk.registered()
    token = await desk.sign_in(key)
    assert (await desk.world.protect.actor_for_session(token, HERE)).id == desk.admin.id
    shown = await desk.passkeys.mine(desk.admin)
    assert [(one["name"], one["synced"], one["last_used_at"] is not None) for one in shown] == [("Laptop", True, True)]
    sessions = await desk.world.sessions.mine(desk.admin, token)
    assert next(one for one in sessions if one["current"])["way"] == "passkey"
    assert "allowCredentials" not in desk.passkeys.sign_in_options(BROWSER)


# --- registering


@pytest.mark.parametrize(
    "untrue",
    [
        {"client": {"origin": "https://evil.example"}},
        {"client": {"type": "webauthn.get"}},
        {"client": {"crossOrigin": True}},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"cose": {3: -35}},
        {"cose": {3: -65535}},
    ],
    ids=lambda untrue: "-".join(untrue),
)
async def test_a_registration_that_is_untrue_in_one_point_keeps_nothing(desk: Desk, untrue: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        await desk.register(Authenticator(SITE), **untrue)
    assert caught.value.code == "passkey_refused"
    assert await desk.passkeys.mine(desk.admin) == []


async def test_a_registration_needs_a_confirmation_and_its_own_challenge(desk: Desk) -> None:
    bob, key = await make_bob(desk.world), Authenticator(SITE)
    options = await desk.passkeys.registration_options(desk.admin, desk.session, BROWSER)
    answer = key.make(options)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    with pytest.raises(NotAuthenticated):
        await desk.passkeys.register(bob, session, BROWSER, "Laptop", answer)
    signing_in = key.make({**options, "challenge": desk.passkeys.sign_in_options(BROWSER)["challenge"]})
    with pytest.raises(NotAuthenticated):
        await desk.passkeys.register(desk.admin, desk.session, BROWSER, "Laptop", signing_in)
    desk.world.clock.move(seconds=CONFIRMED_FOR.total_seconds() + 1)
    for call in (
        desk.passkeys.registration_options(desk.admin, desk.session, BROWSER),
        desk.passkeys.register(desk.admin, desk.session, BROWSER, "Laptop", answer),
        desk.passkeys.remove(desk.admin, desk.session, "any"),
    ):
        with pytest.raises(AccessDenied) as caught:
            await call
        assert caught.value.code == "confirmation_required"
    assert await desk.passkeys.mine(desk.admin) == []


async def test_a_passkey_that_is_known_is_not_given_to_another_person(desk: Desk) -> None:
    key, bob = await desk.registered(), await make_bob(desk.world)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    with pytest.raises(Conflict) as caught:
        await desk.register(key, actor=bob, session=session)
    assert caught.value.code == "passkey_known"
    with pytest.raises(InputError):
        await desk.passkeys.register(desk.admin, desk.session, BROWSER, " ", "{}")
    options = await desk.passkeys.registration_options(desk.admin, desk.session, BROWSER)
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(key.raw_id)]


async def test_there_is_an_end_to_how_many_passkeys_one_has(desk: Desk) -> None:
    for _ in range(MOST):
        await desk.registered()
    with pytest.raises(Conflict) as caught:
        await desk.registered()
    assert caught.value.code == "passkeys_full"


# --- removing


async def test_a_passkey_is_removed_by_its_person_alone_and_opens_nothing_then(desk: Desk) -> None:
    key, bob = await desk.registered(), await make_bob(desk.world)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    with pytest.raises(NotFound):
        await desk.passkeys.remove(bob, session, b64(key.raw_id))
    await desk.passkeys.remove(desk.admin, desk.session, b64(key.raw_id))
    await desk.refuse_sign_in(key, "passkey_unknown")
    actions = [entry.action for entry in (await desk.world.storage.activity(limit=50)).items]
    assert actions[:1] == ["passkey.delete"]
    assert "passkey.create" in actions


async def test_the_only_way_in_is_not_removed(desk: Desk) -> None:
    key, user = await desk.registered(), await desk.world.storage.user(desk.admin.id[5:])
    assert user is not None
    await desk.world.storage.save_user(type(user)(user.id, user.email, user.name, user.role), Journal())
    with pytest.raises(Conflict) as caught:
        await desk.passkeys.remove(desk.admin, desk.session, b64(key.raw_id))
    assert caught.value.code == "last_way_in"


async def test_a_password_that_an_administrator_sets_removes_passkeys_and_ones_own_does_not(desk: Desk) -> None:
    bob, key = await make_bob(desk.world), Authenticator(SITE)
    session, _ = await desk.world.accounts.sign_in("bob@example.com", "long enough", at(HERE))
    await desk.register(key, actor=bob, session=session)
    own = {"password": "another one", "current_password": "long enough"}
    await desk.world.accounts.update_user(bob, bob.id[5:], own)
    assert len(await desk.passkeys.mine(bob)) == 1
    await desk.world.accounts.update_user(desk.admin, bob.id[5:], {"password": "a fresh start"})
    assert await desk.passkeys.mine(bob) == []


@pytest.mark.parametrize(
    ("public_url", "available"),
    [
        ("https://isthmus.example", True),
        ("https://isthmus.example:8443/base", True),
        ("http://localhost:8400", True),
        ("http://127.0.0.1:8400", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
        ("http://isthmus.example", False),
    ],
)
async def test_passkeys_are_offered_where_browsers_take_them(world: World, public_url: str, available: bool) -> None:
    challenges = Challenges(storage=world.storage, key="k", clock=world.clock)
    passkeys = Passkeys(
        storage=world.storage, sessions=world.sessions, challenges=challenges, public_url=public_url, clock=world.clock
    )
    assert passkeys.available is available
