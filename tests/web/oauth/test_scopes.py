from __future__ import annotations

from typing import Any

import pytest
from tests.web.console.conftest import Browser, House
from tests.web.oauth.conftest import Application, register

from isthmus.authserver.scopes import SCOPES, allows, is_scope, usable_connections
from isthmus.web.api.scopes import needed_scope

pytestmark = pytest.mark.anyio

ALL = list(SCOPES)


async def described(app: Application) -> dict[str, Any]:
    return dict((await app.browser.get("/openapi.json")).json())


async def token_for(app: Application, ada: Browser, scope: str) -> str:
    return str((await app.tokens(ada, scope=scope))["access_token"])


async def test_every_route_of_the_api_says_which_scope_it_needs(app: Application) -> None:
    document = await described(app)
    without = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not path.startswith("/api/") or path.startswith("/api/v1/hooks/"):
                continue
            scope = needed_scope(method, path)
            if scope is None or (scope and not is_scope(scope)):
                without.append(f"{method} {path}")
            told = [entry["oauth2"] for entry in operation["security"] if "oauth2" in entry]
            assert told == [[scope] if scope else []], path
    assert without == []


async def test_a_token_opens_exactly_what_its_scopes_name(house: House, ada: Browser) -> None:
    """Every scope on every route: what the table does not name is refused before anything else is looked at."""
    app = await register(house, scopes=ALL)
    document = await described(app)
    values = {"link_name": "none", "id": "none", "client_id": "none", "name": "standalone.none", "token": "none"}
    for held in ("connections.read", "functions.execute", "people.manage", "activity.read"):
        token = await token_for(app, ada, held)
        for path, methods in document["paths"].items():
            if not path.startswith("/api/") or path.startswith("/api/v1/hooks/"):
                continue
            for method in methods:
                answer = await app.browser.client.request(
                    method, path.format_map(values), headers={"Authorization": f"Bearer {token}"}
                )
                refused = answer.status_code == 403 and answer.json()["code"] == "insufficient_scope"
                assert refused == (needed_scope(method, path) not in (held, "")), (held, method, path)
                if refused:
                    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_a_scope_gives_no_more_than_the_role(house: House) -> None:
    app = await register(house, scopes=ALL)
    bob = await house.browser("member", "bob")
    token = await token_for(app, bob, " ".join(ALL))
    for path, code in (("/api/v1/users", "administrator_required"), ("/api/v1/activity", "forbidden")):
        answer = await app.get(path, token)
        assert (answer.status_code, answer.json()["code"]) == (403, code)


async def test_a_token_for_one_connection_sees_no_other(house: House, ada: Browser) -> None:
    app = await register(house, scopes=["connections.use:crm", "connections.read"])
    token = await token_for(app, ada, "connections.use:crm connections.read")
    answer = await app.get("/api/v1/connections/other", token)
    assert (answer.status_code, answer.json()["code"]) == (404, "connection_not_found")
    for link_name, status in (("other", 403), ("crm", 404)):
        answer = await app.get(f"/proxy/{link_name}/me", token)
        assert answer.status_code == status, answer.text


async def test_a_token_in_the_query_is_not_looked_at(app: Application, ada: Browser) -> None:
    token = await token_for(app, ada, "connections.read")
    assert (await app.browser.get(f"/api/v1/me?access_token={token}")).status_code == 401
    twice = await app.get("/api/v1/me", token, **{"Isthmus-Key": token})
    assert twice.status_code == 400


async def test_a_client_cannot_be_mistaken_for_a_person(house: House) -> None:
    app = await register(house, scopes=ALL, role="administrator")
    token = (await app.token(grant_type="client_credentials")).json()["access_token"]
    me = (await app.get("/api/v1/me", token)).json()
    assert me["id"] == f"client:{app.client_id}"
    assert (await app.get("/api/v1/grants", token)).json()["code"] == "person_required"
    code = await app.browser.client.post(
        f"/api/v1/clients/{app.client_id}/code", json={}, headers={"Authorization": f"Bearer {token}"}
    )
    assert code.status_code in (403, 409)


def test_what_covers_what() -> None:
    assert allows(("connections.use",), "connections.use:crm")
    assert not allows(("connections.use:crm",), "connections.use")
    assert not allows(("connections.use:crm",), "connections.use:crm2")
    assert usable_connections(("connections.use:crm", "connections.read")) == ("crm",)
    assert usable_connections(("connections.use:crm", "connections.use")) is None
    assert usable_connections(("connections.read",)) is None
    assert not is_scope("connections.use:")
    assert not is_scope("connections.use:CRM")
    assert not is_scope("connections.use:crm\n")


async def test_what_a_client_does_for_a_person_names_both(house: House) -> None:
    app = await register(house, scopes=ALL)
    root = await house.browser("administrator", "root")
    token = await token_for(app, root, "clients.manage")
    made = await app.browser.client.post(
        "/api/v1/clients",
        json={"name": "Second", "client_type": "device"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.status_code == 201
    system = house.isthmus.protect.system_actor()
    found = await house.isthmus.directory.activity(system, target=f"client:{made.json()['client_id']}")
    (entry,) = found.items
    assert entry["actor"].startswith("user:")
    assert entry["details"]["client_id"] == app.client_id
