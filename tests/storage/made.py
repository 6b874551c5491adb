"""Records for the tests of storage, each with every field that matters filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from isthmus.records import (
    ActivityEntry,
    Alert,
    ApiKey,
    Authorization,
    AuthorizationCode,
    Client,
    ClientSecret,
    Connection,
    Function,
    FunctionVersion,
    Grant,
    Identity,
    IssuedToken,
    Passkey,
    PendingAuthorization,
    Policy,
    Reason,
    Run,
    RunCall,
    StoredService,
    TimelineEntry,
    Trigger,
    User,
)
from isthmus.storage import Journal, Storage

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
SECOND = timedelta(seconds=1)
NOTHING = Journal()


def service(link_name: str = "zoom", **more: Any) -> StoredService:
    values: dict[str, Any] = {
        "kind": "custom",
        "document": {"name": "Zoom", "scopes": [{"name": "ä"}], "pkce": None},
        "client_secret_sealed": b"\x00\xffsealed",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return StoredService(link_name, **(values | more))


def connection(link_name: str = "crm", **more: Any) -> Connection:
    values: dict[str, Any] = {
        "id": f"id-{link_name}",
        "name": "Customers ☃",
        "service": "zoom",
        "scopes": ("read", "write"),
        "use_credentials_of_login_user": True,
        "variables": {"domain": "example"},
        "policy": Policy(("GET",), ("/v1",), True, True),
        "created_by": "user:ada",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Connection(link_name=link_name, **(values | more))


def authorization(**more: Any) -> Authorization:
    values: dict[str, Any] = {
        "id": "auth-1",
        "connection_id": "id-crm",
        "resource_owner": "",
        "credential_sealed": b"sealed-1",
        "refresh_token_hash": "hash-1",
        "refreshable": True,
        "reason": Reason("api_refused", "It said no.", "Ask again.", NOW),
        "issued_at": NOW,
        "expires_at": NOW + 3600 * SECOND,
        "refresh_at": NOW + 3000 * SECOND,
        "granted_scopes": ("read",),
        "variables": {"instance": "eu1"},
        "connected_as": "ada@example.com",
        "last_test": {"status": 200, "identity": "ada"},
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Authorization(**(values | more))


def pending(**more: Any) -> PendingAuthorization:
    values: dict[str, Any] = {
        "id": "pending-1",
        "connection_id": "id-crm",
        "service": "zoom",
        "resource_owner": "",
        "actor": "user:ada",
        "token_hash": "token-1",
        "expires_at": NOW + 600 * SECOND,
        "payload_sealed": b"payload",
        "created_at": NOW,
    }
    return PendingAuthorization(**(values | more))


def user(name: str = "ada", **more: Any) -> User:
    values: dict[str, Any] = {
        "id": f"id-{name}",
        "email": f"{name}@example.com",
        "name": name,
        "role": "administrator",
        "password_hash": "argon",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return User(**(values | more))


def passkey(name: str = "laptop", **more: Any) -> Passkey:
    values: dict[str, Any] = {
        "id": f"key-{name}",
        "user_id": "id-ada",
        "name": name,
        "credential": b"\x00\xffpublic",
        "sign_count": 4_294_967_295,
        "synced": True,
        "created_at": NOW,
    }
    return Passkey(**(values | more))


def identity(subject: str = "ada@idp", **more: Any) -> Identity:
    values: dict[str, Any] = {
        "issuer": "https://login.example",
        "subject": subject,
        "user_id": "id-ada",
        "email": "ada@example.com",
        "created_at": NOW,
    }
    return Identity(**(values | more))


def api_key(name: str = "ci", **more: Any) -> ApiKey:
    values: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "role": "developer",
        "secret_hash": f"hash-{name}",
        "hint": "wxyz",
        "connections": ("crm",),
        "functions": ("standalone.notify",),
        "created_by": "user:ada",
        "created_at": NOW,
    }
    return ApiKey(**(values | more))


def function(name: str = "standalone.notify", **more: Any) -> Function:
    values: dict[str, Any] = {
        "id": f"id-{name}",
        "language": "deluge",
        "description": "Tells ☃",
        "run_as": "owner",
        "owner": "user:ada",
        "run_roles": ("administrator",),
        "callers": ("api_key:ci",),
        "created_by": "user:ada",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Function(name=name, **(values | more))


def function_version(name: str = "standalone.notify", number: int = 1, **more: Any) -> FunctionVersion:
    values: dict[str, Any] = {
        "language": "deluge",
        "code_sealed": b"\x00\xffcode",
        "arguments": ({"name": "email", "type": "string", "default": None, "required": True},),
        "return_type": "string",
        "connections": ("crm",),
        "calls": ("standalone.other",),
        "note": "first",
        "created_by": "user:ada",
        "created_at": NOW,
    }
    return FunctionVersion(f"id-{name}", number, **(values | more))


def run(n: int = 0, **more: Any) -> Run:
    values: dict[str, Any] = {
        "function_id": "id-standalone.notify",
        "function": "standalone.notify",
        "version": 1,
        "language": "deluge",
        "trigger": "rest",
        "actor": "user:ada",
        "run_as": "user:bob",
        "state": "finished",
        "created_at": NOW + n * SECOND,
        "trigger_id": "trigger-1",
        "arguments_sealed": b"\x00arguments",
        "outcome_sealed": b"\xffoutcome",
        "statements": 3_000_000_000,
        "active_seconds": 0.25,
        "calls": 2,
        "elapsed_ms": 12.5,
        "retry_of": "run-x",
        "address": "192.0.2.1",
        "started_at": NOW + n * SECOND,
        "ended_at": NOW + n * SECOND,
    }
    return Run(f"run-{n:03}", **(values | more))


def run_call(run_id: str = "run-000", number: int = 1, **more: Any) -> RunCall:
    values: dict[str, Any] = {
        "kind": "invokeurl",
        "at": NOW,
        "function": "standalone.notify",
        "line": 3,
        "connection": "crm",
        "method": "GET",
        "url": "https://api.example/x?q=***",
        "status": 200,
        "elapsed_ms": 7.5,
        "answer_sealed": b"answer",
    }
    return RunCall(run_id, number, **(values | more))


def activity(action: str = "tested", **more: Any) -> ActivityEntry:
    values: dict[str, Any] = {"at": NOW, "actor": "user:ada", "target": "crm", "result": "done", "details": {"n": 1}}
    return ActivityEntry(action=action, **(values | more))


def event(kind: str = "issued", **more: Any) -> TimelineEntry:
    values: dict[str, Any] = {"connection_id": "id-crm", "message": "It happened.", "at": NOW}
    return TimelineEntry(kind=kind, **(values | more))


def told(*actions: str) -> Journal:
    """A journal of one activity and one timeline entry for each word."""
    return Journal(tuple(activity(action) for action in actions), tuple(event(action) for action in actions))


async def actions_in(storage: Storage) -> list[str]:
    """What the activity log says, oldest first."""
    return [entry.action for entry in reversed((await storage.activity(limit=1000)).items)]


async def kinds_in(storage: Storage, connection_id: str = "id-crm") -> list[str]:
    """What the timeline says, oldest first."""
    return [entry.kind for entry in reversed((await storage.timeline(connection_id, limit=1000)).items)]


async def with_grant(storage: Storage, **more: Any) -> Authorization:
    """A connection with one authorization."""
    await storage.add_connection(connection(), NOTHING)
    return await storage.put_authorization(authorization(**more), NOTHING)


def trigger(name: str = "nightly", kind: str = "schedule", **more: Any) -> Trigger:
    values: dict[str, Any] = {
        "function_id": "id-standalone.notify",
        "mapping": {"email": "${Leads.Email} ☃"},
        "created_by": "user:ada",
        "signature": "none",
        "created_at": NOW,
        "updated_at": NOW,
    }
    if kind == "schedule":
        values |= {"cron": "30 8 * * *", "timezone": "Europe/Berlin", "start_at": NOW, "end_at": NOW, "next_at": NOW}
    if kind == "webhook":
        values |= {"token_hash": f"hash-{name}", "token_hint": "wxyz", "signature": "github", "secret_sealed": b"\x00s"}
    if kind == "event":
        values |= {"connection": "crm", "events": ("failing", "needs_person")}
    return Trigger(id=f"trigger-{name}", name=name, kind=kind, **(values | more))  # type: ignore[arg-type]


def alert(key: str = "a", **more: Any) -> Alert:
    values: dict[str, Any] = {
        "subject_id": "id-standalone.notify",
        "subject": "standalone.notify",
        "code": "function_failed",
        "opened_at": NOW,
        "last_at": NOW,
        "tell_at": NOW,
        "line": 3,
        "message": "It failed.",
        "hint": "Look.",
        "run_id": "run-000",
    }
    return Alert(key=key, **(values | more))


def client(client_id: str = "c1", **more: Any) -> Client:
    values: dict[str, Any] = {
        "name": "Reports ☃",
        "client_type": "server_based",
        "domain": "https://reports.example",
        "redirect_uris": ("https://reports.example/back",),
        "scopes": ("connections.read",),
        "grant_types": ("authorization_code", "refresh_token"),
        "keys": {"keys": []},
        "created_by": "user:ada",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Client(client_id, **(values | more))


def client_secret(secret_id: str = "s1", **more: Any) -> ClientSecret:
    values: dict[str, Any] = {"client_id": "c1", "secret_hash": f"hash-{secret_id}", "hint": "wxyz", "created_at": NOW}
    return ClientSecret(secret_id, **(values | more))


def grant(grant_id: str = "g1", **more: Any) -> Grant:
    values: dict[str, Any] = {
        "client_id": "c1",
        "grant_type": "authorization_code",
        "scopes": ("connections.read",),
        "user_id": "id-ada",
        "created_at": NOW,
        "expires_at": NOW + 3600 * SECOND,
    }
    return Grant(grant_id, **(values | more))


def token(token_hash: str = "t1", **more: Any) -> IssuedToken:
    values: dict[str, Any] = {
        "kind": "access",
        "grant_id": "g1",
        "scopes": ("connections.read",),
        "issued_at": NOW,
        "expires_at": NOW + 60 * SECOND,
        "key_thumbprint": "",
    }
    return IssuedToken(token_hash, **(values | more))


def authorization_code(code_hash: str = "code", **more: Any) -> AuthorizationCode:
    values: dict[str, Any] = {
        "client_id": "c1",
        "user_id": "id-ada",
        "scopes": ("connections.read",),
        "expires_at": NOW + SECOND,
        "redirect_uri": "https://reports.example/back",
        "code_challenge": "challenge",
    }
    return AuthorizationCode(code_hash, **(values | more))
