"""What an OpenAPI description brings into a definition."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.catalog.definition import problems
from isthmus.catalog.openapi import read_openapi
from isthmus.errors import InputError

CODE = {"authorizationUrl": "https://acme.example/auth", "tokenUrl": "https://acme.example/token"}


def described(**schemes: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Acme API"},
        "servers": [{"url": "https://{shop}.acme.example/v1/"}],
        "components": {"securitySchemes": schemes},
    }


@pytest.mark.parametrize(
    "description",
    [None, [], "text", {}, {"info": {}}, described(), described(a={"type": "openIdConnect"}), described(a=None)],
)
def test_what_tells_no_way_to_authorize_is_refused(description: Any) -> None:
    with pytest.raises(InputError) as caught:
        read_openapi(description)
    assert caught.value.field == "openapi"
    assert caught.value.hint


def test_an_authorization_code_flow_with_its_scopes() -> None:
    scheme = {"type": "oauth2", "flows": {"authorizationCode": {**CODE, "scopes": {"read": "Read all. Really."}}}}
    document = read_openapi(described(key={"type": "apiKey", "in": "header", "name": "X-Key"}, oauth=scheme))
    assert document["name"] == "Acme API"
    assert document["base_url"] == "https://${shop}.acme.example/v1"
    assert document["scopes"] == [{"name": "read", "display_name": "Read all"}]
    whole = {**document, "link_name": "acme", "variables": [{"name": "shop", "display_name": "Shop"}]}
    assert problems({**whole, "hosts": ["${shop}.acme.example"]}) == []


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "http", "scheme": "Basic"}, {"auth_type": "basic"}),
        ({"type": "basic"}, {"auth_type": "basic"}),
        (
            {"type": "http", "scheme": "bearer"},
            {
                "auth_type": "api_key",
                "parameters": [
                    {"key": "Authorization", "display_name": "API key", "placement": "header", "prefix": "Bearer "}
                ],
            },
        ),
        (
            {"type": "apiKey", "in": "query", "name": "key"},
            {
                "auth_type": "api_key",
                "parameters": [{"key": "key", "display_name": "API key", "placement": "query"}],
            },
        ),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token"}}},
            {
                "auth_type": "oauth2",
                "grant_type": "client_credentials",
                "access_token_url": "https://acme.example/token",
            },
        ),
        (
            {"type": "oauth2", "flow": "accessCode", **CODE},
            {
                "auth_type": "oauth2",
                "authorize_url": "https://acme.example/auth",
                "access_token_url": "https://acme.example/token",
            },
        ),
    ],
)
def test_other_schemes(scheme: dict[str, Any], expected: dict[str, Any]) -> None:
    document = read_openapi(described(one=scheme), "https://acme.example/openapi.json")
    assert {key: document[key] for key in document if key not in ("name", "base_url")} == expected


def test_the_second_version_tells_host_and_path() -> None:
    description = {
        "swagger": "2.0",
        "host": "api.acme.example",
        "basePath": "/v2",
        "securityDefinitions": {"a": {"type": "basic"}},
    }
    assert read_openapi(description) == {"base_url": "https://api.acme.example/v2", "auth_type": "basic"}
