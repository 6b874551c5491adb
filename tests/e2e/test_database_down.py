"""The database goes away under a serving process, and comes back: what was stored is as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journey import connect, make_connection, make_service
from tests.postgresql_server import PostgresqlServer
from tests.served import serving

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    with PostgresqlServer() as server:
        yield server


def test_a_database_that_is_away_is_told_with_its_remedy_and_costs_nothing(
    tmp_path: Path, practice: Any, own_server: PostgresqlServer
) -> None:
    with serving(tmp_path, database_url=own_server.create_database()) as served:
        for name in ("practice_basic", "practice_oauth2"):
            make_service(served, practice, name)
            make_connection(served, name, name)
            connect(served, practice, name, name)
        before = served.ask("GET", "/api/v1/connections/practice_oauth2").document
        own_server.kill()
        time.sleep(1.2)  # what is remembered for a second is forgotten
        for method, path, document in (
            ("GET", "/api/v1/connections", None),
            ("POST", "/api/v1/connections", {"link_name": "another", "service": "practice_basic"}),
            ("POST", "/api/v1/connections/practice_oauth2/refresh", {}),
            ("GET", "/proxy/practice_basic/me", None),
            ("GET", "/readyz", None),
        ):
            reply = served.ask(method, path, document)
            assert reply.status == 503, path
            if path != "/readyz":
                assert reply.document["code"] == "storage_unavailable"
                assert reply.document["hint"]
                assert int(reply.headers["Retry-After"]) >= 1
        done = served.cli("status")
        assert done.returncode == 70
        assert "hint:" in done.stderr
        own_server.start()
        after = served.ask("GET", "/api/v1/connections/practice_oauth2")
        assert after.status == 200
        assert {key: after.document[key] for key in ("status", "expires_at")} == {
            key: before[key] for key in ("status", "expires_at")
        }
        assert served.ask("GET", "/api/v1/connections/another").status == 404
        for name in ("practice_basic", "practice_oauth2"):
            assert served.ask("GET", f"/proxy/{name}/me").status == 200
