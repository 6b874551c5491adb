"""One Isthmus is a service of another, as docs/isthmus-to-isthmus.md tells it: its commands are what is run here."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.journey import connect, make_connection, make_service
from tests.practice_server import PracticeServer
from tests.served import Served, free_port, start_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = Path(__file__).parents[2] / "docs" / "isthmus-to-isthmus.md"
EMAIL, PASSWORD = "wanda@example.com", "correct horse battery"
CONSENTING = Path(__file__).with_name("consenting.py")


@dataclass
class Sites:
    west: Served
    east: Served
    place: Path
    client_id: str
    blocks: dict[str, list[str]]
    environ: dict[str, str]

    def follow(self, script: str) -> str:
        """What the page's commands print, run in East's environment."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.place,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def of_west(self) -> dict[str, Any]:
        return dict(self.east.ask("GET", "/api/v1/connections/west").document)

    def grants(self) -> list[dict[str, Any]]:
        found = self.west.ask("GET", f"/api/v1/clients/{self.client_id}/grants").document["items"]
        return [grant for grant in found if grant["person"]]


def settings_in(line: str) -> dict[str, str]:
    return {name.lower(): value for name, value in re.findall(r"ISTHMUS_(\w+)=(\S+)", line)}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, practice_server: PracticeServer) -> Iterator[Sites]:
    place = tmp_path_factory.mktemp("sites")
    ports = {"8443": free_port(), "8401": free_port(), "8400": free_port()}
    text = re.sub("8443|8401|8400", lambda found: str(ports[found[0]]), PAGE.read_text(encoding="utf-8"))
    blocks: dict[str, list[str]] = {}
    for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.S):
        blocks.setdefault(language, []).append(block)
    certify, serve = blocks["sh"][:2]
    subprocess.run(["bash", "-e", "-c", certify], cwd=place, check=True, capture_output=True, timeout=60)
    nginx, west_line, east_line = serve.splitlines()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
    words = shlex.split(nginx.replace("$PWD", str(place)))
    front = subprocess.Popen(words, cwd=place, env={"PATH": path}, stderr=subprocess.DEVNULL)
    west = east = None
    try:
        west = start_server(_made(place / "w"), port=ports["8401"], **_kept(settings_in(west_line), place))
        east = start_server(_made(place / "e"), port=ports["8400"], **_kept(settings_in(east_line), place))
        _wait_for(ports["8443"])
        client = _furnish(west, practice_server, f"{east.url}/oauth/callback/isthmus")
        environ = {**east.environ, "CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}
        person = [sys.executable, str(CONSENTING), str(place / "ca.pem"), EMAIL, PASSWORD]
        environ |= {"PATH": path, "BROWSER": f"{shlex.join(person)} %s"}
        yield Sites(west, east, place, client["client_id"], blocks, environ)
    finally:
        for served in (east, west):
            if served is not None:
                served.end()
        front.terminate()
        front.wait(timeout=20)


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _kept(settings: dict[str, str], place: Path) -> dict[str, str]:
    """The page's settings, with files found from anywhere and the data where the tests keep it."""
    kept = {name: value for name, value in settings.items() if name != "data_dir"}
    if "ca_bundle" in kept:
        kept["ca_bundle"] = str(place / kept["ca_bundle"])
    return kept


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 20
    while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
        assert time.monotonic() < ends, "nginx did not start"
        time.sleep(0.05)


def _furnish(west: Served, practice: PracticeServer, redirect_uri: str) -> dict[str, Any]:
    make_service(west, practice, "practice_basic")
    make_connection(west, "practice_basic", "crm")
    connect(west, practice, "crm", "practice_basic")
    person = {"email": EMAIL, "name": "Wanda", "role": "member", "password": PASSWORD}
    assert west.ask("POST", "/api/v1/users", person).status == 201
    client = {"name": "East", "client_type": "server_based", "domain": "https://east.example"}
    client |= {"redirect_uris": [redirect_uri], "scopes": ["connections.read", "connections.use"]}
    made = west.ask("POST", "/api/v1/clients", client)
    assert made.status == 201, made.body
    return dict(made.document)


def test_the_default_service_connects_both_ways_and_functions_call_through_it(sites: Sites) -> None:
    told = sites.follow(sites.blocks["sh"][2])
    own, persons = (json.loads(found) for found in re.findall(r"\{[^{}]*\}", told))
    assert (own["kind"], own["id"]) == ("client", f"client:{sites.client_id}")
    assert (persons["kind"], persons["name"], persons["role"]) == ("user", "Wanda", "member")
    assert (sites.of_west()["status"], sites.of_west()["connected_as"]) == ("connected", "Wanda")
    for language, name in (("deluge", "standalone.customer.deluge"), ("python", "standalone.customer_too.py")):
        (code,) = sites.blocks[language]
        (sites.place / name).write_text(code, encoding="utf-8")
    ran = sites.follow(sites.blocks["sh"][3])
    assert ran.splitlines()[-2:] == ['"ada"', '"ada"'], ran


def test_west_knows_who_it_was(sites: Sites) -> None:
    told = sites.west.ask("GET", f"/api/v1/activity?target=client:{sites.client_id}&limit=50").document["items"]
    by_person = {entry["action"] for entry in told if entry["actor"].startswith("user:")}
    assert {"client.consent", "token.issue"} <= by_person
    assert all(entry["details"]["client"] == "East" for entry in told)


def test_the_grant_is_refreshed_without_a_person(sites: Sites) -> None:
    refreshed = sites.east.ask("POST", "/api/v1/connections/west/refresh")
    assert refreshed.status == 200, refreshed.body
    assert sites.east.ask("POST", "/api/v1/connections/west/test").status == 200
    assert len(sites.grants()) == 1


def test_what_west_revokes_needs_a_person_again(sites: Sites) -> None:
    (grant,) = sites.grants()
    assert sites.west.ask("DELETE", f"/api/v1/grants/{grant['id']}").status == 204
    ran = sites.east.ask("POST", "/api/v1/functions/standalone.customer_too/execute", {}).document
    assert ran["error"] is not None
    assert sites.of_west()["status"] == "reauthorization_required"
    sites.follow("isthmus connect west")
    assert sites.of_west()["status"] == "connected"


def test_what_east_revokes_west_forgets(sites: Sites) -> None:
    assert len(sites.grants()) == 1
    assert sites.east.ask("POST", "/api/v1/connections/west/revoke").status == 200
    assert sites.grants() == []
