"""Discovery against an issuer on loopback that says what each test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.broker.advice import advise
from isthmus.broker.discovery import Discovery
from isthmus.errors import AccessDenied, InputError
from isthmus.outbound import Outbound
from isthmus.records import Actor
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio
ADMIN = Actor("user", "user:ann", "Ann", "administrator")
MEMBER = Actor("user", "user:bob", "Bob", "member")


class Issuer:
    """Answers by path; `asked` are the paths that were."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        self.asked.append(path)
        body = json.dumps(self.answers.get(path, {})).encode()
        status = b"200 OK" if path in self.answers else b"404 Not Found"
        kind = b"content-type: application/json\r\nconnection: close\r\n"
        writer.write(b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, kind, len(body), body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()
    await server.wait_closed()


@pytest.fixture
async def discovery(tmp_path: Path) -> AsyncIterator[Discovery]:
    outbound = Outbound(Settings(data_dir=tmp_path, egress_allow=("127.0.0.0/8",)))
    yield Discovery(outbound=outbound)
    await outbound.close()


async def refused(discovery: Discovery, issuer: str) -> str:
    with pytest.raises(InputError) as caught:
        await discovery.discover(ADMIN, issuer)
    assert caught.value.field == "issuer"
    assert caught.value.hint
    return caught.value.code


async def test_only_an_administrator_may_make_the_server_ask(discovery: Discovery, issuer: Issuer) -> None:
    with pytest.raises(AccessDenied):
        await discovery.discover(MEMBER, issuer.url)
    assert issuer.asked == []


@pytest.mark.parametrize(
    "text", ["", "x", "https://", "https://a@b.example", "https://b.example?x=1", "https://b.example#x"]
)
async def test_what_is_no_issuer_is_refused(discovery: Discovery, text: str) -> None:
    assert await refused(discovery, text) == "url_malformed"


async def test_an_internal_address_is_refused(discovery: Discovery) -> None:
    assert await refused(discovery, "https://169.254.169.254") == "address_denied"


async def test_metadata_of_another_issuer_is_refused(discovery: Discovery, issuer: Issuer) -> None:
    path = "/.well-known/oauth-authorization-server"
    for told in ({}, {"issuer": "https://evil.example"}, {"issuer": issuer.url + "/"}, {"issuer": [issuer.url]}):
        issuer.answers[path] = told
        assert await refused(discovery, issuer.url) == "issuer_mismatch"


@pytest.mark.parametrize(
    "endpoint", ["http://169.254.169.254/token", "https://[::1]/", "ftp://x/", "//x", "javascript:alert(1)", 7]
)
async def test_an_endpoint_that_may_not_be_reached_is_refused(
    discovery: Discovery, issuer: Issuer, endpoint: object
) -> None:
    issuer.answers["/.well-known/oauth-authorization-server"] = {"issuer": issuer.url, "token_endpoint": endpoint}
    assert await refused(discovery, issuer.url) == "endpoint_denied"


async def test_no_metadata_is_said(discovery: Discovery, issuer: Issuer) -> None:
    assert await refused(discovery, issuer.url + "/tenant") == "no_metadata"
    assert issuer.asked == [
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
    ]


async def test_metadata_becomes_a_services_addresses(discovery: Discovery, issuer: Issuer) -> None:
    issuer.answers["/.well-known/openid-configuration"] = {
        "issuer": issuer.url,
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://login.example.com/token",
        "revocation_endpoint": "https://login.example.com/revoke",
        "scopes_supported": ["openid", "offline_access", 7, "two words"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "authorization_response_iss_parameter_supported": True,
    }
    assert await discovery.discover(ADMIN, issuer.url) == {
        "issuer": issuer.url,
        "issuer_in_response": True,
        "authorize_url": "https://login.example.com/authorize",
        "access_token_url": "https://login.example.com/token",
        "revoke_token_url": "https://login.example.com/revoke",
        "pkce": "S256",
        "client_authentication": "post",
        "scopes": [{"name": "openid", "display_name": ""}, {"name": "offline_access", "display_name": ""}],
    }


def test_a_whole_description_strikes_nobody_and_each_gap_is_told() -> None:
    whole: dict[str, Any] = {
        "auth_type": "oauth2",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "access_token_url": "https://oauth2.googleapis.com/token",
        "refresh_token_url": "https://oauth2.googleapis.com/token",
        "authorize_parameters": {"access_type": "offline"},
        "base_url": "https://www.googleapis.com",
        "test": {"url": "https://www.googleapis.com/me"},
        "pkce": "S256",
        "param_type": "header",
    }
    assert advise(whole) == []
    for change, field in (
        ({"authorize_parameters": {}}, "authorize_parameters"),
        ({"refresh_token_url": ""}, "refresh_token_url"),
        ({"grant_type": "client_credentials"}, "authorize_url"),
        ({"pkce": "none"}, "pkce"),
        ({"param_type": "query"}, "param_type"),
        ({"base_url": ""}, "base_url"),
        ({"test": None}, "test_url"),
        ({"access_token_url": "http://x"}, "access_token_url"),
    ):
        assert [one.field for one in advise({**whole, **change})] == [field]
    assert advise({"auth_type": "basic", "base_url": "https://x", "test": {"url": "https://x/me"}}) == []
