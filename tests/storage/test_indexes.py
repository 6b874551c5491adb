"""Look-ups on the way of a call stay flat: each is answered from an index, none reads a whole table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.storage.made import NOW

from isthmus.storage import SqlStorage

pytestmark = pytest.mark.anyio

LOOK_UPS: dict[str, Callable[[SqlStorage], Awaitable[Any]]] = {
    "connection": lambda s: s.connection("crm"),
    "connection_by_id": lambda s: s.connection_by_id("id-crm"),
    "connections": lambda s: s.connections(limit=50, cursor="WyJhIl0"),
    "connections_of_service": lambda s: s.connections(limit=50, service="zoom", cursor="WyJhIl0"),
    "authorization": lambda s: s.authorization("auth-1"),
    "authorization_of": lambda s: s.authorization_of("id-crm", "ada"),
    "authorizations": lambda s: s.authorizations("id-crm", limit=50),
    "authorizations_for": lambda s: s.authorizations_for(["id-crm", "id-b"], "ada"),
    "due_for_refresh": lambda s: s.due_for_refresh(now=NOW, limit=50),
    "pending_by_token": lambda s: s.pending_by_token("token", now=NOW),
    "pending_connections": lambda s: s.pending_connections(["id-crm"], "ada", now=NOW),
    "timeline": lambda s: s.timeline("id-crm", limit=50, cursor="WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwiYSJd"),
    "calls": lambda s: s.calls("id-crm", limit=50),
    "activity": lambda s: s.activity(limit=50, cursor="WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwiYSJd"),
    "activity_of_actor": lambda s: s.activity(limit=50, actor="ada"),
    "activity_on_target": lambda s: s.activity(limit=50, target="crm"),
    "function": lambda s: s.function("standalone.notify"),
    "function_by_id": lambda s: s.function_by_id("id-a"),
    "functions": lambda s: s.functions(limit=50, cursor="WyJhIl0"),
    "function_version": lambda s: s.function_version("id-a", 1),
    "function_versions": lambda s: s.function_versions("id-a", limit=50, cursor="WzFd"),
    "functions_using": lambda s: s.functions_using(connection="crm"),
    "run": lambda s: s.run("run-1"),
    "runs": lambda s: s.runs("id-a", limit=50, cursor="WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwiYSJd"),
    "run_calls": lambda s: s.run_calls("run-1"),
    "due_runs": lambda s: s.due_runs(now=NOW, limit=50),
    "abandoned_runs": lambda s: s.abandoned_runs(now=NOW, limit=50),
    "trigger": lambda s: s.trigger("trigger-1"),
    "trigger_by_token": lambda s: s.trigger_by_token("hash"),
    "triggers": lambda s: s.triggers(limit=50, cursor="WyJhIl0"),
    "triggers_of_function": lambda s: s.triggers(limit=50, function_id="id-a"),
    "due_triggers": lambda s: s.due_triggers(now=NOW, limit=50),
    "event_triggers": lambda s: s.event_triggers("crm"),
    "sessions_of": lambda s: s.sessions_of("id-ada", now=NOW),
    "passkey": lambda s: s.passkey("key-1"),
    "passkeys_of": lambda s: s.passkeys_of("id-ada"),
    "identity": lambda s: s.identity("https://login.example", "sub"),
    "identities_of": lambda s: s.identities_of("id-ada"),
    "alerts_of": lambda s: s.alerts_of(["id-a", "id-crm"]),
    "client": lambda s: s.client("c1"),
    "clients": lambda s: s.clients(limit=50, cursor="WyJhIiwiYiJd"),
    "clients_of": lambda s: s.clients(limit=50, created_by="user:ada"),
    "client_secrets": lambda s: s.client_secrets("c1"),
    "token_holder": lambda s: s.token_holder("hash"),
    "grants_of_client": lambda s: s.grants(now=NOW, limit=50, client_id="c1"),
    "grants_of_person": lambda s: s.grants(now=NOW, limit=50, user_id="ada"),
    "authorization_code": lambda s: s.authorization_code("hash"),
    "authorization_request": lambda s: s.authorization_request("hash", now=NOW),
    "device_by_user_code": lambda s: s.device_by_user_code("hash", now=NOW),
    "api_key_by_hash": lambda s: s.api_key_by_hash("hash"),
    "session": lambda s: s.session("hash", now=NOW),
    "user_by_email": lambda s: s.user_by_email("ada@example.com"),
}


async def plan(storage: SqlStorage, look_up: Callable[[SqlStorage], Awaitable[Any]]) -> str:
    """How the database would answer the look-up's own statement if its tables were large."""
    seen: list[tuple[str, Any]] = []
    engine = storage._database.engine

    def note(_link: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    await look_up(storage)
    sa.event.remove(engine.sync_engine, "before_cursor_execute", note)
    ((statement, parameters),) = seen
    async with engine.connect() as link:
        if storage._database.is_sqlite:
            rows = await link.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(str(row.detail) for row in rows)
        await link.exec_driver_sql("SET LOCAL enable_seqscan = off")
        await link.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        await link.exec_driver_sql("SET LOCAL enable_sort = off")
        rows = await link.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row[0]) for row in rows)


@pytest.mark.parametrize("name", LOOK_UPS)
async def test_a_look_up_is_answered_from_an_index(storage: SqlStorage, name: str) -> None:
    found = await plan(storage, LOOK_UPS[name])
    assert "Seq Scan" not in found, found
    assert not any(line.startswith("SCAN") and "USING" not in line for line in found.splitlines()), found
    if name == "due_for_refresh":
        assert "ix_authorizations_due" in found
    if name in ("due_runs", "abandoned_runs"):
        assert {"due_runs": "ix_runs_due", "abandoned_runs": "ix_runs_held"}[name] in found
    if name.startswith(("timeline", "calls", "activity", "connections", "functions", "function_v", "run", "due_runs")):
        assert "TEMP B-TREE" not in found, found
        assert "Sort" not in found, found
