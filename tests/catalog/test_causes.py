"""The rule base of causes: what a refused refresh means, narrowed by what is known of the grant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.catalog.causes import HERE, Causes, Facts

DAY = 86_400.0
GONE: dict[str, Any] = {"error": "invalid_grant"}
GOOGLE: dict[str, Any] = {**GONE, "error_description": "Token has been expired or revoked."}


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / "rules.jsonl").read_text(encoding="utf-8").splitlines()]


def cause(service: str, body: dict[str, Any], facts: Facts | None) -> Any:
    return Causes.load().diagnose(service=service, stage="refresh", status=400, body=body, facts=facts)


@pytest.mark.parametrize(
    ("service", "body", "facts", "code"),
    [
        ("acme", GONE, None, "grant_gone"),
        ("acme", GONE, Facts(), "grant_gone"),
        ("acme", GONE, Facts(40 * DAY), "grant_gone"),
        ("acme", GONE, Facts(29 * DAY, idle_days=30), "grant_gone"),
        ("acme", GONE, Facts(30 * DAY, idle_days=30), "grant_expired_idle"),
        ("acme", GONE, Facts(300.0), "grant_gone"),
        ("acme", GONE, Facts(300.0, rotates=True), "refresh_token_reused"),
        ("acme", GONE, Facts(700.0, rotates=True), "grant_gone"),
        ("google", GOOGLE, Facts(10 * DAY), "grant_gone"),
        ("google", GOOGLE, Facts(184 * DAY), "grant_expired_idle"),
        ("google", GOOGLE, Facts(8 * DAY, grant_ended=True), "grant_expired_absolute"),
    ],
)
def test_what_is_known_of_the_grant_narrows_the_cause(
    service: str, body: dict[str, Any], facts: Facts | None, code: str
) -> None:
    assert cause(service, body, facts).code == code


def test_only_the_words_become_others() -> None:
    before, after = cause("acme", GONE, None), cause("acme", GONE, Facts(99 * DAY, idle_days=30))
    assert after.message != before.message
    assert (after.permanent, after.must_reconnect) == (before.permanent, before.must_reconnect) == (True, True)


def test_every_condition_can_be_read_and_leads_to_a_cause_there_is() -> None:
    slugs = json.loads((HERE / "causes.json").read_text(encoding="utf-8"))
    everything = Facts(0.0, rotates=True, idle_days=1, grant_ended=True)
    read = 0
    for line in lines():
        for one in line.get("narrow", ()):
            assert one["cause"] in slugs, line["id"]
            read += "if" in one
        if any("if" in one for one in line.get("narrow", ())):
            example = line["example"]
            found = Causes.load().diagnose(
                service=line["provider"],
                stage="refresh",
                status=example.get("http_status"),
                body=example.get("body"),
                facts=everything,
            )
            assert found.code in slugs
    assert read >= 25


def test_a_condition_about_idle_days_is_never_left_to_prose() -> None:
    for line in lines():
        if "refresh" in (line["stage"], *line.get("also_stages", ())):
            for one in line.get("narrow", ()):
                assert "if" in one or not one["when"].startswith("days since last refresh"), (line["id"], one["when"])
