"""What a definition can say beyond the basics: each need refused where it is wrong, then read and written again."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from isthmus.catalog.catalog import Catalog
from isthmus.catalog.check import check
from isthmus.catalog.definition import document, parse
from isthmus.catalog.parts import is_asked
from isthmus.catalog.slots import learn, resolve
from isthmus.errors import InputError
from isthmus.expressions import Moment
from isthmus.protocols.steps import fill_step
from isthmus.records import Parameter, Service, Step

NOW = Moment(1_700_000_000, "noise")
ACME: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "oauth2",
    "authorize_url": "https://acme.example.com/authorize",
    "access_token_url": "https://acme.example.com/token",
    "base_url": "https://api.acme.example.com/v1",
}
KEY: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "api_key",
    "base_url": "https://api.acme.example.com",
    "parameters": [{"key": "X-Key"}],
}
LOGIN: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "login",
    "base_url": "https://${site}.acme.example.com/api",
    "hosts": ["${site}.acme.example.com"],
    "variables": [{"name": "site", "example": "eu1"}],
    "parameters": [
        {"key": "username", "placement": "slot", "secret": False},
        {"key": "password", "placement": "slot"},
    ],
    "login": {
        "requests": [
            {
                "method": "POST",
                "url": "https://${site}.acme.example.com/login",
                "format": "json",
                "body": {"user": {"name": "${username}", "password": "${password}"}},
                "copy": {"ticket": "data.ticket"},
            },
            {
                "method": "POST",
                "url": "https://${site}.acme.example.com/session/${ticket}",
                "headers": {"X-Signature": "${base64(hmac(password, ticket, now()))}"},
                "format": "xml",
                "body": "<a n='${username}'>${ticket}</a>",
            },
        ]
    },
    "token_response": {"access_token": "header:x-session", "default_expires_in": 1200},
    "param_name": "Cookie",
    "param_prefix": "SESSION=",
}
JWT: dict[str, Any] = {
    **KEY,
    "auth_type": "login",
    "parameters": [{"key": "key_file", "placement": "slot"}],
    "login": {
        "jwt": {
            "algorithm": "RS256",
            "key": "${key_file.private_key}",
            "claims": {"iss": "${key_file.client_email}", "aud": ["https://acme.example.com"], "n": 1},
        }
    },
}
REGIONAL: dict[str, Any] = {
    **KEY,
    "base_url": "https://api.${zone}",
    "hosts": ["api.${zone}"],
    "variables": [{"name": "zone", "format": "hostname", "source": "region"}],
    "regions": [
        {"name": "us", "display_name": "United States", "values": {"zone": "acme.example.com"}},
        {"name": "eu", "values": {"zone": "acme.example.net"}},
    ],
}


@pytest.mark.parametrize(
    ("given", "changes", "field"),
    [
        (ACME, {"client_authentication": "declare"}, "client_authentication"),
        (ACME, {"token_request_format": "yaml"}, "token_request_format"),
        (ACME, {"authorize_parameters": {"a": "${client_secret}"}}, "authorize_parameters.a"),
        (ACME, {"token_parameters": {"a": "${refresh_token}"}}, "token_parameters.a"),
        (ACME, {"refresh_parameters": {"a": "${code}"}}, "refresh_parameters.a"),
        (ACME, {"headers": {"A": "${access_token}"}}, "headers.A"),
        (ACME, {"headers": {"A": "${base64(client_id"}}, "headers.A"),
        (ACME, {"base_url": "https://api.acme.example.com/${now()}"}, "base_url"),
        (ACME, {"base_url": "https://${sha256(client_id)}.acme.example.com"}, "base_url"),
        (ACME, {"base_url": "https://${client_id}.acme.example.com"}, "base_url"),
        (ACME, {"login": {"requests": []}}, "login"),
        (ACME, {"login": LOGIN["login"]}, "login"),
        (ACME, {"client_jwt": {"algorithm": "none", "key": "x"}}, "client_jwt.algorithm"),
        (ACME, {"client_jwt": {"algorithm": "ES256"}}, "client_jwt"),
        (ACME, {"refresh_request": {"method": "GET"}}, "refresh_request"),
        (ACME, {"revoke_request": {"url": "https://acme.example.com/r", "body": {"a": "b"}}}, "revoke_request.format"),
        (ACME, {"after_connect": [{"url": "https://${access_token}.example.com/x", "copy": {}}]}, "after_connect[0]"),
        (ACME, {"retry": {"statuses": [42]}}, "retry.statuses[0]"),
        (ACME, {"retry": {"code": "error.code"}}, "retry.code"),
        (ACME, {"retry": {"pattern": "("}}, "retry.pattern"),
        (ACME, {"repeat": {"methods": ["GET"]}}, "repeat.methods[0]"),
        (ACME, {"repeat": {"key": "Idempotency-Key"}}, "repeat.key"),
        (ACME, {"paging": {"kind": "scroll"}}, "paging.kind"),
        (ACME, {"paging": {}}, "paging.kind"),
        (ACME, {"paging": {"kind": "cursor", "parameter": "after"}}, "paging.next"),
        (ACME, {"paging": {"kind": "offset"}}, "paging.parameter"),
        (ACME, {"paging": {"kind": "link", "size": 50}}, "paging.size"),
        (ACME, {"evidence": {"level": "sure"}}, "evidence.level"),
        (ACME, {"evidence": {"level": "verified", "confirmed_at": []}}, "evidence.confirmed_at"),
        (
            ACME,
            {"evidence": {"level": "verified", "confirmed_at": ["https://x.example.com"], "unconfirmed": ["revoke"]}},
            "evidence.unconfirmed",
        ),
        (ACME, {"marks": ["old"]}, "marks[0]"),
        (ACME, {"lifetimes": {"secret_days": "many"}}, "lifetimes.secret_days"),
        (ACME, {"token_response": {"refresh_expires_unit": "weeks"}}, "token_response.refresh_expires_unit"),
        (ACME, {"variables": [{"name": "access_token"}]}, "variables[0].name"),
        (ACME, {"variables": [{"name": "region"}]}, "variables[0].name"),
        (ACME, {"variables": [{"name": "a", "choices": ["x"], "labels": {"y": "Y"}}]}, "variables[0].labels.y"),
        (ACME, {"variables": [{"name": "a", "extract": "(a)(b)"}]}, "variables[0].extract"),
        (ACME, {"variables": [{"name": "a", "format": "origin"}]}, "variables[0].pattern"),
        (ACME, {"variables": [{"name": "a", "source": "region"}]}, "regions"),
        (KEY, {"parameters": [{"key": "X-Key", "placement": "slot"}]}, "parameters[0].key"),
        (KEY, {"parameters": [{"key": "token", "placement": "path"}]}, "parameters[0].placement"),
        (KEY, {"parameters": [{"key": "X-Key"}, {"key": "X-Key"}]}, "parameters[1].key"),
        (KEY, {"parameters": [{"key": "code", "placement": "slot"}]}, "parameters[0].key"),
        (KEY, {"parameters": [{"key": "X-Key", "template": "${secret}"}]}, "parameters[0].template"),
        (LOGIN, {"login": None}, "login"),
        (
            LOGIN,
            {"login": {"requests": [{"url": "https://a.example.com", "body": {"a": "${nobody}"}}]}},
            "login.requests[0].format",
        ),
        (REGIONAL, {"regions": [{"name": "us", "values": {"zne": "x"}}]}, "regions[0].values.zne"),
        (REGIONAL, {"regions": [{"name": "us"}]}, "regions[0]"),
        (
            REGIONAL,
            {
                "base_url": "${zone}evil.example.org",
                "variables": [{**REGIONAL["variables"][0], "format": "origin", "pattern": ".*"}],
            },
            "base_url",
        ),
    ],
)
def test_a_malformed_part_is_refused_with_its_field(given: dict[str, Any], changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        parse({**given, **changes}, kind="custom")
    assert field in [problem["field"] for problem in caught.value.details["problems"]]
    assert caught.value.hint


def test_a_later_answer_fills_no_earlier_request() -> None:
    first, second = LOGIN["login"]["requests"]
    with pytest.raises(InputError) as caught:
        parse({**LOGIN, "login": {"requests": [second, first]}}, kind="custom")
    assert caught.value.field == "login.requests[0].url"


RICH: dict[str, Any] = {
    **ACME,
    "registration_notes": ["Make an app.", "Copy the redirect URL."],
    "notes": ["Errors come with HTTP 200."],
    "product": "acme",
    "marks": ["legacy"],
    "evidence": {
        "level": "modelled",
        "sources": 3,
        "unconfirmed": ["error_answer"],
        "confirmed_at": ["https://docs.acme.example.com/oauth"],
    },
    "authorize_url": "https://acme.example.com/authorize#login",
    "client_authentication": "declared",
    "refresh_client_authentication": "basic",
    "redirect_uri_parameter": "redirect_url",
    "callback_code": "auth_code",
    "code_parameter": "auth_code",
    "token_request_format": "xml",
    "token_request_root": "tokenRequest",
    "token_parameters": {"assertion": "${code}", "secret": "${client_secret}"},
    "refresh_parameters": {"assertion": "${refresh_token}", "redirect_uri": "${redirect_uri}"},
    "token_response": {
        "identity": "owner.name",
        "refresh_expires_in": "refresh.expires_at",
        "refresh_expires_unit": "iso8601",
        "copy": {"instance": "instance_url"},
    },
    "variables": [
        {
            "name": "instance",
            "source": "token",
            "format": "origin",
            "pattern": r"https://[a-z0-9-]+\.acme\.example\.com",
        },
        {"name": "org", "source": "step", "pattern": "[0-9]+", "extract": "orgs/([0-9]+)"},
        {
            "name": "shop",
            "prefix": "https://",
            "suffix": ".acme.example.com",
            "choices": ["a", "b"],
            "labels": {"a": "Shop A"},
        },
    ],
    "after_connect": [
        {
            "method": "POST",
            "url": "https://acme.example.com/me",
            "format": "form",
            "body": {"t": "${access_token}"},
            "copy": {"org": "org"},
        },
        {"url": "https://acme.example.com/long", "token": {"access_token": "long_token"}, "optional": True},
    ],
    "refresh_request": {"url": "https://acme.example.com/refresh?token=${access_token}"},
    "revoke_request": {"method": "DELETE", "url": "https://acme.example.com/permissions"},
    "test": {"url": "https://api.acme.example.com/v1/me", "identity": "name", "account_id": "id"},
    "lifetimes": {
        "idle_days": 90,
        "secret_days": 180,
        "most_grants": 50,
        "code_seconds": 30,
        "ends": ["password change"],
        "notes": ["Seven days in test mode."],
        "source": "https://docs.acme.example.com/tokens",
        "confirmed": True,
    },
    "retry": {"seconds_header": "X-Wait", "remaining_header": "X-Left", "code": "error", "codes": ["throttled"]},
    "repeat": {"methods": ["PUT", "DELETE"], "key_header": "Idempotency-Key"},
    "paging": {
        "kind": "cursor",
        "items": "data",
        "next": "meta.after",
        "parameter": "after",
        "size": 100,
        "size_parameter": "limit",
    },
}


@pytest.mark.parametrize("given", [RICH, LOGIN, JWT, REGIONAL], ids=["rich", "login", "jwt", "regional"])
def test_a_service_survives_being_written_and_read(given: dict[str, Any]) -> None:
    service = parse(given, kind="custom")
    assert parse(document(service), kind="custom") == service


@pytest.mark.parametrize("name", [f.name for f in fields(Service) if f.name != "kind"])
def test_every_field_of_a_service_can_be_said(name: str) -> None:
    """No field of the record is left out of the reader's table."""
    with pytest.raises(InputError) as caught:
        parse({**ACME, name: object()}, kind="custom")
    assert caught.value.field
    assert caught.value.field.startswith(name)
    assert "Unknown field" not in caught.value.message


