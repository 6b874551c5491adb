"""Judges calls: whether the function is there, and whether the arguments fit."""

from __future__ import annotations

from collections.abc import Collection

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import FUNCTIONS, METHODS, Builtin, suggest
from isthmus.functions.deluge.named import NAMESPACES
from isthmus.functions.deluge.problems import Problems
from isthmus.functions.deluge.scope import Scope

CREATOR_FUNCTIONS = frozenset({"openurl", "openview", "openform"})
CREATOR_NAMES = frozenset({"input", "old"})
_PAIRED = frozenset({"collection", "insert"})
_CONTAINERS = frozenset({"list", "map", "collection", "file"})
_METHOD_NAMES = {name for entry in FUNCTIONS.values() for e in entry for name in e.names if e.receivers}
_FUNCTION_NAMES = {name for entry in FUNCTIONS.values() for e in entry for name in e.names}


class Calls:
    """`functions` are the names of the functions that can be called, None where they are not known."""

    def __init__(
        self, problems: Problems, scope: Scope, functions: Collection[str] | None, own: tree.Header | None
    ) -> None:
        self._problems = problems
        self._scope = scope
        self._functions = functions
        self._own = own

    def judge_call(self, call: tree.Call) -> None:
        """A call by name."""
        known = FUNCTIONS.get(call.name.lower())
        if known:
            self._judge_arguments(call, call.name, known, receivers=True)
        elif call.name.lower().startswith("zoho."):
            self._zoho(call)
        elif self._own and call.name == self._own.name:
            self._judge_own(call, self._own)
        elif call.name.lower() in CREATOR_FUNCTIONS:
            self._problems.error(
                f"`{call.name}` opens a page of Creator, and there is none here.",
                code="creator_only",
                at=(call.line, call.column),
                hint="Return the address, or call it with invokeurl.",
                length=len(call.name),
            )
        else:
            self._other(call)

    def _other(self, call: tree.Call) -> None:
        """What is no built-in: another function, or a mistake."""
        first, _, last = call.name.rpartition(".")
        if self._functions is not None and call.name in self._functions:
            return
        at = (call.line, call.column)
        variable = call.name.partition(".")[0]
        if variable.lower() in CREATOR_NAMES and first:
            self.refuse_form_fields(variable, at)
        elif "." not in call.name:
            self._unknown(call.name, at, _FUNCTION_NAMES)
        elif first in NAMESPACES or not self._seems_variable(variable, last):
            self._unknown_function(call.name, at)
        else:
            self._problems.error(
                f"Variable `{variable}` is not defined.",
                code="undefined_variable",
                at=at,
                hint=did_you_mean(variable, self._scope.variables) or "Assign it before, or take it as an argument.",
                length=len(variable),
            )

    def _seems_variable(self, variable: str, method: str) -> bool:
        """Whether `variable.method(...)` means a value and not the function of that name."""
        return bool(suggest(variable, self._scope.variables) or suggest(method, _METHOD_NAMES))

    def refuse_form_fields(self, name: str, at: tuple[int, int]) -> None:
        """Report `input.Field` and its kin."""
        self._problems.error(
            f"`{name}` holds the fields of a Creator form, and there are no forms here.",
            code="creator_only",
            at=at,
            hint="Take the value as an argument of the function.",
            length=len(name),
        )

    def _unknown_function(self, name: str, at: tuple[int, int]) -> None:
        if self._functions is None and name.partition(".")[0] in NAMESPACES:
            return
        close = did_you_mean(name, self._functions or ())
        self._problems.error(
            f"There is no function `{name}`.",
            code="unknown_called_function",
            at=at,
            hint=close or "Create the function first, or correct its name.",
            length=len(name),
        )

    def judge_method(self, call: tree.MethodCall) -> None:
        """A call on a value."""
        known = METHODS.get(call.name.lower())
        at = (call.line, call.column)
        if not known:
            self._unknown(call.name, at, _METHOD_NAMES)
            return
        types = self._scope.types(call.target)
        if types and types <= _CONTAINERS:
            fitting = tuple(e for e in known if "any" in e.receivers or not types.isdisjoint(e.receivers))
            if not fitting:
                self._misfit(call, sorted(types), known)
                return
            known = fitting
        self._judge_arguments(call, call.name, known, receivers=False)

    def _misfit(self, call: tree.MethodCall, types: list[str], known: tuple[Builtin, ...]) -> None:
        owners = " or ".join(sorted({receiver for entry in known for receiver in entry.receivers}))
        instead = {("map", "add"): "put", ("list", "put"): "add"}.get((types[0], call.name.lower()))
        self._problems.warning(
            f"`{call.name}` is a function of {owners}, and this is a {' or '.join(types)}.",
            code="wrong_receiver",
            at=(call.line, call.column),
            hint=f"Did you mean {instead}?" if instead else "Look up the functions of its type.",
            length=len(call.name),
        )

    def _unknown(self, name: str, at: tuple[int, int], known: Collection[str]) -> None:
        self._problems.error(
            f"There is no function `{name}`.",
            code="unknown_function",
            at=at,
            hint=did_you_mean(name, known) or "Look it up among the built-in functions.",
            length=len(name),
        )

    def _zoho(self, call: tree.Call) -> None:
        at = (call.line, call.column)
        parts = call.name.split(".")
        if parts[1].lower() == "encryption":
            names = [name for name in _FUNCTION_NAMES if name.startswith("zoho.encryption.")]
            self._unknown(call.name, at, names)
            return
        self._problems.error(
            f"`{call.name}` is a task of another Zoho service, which is not built in.",
            code="integration_task",
            at=at,
            hint="Call that service's API with invokeurl and a connection.",
            length=len(call.name),
        )

    def _judge_own(self, call: tree.Call, header: tree.Header) -> None:
        expected = len(header.parameters)
        if len(call.arguments) != expected:
            self._count(call, call.name, str(expected), ", ".join(p.name for p in header.parameters))

    def _judge_arguments(
        self, call: tree.Call | tree.MethodCall, name: str, known: tuple[Builtin, ...], *, receivers: bool
    ) -> None:
        given = len(call.arguments)
        counts: set[int] = set()
        for entry in known:
            extra = 1 if receivers and entry.receivers else 0
            if entry.more and given >= entry.fewest + extra - (not entry.receivers):
                counts.add(given)
            counts.update(range(entry.fewest + extra, len(entry.parameters) + extra + 1))
        if given not in counts:
            self._count(call, name, _told(sorted(counts)), "; or ".join(entry.signature(name) for entry in known[:3]))
        elif name.lower() not in _PAIRED:
            self._judge_pairs(call, name)
        elif len({isinstance(argument, tree.Entry) for argument in call.arguments}) > 1:
            self._problems.error(
                "A collection has either values or key : value pairs, not both.",
                code="mixed_collection",
                at=(call.line, call.column),
                hint="Give every value a key, or none.",
                length=len(name),
            )

    def _judge_pairs(self, call: tree.Call | tree.MethodCall, name: str) -> None:
        for argument in call.arguments:
            if isinstance(argument, tree.Entry):
                self._problems.error(
                    f"`{name}` takes no key : value pair.",
                    code="unexpected_pair",
                    at=(argument.line, argument.column),
                    hint="Write { } around it for a map, or a comma for two values.",
                )

    def _count(self, call: tree.Call | tree.MethodCall, name: str, expected: str, signature: str) -> None:
        noun = "argument" if expected == "1" else "arguments"
        self._problems.error(
            f"`{name}` takes {expected} {noun}, {len(call.arguments)} given.",
            code="argument_count",
            at=(call.line, call.column),
            hint=f"It is {signature}.",
            length=len(name),
        )


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A hint with the name that was probably meant; empty where none is close."""
    close = suggest(name, known)
    return f"Did you mean {close}?" if close else ""


def _told(counts: list[int]) -> str:
    if not counts:
        return "no"
    if counts == [0]:
        return "no"
    if len(counts) > 2 and counts[-1] - counts[0] == len(counts) - 1:
        return f"{counts[0]} to {counts[-1]}"
    return " or ".join(map(str, counts))
