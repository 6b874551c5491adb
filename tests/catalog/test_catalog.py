"""The catalog as it ships, its validator, and the rule base of causes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isthmus.app import check_catalog
from isthmus.catalog import compiled
from isthmus.catalog.catalog import Catalog
from isthmus.catalog.causes import HERE as RULES
from isthmus.catalog.causes import Causes
from isthmus.catalog.check import check
from isthmus.catalog.files import HERE as SERVICES
from isthmus.catalog.index import Index
from isthmus.errors import InputError

FIRST_TEN = ["slack", "zoom", "mailchimp", "zoho", "google", "github", "trello", "hubspot", "twilio", "sendgrid"]


def test_the_shipped_catalog_is_clean() -> None:
    assert check_catalog() == []


def test_the_first_services_are_there() -> None:
    catalog = Catalog.load()
    assert [name for name in FIRST_TEN if catalog.get(name) is None] == []
    assert catalog.get("zoom_server_to_server") is not None


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("https://github.com/login/oauth/access", "http://github.com/login/oauth/access", "access_token_url"),
        ("hosts: [api.github.com, uploads.github.com]", "hosts: [example.com]", "base_url"),
        ("auth_type: oauth2", "auth_type: oauth9", "auth_type"),
        ("homepage_url: https://github.com\n", "", "homepage_url"),
        ("auth_type: oauth2", "auth_type: oauth2\nclient_id: somebody", "client_id"),
        ("name: workflow, display_name: Change Actions workflows", "name: workflow", "scopes[4].display_name"),
        ("link_name: github", "link_name: github\nnonsense: 1", "nonsense"),
        ("base_url: https://api.github.com", "base_url: https://${team}.github.com", "base_url"),
        ("logo: github", "logo: nobody", "logo"),
        ("name: workflow, display", "name: 'workflow,', display", "scopes[4].name"),
        ("name: workflow, display", "name: none, display", "scopes[4].name"),
        ('default_scopes: ["read:user", ', 'default_scopes: ["nobody", ', "default_scopes[0]"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, before: str, after: str, field: str) -> None:
    text = (SERVICES / "github.yaml").read_text()
    assert before in text
    (tmp_path / "github.yaml").write_text(text.replace(before, after, 1))
    assert field in [problem.field for problem in check_catalog([tmp_path])]


@pytest.mark.parametrize("content", ["", "- a\n", "a: [", "a: 1", "\x00"])
def test_a_file_that_is_no_definition_is_a_problem_not_a_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.yaml").write_text(content)
    assert check([tmp_path])


def test_two_files_with_one_link_name_are_a_problem(tmp_path: Path) -> None:
    text = (SERVICES / "github.yaml").read_text()
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(text)
    assert [problem.field for problem in check([tmp_path])] == ["link_name"]


def test_two_services_of_one_name_or_with_the_same_endpoints_are_a_problem(tmp_path: Path) -> None:
    text = (SERVICES / "github.yaml").read_text()
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text(text.replace("link_name: github", "link_name: hubgit", 1))
    assert [problem.field for problem in check([tmp_path])] == ["name", "base_url"]


def test_an_index_that_is_not_of_the_files_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compiled.load().index
    rows = {**whole.rows, "slack": replace(whole.rows["slack"], name="Slick")}
    documents = {name: json.dumps(whole.document(name), ensure_ascii=False, separators=(",", ":")) for name in rows}
    assert whole.says(whole.document("slack"))
    monkeypatch.setattr(compiled, "load", lambda: compiled.Loaded(Index(rows, documents), "current"))
    (problem,) = check()
    assert "slack" in problem.message


def test_a_directory_of_ones_own_adds_and_replaces(tmp_path: Path) -> None:
    text = (SERVICES / "slack.yaml").read_text()
    (tmp_path / "slack.yaml").write_text(text.replace("name: Slack", "name: Our Slack"))
    service = Catalog.load(tmp_path).get("slack")
    assert service is not None
    assert service.name == "Our Slack"
    with pytest.raises(InputError):
        Catalog.load(tmp_path / "nowhere")


# Two say "the same answer may be good": they need a fact that an answer alone does not carry. The third is a page.
NOT_BY_MATCH_ALONE = {"any-authorize-issuer-mismatch", "any-token-scope-narrowed"}


def rules() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RULES / "rules.jsonl").read_text().splitlines()]


def test_every_rule_recognises_its_own_example() -> None:
    causes = Causes.load()
    checked = 0
    for rule in rules():
        example = rule.get("example")
        if not example or rule["match"].get("shown_on_provider_page") or rule["id"] in NOT_BY_MATCH_ALONE:
            continue
        body = example.get("body")
        if not isinstance(body, dict):
            body = (body if isinstance(body, str) else json.dumps(body) if body is not None else "").encode()
        headers = tuple((name.lower(), value) for name, value in (example.get("headers") or {}).items())
        kind = example.get("content_type") or rule["match"].get("content_type")
        if kind:
            headers += (("content-type", kind),)
        provider = "nobody" if rule["provider"] == "*" else rule["provider"]
        found = causes.diagnose(
            service=provider, stage=rule["stage"], status=example.get("http_status"), headers=headers, body=body
        )
        assert found.code == rule["cause"], rule["id"]
        checked += 1
    assert checked > 560


def test_every_cause_has_words_and_a_cure() -> None:
    slugs = json.loads((RULES / "causes.json").read_text())
    assert len(slugs) == 65
    assert {rule["cause"] for rule in rules()} <= set(slugs)
    for entry in slugs.values():
        assert entry["meaning"]
        assert entry["action"]


@pytest.mark.parametrize(
    ("stage", "status", "code"),
    [
        ("api", 401, "access_token_invalid"),
        ("token", 503, "provider_outage"),
        ("api", 429, "rate_limited"),
    ],
)
def test_there_is_always_a_cause(stage: str, status: int, code: str) -> None:
    assert Causes.load().diagnose(service="unheard_of", stage=stage, status=status, body=b"").code == code


def test_a_huge_or_hostile_body_is_looked_at_in_part() -> None:
    causes = Causes.load()
    for body in (b"a" * 5_000_000, b"[" * 100_000, b"\xff\xfe", b'{"error": ' + b'{"a":' * 5000):
        assert causes.diagnose(service="google", stage="api", status=400, body=body).code
