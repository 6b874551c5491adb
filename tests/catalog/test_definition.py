"""Reading definitions: what is refused, field by field, then what is read and written again."""

from __future__ import annotations

from typing import Any

import pytest
from tests.catalog import shipped

from isthmus.catalog.definition import document, parse, problems, split_secret
from isthmus.errors import InputError

GOOD: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "oauth2",
    "authorize_url": "https://acme.example.com/authorize",
    "access_token_url": "https://acme.example.com/token",
    "base_url": "https://api.acme.example.com/v1",
}
PERSONLESS = {**GOOD, "authorize_url": "", "grant_type": "client_credentials"}
KEY: dict[str, Any] = {
    "link_name": "k",
    "name": "K",
    "auth_type": "api_key",
    "base_url": "https://k.example.com",
    "parameters": [{"key": "X-Api-Key"}],
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"link_name": "Acme"}, "link_name"),
        ({"link_name": "1acme"}, "link_name"),
        ({"link_name": "a" * 51}, "link_name"),
        ({"link_name": None}, "link_name"),
        ({"name": " "}, "name"),
        ({"name": 7}, "name"),
        ({"auth_type": "oauth3"}, "auth_type"),
        ({"colour": "red"}, "colour"),
        ({"authorize_url": ""}, "authorize_url"),
        ({"authorize_url": "http://acme.example.com/authorize"}, "authorize_url"),
        ({"authorize_url": "acme.example.com/authorize"}, "authorize_url"),
        ({"authorize_url": "https://user:pw@acme.example.com/"}, "authorize_url"),
        ({"access_token_url": ""}, "access_token_url"),
        ({"access_token_url": "javascript:alert(1)"}, "access_token_url"),
        ({"access_token_url": "https://acme.example.com:0/"}, "access_token_url"),
        ({"grant_type": "client_credentials"}, "authorize_url"),
        ({"grant_type": "password", "authorize_url": ""}, "grant_type"),
        ({"scopes": "read write"}, "scopes"),
        ({"scopes": [{"name": "a b"}]}, "scopes[0].name"),
        ({"scopes": ["a", "a"]}, "scopes[1].name"),
        ({"scopes": ["a,b"], "scope_delimiter": ","}, "scopes[0].name"),
        ({"scopes": [{"name": "a", "title": "A"}]}, "scopes[0].title"),
        ({"scope_delimiter": "and"}, "scope_delimiter"),
        ({"param_type": "cookie"}, "param_type"),
        ({"pkce": "plain"}, "pkce"),
        ({"client_authentication": "magic"}, "client_authentication"),
        ({"authorize_parameters": ["a"]}, "authorize_parameters"),
        ({"headers": {"X Y": "1"}}, "headers.X Y"),
        ({"headers": {"X-Y": "a\r\nb"}}, "headers.X-Y"),
        ({"hosts": ["*.com"]}, "hosts[0]"),
        ({"hosts": ["*"]}, "hosts[0]"),
        ({"hosts": ["https://api.acme.example.com"]}, "hosts[0]"),
        ({"hosts": ["other.example.com"]}, "base_url"),
        ({"test": {"url": "https://elsewhere.example.net/me"}}, "test.url"),
        ({"test": {"path": "/me"}}, "test.path"),
        ({"base_url": "https://${region}.acme.example.com"}, "base_url"),
        ({"base_url": "https://${Region}.acme.example.com"}, "base_url"),
        ({"variables": [{"name": "Bad Name"}]}, "variables[0].name"),
        ({"variables": [{"name": "dc", "source": "step"}]}, "variables[0].pattern"),
        ({"variables": [{"name": "dc", "pattern": "("}]}, "variables[0].pattern"),
        ({"variables": [{"name": "dc", "secret": True}]}, "variables[0].secret"),
        ({"token_response": {"copy": {"dc": "dc"}}}, "variables"),
        ({"token_response": {"expires_unit": "fortnights"}}, "token_response.expires_unit"),
        ({"after_connect": [{"url": "https://acme.example.com/x"}]}, "after_connect[0]"),
        ({"lifetimes": {"idle_days": -1}}, "lifetimes.idle_days"),
    ],
)
def test_a_malformed_definition_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        parse({**GOOD, **changes}, kind="custom")
    assert caught.value.field == field
    assert caught.value.hint


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": []}, "parameters"),
        ({"parameters": [{"key": "X Y"}]}, "parameters[0].key"),
        ({"parameters": [{"key": "k", "placement": "cookie"}]}, "parameters[0].placement"),
        ({"base_url": ""}, "hosts"),
    ],
)
def test_a_malformed_key_service_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        parse({**KEY, **changes}, kind="custom")
    assert caught.value.field == field


