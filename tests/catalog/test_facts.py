"""Sixty services, drawn by hash, against what independent sources say of them: nothing lost, nothing invented."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.catalog import shipped

from isthmus.records import Service

SAMPLE = Path(__file__).parent / "facts" / "sample.jsonl"
LIMIT = "0db"
# Facts that one way of a product has, by the type of that way; the others hold for all of its ways.
OF_OAUTH2 = (
    "authorize_url access_token_url refresh_token_url revoke_token_url pkce client_authentication default_scopes "
    "scope_delimiter authorize_parameters token_parameters"
).split()
OF_OAUTH1 = "authorize_url access_token_url request_token_url signature_method".split()


@cache
def products() -> dict[str, list[Service]]:
    found: dict[str, list[Service]] = {}
    for service in shipped.services():
        found.setdefault(service.product or service.link_name, []).append(service)
    return found


@cache
def sample() -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    return {line["product"]: line for line in lines}


def stated(ways: list[Service]) -> dict[str, Any]:
    """What the catalog says of a product, in the form of the facts; what it leaves empty is left out."""
    first = ways[0]
    said: dict[str, Any] = {
        "authentication": sorted({way.auth_type for way in ways}),
        "sources": first.evidence.sources if first.evidence else 0,
        "homepage_url": first.homepage_url,
        "documentation_url": first.documentation_url,
        "scopes": sorted({scope.name for way in ways for scope in way.scopes}),
        "base_urls": sorted({way.base_url for way in ways}),
        "variables": sorted({variable.name for way in ways for variable in way.variables}),
        "test": next((f"{way.test.method} {way.test.url}" for way in ways if way.test), ""),
        "key": sorted({key for way in ways for key in keys(way)}),
    }
    for way in ways:
        if way.auth_type == "oauth2":
            said |= {name: plain(getattr(way, name)) for name in OF_OAUTH2 if not said.get(name)}
            said["token"] = joined(way.param_type, way.param_name, way.param_prefix)
        elif way.auth_type == "oauth1":
            said |= {name: getattr(way, name) for name in OF_OAUTH1}
    said["grants"] = sorted({way.grant_type for way in ways if way.auth_type == "oauth2"})
    return {name: value for name, value in said.items() if value}


def keys(way: Service) -> Iterable[str]:
    if way.auth_type == "basic":
        yield "basic"
    if way.auth_type == "api_key":
        yield from (joined(one.placement, one.key, one.prefix) for one in way.parameters)


def joined(*words: str) -> str:
    return " ".join(word.strip() for word in words if word.strip())


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, dict) else value


def test_the_sample_is_what_the_hash_draws() -> None:
    drawn = {name for name in products() if hashlib.sha256(name.encode()).hexdigest() < LIMIT}
    assert drawn == set(sample())
    assert len(drawn) >= 60


@pytest.mark.parametrize("product", sample())
def test_nothing_is_lost_and_nothing_is_invented(product: str) -> None:
    line = sample()[product]
    wanted = {**line["facts"], **line.get("chosen", {})}
    for name, difference in line.get("differs", {}).items():
        assert name in line["facts"], f"{name} differs from nothing"
        assert len(difference["why"]) > 20
        assert difference["here"] != wanted.pop(name)
        if difference["here"]:
            wanted[name] = difference["here"]
    assert not set(line.get("chosen", {})) & set(line["facts"])
    assert stated(products()[product]) == wanted


@pytest.mark.parametrize("product", sample())
def test_a_credential_goes_nowhere_that_the_facts_do_not_name(product: str) -> None:
    """A host is written in the facts, or somebody is asked for it, or the third party's answer gives it."""
    known = json.dumps(sample()[product]["facts"])
    named = [host for host in re.findall(r"https://([^/\"?]+)", known) if not host.startswith("${")]
    for host in {host for way in products()[product] for host in way.hosts}:
        domain = ".".join(host.split(":")[0].split(".")[-2:])
        fits = any(re.fullmatch(re.sub(r"\\\$\\{\w+\\}", "[a-z.]+", re.escape(one)), host) for one in named)
        assert "${" in domain or domain in known or fits, host
