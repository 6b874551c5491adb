from __future__ import annotations

import re

import pytest
from tests.web.console.conftest import Browser, House
from tests.web.oauth.conftest import BACK, Application, register

pytestmark = pytest.mark.anyio


async def add(browser: Browser, kind: str = "server_based", **changes: str) -> tuple[int, str]:
    fields = {"name": "Reports", "domain": "https://reports.example", "redirect_uris": BACK}
    fields |= {"scopes": "connections.read", **changes}
    answer = await browser.send("/developer/new", fields, on=f"/developer/new?type={kind}")
    return answer.status_code, answer.text


def id_in(text: str) -> str:
    found = re.search(r'href="/developer/clients/(\w+)"', text)
    assert found
    return found[1]


def secret_in(text: str) -> str:
    found = re.search(r"ics_\w+", text)
    assert found
    return found[0]


async def test_members_are_told_that_they_may_not(house: House) -> None:
    member = await house.browser("member", "mia")
    assert (await member.get("/developer")).status_code == 403
    assert (await member.get("/developer/new")).status_code == 403


async def test_a_form_that_fails_keeps_what_was_typed_and_says_why(ada: Browser) -> None:
    status, text = await add(ada, redirect_uris="http://reports.example/back", name="Keep me")
    assert status == 422
    assert "must use https" in text
    assert 'value="Keep me"' in text
    assert "http://reports.example/back" in text
    for changes in ({"name": ""}, {"domain": "reports"}, {"more_scopes": "everything"}, {"redirect_uris": ""}):
        assert (await add(ada, **changes))[0] == 422
    assert "Reports" not in await ada.page("/developer")


@pytest.mark.parametrize("kind", ["server_based", "browser", "mobile", "device", "self"])
async def test_each_type_asks_only_for_what_it_needs(ada: Browser, kind: str) -> None:
    page = await ada.page(f"/developer/new?type={kind}")
    assert ('name="redirect_uris"' in page) == (kind in ("server_based", "browser", "mobile"))
    assert ('name="client_credentials"' in page) == (kind in ("server_based", "self"))
    status, text = await add(ada, kind)
    assert status == 200
    assert ("ics_" in text) == (kind in ("server_based", "self"))
    client = await ada.page(f"/developer/clients/{id_in(text)}")
    assert "ics_" not in client
    assert ("Generate Code" in client) == (kind == "self")
    assert "Begin with" in client
    assert "Reports" in await ada.page("/developer")


async def test_a_client_is_edited(ada: Browser) -> None:
    client_id = id_in((await add(ada))[1])
    path = f"/developer/clients/{client_id}/edit"
    assert BACK in await ada.page(path)
    answer = await ada.send(path, {"name": "Renamed", "redirect_uris": f"{BACK} https://other.example/cb"})
    assert answer.status_code == 303
    page = await ada.page(f"/developer/clients/{client_id}")
    assert "Renamed" in page
    assert "https://other.example/cb" in page


async def test_other_developers_clients_are_as_good_as_missing(house: House, ada: Browser) -> None:
    client_id = id_in((await add(ada))[1])
    eve = await house.browser("developer", "eve")
    assert "Reports" not in await eve.page("/developer")
    for path in (f"/developer/clients/{client_id}", f"/developer/clients/{client_id}/edit", "/developer/clients/none"):
        assert (await eve.get(path)).status_code == 404
    admin = await house.browser("administrator", "root")
    assert "Reports" in await admin.page("/developer")


async def test_both_secrets_work_in_the_overlap_and_the_old_one_ends(house: House, ada: Browser) -> None:
    status, text = await add(ada, client_credentials="yes")
    assert status == 200
    client_id, old = id_in(text), secret_in(text)
    page = f"/developer/clients/{client_id}"
    fresh = secret_in((await ada.send(f"{page}/secret", {"overlap": "3600"}, on=page)).text)
    app = Application(house, await house.browser(), {"client_id": client_id})

    async def works(secret: str) -> bool:
        app.secret = secret
        return (await app.token(grant_type="client_credentials")).status_code == 200

    assert [await works(old), await works(fresh), await works("ics_x")] == [True, True, False]
    shown = await ada.page(page)
    (ended,) = re.findall(rf'action="({page}/secrets/\w+/end)"[^§]*?ends with {old[-4:]}"', shown)[:1]
    assert (await ada.send(ended, on=page)).status_code == 303
    assert [await works(old), await works(fresh)] == [False, True]


