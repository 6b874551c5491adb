"""How long grants live, provider by provider, against what was gathered from the providers' own pages."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.catalog import shipped

from isthmus.records import Service

KNOWN = Path(__file__).parent / "facts" / "lifetimes.jsonl"
REFRESH = {True: {"rotates"}, False: {"keeps"}, "optional": {"rotates", "keeps"}, None: {"none", "unknown"}}
# Access tokens of Stripe do not end, so that its refresh token serves nothing but a change of scope.
NEVER_REFRESHED = {"stripe"}


@cache
def services() -> dict[str, Service]:
    return {service.link_name: service for service in shipped.services()}


def known() -> list[dict[str, Any]]:
    return [json.loads(line) for line in KNOWN.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("fact", known(), ids=lambda fact: fact["service"])
def test_a_grant_lives_as_long_as_the_provider_says(fact: dict[str, Any]) -> None:
    lives = services()[fact["service"]].lifetimes
    for name in ("access_token_seconds", "idle_days", "absolute_days"):
        assert getattr(lives, name) == fact.get(name), name
    assert lives.non_expiring == fact.get("non_expiring", False)
    if fact["service"] not in NEVER_REFRESHED:
        assert lives.refresh in REFRESH[fact.get("rotates")]


def test_a_life_that_is_told_names_the_page_that_tells_it() -> None:
    told = {
        name: service.lifetimes
        for name, service in services().items()
        if service.lifetimes.idle_days or service.lifetimes.absolute_days or service.lifetimes.secret_days
    }
    assert len(told) >= 60
    assert [name for name, lives in told.items() if not lives.source and services()[name].family != "isthmus"] == []


def test_members_of_a_family_live_as_long_as_each_other() -> None:
    for family in ("google", "microsoft", "zoho"):
        lives = {
            (one.lifetimes.refresh, one.lifetimes.access_token_seconds, one.lifetimes.idle_days)
            for one in services().values()
            if one.family == family and one.grant_type == "authorization_code" and one.auth_type == "oauth2"
        }
        assert len(lives) == 1, family