def test_every_problem_is_told_at_once() -> None:
    found = problems({**GOOD, "pkce": "plain", "param_type": "cookie", "colour": 1})
    assert {problem.field for problem in found} == {"pkce", "param_type", "colour"}


def test_plain_http_needs_to_be_allowed() -> None:
    given = {**GOOD, "base_url": "http://127.0.0.1:9000/v1"}
    with pytest.raises(InputError):
        parse(given, kind="custom")
    assert parse(given, kind="custom", allow_http=True).hosts == ("127.0.0.1:9000",)


def test_hosts_are_implied_by_the_base_url() -> None:
    assert parse(GOOD, kind="custom").hosts == ("api.acme.example.com",)


@pytest.mark.parametrize(
    ("token_url", "hosts"),
    [
        ("https://zoom.us/oauth/token", ("zoom.us", "*.zoom.us")),
        ("https://auth.acme.co.uk/token", ("auth.acme.co.uk", "acme.co.uk", "*.acme.co.uk")),
        ("https://10.0.0.1/token", ("10.0.0.1",)),
        ("https://acme.example.com:8443/token", ("acme.example.com:8443",)),
    ],
)
def test_without_a_base_url_hosts_are_implied_by_the_token_endpoint(token_url: str, hosts: tuple[str, ...]) -> None:
    assert parse({**GOOD, "base_url": "", "access_token_url": token_url}, kind="custom").hosts == hosts


def test_read_only_fields_are_passed_over_and_null_is_the_default() -> None:
    given = {**GOOD, "kind": "default", "redirect_url": "https://x", "created_at": "now", "pkce": None}
    service = parse(given, kind="custom")
    assert service.kind == "custom"
    assert service.pkce == "S256"


def test_the_secret_is_split_off_and_never_part_of_a_service() -> None:
    rest, secret = split_secret({**GOOD, "client_secret": "shh"})
    assert secret == "shh"
    assert "client_secret" not in rest
    assert "shh" not in repr(parse({**GOOD, "client_secret": "shh"}, kind="custom"))
    with pytest.raises(InputError):
        split_secret({"client_secret": 5})


@pytest.mark.parametrize("given", [GOOD, PERSONLESS, KEY])
def test_a_service_survives_being_written_and_read(given: dict[str, Any]) -> None:
    service = parse(given, kind="custom")
    assert parse(document(service), kind="custom") == service


def test_every_default_service_survives_being_written_and_read() -> None:
    services = list(shipped.services())
    assert len(services) >= 12
    for service in services:
        assert parse(document(service), kind="default") == service


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token_request_root": "a b"}, "token_request_root"),
        ({"token_request_root": ""}, "token_request_root"),
        ({"code_parameter": "<code>"}, "code_parameter"),
        ({"token_parameters": {"1st": "x"}}, "token_parameters.1st"),
        ({"refresh_parameters": {"a>b": "x"}}, "refresh_parameters.a>b"),
    ],
)
def test_the_fields_of_an_xml_token_request_are_names_of_elements(changes: dict[str, Any], field: str) -> None:
    xml = {**GOOD, "token_request_format": "xml"}
    assert problems(xml, kind="custom") == []
    assert [problem.field for problem in problems({**xml, **changes}, kind="custom")] == [field]
    assert problems({**GOOD, **changes}, kind="custom") == []
