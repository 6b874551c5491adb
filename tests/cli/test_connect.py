"""`isthmus connect`, with values and with a browser; and `isthmus visit`, which plays the browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forked import Forked
from tests.journey import make_connection, make_service
from tests.served import Served, free_port, serving

VISIT = f"{sys.executable} -m isthmus visit %s"


def test_values_that_the_third_party_refuses_are_not_kept(prepared: Any) -> None:
    asked = prepared("connect", "practice_basic", "--username", "ada", "--password-stdin", stdin="wrong\n")
    assert asked.exit_code == 3
    assert "refused" in asked.stderr
    assert "wrong" not in asked.stderr
    assert "not_connected" in prepared("status", "practice_basic").stdout


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["practice_basic"], "--username"),
        (["practice_basic", "--username", "ada"], "--password-stdin"),
        (["practice_api_key"], "--parameter"),
        (["practice_api_key", "--parameter", "X-Api-Key"], "--parameter"),
        (["practice_api_key", "--parameter", "X-Other=1", "--parameter", "X-Api-Key=1"], "parameters.X-Other"),
        (["practice_basic", "--variable", "workspace"], "--variable"),
    ],
)
def test_a_value_that_is_missing_is_named(prepared: Any, words: list[str], field: str) -> None:
    asked = prepared("connect", *words)
    assert asked.exit_code == 2
    assert f"field: {field}" in asked.stderr


def test_an_unknown_connection_is_wrong_use(prepared: Any) -> None:
    assert prepared("connect", "nobody").exit_code == 2


def test_basic_connects_with_values_asked_for_or_piped(prepared: Any) -> None:
    asked = prepared("connect", "practice_basic", stdin="ada\npa:ss wörd\n")
    assert asked.stdout.endswith("practice_basic is connected as ada.\n")
    assert "pa:ss" not in asked.stdout + asked.stderr
    piped = prepared("connect", "practice_basic", "--username", "ada", "--password-stdin", stdin="pa:ss wörd\n")
    assert piped.stdout == "practice_basic is connected as ada.\n"


def test_a_key_can_be_piped_so_that_it_is_no_word_of_the_command(prepared: Any) -> None:
    asked = prepared("connect", "practice_api_key", "--parameter", "X-Api-Key=-", stdin="practice-key-1\n")
    assert asked.stdout == "practice_api_key is connected as ada.\n"


def test_client_credentials_need_nobody(prepared: Any) -> None:
    assert prepared("connect", "practice_oauth2_client").stdout.startswith("practice_oauth2_client is connected")


def test_a_variable_that_a_slot_needs_is_asked_for(prepared: Any, tmp_path: Path) -> None:
    import yaml

    services = yaml.safe_load((tmp_path / "practice.yaml").read_text())["services"]
    basic = next(s for s in services if s["link_name"] == "practice_basic")
    path = tmp_path / "area.yaml"
    connection = {"link_name": "by_area", "name": "By area", "service": "by_area"}
    path.write_text(yaml.safe_dump({"services": [{**basic, "link_name": "by_area"}], "connections": [connection]}))
    assert prepared("apply", str(path)).exit_code == 0
    variable = {"name": "area", "display_name": "Area", "pattern": "[a-z]+"}
    changed = {"link_name": "by_area", "base_url": basic["base_url"].replace("/basic/", "/${area}/")}
    path.write_text(yaml.safe_dump({"services": [{**changed, "variables": [variable]}]}))
    applied = prepared("apply", str(path))
    assert applied.exit_code == 0, applied.stderr
    words = ["connect", "by_area", "--username", "ada", "--password-stdin"]
    missing = prepared(*words, stdin="pa:ss wörd\n")
    assert missing.exit_code == 2
    assert "field: --variable" in missing.stderr
    asked = prepared(*words, stdin="pa:ss wörd\nbasic\n")
    assert asked.exit_code == 0, asked.stderr
    assert json.loads(prepared("invoke", "by_area", "GET", "/me").stdout)["name"] == "ada"


# --- with a browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, practice_server: Any) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("connect")) as running:
        for name in ("practice_oauth2", "practice_oauth1"):
            make_service(running, practice_server, name)
            make_connection(running, name, name)
        make_connection(running, "practice_oauth2", "personal", use_credentials_of_login_user=True)
        yield running


def start(environ: dict[str, str], *words: str, browser: str = "") -> Forked:
    environ = {**environ, **({"BROWSER": browser} if browser else {})}
    return Forked("isthmus", "connect", *words, environ=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def address_of(process: Forked) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "/connect/" in line:
            return line.strip()
    raise AssertionError("no address was shown")


def test_a_denial_ends_with_3_and_says_why(served: Served, practice: Any) -> None:
    practice.dials(auto_consent="deny")
    ended = start(served.environ, "practice_oauth2", browser=VISIT)
    out, err = ended.communicate(timeout=30)
    assert ended.returncode == 3, err
    assert "declined" in err
    assert "connected" not in out


@pytest.mark.parametrize("link", ["practice_oauth2", "practice_oauth1"])
def test_connect_waits_until_the_browser_has_come_back(served: Served, practice: Any, link: str) -> None:
    process = start(served.environ, link, "--no-browser")
    address = address_of(process)
    time.sleep(1)
    assert process.poll() is None
    visited = served.cli("visit", address)
    assert visited.returncode == 0, visited.stderr
    out, err = process.communicate(timeout=15)
    assert (process.returncode, out) == (0, f"{link} is connected as ada.\n"), err
    again = start(served.environ, link, browser=VISIT)  # a reconnect has to wait for the new grant, not see the old one
    out, err = again.communicate(timeout=30)
    assert (again.returncode, out.splitlines()[-1]) == (0, f"{link} is connected as ada."), err
    assert served.cli("invoke", link, "GET", "/me", "--fail").returncode == 0


def test_somebody_elses_consent_does_not_end_the_wait(served: Served, practice: Any) -> None:
    mine = start(served.environ, "personal", "--user", "customer-1", "--no-browser")
    address_of(mine)
    other = start(served.environ, "personal", "--user", "customer-2", browser=VISIT)
    assert other.wait(30) == 0
    time.sleep(1.5)
    assert mine.poll() is None
    mine.send_signal(signal.SIGINT)
    assert mine.wait(15) == 130
    assert "Traceback" not in (mine.stderr.read() if mine.stderr else "")


def test_it_says_when_no_server_is_there_to_answer(prepared: Any, environ: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    process = start({**os.environ, "ISTHMUS_PUBLIC_URL": url}, "practice_oauth2", "--no-browser")
    address_of(process)
    assert process.stderr is not None
    assert process.stderr.readline() == f"No server answers at {url} yet. Start it in another terminal: isthmus serve\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 130


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://crm.example/connect/x", 2),
        ("http://10.0.0.1/connect/x", 2),
        ("http://crm.example/", 2),
        ("http://127.0.0.1.crm.example/", 2),
        ("file:///etc/passwd", 2),
        ("http://127.0.0.1:1/connect/x", 4),
    ],
)
def test_visit_goes_nowhere_but_to_this_machine(terminal: Any, url: str, code: int) -> None:
    assert terminal("visit", url).exit_code == code


def test_visit_says_that_a_used_link_is_of_no_use(served: Served, practice: Any) -> None:
    process = start(served.environ, "practice_oauth2", "--no-browser")
    address = address_of(process)
    assert served.cli("visit", address).returncode == 0
    assert process.wait(15) == 0
    assert served.cli("visit", address).returncode == 3