def test_a_region_sets_its_variables_and_must_be_one_of_the_service() -> None:
    service = parse(REGIONAL, kind="custom")
    assert resolve(service, {"region": "eu"}).hosts == ("api.acme.example.net",)
    for values in ({}, {"region": "mars"}):
        with pytest.raises(InputError) as caught:
            resolve(service, values)
        assert caught.value.field == "variables.region"
        assert "us, eu" in caught.value.hint


def test_a_value_that_looks_like_a_slot_is_refused() -> None:
    service = parse({**ACME, "variables": [{"name": "a"}], "token_parameters": {"x": "${a}"}}, kind="custom")
    with pytest.raises(InputError):
        resolve(service, {"a": "${client_secret}"})


def test_functions_over_variables_are_filled_and_what_is_fresh_waits() -> None:
    changes = {"variables": [{"name": "a"}], "headers": {"A": "${sha256(a)}", "B": "${hmac(a, now())}"}}
    headers = resolve(parse({**ACME, **changes}, kind="custom"), {"a": "1"}).headers
    assert headers["A"].startswith("6b86b273")
    assert headers["B"] == "${hmac(a, now())}"


def test_the_client_id_fills_slots_and_a_path_parameter_becomes_a_mark() -> None:
    bot = {
        "base_url": "https://api.acme.example.com/bot${token}",
        "parameters": [{"key": "token", "placement": "path"}],
    }
    service = parse({**KEY, **bot, "client_id": "c1", "headers": {"Client-Id": "${client_id}"}}, kind="custom")
    resolved = resolve(service, {})
    assert resolved.base_url == "https://api.acme.example.com/bot$(token)"
    assert resolved.headers == {"Client-Id": "c1"}


