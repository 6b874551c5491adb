"""Turning the dials and reading what happened."""

from __future__ import annotations

import json
from typing import Any

from isthmus.practice import garbage, vendor
from isthmus.practice.dials import ACTIONS, DIALS
from isthmus.practice.messages import Answer, Request, json_answer
from isthmus.practice.state import State


async def serve(state: State, request: Request) -> Answer:
    """Everything below /practice/, except the reset, which replaces the state itself."""
    action = request.path.removeprefix("/practice/")
    if request.method == "POST":
        return await _act(state, request, action)
    shown: dict[str, Any] = {
        "dials": state.dials,
        "counters": state.counters,
        "garbage": garbage.names(),
        "log": state.log,
        "vendor/log": state.vendor_log,
    }
    if action not in shown:
        return json_answer({"error": "not_found"}, 404)
    content = shown[action]
    return json_answer(content if isinstance(content, dict) else list(content))


async def _act(state: State, request: Request, action: str) -> Answer:
    try:
        if action == "dials":
            state.turn(await _document(request, dict))
            return json_answer(state.dials)
        if action == "log/clear":
            state.log.clear()
            return json_answer({"cleared": True})
        if action == "vendor":
            return json_answer({"installed": vendor.install(state, await _document(request, object))})
    except ValueError as problem:
        known = [*DIALS, *ACTIONS] if action == "dials" else []
        return json_answer({"error": "invalid_request", "message": str(problem), "known": known}, 422)
    return json_answer({"error": "not_found"}, 404)


async def _document(request: Request, kind: type) -> Any:
    document = json.loads(await request.body() or b"{}")
    if not isinstance(document, kind):
        raise ValueError("a JSON object")
    return document
