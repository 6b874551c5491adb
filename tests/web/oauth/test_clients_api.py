from __future__ import annotations

from typing import Any

import pytest
from tests.web.console.conftest import House
from tests.web.oauth.conftest import BACK

pytestmark = pytest.mark.anyio


class Api:
    def __init__(self, client: Any, key: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=self.headers)
        return answer.status_code, answer.json() if answer.content else None


async def api_for(house: House, role: str) -> Api:
    key = await house.isthmus.accounts.create_api_key(
        house.isthmus.protect.system_actor(), {"name": role, "role": role}
    )
    return Api((await house.browser()).client, key["key"])


@pytest.fixture
async def admin(house: House) -> Api:
    return await api_for(house, "administrator")


NEW = {"name": "Reports", "client_type": "server_based", "redirect_uris": [BACK], "domain": "https://reports.example"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"client_type": "robot"}, "client_type"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://reports.example/"]}, "redirect_uris"),
        ({"redirect_uris": ["http://localhost/"]}, "redirect_uris"),
        ({"redirect_uris": [f"{BACK}#x"]}, "redirect_uris"),
        ({"redirect_uris": ["https://u:p@reports.example/"]}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": ["com.example.app:/cb"]}, "redirect_uris"),
        ({"redirect_uris": ["https://reports.example\\@evil.example/"]}, "redirect_uris"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}, "grant_types"),
        ({"domain": "reports"}, "domain"),
        ({"authentication": "none"}, "authentication"),
        ({"authentication": "private_key_jwt"}, "keys"),
        ({"authentication": "private_key_jwt", "keys": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "keys"),
        ({"authentication": "private_key_jwt", "keys": {"keys": []}}, "keys"),
        ({"created_by": "user:x"}, "created_by"),
        ({"client_id": "mine"}, "client_id"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(admin: Api, changes: dict[str, Any], field: str) -> None:
    status, problem = await admin("POST", "/clients", {**NEW, **changes})
    assert (status, problem.get("field")) == (422, field), problem
    assert problem["detail"]
    assert (await admin("GET", "/clients"))[1]["items"] == []


async def test_a_client_is_made_read_changed_and_removed(admin: Api) -> None:
    status, made = await admin("POST", "/clients", NEW)
    assert status == 201
    secret, path = made.pop("client_secret"), f"/clients/{made['client_id']}"
    assert secret.startswith("ics_")
    assert made["grant_types"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert await admin("GET", path) == (200, made)
    assert made["secrets"][0]["hint"] == secret[-4:]
    status, changed = await admin("PATCH", path, {**made, "name": "Renamed"})
    assert (status, changed["name"], changed["client_type"]) == (200, "Renamed", "server_based")
    status, rotated = await admin("POST", f"{path}/secret", {"overlap_seconds": 60})
    assert (status, len(rotated["secrets"])) == (201, 2)
    assert rotated["client_secret"] not in (None, secret)
    assert (await admin("POST", f"{path}/secret", {"overlap_seconds": -1}))[0] == 422
    assert (await admin("DELETE", f"{path}/secrets/{rotated['secrets'][0]['id']}"))[0] == 204
    assert (await admin("GET", f"{path}/grants"))[1]["items"] == []
    assert await admin("DELETE", path) == (204, None)
    assert (await admin("GET", path))[0] == 404


async def test_who_may_see_and_make_clients(house: House, admin: Api) -> None:
    _, made = await admin("POST", "/clients", NEW)
    path = f"/clients/{made['client_id']}"
    member, developer = await api_for(house, "member"), await api_for(house, "developer")
    assert (await member("POST", "/clients", NEW))[0] == 403
    for actor in (member, developer):
        assert (await actor("GET", "/clients"))[1]["items"] == []
        for method, below in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secret"), ("GET", "/grants")):
            assert (await actor(method, path + below, {} if method in ("PATCH", "POST") else None))[0] == 404
        assert (await actor("DELETE", "/grants/none"))[0] == 404
    status, own = await developer("POST", "/clients", NEW)
    assert status == 201
    assert [client["client_id"] for client in (await developer("GET", "/clients"))[1]["items"]] == [own["client_id"]]
    assert (await developer("POST", "/clients", {**NEW, "role": "administrator"}))[0] == 403


async def test_taking_scopes_away_ends_what_was_granted(house: House, admin: Api) -> None:
    from tests.web.oauth.conftest import Application

    _, made = await admin("POST", "/clients", {**NEW, "scopes": ["connections.read", "activity.read"]})
    app = Application(house, await house.browser(), made)
    ada = await house.browser("developer", "ada")
    tokens = await app.tokens(ada)
    assert await app.is_live(tokens["access_token"])
    await admin("PATCH", f"/clients/{app.client_id}", {"scopes": ["activity.read"]})
    assert not await app.is_live(tokens["access_token"])


async def test_the_metadata_names_our_own_issuer_whatever_the_host_says(house: House) -> None:
    client = (await house.browser()).client
    answer = await client.get("/.well-known/oauth-authorization-server", headers={"Host": "evil.example"})
    told = answer.json()
    assert told["issuer"] == "http://127.0.0.1:8400"
    assert all(value.startswith(told["issuer"]) for key, value in told.items() if key.endswith("_endpoint"))
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert not {"password", "implicit"} & set(told["grant_types_supported"])
    assert not [method for method in told["token_endpoint_auth_methods_supported"] if "tls" in method]
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    assert (await client.get("/.well-known/oauth-authorization-server", headers=forwarded)).json() == told