def test_what_is_learnt_is_cut_to_what_counts() -> None:
    found = {"instance": "https://eu.acme.example.com/services/v1/", "org": "https://x/orgs/17/me", "other": "x"}
    service = parse(RICH, kind="custom")
    assert learn(service, found) == {"instance": "https://eu.acme.example.com", "org": "17", "other": "x"}
    assert learn(service, {"org": "nothing"}) == {"org": ""}


def test_a_step_is_filled_with_each_value_fit_for_its_place() -> None:
    service = resolve(parse(LOGIN, kind="custom"), {"site": "eu1"})
    assert service.login is not None
    values = {"username": "a'<b>", "password": 'p"', "ticket": "t/1"}
    first, second = (fill_step(step, values, NOW) for step in service.login.requests)
    assert first.body == {"user": {"name": "a'<b>", "password": 'p"'}}
    assert second.url == "https://eu1.acme.example.com/session/t%2F1"
    assert second.body == "<a n='a&apos;&lt;b&gt;'>t/1</a>"
    with pytest.raises(InputError):
        fill_step(service.login.requests[0], {}, NOW)


def test_a_login_s_requests_carry_no_credential_and_a_step_does() -> None:
    service = parse(LOGIN, kind="custom")
    assert service.login is not None
    assert [step.authenticated for step in service.login.requests] == [False, False]
    assert Step("GET", "https://acme.example.com").authenticated


