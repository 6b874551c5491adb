"""What matters of a definition, and the words for what became different."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from tests.catalog import shipped

from isthmus.catalog.changes import differences, matter
from isthmus.catalog.definition import parse
from isthmus.records import Service

ACME: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "oauth2",
    "authorize_url": "https://acme.example/authorize",
    "access_token_url": "https://acme.example/token",
    "base_url": "https://api.acme.example",
    "hosts": ["api.acme.example"],
    "scopes": [{"name": "read", "display_name": "Read"}, {"name": "write", "display_name": "Write"}],
    "authorize_parameters": {"prompt": "consent"},
}


def changed(**changes: Any) -> tuple[str, ...]:
    return differences(matter(read(ACME)), matter(read({**ACME, **changes})))


def read(document: dict[str, Any]) -> Service:
    return parse(document, kind="default")


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            {"access_token_url": "https://acme.example/v2/token"},
            ["Access Token URL: was https://acme.example/token, is https://acme.example/v2/token."],
        ),
        ({"hosts": ["api.acme.example", "eu.acme.example"]}, ["Hosts: added eu.acme.example."]),
        ({"hosts": ["*.acme.example"]}, ["Hosts: added *.acme.example; removed api.acme.example."]),
        ({"scopes": [{"name": "read"}, {"name": "admin"}]}, ["Scopes: added admin; removed write."]),
        ({"scope_delimiter": ","}, ["Scope Delimiter: was a blank, is ,."]),
        ({"pkce": "none"}, ["PKCE: was S256, is none."]),
        ({"client_authentication": "post"}, ["Client authentication: was basic, is post."]),
        ({"revoke_token_url": "https://acme.example/r"}, ["Revoke Token URL: was not set, is https://acme.example/r."]),
        (
            {"authorize_parameters": {"prompt": "login", "audience": "api"}},
            ["Parameters of the authorize URL: added audience=api; prompt was consent, is login."],
        ),
        ({"token_response": {"access_token": "data.token"}}, ["How the token answer is read changed."]),
        (
            {
                "variables": [{"name": "zone", "display_name": "Zone"}],
                "base_url": "https://${zone}.acme.example",
                "hosts": ["${zone}.acme.example"],
            },
            [
                "Base URL: was https://api.acme.example, is https://${zone}.acme.example.",
                "Hosts: added ${zone}.acme.example; removed api.acme.example.",
                "Variables: added zone.",
            ],
        ),
        (
            {"after_connect": [{"url": "https://api.acme.example/me", "token": {}}]},
            ["The requests after connecting: added https://api.acme.example/me."],
        ),
    ],
)
def test_what_matters_is_told_in_words(changes: dict[str, Any], sentences: list[str]) -> None:
    assert list(changed(**changes)) == sentences


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Acme Inc."},
        {"description": "Better", "logo": "acme", "aliases": ["acme inc"], "category": "crm"},
        {"notes": ["Mind the gap."], "documentation_url": "https://acme.example/docs"},
        {"scopes": [{"name": "read", "display_name": "See all"}, {"name": "write", "display_name": "Change all"}]},
        {"evidence": {"sources": 3}, "lifetimes": {"idle_days": 30}},
        {"test": {"url": "https://api.acme.example/me"}},
        {"client_id": "ours"},
    ],
)
def test_what_does_not_matter_is_not_told(changes: dict[str, Any]) -> None:
    assert changed(**changes) == ()


def test_a_service_that_is_gone_is_told() -> None:
    (sentence,) = differences(matter(read(ACME)), {})
    assert "no longer in the catalog" in sentence


def test_another_order_of_scopes_is_told_as_such() -> None:
    assert changed(scopes=list(reversed(ACME["scopes"]))) == ("Scopes: another order.",)


def test_a_field_that_a_later_version_adds_changes_nothing() -> None:
    told = matter(read(ACME))
    assert set(told) <= {f.name for f in fields(Service)}
    assert "token_response" not in told
    assert "token_request_method" not in told


def test_every_service_of_the_catalog_differs_from_itself_in_nothing_and_survives_json() -> None:
    for service in shipped.services():
        told = matter(service)
        assert differences(json.loads(json.dumps(told)), matter(replace(service, name="Other"))) == ()
