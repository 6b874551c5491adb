from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from tests.web.console.conftest import Browser, House
from tests.web.oauth.conftest import BACK, FORM, Application, error_of, register

from isthmus.authserver.keys import AUTHORIZATION_CODE, draw_key, secret_hash
from isthmus.errors import StorageError
from isthmus.records import AuthorizationCode
from isthmus.storage.contract import Journal

pytestmark = pytest.mark.anyio


NOT_OFFERED = ("jwt-bearer", "saml2-bearer", "token-exchange")


def basic(name: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(name)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def age(house: House, **by: float) -> None:
    """Let the product's clock go on: everything under way is judged that much later."""
    now = house.isthmus.tokens._clock
    later = lambda: now() + timedelta(**by)  # noqa: E731
    for part in (house.isthmus.tokens, house.isthmus.authorize, house.isthmus.devices, house.isthmus.protect):
        part._clock = later
    house.isthmus.protect.forget()


# --- who the client is


async def test_a_client_that_does_not_prove_itself_is_refused(app: Application, public: Application) -> None:
    async def ask(**more: Any) -> tuple[int, str]:
        answer = await app.post("/oauth/v2/token", grant_type="client_credentials", **more)
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Basic ")
        return error_of(answer)

    wrong = (401, "invalid_client")
    assert await ask() == wrong
    assert await ask(client_id="nobody", client_secret="x") == wrong
    assert await ask(client_id=app.client_id) == wrong
    assert await ask(client_id=app.client_id, client_secret="wrong") == wrong
    assert await ask(client_id=app.client_id, client_secret=app.secret[:-1]) == wrong
    assert await ask(headers=basic(app.client_id, "wrong")) == wrong
    assert await ask(headers={"Authorization": "Basic !"}) == wrong
    assert await ask(headers={"Authorization": f"Bearer {app.secret}"}) == wrong
    assert await ask(client_id=public.client_id, client_secret="x") == wrong
    twice = (400, "invalid_request")
    assert await ask(headers=basic(app.client_id, app.secret), client_secret=app.secret) == twice
    assert await ask(headers=basic(app.client_id, app.secret), client_id="other") == twice


async def test_the_token_endpoint_takes_forms_by_post_only(app: Application) -> None:
    client = app.browser.client
    assert (await client.get("/oauth/v2/token")).status_code == 405
    answer = await client.post("/oauth/v2/token", json={"grant_type": "client_credentials"})
    assert error_of(answer) == (400, "invalid_request")
    twice = "grant_type=client_credentials&grant_type=client_credentials"
    answer = await client.post(
        "/oauth/v2/token", content=twice, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert error_of(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "grant_type",
    ["password", "implicit", "x", *(f"urn:ietf:params:oauth:grant-type:{name}" for name in NOT_OFFERED)],
)
async def test_grants_that_are_not_offered_are_refused(app: Application, grant_type: str) -> None:
    assert error_of(await app.token(grant_type=grant_type)) == (400, "unsupported_grant_type")


async def test_what_an_error_says_is_plain_ascii_without_what_was_sent(app: Application) -> None:
    """RFC 6749 §5.2: no quote, no backslash, nothing beyond printable ASCII."""
    odd = 'ü"\\\n<b>'
    for form in ({"grant_type": odd}, {"grant_type": "client_credentials", "scope": odd}):
        told = (await app.token(**form)).json()
        assert re.fullmatch(r"[ !#-\[\]-~]+", told["error_description"]), told
    twice = await app.browser.client.post(
        "/oauth/v2/token", content=f"{quote_plus(odd)}=1&{quote_plus(odd)}=2", headers=FORM
    )
    assert re.fullmatch(r"[ !#-\[\]-~]+", twice.json()["error_description"]), twice.text


async def test_a_code_without_challenge_takes_no_verifier(house: House) -> None:
    """RFC 9700 §2.1.1: what was begun without PKCE cannot be finished with it."""
    owner = await house.person("developer", "ann")
    app = await register(house, "self")
    storage, now = house.isthmus.tokens._storage, house.isthmus.tokens._clock()
    drawn = draw_key(AUTHORIZATION_CODE)
    code = AuthorizationCode(
        secret_hash(drawn), app.client_id, owner["id"], ("connections.read",), now + timedelta(minutes=1)
    )
    await storage.add_authorization_code(code, Journal())
    asked = {"grant_type": "authorization_code", "code": drawn}
    assert error_of(await app.token(**asked, code_verifier="v" * 43)) == (400, "invalid_grant")
    assert (await app.token(**asked)).status_code == 200


async def test_a_grant_of_another_client_type_is_refused(public: Application) -> None:
    assert error_of(await public.token(grant_type="client_credentials")) == (400, "unauthorized_client")


# --- codes


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "iac_wrong"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": "x" * 129}, "invalid_grant"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"resource": "https://other.example"}, "invalid_target"),
    ],
)
async def test_a_code_is_not_redeemed_where_something_does_not_fit(
    app: Application, ada: Browser, changes: dict[str, Any], error: str
) -> None:
    code = await app.code(ada)
    assert error_of(await app.exchange(**{"code": code, **changes})) == (400, error)
    assert (await app.exchange(code)).status_code == 200