def test_a_composed_parameter_is_not_asked_for() -> None:
    assert is_asked(Parameter("X-Key"))
    assert is_asked(Parameter("secret", placement="slot", template="x${secret}"))
    assert not is_asked(Parameter("Authorization", template="Key ${base64(id, ':', secret)}"))


FAMILY = """
category: productivity
homepage_url: https://acme.example.com
documentation_url: https://docs.acme.example.com
registration_url: https://acme.example.com/apps
auth_type: oauth2
authorize_url: https://acme.example.com/authorize
access_token_url: https://acme.example.com/token
"""
MEMBER = """
base: acme
link_name: acme_mail
name: Acme Mail
base_url: https://mail.acme.example.com
test: {url: "https://mail.acme.example.com/me", identity: name}
"""


def _family(directory: Path, member: str = MEMBER, family: str = FAMILY) -> Path:
    (directory / "families").mkdir()
    (directory / "families" / "acme.yaml").write_text(family)
    (directory / "acme-mail.yaml").write_text(member)
    return directory


def test_a_family_shares_a_base(tmp_path: Path) -> None:
    assert check([_family(tmp_path)]) == []
    service = Catalog.load(tmp_path).get("acme_mail")
    assert service is not None
    assert (service.family, service.access_token_url) == ("acme", "https://acme.example.com/token")


@pytest.mark.parametrize(
    ("member", "family", "field"),
    [
        (MEMBER.replace("base: acme", "base: nobody"), FAMILY, ""),
        (MEMBER.replace("base: acme", "base: ../acme"), FAMILY, "base"),
        (MEMBER.replace("base: acme", "base: [acme]"), FAMILY, "base"),
        (MEMBER, FAMILY + "link_name: acme\n", "link_name"),
        (MEMBER, FAMILY + "base: other\n", "base"),
        (MEMBER, "- a\n", ""),
    ],
)
def test_a_base_that_is_none_is_a_problem(tmp_path: Path, member: str, family: str, field: str) -> None:
    assert [problem.field for problem in check([_family(tmp_path, member, family)])] == [field]


def test_ways_share_a_product_of_which_one_is_recommended(tmp_path: Path) -> None:
    ways = "ways:\n  - {link_name: acme, name: Acme, recommended: true}\n  - {link_name: acme_two, name: Acme two}\n"
    (tmp_path / "acme.yaml").write_text(FAMILY + "base_url: https://acme.example.com\n" + ways)
    catalog = Catalog.load(tmp_path)
    found = [catalog.get(name) for name in ("acme", "acme_two")]
    assert [(service.product, service.recommended) for service in found if service] == [("acme", True), ("acme", False)]
