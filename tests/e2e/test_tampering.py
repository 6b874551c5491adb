"""Somebody edits the database, or brings the wrong key."""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.forked import run
from tests.journey import connect, make_connection, make_service
from tests.practice_server import PracticeServer
from tests.served import Served, free_port, start_server

SERVICES = ("practice_basic", "practice_api_key", "practice_oauth2", "practice_oauth2_client")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, practice_server: PracticeServer) -> Served:
    """A server that has ended: four connections with different secrets, two of services with a client secret."""
    practice_server.reset()
    served = start_server(tmp_path_factory.mktemp("served"))
    for name in SERVICES:
        make_service(served, practice_server, name)
        make_connection(served, name, name)
        connect(served, practice_server, name, name)
    served.end()
    return served


@pytest.fixture
def stolen(served: Served, tmp_path: Path) -> Path:
    """A copy of its data directory, to be edited."""
    return Path(shutil.copytree(served.environ["ISTHMUS_DATA_DIR"], tmp_path / "data"))


@contextmanager
def serving_again(served: Served, data: Path) -> Iterator[Served]:
    again = start_server(data.parent, port=int(served.url.rsplit(":", 1)[1]), key=served.key)
    try:
        yield again
    finally:
        again.end()


def database(data: Path) -> Path:
    return next(data.glob("*.sqlite"))


def rows_of(data: Path, query: str) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(database(data))) as opened:
        return opened.execute(query).fetchall()


def change(data: Path, statement: str, values: list[tuple[bytes, str]]) -> None:
    with closing(sqlite3.connect(database(data))) as edited, edited:
        edited.executemany(statement, values)


def alarms(served: Served, expected: int) -> set[str]:
    """What the activity log names as damaged; an alarm is written just after the answer that it is about."""
    ends = time.monotonic() + 20
    while True:
        activity = served.ask("GET", "/api/v1/activity?limit=50").document["items"]
        found = {entry["target"] for entry in activity if entry["action"] == "credential.seal_broken"}
        if len(found) >= expected or time.monotonic() > ends:
            return found
        time.sleep(0.1)


def swap(rows: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(rows[number][0], rows[number - 1][1]) for number in range(len(rows))]


def flip(rows: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(key, sealed[:-1] + bytes([sealed[-1] ^ 1])) for key, sealed in rows]


def truncate(rows: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(key, sealed[:20]) for key, sealed in rows]


def other_key(rows: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(key, sealed[:1] + (99).to_bytes(4, "big") + sealed[5:]) for key, sealed in rows]


CREDENTIALS = "SELECT id, credential_sealed FROM authorizations ORDER BY id"
CLIENT_SECRETS = (
    "SELECT link_name, client_secret_sealed FROM services WHERE client_secret_sealed IS NOT NULL ORDER BY link_name"
)


@pytest.mark.parametrize("damage", [swap, flip, truncate, other_key])
def test_a_damaged_or_moved_secret_is_an_error_and_an_alarm(
    served: Served, stolen: Path, practice: PracticeServer, damage: Callable[[Any], Any]
) -> None:
    rows = rows_of(stolen, CREDENTIALS)
    assert len({sealed for _, sealed in rows}) == 4
    damaged = [(sealed, key) for key, sealed in damage(rows)]
    change(stolen, "UPDATE authorizations SET credential_sealed = ? WHERE id = ?", damaged)
    with serving_again(served, stolen) as again:
        for name in SERVICES:
            for reply in (
                again.ask("GET", f"/proxy/{name}/me"),
                again.ask("POST", f"/api/v1/connections/{name}/invoke", {"url": "/me"}),
            ):
                assert reply.status == 500
                assert reply.document["code"] == "seal_broken"
        assert practice.counters()["api_calls"] == 0
        assert alarms(again, 4) == set(SERVICES)
        assert "seal broken" in again.log() or "seal_broken" in again.log()


@pytest.mark.parametrize("damage", [swap, flip, truncate, other_key])
def test_a_damaged_or_moved_client_secret_is_an_error_and_an_alarm(
    served: Served, stolen: Path, practice: PracticeServer, damage: Callable[[Any], Any]
) -> None:
    rows, grants = rows_of(stolen, CLIENT_SECRETS), rows_of(stolen, CREDENTIALS)
    assert [name for name, _ in rows] == ["practice_oauth2", "practice_oauth2_client"]
    damaged = [(sealed, key) for key, sealed in damage(rows)]
    change(stolen, "UPDATE services SET client_secret_sealed = ? WHERE link_name = ?", damaged)
    with serving_again(served, stolen) as again:
        for name, _ in rows:
            reply = again.ask("POST", f"/api/v1/connections/{name}/refresh", {})
            assert (reply.status, reply.document["code"]) == (500, "seal_broken")
            again.ask("POST", f"/api/v1/connections/{name}/connect", {})
        assert practice.counters()["token_calls"] == 0
        assert alarms(again, 2) == {name for name, _ in rows}
    assert rows_of(stolen, CREDENTIALS) == grants


def test_a_secret_moved_to_another_column_does_not_open_there(served: Served, stolen: Path) -> None:
    (moved,) = rows_of(
        stolen,
        "SELECT connections.link_name, credential_sealed FROM authorizations"
        " JOIN connections ON connections.id = connection_id WHERE connections.link_name = 'practice_oauth2'",
    )
    change(stolen, "UPDATE services SET client_secret_sealed = ? WHERE link_name = ?", [(moved[1], moved[0])])
    with serving_again(served, stolen) as again:
        reply = again.ask("POST", "/api/v1/connections/practice_oauth2/refresh", {})
        assert (reply.status, reply.document["code"]) == (500, "seal_broken")


def digests(data: Path) -> dict[str, str]:
    files = [path for path in data.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def serve_once(served: Served, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    changed = {f"ISTHMUS_{name.upper()}": value for name, value in settings.items()}
    environ = served.environ | {"ISTHMUS_DATA_DIR": str(data)} | changed
    return run("isthmus", "serve", "--port", str(free_port()), environ=environ)


def test_a_wrong_key_refuses_to_start_names_the_key_and_leaves_the_data_untouched(served: Served, stolen: Path) -> None:
    before = digests(stolen)
    done = serve_once(served, stolen, master_key=base64.b64encode(secrets.token_bytes(32)).decode())
    assert done.returncode == 70
    assert "key" in done.stderr
    ((key_id,),) = rows_of(stolen, "SELECT key_id FROM key_ring")
    assert key_id in done.stderr
    assert "Traceback" not in done.stderr
    assert digests(stolen) == before


def test_a_missing_key_refuses_to_start_and_makes_no_new_one(served: Served, stolen: Path, practice: Any) -> None:
    key = stolen / "master.key"
    kept = key.read_bytes()
    key.unlink()
    before = digests(stolen)
    done = serve_once(served, stolen)
    assert done.returncode == 70
    assert not key.exists()
    assert digests(stolen) == before
    key.write_bytes(kept)
    key.chmod(0o644)
    assert serve_once(served, stolen).returncode == 70
    key.chmod(0o600)
    with serving_again(served, stolen) as again:
        assert again.ask("GET", "/proxy/practice_basic/me").status == 200