async def test_a_generated_code_is_exchanged_without_a_redirect_once(house: House, ada: Browser) -> None:
    status, text = await add(ada, "self")
    assert status == 200
    client_id, secret = id_in(text), secret_in(text)
    page = f"/developer/clients/{client_id}"
    shown = (await ada.send(f"{page}/code", {"scope": "connections.read", "minutes": "5"}, on=page)).text
    found = re.search(r"iac_\w+", shown)
    assert found
    app = Application(house, await house.browser(), {"client_id": client_id, "client_secret": secret})
    answer = await app.token(grant_type="authorization_code", code=found[0])
    assert answer.json()["scope"] == "connections.read"
    me = (await app.get("/api/v1/me", answer.json()["access_token"])).json()
    assert (me["kind"], me["name"]) == ("user", "Ada")
    assert (await app.token(grant_type="authorization_code", code=found[0])).status_code == 400


async def test_people_see_and_end_what_they_let_in(house: House, app: Application, ada: Browser) -> None:
    tokens = await app.tokens(ada)
    page = await ada.page("/account/applications")
    assert "Reports" in page
    assert "See services and connections" in page
    (action,) = re.findall(r'action="(/account/applications/\w+/revoke)"', page)
    eve = await house.browser("developer", "eve")
    assert "Reports" not in await eve.page("/account/applications")
    assert (await eve.post(action)).status_code == 403
    assert (await ada.send(action, on="/account/applications")).status_code == 303
    assert not await app.is_live(tokens["access_token"])


async def test_a_developer_ends_what_a_client_was_granted(house: House, ada: Browser) -> None:
    status, text = await add(ada)
    assert status == 200
    app = Application(house, await house.browser(), {"client_id": id_in(text), "client_secret": secret_in(text)})
    bob = await house.browser("member", "bob")
    tokens = await app.tokens(bob)
    page = f"/developer/clients/{app.client_id}"
    shown = await ada.page(page)
    assert "Bob" in shown
    (action,) = re.findall(rf'action="({page}/grants/\w+/revoke)"', shown)
    assert (await ada.send(action, on=page)).status_code == 303
    assert not await app.is_live(tokens["access_token"])


async def test_deleting_needs_the_name_and_ends_the_tokens(house: House, ada: Browser) -> None:
    text = (await add(ada))[1]
    app = Application(house, await house.browser(), {"client_id": id_in(text), "client_secret": secret_in(text)})
    tokens = await app.tokens(ada)
    page = f"/developer/clients/{app.client_id}"
    assert (await ada.send(f"{page}/delete", {"typed": "report"}, on=page)).status_code == 422
    assert await app.is_live(tokens["access_token"])
    assert (await ada.send(f"{page}/delete", {"typed": "Reports"}, on=page)).status_code == 303
    assert not await app.is_live(tokens["access_token"])
    assert (await ada.get(page)).status_code == 404


async def test_registration_may_be_left_to_administrators(house: House, ada: Browser) -> None:
    object.__setattr__(house.isthmus.settings, "client_registration", "administrators")
    status, _ = await add(ada)
    assert status == 403
    admin = await house.browser("administrator", "root")
    assert (await add(admin))[0] == 200


async def test_provider_text_is_text_on_every_page(house: House, ada: Browser) -> None:
    name = "<script>alert(1)</script>"
    app = await register(house, name=name)
    await app.tokens(ada)
    admin = await house.browser("administrator", "root")
    for browser, path in ((ada, "/account/applications"), (admin, f"/developer/clients/{app.client_id}")):
        page = await browser.page(path)
        assert name not in page
        assert "&lt;script&gt;alert(1)" in page
