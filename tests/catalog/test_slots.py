"""Slots: a value cannot become more than the place it fills."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.catalog.definition import parse
from isthmus.catalog.slots import resolve
from isthmus.errors import InputError
from isthmus.records import Service


def service(**changes: Any) -> Service:
    document = {
        "link_name": "acme",
        "name": "Acme",
        "auth_type": "api_key",
        "parameters": [{"key": "X-Key"}],
        "base_url": "https://${shop}.acme.example.com/v1/${account}",
        "hosts": ["${shop}.acme.example.com"],
        "headers": {"X-Account": "${account}"},
        "variables": [{"name": "shop", "example": "my-shop"}, {"name": "account", "default": "main"}],
        **changes,
    }
    return parse(document, kind="custom")


@pytest.mark.parametrize(
    "value",
    [
        "evil.com/",
        "a.b",
        "x@y",
        "x:1",
        "x/y",
        "x?y",
        "x#y",
        "x%2fy",
        "x\\y",
        "x y",
        "",
        "-x",
        "x-",
        "x\n",
        "\u212aelvin",
        "a" * 64,
    ],
)
def test_a_variable_in_a_host_is_one_label(value: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(service(), {"shop": value})
    assert caught.value.field == "variables.shop"


@given(st.text(max_size=80))
def test_no_value_moves_a_url_to_another_host(value: str) -> None:
    try:
        resolved = resolve(service(), {"shop": value, "account": value})
    except InputError:
        return
    host = urlsplit(resolved.base_url).hostname or ""
    assert host.endswith(".acme.example.com")
    assert host.count(".") == 3
    assert resolved.hosts == (f"{value}.acme.example.com",)


@given(st.text(max_size=60))
def test_a_value_in_a_path_stays_one_segment(value: str) -> None:
    try:
        resolved = resolve(service(), {"shop": "x", "account": value})
    except InputError:
        return
    parts = urlsplit(resolved.base_url)
    assert parts.path.count("/") == 2
    assert not parts.query
    assert not parts.fragment


def test_a_missing_value_is_named_with_an_example() -> None:
    with pytest.raises(InputError) as caught:
        resolve(service(), {})
    assert caught.value.field == "variables.shop"
    assert "my-shop" in caught.value.hint


def test_a_default_fills_in() -> None:
    resolved = resolve(service(), {"shop": "x"})
    assert resolved.base_url == "https://x.acme.example.com/v1/main"
    assert resolved.headers == {"X-Account": "main"}


def test_a_pattern_and_choices_are_kept_to() -> None:
    chosen = service(variables=[{"name": "shop", "choices": ["a", "b.c"]}, {"name": "account", "pattern": "[0-9]+"}])
    assert resolve(chosen, {"shop": "b.c", "account": "1"}).hosts == ("b.c.acme.example.com",)
    for values in ({"shop": "c", "account": "1"}, {"shop": "a", "account": "x"}):
        with pytest.raises(InputError):
            resolve(chosen, values)


def origin_service() -> Service:
    return service(
        base_url="${api_domain}/v2",
        hosts=["*.acme.example.com"],
        headers={},
        variables=[
            {
                "name": "api_domain",
                "format": "origin",
                "source": "token",
                "pattern": r"https://[a-z]+\.acme\.example\.com",
            }
        ],
    )


@pytest.mark.parametrize(
    "value",
    [
        "https://evil.example.net",
        "http://eu.acme.example.com",
        "https://eu.acme.example.com/path",
        "https://eu.acme.example.com@evil.example.net",
        "https://eu.acme.example.com:444",
        "eu.acme.example.com",
        "https://eu.acme.example.com\n",
    ],
)
def test_an_origin_from_an_answer_is_taken_only_if_it_matches_whole(value: str) -> None:
    with pytest.raises(InputError):
        resolve(origin_service(), {"api_domain": value})


def test_what_only_an_answer_fills_may_wait() -> None:
    assert resolve(origin_service(), {}, partial=True).base_url == "${api_domain}/v2"
    with pytest.raises(InputError):
        resolve(origin_service(), {})
    filled = resolve(origin_service(), {"api_domain": "https://eu.acme.example.com"})
    assert filled.base_url == "https://eu.acme.example.com/v2"


def test_a_client_s_jwt_takes_variables() -> None:
    """What stands for the client secret may name the account it is of."""
    signed = service(
        auth_type="oauth2",
        parameters=[],
        authorize_url="https://acme.example.com/authorize",
        access_token_url="https://acme.example.com/token",
        client_jwt={
            "algorithm": "ES256",
            "key": "${client_secret}",
            "claims": {"iss": "${account}", "sub": "${client_id}"},
        },
    )
    jwt = resolve(signed, {"shop": "my-shop", "account": "A1"}).client_jwt
    assert jwt is not None
    assert jwt.claims == {"iss": "A1", "sub": ""}
    assert jwt.key == "${client_secret}"


def at(domain: str) -> Service:
    where = {"name": "domain", "format": "host", "example": "isthmus.acme.com"}
    changes: dict[str, Any] = {"base_url": "https://${domain}/v1", "hosts": ["${domain}"], "headers": {}}
    return resolve(service(**changes, variables=[where]), {"domain": domain})


@pytest.mark.parametrize(
    "value",
    "acme|acme:8443|localhost.:8443|acme.com:|acme.com:443|acme.com:0|acme.com:99999|acme.com:1x|acme.com:8443/x|a@acme.com|acme.com:8443:1|"
    "acme.com:\u0661|[::1]:8443|acme.com\\x|acme.com?x|https://acme.com".split("|"),
)
def test_a_host_with_a_port_is_refused_unless_it_is_one(value: str) -> None:
    with pytest.raises(InputError) as caught:
        at(value)
    assert caught.value.field == "variables.domain"


@pytest.mark.parametrize("value", ["isthmus.acme.com", "isthmus.acme.com:8443", "localhost:8443"])
def test_a_host_may_have_a_port(value: str) -> None:
    filled = at(value)
    assert (filled.base_url, filled.hosts) == (f"https://{value}/v1", (value,))


def test_a_host_with_a_port_is_no_part_of_another() -> None:
    """`api.${domain}.example.com` with `evil.com:1` would be read differently by different readers."""
    beside = service(
        base_url="https://${domain}.acme.example.com/v1",
        hosts=["${domain}.acme.example.com"],
        headers={},
        variables=[{"name": "domain", "format": "host", "example": "isthmus.acme.com"}],
    )
    with pytest.raises(InputError):
        resolve(beside, {"domain": "evil.com:1"})
