"""What a run may ask of the world, and what it answers with: the seam between a function and its embedder.

A run is never blocked inside the sandbox. When it asks for something that takes time it stops as `Waiting`, as plain
bytes, and goes on in any worker of any process once the embedder has a `Reply`. What takes no time (the clock, time
zones, digests) comes from `Surroundings` and does not stop it.

Values that cross the seam: None, bool, int, float, Decimal, str, bytes, aware datetime, date, time, list, dict with
text keys, and `File`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Asking = Literal["invokeurl", "sendmail", "call", "sleep"]


@dataclass(frozen=True, slots=True)
class File:
    """A file as a function holds it; `param_name` is the form field that it is sent as."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"
    charset: str = ""
    param_name: str = "file"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use; whatever it passes ends the run with an error that names the limit.

    `statements` counts as the language does (a loop's head each pass, and each statement of its body). `wall_seconds`
    is the whole run, waiting included; `active_seconds` only what it spends in a worker.
    """

    statements: int = 5_000
    wall_seconds: float = 30.0
    active_seconds: float = 10.0
    memory_bytes: int = 64 * 1024 * 1024
    recursion: int = 75
    outbound_calls: int = 100
    suspensions: int = 1_000
    sleep_seconds: float = 30.0
    output_bytes: int = 50 * 1024
    """Of one `info` line; a longer one is cut. All lines together may have twenty times that."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run has used so far; `Waiting` carries it, so that a limit holds over suspensions.

    `began_at` is the Unix time at which the run began, and 0 before: the wall limit counts from it. An embedder that
    held a run up itself (a restart, a queue) may move it on.
    """

    began_at: float = 0.0
    statements: int = 0
    active_seconds: float = 0.0
    outbound_calls: int = 0
    suspensions: int = 0
    sleep_seconds: float = 0.0
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Who a run acts for, as `zoho.loginuser` and its kin tell."""

    name: str = ""
    email: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run may know without waiting. `now` is asked at each use; `timezone` is an IANA name."""

    now: Callable[[], datetime]
    timezone: str = "UTC"
    person: Person = Person()
    administrator: Person = Person()
    application: str = "Isthmus"
    application_url: str = ""
    random: Callable[[int], bytes] | None = None
    """Random bytes of a length; None for the system's."""


@dataclass(frozen=True, slots=True)
class HostCall:
    """What a run waits for. `line` and `column` (from 1) are the function's own source; 0 in Python, where a call
    does not tell its place (a fault does).

    - `invokeurl`: url, type, headers (dict or None), parameters, body, files (list of `File`), content_type,
      connection (link name or None), detailed, response_format, response_decoding, timeout_seconds. The embedder
      replies with `{"status": int, "headers": {name: text}, "body": bytes, "url": text}`; the language makes of it
      what it promises (map, list, text, file).
    - `sendmail`: from, to, cc, bcc, reply_to (lists of addresses), subject, message, attachments (list of `File`).
    - `call`: name (`standalone.notify`) and arguments (positional list); replied with its value.
    - `sleep`: seconds.
    """

    name: Asking
    arguments: Mapping[str, Any]
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a `HostCall`: a value, or `fault`, which the function can catch as an error at its line."""

    value: Any = None
    fault: str | None = None
    fault_code: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a run or a compilation failed: `line` and `column` from 1, `hint` the next step, `excerpt` the source line
    with a caret below it."""

    code: str
    message: str
    line: int = 1
    column: int = 1
    hint: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits for `call`. `snapshot` is everything that is needed to go on, in any process.

    **A snapshot is trusted input**: it is a program in the middle of its work, and the sandbox believes it. Seal it
    where it is kept, and never resume one that a caller supplied.

    `info` has the lines printed since the run began or was last resumed.
    """

    call: HostCall
    snapshot: bytes = field(repr=False)
    usage: Usage = Usage()
    info: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that came to its end; `value` is what it returned."""

    value: Any
    usage: Usage = Usage()
    info: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that ended with an error, or at a limit (`fault.code` then begins with `limit_`)."""

    fault: Fault
    usage: Usage = Usage()
    info: tuple[str, ...] = ()


State = Waiting | Finished | Failed


@dataclass(frozen=True, slots=True)
class Argument:
    """A declared argument of a function; `default` stands in where the caller gives none (`required` False)."""

    name: str
    type: str = ""
    default: Any = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled function: what `Sandbox.begin` runs. Made from the source alone, the same on every process.

    `compiled` is Python for the sandbox. `places` are (compiled line, compiled column, line, column) in ascending
    order: what fails in the compiled code failed at the last of them that is not after it; without any, the compiled
    code is the source. `connections` are the link names that the source gives as literals, `calls` the other
    functions that it names.
    """

    language: Literal["deluge", "python"]
    source: str = field(repr=False)
    compiled: str = field(repr=False)
    places: tuple[tuple[int, int, int, int], ...] = field(default=(), repr=False)
    name: str = ""
    arguments: tuple[Argument, ...] = ()
    return_type: str = ""
    connections: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
