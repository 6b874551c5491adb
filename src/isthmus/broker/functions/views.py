"""Functions, versions and runs as the documents that the API shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from isthmus.broker.functions.ports import Diagnostic
from isthmus.broker.functions.runner import Outcome
from isthmus.broker.functions.sealing import Given, Result
from isthmus.broker.functions.values import to_json
from isthmus.broker.views import iso
from isthmus.functions.host import Fault
from isthmus.records import Function, FunctionVersion, Run, RunCall


def function_summary(function: Function) -> dict[str, Any]:
    """What a list shows of a function."""
    published = function.published_version
    state = "draft" if published is None else "published" if published == function.draft_version else "changed"
    return {
        "name": function.name,
        "language": function.language,
        "description": function.description,
        "state": state,
        "draft_version": function.draft_version,
        "published_version": published,
        "run_as": function.run_as,
        "owner": function.owner or None,
        "run_roles": list(function.run_roles),
        "callers": None if function.callers is None else list(function.callers),
        "created_by": function.created_by,
        "created_at": iso(function.created_at),
        "updated_at": iso(function.updated_at),
    }


def version_document(function: Function, version: FunctionVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "is_draft": version.number == function.draft_version,
        "is_published": version.number == function.published_version,
        "arguments": [dict(argument) for argument in version.arguments],
        "return_type": version.return_type,
        "connections": list(version.connections),
        "calls": list(version.calls),
        "note": version.note,
        "saved_by": version.created_by,
        "saved_at": iso(version.created_at),
    }


def function_document(function: Function, version: FunctionVersion, code: str | None) -> dict[str, Any]:
    """The contract's function, in one of its versions; without `code` for who may only run it."""
    shown = version_document(function, version)
    document = {**function_summary(function), **{key: shown[key] for key in _OF_VERSION}}
    return document if code is None else {**document, "code": code}


_OF_VERSION = ("version", "arguments", "return_type", "connections", "calls", "note", "saved_by", "saved_at")


def fault_document(fault: Fault | None) -> dict[str, Any] | None:
    """`{"code", "message", "line", "column", "hint", "excerpt"}`."""
    return None if fault is None else asdict(fault)


def diagnostic_documents(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What executing answers."""
    run = outcome.run
    return {
        "run_id": run.id,
        "state": run.state,
        "value": to_json(outcome.value),
        "info": list(outcome.info),
        "error": fault_document(outcome.error),
        "elapsed_ms": round(run.elapsed_ms, 1),
        "statements": run.statements,
        "calls": run.calls,
        "version": run.version,
    }


def run_summary(run: Run) -> dict[str, Any]:
    """What a list shows of a run: nothing that was given to it or came of it."""
    return {
        "id": run.id,
        "function": run.function,
        "version": run.version,
        "language": run.language,
        "state": run.state,
        "trigger": run.trigger,
        "trigger_id": run.trigger_id or None,
        "actor": run.actor,
        "run_as": run.run_as,
        "error_code": run.error_code or None,
        "statements": run.statements,
        "active_seconds": round(run.active_seconds, 4),
        "calls": run.calls,
        "elapsed_ms": round(run.elapsed_ms, 1),
        "attempt": run.attempt,
        "retry_of": run.retry_of,
        "due_at": iso(run.due_at),
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
    }


def run_document(run: Run, given: Given, result: Result, calls: Sequence[RunCall]) -> dict[str, Any]:
    """One run in full."""
    return {
        **run_summary(run),
        "arguments": given.given,
        "user": given.user,
        "value": result.value,
        "info": list(result.info),
        "error": result.error,
        "requests": [call_document(call) for call in calls],
    }


def call_document(call: RunCall) -> dict[str, Any]:
    return {
        "number": call.number,
        "kind": call.kind,
        "at": iso(call.at),
        "state": call.state,
        "function": call.function,
        "line": call.line or None,
        "connection": call.connection or None,
        "method": call.method or None,
        "url": call.url or None,
        "status": call.status,
        "elapsed_ms": round(call.elapsed_ms, 1),
        "error": call.error or None,
    }
