"""What a definition says as data is carried out: logins, chains, copied values, refreshes of a kind of their own.

The third party is the practice party playing the exchanges of each test; every request leaves by the product's door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.catalog.vendors import VendorDoor
from tests.practice_server import PracticeServer
from tests.tables import lay_tables
from tests.world import ADMIN, World, environ

from isthmus.app import assemble, open_vault
from isthmus.broker.call import Call
from isthmus.errors import AccessDenied, ConnectError, DestinationDenied, InputError, ReauthorizationRequired
from isthmus.settings import Settings
from isthmus.storage import Journal, open_storage

pytestmark = pytest.mark.anyio

OAUTH2: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "oauth2",
    "client_id": "c1",
    "client_secret": "made-up-secret",
    "client_authentication": "post",
    "authorize_url": "https://acme.example.com/authorize",
    "access_token_url": "https://acme.example.com/token",
    "base_url": "https://api.acme.example.com",
}
LOGIN: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "login",
    "base_url": "https://api.acme.example.com",
    "parameters": [
        {"key": "username", "placement": "slot", "secret": False},
        {"key": "password", "placement": "slot"},
    ],
    "login": {
        "requests": [
            {
                "method": "POST",
                "url": "https://acme.example.com/ticket",
                "format": "json",
                "body": {"user": {"name": "${username}", "password": "${password}"}},
                "copy": {"ticket": "data.ticket"},
            },
            {"method": "POST", "url": "https://acme.example.com/session", "headers": {"X-Ticket": "${ticket}"}},
        ]
    },
    "token_response": {"access_token": "cookie:SID", "default_expires_in": 1200},
    "param_name": "Cookie",
    "param_prefix": "SID=",
    "test": {"url": "https://api.acme.example.com/me", "identity": "name"},
}
KEY: dict[str, Any] = {"link_name": "acme", "name": "Acme", "auth_type": "api_key", "base_url": OAUTH2["base_url"]}


def says(url: str, body: Any = None, method: str = "GET", **more: Any) -> dict[str, Any]:
    """An exchange: expectations by part, and `status`, `headers_back`."""
    parts = urlsplit(url)
    answer = {"status": more.pop("status", 200), "headers": more.pop("headers_back", {}), "body": body or {}}
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    expect = {**more, **({"query": query} if query else {})}
    name = f"{method} {parts.path}"
    return {
        "name": name,
        "method": method,
        "host": parts.netloc,
        "path": parts.path,
        "expect": expect,
        "answer": answer,
    }


@pytest.fixture
async def world(tmp_path: Path, practice: PracticeServer) -> AsyncIterator[World]:
    settings = Settings.load(environ(tmp_path))
    await lay_tables(tmp_path)
    storage = await open_storage(settings)
    await storage.migrate()
    vault = await open_vault(settings, storage)
    isthmus = assemble(settings, storage, vault, outbound=VendorDoor(settings, practice))
    yield World(isthmus, practice)
    await isthmus.stop()


async def made(world: World, service: dict[str, Any], exchanges: list[dict[str, Any]], **more: Any) -> None:
    await world.isthmus.directory.create_service(ADMIN, service)
    await world.connection("acme", **more)
    world.practice.vendor(exchanges)


async def consented(world: World, callback: dict[str, str] | None = None, **document: Any) -> dict[str, str]:
    """A consent from the connect link to the stored grant; the query that the person was sent away with."""
    proceeding = await world.isthmus.connect.proceed(await world.begin(**document), None)
    query = dict(parse_qsl(urlsplit(proceeding.location).query))
    parameters = list({"state": query["state"], "code": "made-up-code", **(callback or {})}.items())
    cookies = {proceeding.cookie_name: proceeding.browser_secret}
    await world.isthmus.connect.finish("acme", parameters, cookies, None)
    return query


# --- logins


def login_exchanges(sid: str = "s1") -> list[dict[str, Any]]:
    return [
        says(
            "https://acme.example.com/ticket",
            {"data": {"ticket": "t1"}},
            "POST",
            json={"user.name": "mara", "user.password": "pw"},
        ),
        says(
            "https://acme.example.com/session",
            method="POST",
            headers={"X-Ticket": "t1", "Cookie": None},
            headers_back={"Set-Cookie": f"SID={sid}; Path=/; HttpOnly"},
        ),
        says("https://api.acme.example.com/me", {"name": "Mara"}, headers={"Cookie": f"SID={sid}"}),
    ]


async def test_a_login_that_is_refused_connects_nothing_and_says_so(world: World) -> None:
    await made(world, LOGIN, [says("https://acme.example.com/ticket", {"error": "bad"}, "POST", status=401)])
    with pytest.raises(ConnectError):
        await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"username": "mara", "password": "no"}})
    with pytest.raises(InputError) as caught:
        await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"username": "mara"}})
    assert caught.value.field == "parameters.password"
    assert (await world.shown())["status"] == "not_connected"


async def test_a_login_s_requests_fill_each_other_and_its_token_ends_by_its_own_rule(world: World) -> None:
    await made(world, LOGIN, login_exchanges())
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "mara", "password": "pw"})
    shown = await world.shown()
    assert (shown["status"], shown["connected_as"], shown["variables"]) == ("connected", "Mara", {})
    assert shown["expires_at"] is not None


async def test_a_login_is_done_again_when_its_session_is_refused(world: World) -> None:
    await made(world, LOGIN, login_exchanges())
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "mara", "password": "pw"})
    refused = says("https://api.acme.example.com/items", {"error": "ended"}, headers={"Cookie": "SID=s1"}, status=401)
    good = says("https://api.acme.example.com/items", [1], headers={"Cookie": "SID=s2"})
    world.practice.vendor([*login_exchanges("s2"), refused, good])
    answer = await world.call("/items")
    assert (answer.status, answer.body) == (200, b"[1]")
    assert [entry["name"] for entry in world.practice.vendor_log()] == [
        "GET /items",
        "POST /ticket",
        "POST /session",
        "GET /items",
    ]


async def test_a_login_that_is_refused_later_asks_for_the_person_and_is_not_tried_again(world: World) -> None:
    await made(world, LOGIN, login_exchanges())
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "mara", "password": "pw"})
    world.practice.vendor([says("https://acme.example.com/ticket", {"error": "locked"}, "POST", status=403)])
    with pytest.raises(ReauthorizationRequired):
        await world.isthmus.upkeep.refresh(ADMIN, "link")
    assert len(world.practice.vendor_log()) == 1
    assert (await world.shown())["status"] == "reauthorization_required"


async def test_a_jwt_of_ours_may_be_the_token_itself(world: World) -> None:
    jwt = {
        "algorithm": "HS256",
        "key": "${secret}",
        "key_encoding": "hex",
        "claims": {"aud": "/admin/"},
        "seconds": 300,
    }
    service = {
        **LOGIN,
        "parameters": [{"key": "secret", "placement": "slot"}],
        "login": {"jwt": jwt},
        "param_name": "Authorization",
        "param_prefix": "Ghost",
    }
    await made(
        world, service, [says("https://api.acme.example.com/me", {"name": "Site"}, headers={"Authorization": "*"})]
    )
    with pytest.raises(InputError) as caught:
        await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"secret": "not hex"}})
    assert caught.value.code == "key_malformed"
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"secret": "00ff"}})
    assert (await world.shown())["connected_as"] == "Site"
    await world.isthmus.upkeep.refresh(ADMIN, "link")
    assert [entry["outcome"] for entry in world.practice.vendor_log()] == ["played"]


async def test_a_jwt_that_the_third_party_refuses_connects_nothing(world: World) -> None:
    service = {
        **LOGIN,
        "parameters": [{"key": "secret", "placement": "slot"}],
        "login": {"jwt": {"algorithm": "HS256", "key": "${secret}"}},
    }
    await made(world, service, [says("https://api.acme.example.com/me", status=401)])
    with pytest.raises(ConnectError):
        await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"secret": "s"}})


async def test_a_service_account_posts_its_jwt(world: World) -> None:
    service = {
        **LOGIN,
        "parameters": [{"key": "key_file", "placement": "slot"}],
        "login": {
            "jwt": {
                "algorithm": "HS256",
                "key": "${key_file.secret}",
                "claims": {"iss": "${key_file.email}", "scope": "${scope}"},
            },
            "requests": [
                {
                    "method": "POST",
                    "url": "https://acme.example.com/token",
                    "format": "form",
                    "body": {"grant_type": "jwt-bearer", "assertion": "${jwt}"},
                }
            ],
        },
        "token_response": {},
        "param_name": "Authorization",
        "param_prefix": "Bearer",
    }
    token = {"access_token": "t1", "expires_in": 3600, "refresh_token": "not-used"}
    exchanges = [
        says("https://acme.example.com/token", token, "POST", form={"grant_type": "jwt-bearer", "assertion": "*"}),
        says("https://api.acme.example.com/me", {"name": "Robot"}, headers={"Authorization": "Bearer t1"}),
    ]
    await made(world, service, exchanges, scopes=["a"])
    key_file = '{"secret": "s", "email": "robot@acme.example.com"}'
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"key_file": key_file}})
    assert (await world.shown())["connected_as"] == "Robot"


async def test_a_login_is_ended_when_the_connection_is_revoked(world: World) -> None:
    logout = {"method": "DELETE", "url": "https://acme.example.com/session/${access_token}"}
    await made(world, {**LOGIN, "login": {**LOGIN["login"], "logout": logout}}, login_exchanges())
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "mara", "password": "pw"})
    world.practice.vendor([says("https://acme.example.com/session/s1", method="DELETE")])
    await world.isthmus.upkeep.revoke(ADMIN, "link")
    assert [entry["outcome"] for entry in world.practice.vendor_log()] == ["played"]


# --- after connecting


async def test_a_chain_finds_the_account_and_its_host_and_bounds_both(world: World) -> None:
    service = {
        **OAUTH2,
        "base_url": "${origin}/v1/${account}",
        "hosts": ["*.acme.example.com"],
        "variables": [
            {"name": "account", "source": "step", "pattern": "[0-9]+"},
            {
                "name": "origin",
                "source": "step",
                "format": "origin",
                "pattern": r"https://[a-z0-9]+\.acme\.example\.com",
            },
        ],
        "after_connect": [
            {"url": "https://acme.example.com/accounts", "copy": {"account": "accounts[is_default=true].id"}},
            {
                "method": "POST",
                "url": "https://acme.example.com/accounts/${account}",
                "format": "form",
                "body": {"t": "${access_token}"},
                "copy": {"origin": "api"},
            },
        ],
    }
    token = says("https://acme.example.com/token", {"access_token": "t1"}, "POST")
    accounts = {"accounts": [{"id": 1, "is_default": False}, {"id": 7, "is_default": True}]}
    first = says("https://acme.example.com/accounts", accounts, headers={"Authorization": "Bearer t1"})

    def second(origin: str) -> dict[str, Any]:
        return says("https://acme.example.com/accounts/7", {"api": origin}, "POST", form={"t": "t1"})

    await made(world, service, [token, first, second("https://evil.example.net")])
    with pytest.raises(InputError):
        await consented(world)
    assert (await world.shown())["status"] == "not_connected"
    items = says("https://eu1.acme.example.com/v1/7/items", [1], headers={"Authorization": "Bearer t1"})
    world.practice.vendor([token, first, second("https://eu1.acme.example.com/services/"), items])
    await consented(world)
    assert (await world.call("/items")).body == b"[1]"


async def test_a_step_that_brings_nothing_fails_unless_it_is_optional(world: World) -> None:
    step = {"url": "https://acme.example.com/who", "copy": {"account": "id"}}
    service = {
        **OAUTH2,
        "variables": [{"name": "account", "source": "step", "pattern": "[0-9]+", "required": False}],
        "after_connect": [step],
    }
    token = says("https://acme.example.com/token", {"access_token": "t1"}, "POST")
    await made(world, service, [token, says("https://acme.example.com/who", {"nothing": 1})])
    with pytest.raises(ConnectError) as caught:
        await consented(world)
    assert caught.value.code == "discovery_failed"
    await world.isthmus.directory.update_service(ADMIN, "acme", {"after_connect": [{**step, "optional": True}]})
    await consented(world)
    assert (await world.shown())["status"] == "connected"


async def test_a_short_token_is_exchanged_and_renewed_by_itself(world: World) -> None:
    service = {
        **OAUTH2,
        "after_connect": [
            {
                "url": "https://acme.example.com/exchange?secret=${client_secret}&token=${access_token}",
                "authenticated": False,
                "token": {},
            }
        ],
        "refresh_request": {"url": "https://acme.example.com/renew?token=${access_token}"},
    }
    exchanges = [
        says("https://acme.example.com/token", {"access_token": "short", "user": {"id": 5}}, "POST"),
        says(
            "https://acme.example.com/exchange?secret=made-up-secret&token=short",
            {"access_token": "long", "expires_in": 5184000},
            headers={"Authorization": None},
        ),
        says("https://acme.example.com/renew?token=long", {"access_token": "longer", "expires_in": 5184000}),
        says("https://api.acme.example.com/x", [1], headers={"Authorization": "Bearer longer"}),
    ]
    await made(world, service, exchanges)
    await consented(world)
    assert (await world.shown())["expires_at"] is not None
    await world.isthmus.upkeep.refresh(ADMIN, "link")
    assert (await world.call("/x")).status == 200


async def test_only_the_expiry_may_be_asked_for(world: World) -> None:
    step = {
        "url": "https://acme.example.com/introspect",
        "token": {
            "access_token": "",
            "expires_in": "data.expires_at",
            "expires_unit": "iso8601",
            "identity": "data.user",
        },
    }
    exchanges = [
        says("https://acme.example.com/token", {"access_token": "t1"}, "POST"),
        says("https://acme.example.com/introspect", {"data": {"expires_at": "2031-01-01T00:00:00Z", "user": "mara"}}),
    ]
    await made(world, {**OAUTH2, "after_connect": [step]}, exchanges)
    await consented(world)
    shown = await world.shown()
    assert (shown["expires_at"], shown["connected_as"]) == ("2031-01-01T00:00:00Z", "mara")


async def test_values_come_out_of_the_callback_and_the_token_answer(world: World) -> None:
    service = {
        **OAUTH2,
        "access_token_url": "${accounts}/token",
        "base_url": "${instance}",
        "hosts": ["*.acme.example.com"],
        "callback_code": "auth_code",
        "callback_copy": {"accounts": "accounts-server"},
        "token_response": {"copy": {"instance": "instance_url"}, "identity": "id_token.@claims.email|owner.name"},
        "variables": [
            {
                "name": "accounts",
                "source": "callback",
                "format": "origin",
                "pattern": r"https://accounts\.acme\.example\.(com|eu)",
                "default": "https://accounts.acme.example.com",
            },
            {"name": "instance", "source": "token", "format": "origin", "pattern": r"https://\w+\.acme\.example\.com"},
        ],
    }
    token = {"access_token": "t1", "instance_url": "https://na4.acme.example.com/services/", "owner": {"name": "Mara"}}
    exchanges = [
        says("https://accounts.acme.example.eu/token", token, "POST", form={"code": "c2"}),
        says("https://na4.acme.example.com/x", [1]),
    ]
    await made(world, service, exchanges)
    await consented(world, {"accounts-server": "https://accounts.acme.example.eu", "auth_code": "c2"})
    assert (await world.shown())["connected_as"] == "Mara"
    assert (await world.call("/x")).status == 200


async def test_a_grant_is_revoked_by_the_request_that_the_service_names(world: World) -> None:
    service = {
        **OAUTH2,
        "revoke_request": {"method": "DELETE", "url": "https://acme.example.com/me", "authenticated": True},
    }
    exchanges = [
        says("https://acme.example.com/token", {"access_token": "t1"}, "POST"),
        says("https://acme.example.com/me", method="DELETE", headers={"Authorization": "Bearer t1"}),
    ]
    await made(world, service, exchanges)
    await consented(world)
    await world.isthmus.upkeep.revoke(ADMIN, "link")
    assert "revoked" in await world.story()
    assert world.practice.vendor_log()[-1]["outcome"] == "played"


# --- where values go


@pytest.mark.parametrize(
    ("service", "entered", "method", "expect"),
    [
        ({"parameters": [{"key": "k", "placement": "json"}]}, {"k": "v"}, "POST", {"json": {"k": "v", "a": "1"}}),
        (
            {
                "base_url": "https://api.acme.example.com/bot${token}",
                "parameters": [{"key": "token", "placement": "path"}],
            },
            {"token": "1:x/y"},
            "GET",
            {"path": "/bot1:x%2Fy/x"},
        ),
        (
            {
                "parameters": [
                    {"key": "id", "placement": "slot", "secret": False},
                    {"key": "secret", "placement": "slot"},
                    {"key": "Authorization", "template": "Key ${base64(id, ':', secret)}"},
                ]
            },
            {"id": "a", "secret": "b"},
            "GET",
            {"headers": {"Authorization": "Key YTpi"}},
        ),
        (
            {
                "parameters": [
                    {"key": "secret", "placement": "slot"},
                    {"key": "X-Sign", "template": "${hmac(secret, now())}"},
                ]
            },
            {"secret": "b"},
            "GET",
            {"headers": {"X-Sign": "*"}},
        ),
        (
            {"parameters": [{"key": "X-Key"}, {"key": "X-Tenant", "required": False}]},
            {"X-Key": "v"},
            "GET",
            {"headers": {"X-Key": "v", "X-Tenant": None}},
        ),
    ],
    ids=["json", "path", "template", "fresh", "optional"],
)
async def test_a_parameter_goes_to_its_place(
    world: World, service: dict[str, Any], entered: dict[str, str], method: str, expect: dict[str, Any]
) -> None:
    path = expect.pop("path", "/x")
    await made(world, {**KEY, **service}, [says(f"https://api.acme.example.com{path}", [1], method, **expect)])
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": entered})
    more: dict[str, Any] = {"body": {"a": "1"}} if method == "POST" else {}
    answer = await world.isthmus.invoker.invoke(ADMIN, "link", Call("/x", method, **more))
    assert answer.status == 200, world.practice.vendor_log()


async def test_a_key_in_the_path_is_in_no_record_of_the_call(world: World) -> None:
    parameters = [{"key": "token", "placement": "path"}]
    service = {**KEY, "base_url": "https://api.acme.example.com/bot${token}", "parameters": parameters}
    await made(world, service, [says("https://api.acme.example.com/botrecognisable/x", [1])])
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"token": "recognisable"}})
    assert (await world.call("/x")).status == 200
    await world.isthmus._ledger.flush()
    page = await world.isthmus.directory.calls(ADMIN, "link")
    assert [call["url"] for call in page.items] == ["https://api.acme.example.com/bot$(token)/x"]


async def test_parameters_go_beside_the_token_and_survive_its_refresh(world: World) -> None:
    service = {**OAUTH2, "parameters": [{"key": "X-Subscription"}]}
    exchanges = [
        says(
            "https://acme.example.com/token", {"access_token": "t1", "refresh_token": "r1"}, "POST", form={"code": "*"}
        ),
        says("https://acme.example.com/token", {"access_token": "t2"}, "POST", form={"refresh_token": "r1"}),
        says(
            "https://api.acme.example.com/x",
            [1],
            headers={"Authorization": "Bearer t2", "X-Subscription": "recognisable"},
        ),
    ]
    await made(world, service, exchanges)
    with pytest.raises(InputError) as caught:
        await world.begin()
    assert caught.value.field == "parameters.X-Subscription"
    await consented(world, parameters={"X-Subscription": "recognisable"})
    await world.isthmus.upkeep.refresh(ADMIN, "link")
    assert (await world.call("/x")).status == 200


async def test_a_key_alone_is_a_basic_half(world: World) -> None:
    service = {**KEY, "auth_type": "basic", "password_template": "x"}
    await made(
        world, service, [says("https://api.acme.example.com/x", [1], headers={"Authorization": "Basic azE6eA=="})]
    )
    await world.isthmus.connect.begin(ADMIN, "link", {"username": "k1"})
    assert (await world.call("/x")).status == 200


@pytest.mark.parametrize(
    ("flow", "entered", "signed"),
    [
        ("token_pair", {"parameters": {"token": "t1", "token_secret": "s1"}}, True),
        ("one_legged", {}, False),
    ],
)
async def test_a_signature_without_three_legs(world: World, flow: str, entered: dict[str, Any], signed: bool) -> None:
    service = {
        **KEY,
        "auth_type": "oauth1",
        "oauth1_flow": flow,
        "signature_method": "HMAC-SHA256",
        "realm": "${account}",
        "client_id": "c1",
        "client_secret": "made-up-secret",
        "variables": [{"name": "account"}],
    }
    await made(
        world,
        service,
        [says("https://api.acme.example.com/x", [1], headers={"Authorization": "*"})],
        variables={"account": "A_1"},
    )
    if signed:
        with pytest.raises(InputError):
            await world.isthmus.connect.begin(ADMIN, "link", {})
    await world.isthmus.connect.begin(ADMIN, "link", entered)
    assert (await world.call("/x")).status == 200


async def test_a_region_picks_the_host(world: World) -> None:
    service = {
        **KEY,
        "parameters": [{"key": "X-Key"}],
        "base_url": "https://api.${zone}",
        "hosts": ["api.${zone}"],
        "variables": [{"name": "zone", "format": "hostname", "source": "region"}],
        "regions": [{"name": "eu", "values": {"zone": "acme.example.net"}}],
    }
    await made(world, service, [says("https://api.acme.example.net/x", [1])], variables={"region": "eu"})
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"X-Key": "v"}})
    assert (await world.call("/x")).status == 200
    with pytest.raises(InputError) as caught:
        await world.connection("acme", "other", variables={"region": "mars"})
    assert caught.value.field == "variables.region"


# --- how the API behaves

LISTS = {**KEY, "parameters": [{"key": "X-Key"}], "paging": {"kind": "link", "next": "next"}}


async def listed(world: World, exchanges: list[dict[str, Any]], **changes: Any) -> None:
    await made(world, {**LISTS, **changes}, exchanges)
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"X-Key": "v"}})


async def test_a_list_is_followed_to_its_end_with_the_credential(world: World) -> None:
    key = {"X-Key": "v"}
    second = "https://api.acme.example.com/items?p=2"
    first = says(
        "https://api.acme.example.com/items", {"items": [1, 2], "next": second}, query={"p": None}, headers=key
    )
    await listed(world, [first, says(second, {"items": [3], "next": None}, headers=key)])
    answer = await world.call("/items", all_pages=True)
    assert (answer.status, answer.body, answer.pages) == (200, b"[1, 2, 3]", 2)
    assert dict(answer.headers)["content-type"] == "application/json"


async def test_a_next_page_elsewhere_is_not_asked_for(world: World) -> None:
    await listed(
        world, [says("https://api.acme.example.com/items", {"items": [1], "next": "https://evil.example.net/"})]
    )
    with pytest.raises(DestinationDenied):
        await world.call("/items", all_pages=True)
    assert len(world.practice.vendor_log()) == 1


async def test_a_next_page_outside_the_policy_is_not_asked_for(world: World) -> None:
    await listed(world, [says("https://api.acme.example.com/items", {"items": [1], "next": "/secrets"})])
    await world.isthmus.directory.update_connection(ADMIN, "link", {"policy": {"path_prefixes": ["/items"]}})
    with pytest.raises(AccessDenied):
        await world.call("/items", all_pages=True)
    assert len(world.practice.vendor_log()) == 1


async def test_a_page_that_is_an_error_is_the_answer(world: World) -> None:
    first = says("https://api.acme.example.com/items", {"items": [1], "next": "/items?p=2"}, query={"p": None})
    await listed(world, [first, says("https://api.acme.example.com/items?p=2", {"error": "x"}, status=400)])
    answer = await world.call("/items", all_pages=True)
    assert (answer.status, answer.pages) == (400, 2)


async def test_a_list_without_an_end_is_not_followed_for_ever(world: World) -> None:
    await listed(
        world,
        [says("https://api.acme.example.com/items", {"items": [1]})],
        paging={"kind": "offset", "parameter": "start"},
    )
    with pytest.raises(InputError) as caught:
        await world.call("/items", all_pages=True)
    assert caught.value.code == "too_many_pages"
    assert len(world.practice.vendor_log()) == 200


async def test_all_pages_needs_a_service_that_says_how(world: World) -> None:
    await listed(world, [], paging=None)
    with pytest.raises(InputError) as caught:
        await world.call("/items", all_pages=True)
    assert caught.value.code == "no_paging"


async def test_later_is_understood_where_the_service_says_it(world: World) -> None:
    retry = {"code": "error", "codes": ["throttled"], "seconds_header": "X-Wait"}
    busy = says("https://api.acme.example.com/items", {"error": "throttled"}, "POST", headers_back={"X-Wait": "0"})
    good = says("https://api.acme.example.com/items", {"done": 1}, "POST")
    await listed(world, [busy, good], retry=retry)
    answer = await world.call("/items", method="POST", body={})
    assert answer.body == b'{"done": 1}'
    assert len(world.practice.vendor_log()) == 2


async def test_slots_of_a_scope_are_filled_wherever_it_is_sent(world: World) -> None:
    service = {
        **OAUTH2,
        "variables": [{"name": "site", "display_name": "Site"}],
        "scopes": [
            {"name": "https://${site}.example.com/.default", "display_name": "All of the site"},
            {"name": "offline_access", "display_name": "Stay"},
        ],
        "default_scopes": ["https://${site}.example.com/.default", "offline_access"],
        "token_parameters": {"scope": "${scope}"},
    }
    sent = "https://acme.example.com/.default offline_access"
    answered = {"access_token": "t1", "scope": sent}
    exchange = says("https://acme.example.com/token", answered, "POST", form={"scope": sent})
    await made(world, service, [exchange], variables={"site": "acme"})
    facts = await world.isthmus.connect.describe(await world.begin(), None)
    assert facts["scopes"][0] == {"name": "https://acme.example.com/.default", "display_name": "All of the site"}
    assert (await consented(world))["scope"] == sent
    shown = await world.shown()
    assert shown["scopes"] == service["default_scopes"]
    assert (shown["granted_scopes"], shown["missing_scopes"]) == (sent.split(), [])


async def test_a_scope_with_an_undeclared_slot_is_refused(world: World) -> None:
    with pytest.raises(InputError) as caught:
        await world.isthmus.directory.create_service(ADMIN, {**OAUTH2, "scopes": [{"name": "x.${nowhere}"}]})
    assert caught.value.field == "scopes[0].name"


async def test_a_callback_that_is_not_signed_as_promised_connects_nothing(world: World) -> None:
    await made(world, {**OAUTH2, "callback_signature": {"parameter": "hmac"}}, [])
    with pytest.raises(ConnectError) as caught:
        await consented(world, {"hmac": "00" * 32})
    assert caught.value.code == "callback_signature_wrong"
    assert world.practice.vendor_log() == []
    assert (await world.shown())["status"] == "not_connected"


async def test_headers_of_the_service_go_with_every_call_unless_the_caller_gives_them(world: World) -> None:
    service = {
        **KEY,
        "parameters": [{"key": "X-Key"}],
        "headers": {"Accept": "application/vnd.acme+json", "X-Version": "2"},
    }
    url = "https://api.acme.example.com/x"
    ours = says(url, [1], headers={"Accept": "application/vnd.acme+json", "X-Version": "2", "X-Key": "k"})
    theirs = says(url, [2], headers={"Accept": "text/csv", "X-Version": "2", "X-Key": "k"})
    await made(world, service, [ours, theirs])
    await world.isthmus.connect.begin(ADMIN, "link", {"parameters": {"X-Key": "k"}})
    assert (await world.call("/x")).body == b"[1]"
    assert (await world.call("/x", headers=[("accept", "text/csv")])).body == b"[2]"


async def test_a_grant_that_lay_idle_for_too_long_is_told_as_that(world: World) -> None:
    service = {**OAUTH2, "lifetimes": {"refresh": "keeps", "idle_days": 30}}
    token = says(
        "https://acme.example.com/token", {"access_token": "t1", "refresh_token": "r1"}, "POST", form={"code": "*"}
    )
    gone = says("https://acme.example.com/token", {"error": "invalid_grant"}, "POST", status=400)
    await made(world, service, [token])
    await consented(world)
    storage = world.isthmus._storage
    connection = await storage.connection("link")
    assert connection is not None
    row = await storage.authorization_of(connection.id, "")
    assert row is not None
    assert row.issued_at is not None
    changes = {"issued_at": row.issued_at - timedelta(days=31)}
    assert await storage.update_authorization(row.id, version=row.version, changes=changes, journal=Journal())
    world.practice.vendor([gone])
    with pytest.raises(ReauthorizationRequired):
        await world.isthmus.upkeep.refresh(ADMIN, "link")
    reason = (await world.shown())["status_reason"]
    assert reason["code"] == "grant_expired_idle"
