"""One run of a script by itself: no server, no database, no network; calls get the replies that were laid out.

What would have been sent is made by the code that makes it on a server, as far as it goes without a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from isthmus.broker.call import build_request
from isthmus.broker.functions.arguments import bind
from isthmus.broker.functions.asking import call_of
from isthmus.broker.functions.ports import Sandbox
from isthmus.broker.functions.values import write_json
from isthmus.errors import FunctionError, InputError
from isthmus.functions.deluge import check
from isthmus.functions.deluge.compiler import compile_deluge
from isthmus.functions.host import (
    Argument,
    Failed,
    Fault,
    Finished,
    HostCall,
    Limits,
    Program,
    Reply,
    Surroundings,
    Waiting,
)
from isthmus.records import Service

_ANY_SERVICE = Service("", "", "basic")
_REPLY_KEYS = frozenset({"status", "headers", "body"})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How the run ended, what it printed and would have sent, and the statements it executed."""

    value: Any = None
    info: tuple[str, ...] = ()
    fault: Fault | None = None
    requests: tuple[dict[str, Any], ...] = ()
    steps: int = 0


@dataclass(slots=True)
class _Stage:
    """The replies that are left, and the requests so far."""

    replies: list[Reply]
    told: Callable[[str], None]
    requests: list[dict[str, Any]] = field(default_factory=list)


def read_replies(document: Any) -> list[Reply]:
    """Replies from `[{"status", "headers", "body"}]`; a body that is no text is sent as JSON. Raises InputError."""
    if not isinstance(document, list):
        raise _unfit("replies", "Replies are a list.")
    found: list[Reply] = []
    for number, item in enumerate(document):
        where = f"replies[{number}]"
        if not isinstance(item, Mapping) or not item.keys() <= _REPLY_KEYS:
            raise _unfit(where, "A reply is an object of status, headers and body.")
        status, headers, body = item.get("status", 200), item.get("headers", {}), item.get("body", "")
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            raise _unfit(f"{where}.status", "A status is a whole number from 100 to 599.")
        if not isinstance(headers, Mapping) or not all(isinstance(value, str) for value in headers.values()):
            raise _unfit(f"{where}.headers", "Headers are an object of texts.")
        written = body if isinstance(body, str) else write_json(body)
        found.append(
            Reply({"status": status, "headers": dict(headers), "body": written.encode("utf-8", "replace"), "url": ""})
        )
    return found


def prepare(source: str, given: Mapping[str, Any]) -> tuple[Program, dict[str, Any]]:
    """The program and its arguments; a script without a header takes whatever is given, by name.

    Raises FunctionError for what is wrong with the script, InputError for what is wrong with an argument.
    """
    problem = next((p for p in check(source, arguments=list(given)) if p.severity == "error"), None)
    if problem is not None:
        raise FunctionError(
            problem.message, line=problem.line, column=problem.column, code=problem.code, hint=problem.hint
        )
    program = compile_deluge(source, arguments=[Argument(name) for name in given])
    # Names are judged here; types are the language's own matter.
    bind([replace(argument, type="") for argument in program.arguments], given)
    return program, dict(given)


async def rehearse(
    sandbox: Sandbox,
    program: Program,
    arguments: Mapping[str, Any],
    *,
    surroundings: Surroundings,
    limits: Limits,
    replies: Sequence[Reply],
    told: Callable[[str], None],
) -> Rehearsed:
    """Run the program to its end. `told` hears what was left out, such as a mail."""
    stage = _Stage(list(replies), told)
    state = await sandbox.begin(program, arguments, surroundings=surroundings, limits=limits)
    info = list(state.info)
    while isinstance(state, Waiting):
        reply = await _answer(stage, state.call)
        state = await sandbox.resume(program, state, reply, surroundings=surroundings, limits=limits)
        info.extend(state.info)
    value = state.value if isinstance(state, Finished) else None
    fault = state.fault if isinstance(state, Failed) else None
    return Rehearsed(value, tuple(info), fault, tuple(stage.requests), state.usage.statements)


async def _answer(stage: _Stage, call: HostCall) -> Reply:
    asked = call.arguments
    if call.name == "sleep":
        await asyncio.sleep(float(asked["seconds"]))
        return Reply()
    if call.name == "sendmail":
        stage.told(f"Line {call.line}: the mail to {', '.join(asked['to'])} was not sent.")
        return Reply({"refused": []})
    if call.name == "call":
        message = f"{asked['name']} cannot be called: a script that runs by itself has no other functions."
        return Reply(fault=message, fault_code="function_not_found")
    try:
        stage.requests.append(_sent(asked))
    except InputError as problem:
        return Reply(fault=f"{problem.message} {problem.hint}".strip(), fault_code=problem.code)
    if not stage.replies:
        return Reply(fault="There is no reply for this call. Lay one out with --replies.", fault_code="no_reply")
    return stage.replies.pop(0)


def _sent(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as it would have gone out, but for what its connection adds. Raises InputError."""
    request = build_request(_ANY_SERVICE, call_of(asked, user=None, request_id=""))
    address, _, query = request.url.partition("?")
    body = urlencode(request.form) if request.form is not None else request.body.decode("utf-8", "replace")
    return {
        "method": request.method,
        "url": address,
        "query": _joined(parse_qsl(query, keep_blank_values=True)),
        "headers": _joined(request.headers),
        "body": body or None,
        "connection": asked["connection"],
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Name -> value; a name that is repeated has the list of its values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _unfit(where: str, message: str) -> InputError:
    return InputError(
        message, field=where, hint='Lay replies out as [{"status": 200, "headers": {}, "body": "..."}], in order.'
    )
