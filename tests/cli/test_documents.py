"""`isthmus apply` and `isthmus export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

WIKI = {"link_name": "wiki", "name": "Wiki", "auth_type": "basic", "base_url": "https://wiki.example/rest"}
CRM = {
    "link_name": "crm",
    "name": "CRM",
    "auth_type": "oauth2",
    "client_id": "abc",
    "client_secret": "cnry-apply-secret",
    "authorize_url": "https://crm.example/authorize",
    "access_token_url": "https://crm.example/token",
    "base_url": "https://api.crm.example",
    "scopes": [{"name": "read", "display_name": "Read"}],
}


def write(path: Path, services: Any = (), connections: Any = ()) -> str:
    path.write_text(yaml.safe_dump({"services": list(services), "connections": list(connections)}))
    return str(path)


@pytest.mark.parametrize(
    ("bad", "field", "remedy"),
    [
        ({**WIKI, "link_name": "Wiki Page"}, "services[0].link_name", "small letter"),
        ({**WIKI, "auth_type": "magic"}, "services[0].auth_type", "basic"),
        ({**WIKI, "bse_url": "https://x.example"}, "services[0].bse_url", "hint"),
        ({**WIKI, "base_url": "wiki"}, "services[0].base_url", "hint"),
        ({"name": "No link name"}, "services[0].link_name", "link_name of its own"),
    ],
)
def test_a_bad_file_is_named_with_field_and_remedy_and_nothing_is_applied(
    terminal: Any, tmp_path: Path, bad: dict[str, Any], field: str, remedy: str
) -> None:
    good = write(tmp_path / "good.yaml", [CRM])
    wrong = write(tmp_path / "wrong.yaml", [bad])
    asked = terminal("apply", good, wrong)
    assert asked.exit_code == 2
    assert f"field: {wrong}: {field}" in asked.stderr
    assert remedy in asked.stderr
    assert terminal("catalog", "show", "crm").exit_code == 2


@pytest.mark.parametrize(
    ("connection", "field"),
    [
        ({"link_name": "a", "service": "nowhere"}, "connections[0].service"),
        ({"link_name": "a", "service": "crm", "scopes": "read"}, "connections[0].scopes"),
        ({"link_name": "a", "service": "crm", "policy": {"methods": ["FETCH"]}}, "connections[0].policy"),
        ({"link_name": "a", "service": "crm", "nme": "A"}, "connections[0].nme"),
    ],
)
def test_a_bad_connection_leaves_its_new_service_out_too(
    terminal: Any, tmp_path: Path, connection: dict[str, Any], field: str
) -> None:
    path = write(tmp_path / "crm.yaml", [CRM], [connection])
    asked = terminal("apply", path)
    assert asked.exit_code == 2
    assert f"field: {path}: {field}" in asked.stderr
    assert terminal("catalog", "show", "crm").exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [\n", "line 2: this is not YAML"),
        ("- 1\n", "is not a mapping"),
        ("service: []\n", "Unknown part 'service'"),
        ("services: {}\nconnections: 3\n", "connections is not a list"),
        ("services: !!python/object/apply:os.system ['true']\n", "this is not YAML"),
    ],
)
def test_what_is_no_description_is_refused_by_file(terminal: Any, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    asked = terminal("apply", str(path))
    assert asked.exit_code == 2
    assert said in asked.stderr
    assert str(path) in asked.stderr


def test_a_file_that_is_not_there_is_named(terminal: Any, tmp_path: Path) -> None:
    asked = terminal("apply", str(tmp_path / "none.yaml"))
    assert asked.exit_code == 2
    assert "none.yaml cannot be read" in asked.stderr


def test_apply_says_what_changes_and_a_second_time_that_nothing_does(terminal: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "wiki.yaml", [WIKI], [{"link_name": "wiki", "name": "Wiki", "service": "wiki"}])
    assert terminal("apply", path).stdout == "service wiki: created\nconnection wiki: created\n"
    assert terminal("apply", path).stdout == "service wiki: unchanged\nconnection wiki: unchanged\n"
    write(tmp_path / "wiki.yaml", [{**WIKI, "name": "The wiki"}], [])
    assert terminal("apply", path).stdout == "service wiki: updated (name)\n"
    assert '"name": "The wiki"' in terminal("catalog", "show", "wiki").stdout


def test_a_dry_run_changes_nothing(terminal: Any, tmp_path: Path) -> None:
    asked = terminal("apply", "--dry-run", write(tmp_path / "wiki.yaml", [WIKI]))
    assert asked.stdout == "service wiki: created\n"
    assert "Nothing was changed." in asked.stderr
    assert terminal("catalog", "show", "wiki").exit_code == 2


def test_an_export_holds_no_secret_and_applies_without_a_change(terminal: Any, tmp_path: Path) -> None:
    connection = {"link_name": "crm", "name": "Our CRM", "service": "crm", "scopes": ["read"]}
    default = {"link_name": "slack", "client_id": "123.456", "client_secret": "cnry-default-secret"}
    assert terminal("apply", write(tmp_path / "crm.yaml", [CRM, default], [connection])).exit_code == 0
    exported = terminal("export").stdout
    assert "cnry" not in exported
    assert "Our CRM" in exported
    again = tmp_path / "exported.yaml"
    again.write_text(exported)
    applied = terminal("apply", str(again))
    assert applied.exit_code == 0, applied.stderr
    assert [line.rpartition(": ")[2] for line in applied.stdout.splitlines()] == ["unchanged"] * 3
    elsewhere = terminal("apply", str(again), data_dir=str(tmp_path / "elsewhere"))
    assert elsewhere.exit_code == 0, elsewhere.stderr
    assert terminal("export", data_dir=str(tmp_path / "elsewhere")).stdout == exported


def test_a_secret_in_a_file_is_applied_and_never_shown(terminal: Any, tmp_path: Path) -> None:
    applied = terminal("apply", write(tmp_path / "crm.yaml", [CRM]))
    shown = terminal("catalog", "show", "crm")
    assert '"has_client_secret": true' in shown.stdout
    assert "cnry" not in applied.stdout + applied.stderr + shown.stdout


FUNCTION = {
    "name": "standalone.note",
    "language": "python",
    "code": "def main(tag: str, n: int = 1):\n    return tag\n",
    "publish": True,
}
NIGHTLY = {
    "function": "standalone.note",
    "kind": "schedule",
    "name": "nightly",
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "start_at": "2031-01-01T00:00:00+01:00"},
    "mapping": {"tag": "${schedule.due_at}"},
}
HOOK = {
    "function": "standalone.note",
    "kind": "webhook",
    "webhook": {"signature": "github", "secret": "cnry-hook-secret"},
    "mapping": {"tag": "${body.tag}"},
}


def started(path: Path, *triggers: Any) -> str:
    path.write_text(yaml.safe_dump({"functions": [FUNCTION], "triggers": list(triggers)}))
    return str(path)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({**NIGHTLY, "mapping": {}}, "mapping.tag"),
        ({**NIGHTLY, "mapping": {"tag": "x", "gat": "y"}}, "mapping.gat"),
        ({**NIGHTLY, "schedule": {"cron": "99 * * * *"}}, "schedule.cron"),
        ({**NIGHTLY, "kind": "weekly"}, "kind"),
        ({**NIGHTLY, "function": "standalone.nobody"}, "name"),
        ({**NIGHTLY, "shedule": {}}, "shedule"),
        ({**HOOK, "webhook": {"signature": "github"}}, "webhook.secret"),
    ],
)
def test_a_trigger_that_cannot_be_is_named_and_nothing_is_applied(
    terminal: Any, tmp_path: Path, bad: Any, field: str
) -> None:
    asked = terminal("apply", started(tmp_path / "t.yaml", HOOK, bad))
    assert asked.exit_code == 2
    assert f"t.yaml: triggers[1].{field}" in asked.stderr
    assert terminal("export").stdout.strip() == "services: []\nconnections: []"


def test_triggers_are_applied_once_changed_and_exported_without_secret_or_url(terminal: Any, tmp_path: Path) -> None:
    path = started(tmp_path / "t.yaml", NIGHTLY, HOOK)
    first = terminal("apply", path)
    assert "trigger standalone.note schedule nightly: created" in first.stdout
    url = first.stdout.partition("trigger standalone.note webhook: created  ")[2].strip()
    assert "/api/v1/hooks/" in url
    again = terminal("apply", path).stdout.splitlines()
    assert [line.rpartition(": ")[2] for line in again] == ["unchanged"] * 3
    changed = {**NIGHTLY, "enabled": False, "schedule": {**NIGHTLY["schedule"], "cron": "0 3 * * *"}}  # type: ignore[dict-item]
    signed = {**HOOK, "webhook": {"signature": "github", "secret": "another"}}
    told = terminal("apply", started(tmp_path / "t.yaml", changed, signed)).stdout
    assert "schedule nightly: updated (enabled, schedule)" in told
    assert "webhook: updated (webhook)" in told
    exported = terminal("export").stdout
    assert "another" not in exported
    assert url.rpartition("/")[2] not in exported
    triggers = yaml.safe_load(exported)["triggers"]
    assert [one["kind"] for one in triggers] == ["schedule", "webhook"]
    assert triggers[0]["schedule"]["cron"] == "0 3 * * *"
    assert (triggers[0]["enabled"], triggers[1]["webhook"]) == (False, {"signature": "github"})
    (tmp_path / "all.yaml").write_text(exported)
    kept = terminal("apply", str(tmp_path / "all.yaml")).stdout.splitlines()
    assert [line.rpartition(": ")[2] for line in kept] == ["unchanged"] * 3


def test_triggers_that_are_alike_are_told_apart_by_their_order(terminal: Any, tmp_path: Path) -> None:
    other = {**HOOK, "webhook": {"signature": "slack", "secret": "x"}}
    path = started(tmp_path / "t.yaml", HOOK, other)
    urls = {line.rpartition("  ")[2] for line in terminal("apply", path).stdout.splitlines() if "webhook" in line}
    assert len(urls) == 2
    (tmp_path / "all.yaml").write_text(terminal("export").stdout)
    for again in (path, str(tmp_path / "all.yaml")):
        kept = terminal("apply", again).stdout.splitlines()
        assert [line.rpartition(": ")[2] for line in kept] == ["unchanged"] * 3
