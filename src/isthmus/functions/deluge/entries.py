"""What the table of built-ins is made of, and the short notation that it is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass

TYPES = frozenset(
    {
        "text", "number", "decimal", "boolean", "date", "time", "list", "map", "collection", "file", "error", "any",
        "nothing",
    }
)  # fmt: skip
"""The words for types in signatures. `decimal` takes whole numbers too; `date` is a date or a date-time."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a built-in takes at one place; `types` are those that fit."""

    name: str
    types: tuple[str, ...]
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.name}{'?' * self.optional}: {' or '.join(self.types)}"


@dataclass(frozen=True, slots=True)
class Builtin:
    """One built-in, for the types of value that it is a method of.

    A name may have several: `contains` of text and `contains` of a list. `receivers` is empty for what is only written
    `f(a)`; a method is also written `f(x, a)`, x first. `more` allows any number of further arguments.
    """

    name: str
    receivers: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    result: str
    summary: str
    example: str
    """A script, or one expression."""
    gives: str | None = None
    """What `info` prints for the example, where that is always the same."""
    aliases: tuple[str, ...] = ()
    host: bool = False
    """Whether it asks the embedder: HTTP, the clock, time zones, digests, random bytes."""
    more: bool = False

    @property
    def fewest(self) -> int:
        """The least number of arguments, the receiver not counted."""
        return sum(not p.optional for p in self.parameters)

    @property
    def most(self) -> int | None:
        """The largest number of arguments, the receiver not counted; None where there is no end."""
        return None if self.more else len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    def signature(self, name: str = "") -> str:
        """How it is called, as people read it."""
        words = ", ".join(map(str, self.parameters)) + ", ..." * self.more
        receiver = " or ".join(self.receivers) + "." if self.receivers else ""
        result = "" if self.result == "nothing" else f" -> {self.result}"
        return f"{receiver}{name or self.name}({words}){result}"


@dataclass(frozen=True, slots=True)
class TaskKey:
    """A key of a task. `constants` are the bare words that it takes, in upper case."""

    name: str
    types: tuple[str, ...]
    summary: str
    required: bool = False
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A task: `name [ key : value ... ]`. It always asks the embedder."""

    name: str
    keys: tuple[TaskKey, ...]
    result: str
    summary: str
    example: str

    @property
    def block(self) -> str:
        """The example's task alone, without what is done with its value."""
        start = self.example.index(self.name)
        return self.example[start : self.example.index("]", start) + 1]

    def key(self, name: str) -> TaskKey | None:
        """The key of this name (in lower case)."""
        return next((key for key in self.keys if key.name == name), None)


@dataclass(frozen=True, slots=True)
class SystemValue:
    """A `zoho.` variable."""

    name: str
    type: str
    summary: str
    host: bool = True


_SIGNATURE = re.compile(
    r"(?:(?P<receivers>[a-z|]+)\.)?(?P<name>[\w.]+)\((?P<parameters>.*)\)(?: -> (?P<result>[a-z|]+))?"
)


def entry(
    signature: str, summary: str, example: str, gives: str | None = None, *, aliases: str = "", host: bool = False
) -> Builtin:
    """A built-in from `receiver.name(a: type, b?: type, ...) -> result`; alternatives are divided by `|`.

    A receiver `zoho` is no receiver but part of the name: `zoho.encryption.md5(...)`.
    """
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise ValueError(signature)
    name, receivers = found["name"], found["receivers"]
    if receivers == "zoho":
        name, receivers = f"zoho.{name}", None
    words = [word.strip() for word in found["parameters"].split(",") if word.strip()]
    more = bool(words) and words[-1] == "..."
    return Builtin(
        name=name,
        receivers=tuple(receivers.split("|")) if receivers else (),
        parameters=tuple(_parameter(word) for word in words if word != "..."),
        result=found["result"] or "nothing",
        summary=summary,
        example=example,
        gives=gives,
        aliases=tuple(aliases.split()),
        host=host,
        more=more,
    )


def _parameter(word: str) -> Parameter:
    name, _, types = word.partition(":")
    return Parameter(name.strip().rstrip("?"), tuple(types.strip().split("|")), name.strip().endswith("?"))
