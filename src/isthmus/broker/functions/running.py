"""A run under way: its frames (a function, and the functions it called), what it has used, what it printed.

`freeze` and `thaw` carry it from process to process while it waits.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from isthmus.broker.functions.values import pack, unpack
from isthmus.functions.host import Fault, HostCall, Limits, Usage, Waiting
from isthmus.records import Actor, RunCall

MOST_INFO_BYTES = 1024 * 1024


@dataclass(slots=True)
class Frame:
    """One function of a chain of calls. `waiting` is None only while the sandbox has it. `unsaved` is the program where
    no version holds it; such a run is not frozen."""

    function_id: str
    function: str
    version: int
    actor: Actor
    usage: Usage = Usage()
    waiting: Waiting | None = field(default=None, repr=False)
    unsaved: Any = field(default=None, repr=False)


@dataclass(slots=True)
class Running:
    """A whole chain: one budget, one list of printed lines, one numbering of calls. The innermost frame is last.

    `deadline` is a Unix time; whoever held the run up (a queue, a restart) moves it on by as long. `user` names the
    resource owner where a connection is personal and a program runs the function.
    """

    run_id: str
    limits: Limits
    deadline: float
    user: str | None = None
    frames: list[Frame] = field(default_factory=list)
    spent: Usage = Usage()
    info: list[str] = field(default_factory=list, repr=False)
    calls: list[RunCall] = field(default_factory=list, repr=False)

    @property
    def top(self) -> Frame:
        return self.frames[-1]

    @property
    def usage(self) -> Usage:
        """Of the whole chain."""
        total = self.spent
        for frame in self.frames:
            total = _sum(total, frame.usage)
        return total

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.time()

    def limits_of(self, frame: Frame) -> Limits:
        """What this frame may use in all, so that the chain keeps within its limits."""
        total, limits = self.usage, self.limits
        others = {name: getattr(total, name) - getattr(frame.usage, name) for name in _COUNTED}
        began_at = frame.usage.began_at or time.time()
        return replace(
            limits,
            statements=max(0, limits.statements - int(others["statements"])),
            active_seconds=max(0.0, limits.active_seconds - others["active_seconds"]),
            outbound_calls=max(0, limits.outbound_calls - int(others["outbound_calls"])),
            suspensions=max(0, limits.suspensions - int(others["suspensions"])),
            sleep_seconds=max(0.0, limits.sleep_seconds - others["sleep_seconds"]),
            wall_seconds=max(0.0, self.deadline - began_at),
        )

    def passed_limit(self) -> Fault | None:
        """What the chain as a whole has used up, where no frame alone has."""
        if self.usage.statements <= self.limits.statements:
            return None
        asked = next((one.waiting for one in reversed(self.frames) if one.waiting is not None), None)
        line = asked.call.line if asked is not None else 0
        return Fault(
            "limit_statements",
            f"The function and those it calls executed more than {self.limits.statements} statements.",
            max(line, 1),
            hint="Do less in one run.",
        )

    def leave(self) -> Frame:
        """The innermost frame has ended."""
        frame = self.frames.pop()
        self.spent = _sum(self.spent, frame.usage)
        return frame

    def print(self, lines: tuple[str, ...]) -> None:
        """Keep what was printed, up to a limit over the whole chain."""
        used = sum(len(line) for line in self.info)
        for line in lines:
            used += len(line)
            if used > MOST_INFO_BYTES:
                return
            self.info.append(line)

    def freeze(self) -> bytes:
        """Everything, as bytes to be sealed: whoever can change them can make the run do anything."""
        return pack(
            {
                "run_id": self.run_id,
                "limits": asdict(self.limits),
                "deadline": self.deadline,
                "user": self.user,
                "frames": [_frame_document(frame) for frame in self.frames],
                "spent": asdict(self.spent),
                "info": self.info,
                "numbered": len(self.calls),
            }
        )

    @classmethod
    def thaw(cls, data: bytes, actors: Mapping[str, Actor], calls: list[RunCall]) -> Running:
        """The run as it was frozen. `actors` are those that `frozen_actors` names, as they are now; `calls` what the
        run has asked so far."""
        document = unpack(data)
        return cls(
            document["run_id"],
            Limits(**document["limits"]),
            document["deadline"],
            document["user"],
            [_read_frame(item, actors) for item in document["frames"]],
            Usage(**document["spent"]),
            list(document["info"]),
            calls,
        )


def frozen_actors(data: bytes) -> frozenset[str]:
    """The ids of the actors that a frozen run acts as."""
    return frozenset(str(frame["actor"]) for frame in unpack(data)["frames"])


_COUNTED = ("statements", "active_seconds", "outbound_calls", "suspensions", "sleep_seconds", "output_bytes")


def _sum(one: Usage, other: Usage) -> Usage:
    counted = {name: getattr(one, name) + getattr(other, name) for name in _COUNTED}
    return Usage(began_at=one.began_at or other.began_at, **counted)


def _frame_document(frame: Frame) -> dict[str, Any]:
    waiting = frame.waiting
    assert waiting is not None, "a run is frozen while it waits"
    return {
        "function_id": frame.function_id,
        "function": frame.function,
        "version": frame.version,
        "actor": frame.actor.id,
        "usage": asdict(frame.usage),
        "snapshot": b64encode(waiting.snapshot).decode(),
        "call": {name.name: getattr(waiting.call, name.name) for name in fields(HostCall)},
    }


def _read_frame(document: Mapping[str, Any], actors: Mapping[str, Actor]) -> Frame:
    usage = Usage(**document["usage"])
    waiting = Waiting(HostCall(**document["call"]), b64decode(document["snapshot"]), usage)
    actor = actors[document["actor"]]
    return Frame(document["function_id"], document["function"], document["version"], actor, usage, waiting)
