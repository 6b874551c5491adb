"""Playing a vendor: recorded exchanges, each answered only to the request it was recorded with."""

from __future__ import annotations

import json
from typing import Any

from isthmus.practice.messages import Answer, Request, json_answer
from isthmus.practice.state import State

_PARTS = ("headers", "query", "form", "json", "text")


def install(state: State, document: Any) -> int:
    """Take the exchanges in place of those before; how many. Raises ValueError for what is no list of exchanges."""
    exchanges = document.get("exchanges") if isinstance(document, dict) else document
    if not isinstance(exchanges, list):
        raise ValueError("a list of exchanges")
    for exchange in exchanges:
        if not isinstance(exchange, dict) or not {"name", "method", "host", "path", "answer"} <= set(exchange):
            raise ValueError("an exchange has name, method, host, path and answer")
        unknown = set(exchange.get("expect", {})) - set(_PARTS)
        if unknown:
            raise ValueError(f"nothing can be expected of {', '.join(sorted(unknown))}")
    state.vendor = [{**exchange, "played": 0} for exchange in exchanges]
    state.vendor_log = []
    return len(exchanges)


async def play(state: State, request: Request) -> Answer:
    """`/vendor/{host}/{path}`: the first fitting exchange not played yet, else the last one that fits, again.

    An expectation names what must be there with its value; null says that the name must be absent, `*` that it must
    be there with any value. `json` looks at dotted paths of a JSON body, `text` at pieces of the body itself. What is
    not named may be anything. No exchange fits: 404, with the reasons, also in the log.
    """
    host, _, path = request.raw_path.removeprefix("/vendor/").partition("/")
    text = (await request.body()).decode("utf-8", "replace")
    seen = {
        "headers": request.headers,
        "query": request.query(),
        "form": dict(await request.form_pairs()),
        "json": _flat(text),
        "text": _Pieces(text),
    }
    fitting: list[dict[str, Any]] = []
    misses: list[str] = []
    for exchange in state.vendor:
        wrong = _wrong_place(exchange, request.method, host, path) or _wrong_content(exchange, seen)
        if wrong:
            misses.append(f"{exchange['name']}: {wrong}")
        else:
            fitting.append(exchange)
    entry = {"method": request.method, "host": host, "path": "/" + path}
    if not fitting:
        state.vendor_log.append({**entry, "name": None, "outcome": "missed", "why": misses})
        return json_answer({"error": "no_such_exchange", "why": misses}, 404)
    chosen = next((exchange for exchange in fitting if not exchange["played"]), fitting[-1])
    chosen["played"] += 1
    state.vendor_log.append({**entry, "name": chosen["name"], "outcome": "played", "times": chosen["played"]})
    return _recorded(chosen["answer"])


def _wrong_place(exchange: dict[str, Any], method: str, host: str, path: str) -> str:
    given = (method, host.lower(), path)
    wanted = (exchange["method"].upper(), exchange["host"].lower(), exchange["path"].lstrip("/"))
    return "" if given == wanted else f"is {wanted[0]} {wanted[1]}/{wanted[2]}"


def _wrong_content(exchange: dict[str, Any], seen: dict[str, dict[str, str]]) -> str:
    for part in _PARTS:
        for name, value in exchange.get("expect", {}).get(part, {}).items():
            given = seen[part].get(name.lower() if part == "headers" else name)
            if not given if value == "*" else given != value:
                return f"{part}.{name} is {given!r}, not {value!r}"
    return ""


class _Pieces(dict[str, str]):
    """Finds any piece of a text under its own name."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get(self, name: str, default: Any = None) -> Any:
        return name if name in self._text else default


def _flat(text: str) -> dict[str, str]:
    """The values of a JSON body by dotted path, as text; nothing for another body."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    left: list[tuple[str, Any]] = [("", document)]
    while left and len(found) < 10_000:
        path, value = left.pop()
        if isinstance(value, dict):
            left.extend((f"{path}.{key}" if path else str(key), item) for key, item in value.items())
        elif isinstance(value, list):
            left.extend((f"{path}.{number}" if path else str(number), item) for number, item in enumerate(value))
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value)
    return found


def _recorded(answer: dict[str, Any]) -> Answer:
    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    headers.pop("content-length", None)
    content_type = headers.pop("content-type", "application/json")
    body = answer.get("body", "")
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(answer.get("status", 200), data, content_type, list(headers.items()))