async def test_a_code_of_another_client_is_not_known(house: House, app: Application, ada: Browser) -> None:
    other = await register(house)
    other.verifier = app.verifier
    assert error_of(await other.exchange(await app.code(ada))) == (400, "invalid_grant")


async def test_a_code_expires_within_a_minute(house: House, app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    await age(house, seconds=61)
    assert error_of(await app.exchange(code)) == (400, "invalid_grant")


async def test_the_second_use_of_a_code_ends_what_the_first_gave(app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    first = (await app.exchange(code)).json()
    assert await app.is_live(first["access_token"])
    assert error_of(await app.exchange(code)) == (400, "invalid_grant")
    assert not await app.is_live(first["access_token"])
    again = await app.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert error_of(again) == (400, "invalid_grant")


async def test_of_fifty_redemptions_at_once_one_succeeds_and_is_then_ended(app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    answers = await asyncio.gather(*(app.exchange(code) for _ in range(50)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert not await app.is_live(won[0].json()["access_token"])


async def test_a_token_answer_is_that_of_the_specification(app: Application, ada: Browser) -> None:
    answer = await app.exchange(await app.code(ada))
    told = answer.json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, "connections.read")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")


async def test_a_code_from_a_person_who_left_is_worth_nothing(house: House, app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    tokens = await app.tokens(ada)
    system = house.isthmus.protect.system_actor()
    people = await house.isthmus.accounts.users(system)
    (own,) = [person["id"] for person in people.items if person["email"] == "ada@example.com"]
    await house.isthmus.accounts.update_user(system, own, {"disabled": True})
    assert error_of(await app.exchange(code)) == (400, "invalid_grant")
    assert not await app.is_live(tokens["access_token"])
    again = await app.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert error_of(again) == (400, "invalid_grant")


async def test_a_token_of_a_client_that_is_off_opens_nothing_whatever_is_left_of_its_grant(
    house: House, app: Application, ada: Browser
) -> None:
    tokens, storage = await app.tokens(ada), house.isthmus.tokens._storage
    client = await storage.client(app.client_id)
    assert client is not None
    await storage.save_client(replace(client, disabled=True), Journal())
    house.isthmus.protect.forget()
    assert not await app.is_live(tokens["access_token"])
    again = await app.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert error_of(again) == (401, "invalid_client")


# --- refreshing


async def test_a_confidential_client_keeps_its_refresh_token(app: Application, ada: Browser) -> None:
    tokens = await app.tokens(ada, scope="connections.read connections.use")
    for _ in range(2):
        answer = await app.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        assert await app.is_live(answer.json()["access_token"])
    narrow = await app.token(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="connections.use:crm"
    )
    assert narrow.json()["scope"] == "connections.use:crm"
    wider = await app.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="people.manage")
    assert error_of(wider) == (400, "invalid_scope")


async def test_a_public_client_gets_a_new_refresh_token_each_time(public: Application, ada: Browser) -> None:
    first = await public.tokens(ada)
    second = (await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    third = await public.token(grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert third.status_code == 200


async def test_a_lost_answer_may_be_asked_for_again_within_the_grace(
    house: House, public: Application, ada: Browser
) -> None:
    first = await public.tokens(ada)
    lost = (await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    again = (await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert not await public.is_live(lost["access_token"])
    assert await public.is_live(again["access_token"])
    await age(house, seconds=31)
    late = await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert error_of(late) == (400, "invalid_grant")
    assert not await public.is_live(again["access_token"])


async def test_a_refresh_token_used_after_its_successor_ends_the_family(public: Application, ada: Browser) -> None:
    first = await public.tokens(ada)
    second = (await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    third = (await public.token(grant_type="refresh_token", refresh_token=second["refresh_token"])).json()
    stolen = await public.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert error_of(stolen) == (400, "invalid_grant")
    assert not await public.is_live(third["access_token"])
    last = await public.token(grant_type="refresh_token", refresh_token=third["refresh_token"])
    assert error_of(last) == (400, "invalid_grant")


async def test_a_refresh_token_in_another_clients_hands_ends_the_family(
    house: House, app: Application, ada: Browser
) -> None:
    other = await register(house)
    tokens = await app.tokens(ada)
    answer = await other.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert error_of(answer) == (400, "invalid_grant")
    assert not await app.is_live(tokens["access_token"])


async def test_a_grant_ends_at_its_absolute_time_and_an_idle_refresh_token_before(
    house: House, public: Application, app: Application, ada: Browser
) -> None:
    idle, kept = await public.tokens(ada), await app.tokens(ada)
    await age(house, days=31)
    answer = await public.token(grant_type="refresh_token", refresh_token=idle["refresh_token"])
    assert error_of(answer) == (400, "invalid_grant")
    assert (await app.token(grant_type="refresh_token", refresh_token=kept["refresh_token"])).status_code == 200
    await age(house, days=150)
    answer = await app.token(grant_type="refresh_token", refresh_token=kept["refresh_token"])
    assert error_of(answer) == (400, "invalid_grant")


# --- client credentials


async def test_a_client_acts_on_its_own_account_with_its_own_role(app: Application) -> None:
    answer = await app.token(grant_type="client_credentials", scope="connections.read")
    told = answer.json()
    assert "refresh_token" not in told
    me = (await app.get("/api/v1/me", told["access_token"])).json()
    assert (me["kind"], me["id"], me["role"]) == ("client", f"client:{app.client_id}", "member")
    assert error_of(await app.token(grant_type="client_credentials", scope="people.manage")) == (400, "invalid_scope")
    assert (await app.get("/api/v1/grants", told["access_token"])).status_code == 403


@pytest.mark.parametrize("where", ["body", "basic"])
async def test_a_secret_may_be_sent_in_the_body_or_by_basic(app: Application, where: str) -> None:
    headers = basic(app.client_id, app.secret) if where == "basic" else None
    assert (await app.token(headers=headers, grant_type="client_credentials")).status_code == 200


async def test_the_use_of_a_client_is_noted_once_a_minute_and_never_costs_the_tokens(
    house: House, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = house.isthmus.tokens._storage
    noted: list[str] = []

    async def note(client_id: str, *, now: datetime) -> None:
        noted.append(client_id)
        raise StorageError("The disk is full.")

    monkeypatch.setattr(storage, "touch_client", note)
    assert (await app.token(grant_type="client_credentials")).status_code == 200
    monkeypatch.undo()
    for _ in range(2):
        assert (await app.token(grant_type="client_credentials")).status_code == 200
    first = (await house.isthmus.clients.client(house.isthmus.protect.system_actor(), app.client_id))["last_used_at"]
    assert first is not None
    await age(house, seconds=30)
    await app.token(grant_type="client_credentials")
    second = (await house.isthmus.clients.client(house.isthmus.protect.system_actor(), app.client_id))["last_used_at"]
    await age(house, seconds=31)
    await app.token(grant_type="client_credentials")
    third = (await house.isthmus.clients.client(house.isthmus.protect.system_actor(), app.client_id))["last_used_at"]
    assert (noted, second, third > second) == ([app.client_id], first, True)


# --- revocation and introspection


async def test_revoking_ends_a_token_at_once_and_never_says_whether_it_was_known(
    house: House, app: Application, ada: Browser
) -> None:
    other = await register(house)
    tokens = await app.tokens(ada)

    async def revoke(by: Application, token: str) -> int:
        form = {"client_id": by.client_id, "client_secret": by.secret, "token": token}
        return (await by.post("/oauth/v2/token/revoke", **form)).status_code

    assert await revoke(other, tokens["access_token"]) == 200
    assert await app.is_live(tokens["access_token"])
    assert await revoke(app, "unknown") == 200
    assert await revoke(app, tokens["access_token"]) == 200
    assert not await app.is_live(tokens["access_token"])
    fresh = (await app.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])).json()
    assert await revoke(app, tokens["refresh_token"]) == 200
    assert not await app.is_live(fresh["access_token"])
    anonymous = await app.post("/oauth/v2/token/revoke", token=fresh["access_token"])
    assert error_of(anonymous) == (401, "invalid_client")


async def test_introspection_tells_a_client_of_its_own_tokens_only(
    house: House, app: Application, public: Application, ada: Browser
) -> None:
    tokens = await app.tokens(ada)
    other, judge = await register(house), await register(house, scopes=["tokens.introspect"])

    async def look(by: Application, token: str) -> Any:
        form = {"client_id": by.client_id, "client_secret": by.secret, "token": token}
        return (await by.post("/oauth/v2/introspect", **form)).json()

    told = await look(app, tokens["access_token"])
    assert told["active"] is True
    assert (told["client_id"], told["scope"], told["username"]) == (
        app.client_id,
        "connections.read",
        "ada@example.com",
    )
    assert told["exp"] - told["iat"] == 3600
    assert (await look(app, tokens["refresh_token"]))["active"] is True
    assert (await look(judge, tokens["access_token"]))["active"] is True
    assert await look(other, tokens["access_token"]) == {"active": False}
    assert await look(app, "unknown") == {"active": False}
    assert (await look(public, tokens["access_token"]))["error"] == "invalid_client"
    await age(house, seconds=3601)
    assert await look(app, tokens["access_token"]) == {"active": False}


# --- what is kept


async def test_nothing_that_was_given_is_kept_readable(house: House, app: Application, ada: Browser) -> None:
    code = await app.code(ada)
    tokens = (await app.exchange(code)).json()
    given = [code, app.secret, tokens["access_token"], tokens["refresh_token"], app.verifier]
    folder = house.isthmus.settings.data_dir
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    logged = b"".join(house.lines)
    for secret in given:
        assert secret.encode() not in kept
        assert secret.encode() not in logged


async def test_activity_tells_client_and_person(house: House, app: Application, ada: Browser) -> None:
    await app.tokens(ada)
    system = house.isthmus.protect.system_actor()
    found = await house.isthmus.directory.activity(system, limit=50, target=f"client:{app.client_id}")
    entries = {entry["action"]: entry for entry in found.items}
    assert {"client.create", "client.consent", "token.issue"} <= entries.keys()
    assert entries["token.issue"]["actor"].startswith("user:")
    assert entries["token.issue"]["details"]["client"] == "Reports"
