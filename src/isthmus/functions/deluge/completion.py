"""What can be written at a place of a script: for the language server and the console's editor alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import BUILTINS, SYSTEM_VALUES, TASKS, Builtin, TaskDefinition
from isthmus.functions.deluge.describe import describe_builtins, describe_key, describe_system_value, describe_task
from isthmus.functions.deluge.lexer import NAME, NUMBER, QUOTED, STRAY, TEXT, Token, TooLarge, tokenize
from isthmus.functions.deluge.parser import parse_source
from isthmus.functions.deluge.problems import Problems, TooManyProblems
from isthmus.functions.deluge.scope import Scope, Types

Kind = Literal["function", "method", "variable", "keyword", "constant", "connection", "key", "task"]

_WORDS = {
    "if": "if ()\n{\n\t\n}",
    "else": "else\n{\n\t\n}",
    "else if": "else if ()\n{\n\t\n}",
    "for each": "for each item in \n{\n\t\n}",
    "for each index": "for each index i in \n{\n\t\n}",
    "try": "try\n{\n\t\n}\ncatch (e)\n{\n\t\n}",
    "throw": "throw ",
    "return": "return ",
    "info": "info ",
    "break": "break;",
    "continue": "continue;",
    "true": "true",
    "false": "false",
    "null": "null",
}
_ENDS = {NAME, NUMBER, TEXT, QUOTED, ")", "]", "}"}
_BEFORE_VALUE = {"info", "return", "throw", "in"}
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be written. `insert_text` takes the place of the word before the cursor."""

    label: str
    kind: Kind
    detail: str
    documentation: str
    insert_text: str


def complete(
    source: str, line: int, column: int, *, connections: Collection[str] = (), functions: Collection[str] = ()
) -> list[Item]:
    """What can be written at a place (line and column from 1, in characters), by name; none in texts and comments.

    `connections` are link names, offered within the quotes behind `connection :`; `functions` are the names of other
    functions.
    """
    place = _Place(source, line, column)
    items = place.items(connections, functions)
    start = place.word.lower()
    fitting = {item.label: item for item in items if item.label.lower().startswith(start)}
    return sorted(fitting.values(), key=lambda item: (item.kind == "keyword", item.label.lower()))


class _Place:
    """A place in a source: the tokens before it, the word that is being written, the bracket around it."""

    def __init__(self, source: str, line: int, column: int) -> None:
        lines = source.split("\n")
        self._source = source
        before = lines[: line - 1] + [part[: column - 1] for part in lines[line - 1 : line]]
        prefix = "\n".join(before)
        self._tokens = _tokens(prefix)[:-1]
        self.word = ""
        rest = self._rest(prefix)
        self._quoted = False
        self._silent = "//" in rest
        if self._tokens:
            self._read_last(rest)

    def _rest(self, prefix: str) -> str:
        """What of the cursor's line stands behind the last token: white space or a comment."""
        last = prefix.rsplit("\n", 1)[-1]
        token = self._tokens[-1] if self._tokens else None
        if token is None or token.line != prefix.count("\n") + 1:
            return last
        return last[token.column - 1 + len(token.text) :]

    def _read_last(self, rest: str) -> None:
        token = self._tokens[-1]
        if token.kind == STRAY and token.text == "/":
            self._silent = True
        elif token.kind == STRAY and token.text in "\"'":
            self._quoted = True
            self.word = rest
            self._tokens.pop()
        elif token.kind == NAME and not rest:
            self.word = token.text
            self._tokens.pop()

    def items(self, connections: Collection[str], functions: Collection[str]) -> Iterator[Item]:
        key = self._key()
        if self._quoted:
            if key == "connection":
                yield from (Item(name, "connection", "connection", "", name) for name in connections)
            return
        if self._silent:
            return
        if self._tokens and self._tokens[-1].kind == ".":
            yield from self._members()
            return
        task, given = self._task()
        if task is not None and key is None:
            yield from _keys(task, given)
            return
        if task is not None and key is not None:
            yield from self._values(task, key, connections)
        yield from self._anything(functions, value=bool(self._tokens) and self._tokens[-1].kind not in (";", "{", "}"))

    # --- where

    def _open(self, before: int | None = None) -> int | None:
        """The index of the bracket that is open here, or before this token."""
        depth = 0
        last = len(self._tokens) if before is None else before
        for index in range(last - 1, -1, -1):
            kind = self._tokens[index].kind
            depth += (kind in _CLOSING) - (kind in _OPENING)
            if depth < 0:
                return index
        return None

    def _task(self) -> tuple[TaskDefinition | None, set[str]]:
        """The task whose bracket is open here, and the keys that it has already."""
        opened = self._open()
        if not opened or self._tokens[opened].kind != "[":
            return None, set()
        task = TASKS.get(self._tokens[opened - 1].word)
        inside = self._tokens[opened + 1 :]
        return task, {_key_before(inside, index) for index, token in enumerate(inside) if token.kind == ":"}

    def _key(self) -> str | None:
        """The task's key whose value is to be written here."""
        if self._tokens and self._tokens[-1].kind == ":" and self._task()[0] is not None:
            return _key_before(self._tokens, len(self._tokens) - 1)
        if self._tokens and self._tokens[-1].kind not in (*_ENDS, "["):
            return ""
        return None

    # --- what

    def _members(self) -> Iterator[Item]:
        path = ".".join(self._path()).lower()
        if path.startswith("zoho") and path not in SYSTEM_VALUES:
            yield from _zoho(f"{path}.")
            return
        types = self._types()
        for name, entries in _methods().items():
            fitting = [entry for entry in entries if types is None or _fits(entry, types)]
            if fitting:
                yield _callable(name, "method", fitting)

    def _path(self) -> list[str]:
        """The names joined by dots before the cursor."""
        names: list[str] = []
        index = len(self._tokens) - 1
        while index > 0 and self._tokens[index].kind == "." and self._tokens[index - 1].kind == NAME:
            names.insert(0, self._tokens[index - 1].text)
            index -= 2
        return names

    def _types(self) -> Types:
        """The types that the value before the dot can have."""
        script = parse_source(f"info {self._chain()};")
        if script.problems or len(script.body) != 1 or not isinstance(script.body[0], tree.Info):
            return None
        return Scope(parse_source(self._source)).types(script.body[0].value)

    def _chain(self) -> str:
        """The value before the dot: a name, a literal or a bracket, with the links behind it."""
        end = len(self._tokens) - 1
        at = end - 1
        while at >= 0:
            if self._tokens[at].kind in _CLOSING:
                opening = self._open(at)
                if opening is None:
                    return ""
                at = opening
                if at and self._tokens[at].kind != "{" and self._is_value(at - 1):
                    at -= 1
                    continue
            if at < 2 or self._tokens[at - 1].kind != ".":
                break
            at -= 2
        return " ".join(token.text for token in self._tokens[max(at, 0) : end])

    def _is_value(self, at: int) -> bool:
        """Whether the bracket behind this token belongs to it, as arguments or index."""
        token = self._tokens[at]
        return token.kind in _ENDS and token.kind != "}" and token.word not in _BEFORE_VALUE

    def _values(self, task: TaskDefinition, key: str, connections: Iterable[str]) -> Iterator[Item]:
        known = task.key(key)
        for constant in known.constants if known else ():
            yield Item(constant, "constant", key, known.summary if known else "", constant)
        if key == "connection":
            yield from (Item(name, "connection", "connection", "", f'"{name}"') for name in connections)

    def _anything(self, functions: Iterable[str], *, value: bool) -> Iterator[Item]:
        script = parse_source(self._source)
        scope = Scope(script)
        for name in scope.variables:
            types = scope.types(tree.Name(1, 1, name))
            yield Item(name, "variable", " or ".join(sorted(types)) if types else "variable", "", name)
        yield from (Item(name, "function", "function", "", f"{name}(") for name in functions)
        for name, entries in _functions().items():
            yield _callable(name, "function", entries)
        yield Item("zoho", "variable", "system variables", "", "zoho.")
        for task in TASKS.values():
            yield Item(task.name, "task", "task", describe_task(task), task.block)
        for word, text in _WORDS.items():
            if not value or word in ("true", "false", "null"):
                yield Item(word, "keyword", "", "", text)


def _tokens(source: str) -> list[Token]:
    try:
        return tokenize(source, Problems(source))
    except (TooLarge, TooManyProblems):
        return tokenize("", Problems(""))


def _key_before(tokens: list[Token], colon: int) -> str:
    """The key that ends before this colon: names, joined as they are written."""
    words = [tokens[colon - 1].word] if colon else []
    index = colon - 2
    while index > 0 and tokens[index].kind == "-" and tokens[index - 1].kind == NAME:
        words.insert(0, tokens[index - 1].word + "-")
        index -= 2
    key = "".join(words)
    return "reply to" if key == "to" and index >= 0 and tokens[index].word == "reply" else key


def _keys(task: TaskDefinition, given: set[str]) -> Iterator[Item]:
    for key in task.keys:
        if key.name not in given:
            yield Item(key.name, "key", " or ".join(key.types), describe_key(key), f"{key.name} : ")


def _zoho(path: str) -> Iterator[Item]:
    for value in SYSTEM_VALUES.values():
        if value.name.startswith(path):
            rest = value.name[len(path) :]
            yield Item(rest, "variable", value.type, describe_system_value(value), rest)
    for entry in BUILTINS:
        if entry.name.lower().startswith(path):
            yield _callable(entry.name[len(path) :], "function", [entry])
    if path == "zoho.":
        yield Item("encryption", "variable", "functions", "Digests, encodings, encryption.", "encryption.")


def _callable(name: str, kind: Kind, entries: list[Builtin]) -> Item:
    takes = any(entry.parameters or (kind == "function" and entry.receivers) for entry in entries)
    detail = entries[0].signature(entries[0].name if "." in entries[0].name else name)
    return Item(name, kind, detail, describe_builtins(entries, name), f"{name}(" if takes else f"{name}()")


def _fits(entry: Builtin, types: frozenset[str]) -> bool:
    taken = {*entry.receivers, *("number" for receiver in entry.receivers if receiver == "decimal")}
    return "any" in taken or not types.isdisjoint(taken)


def _methods() -> dict[str, list[Builtin]]:
    return _named(entry for entry in BUILTINS if entry.receivers)


def _functions() -> dict[str, list[Builtin]]:
    return _named(entry for entry in BUILTINS if not entry.receivers and "." not in entry.name)


def _named(entries: Iterable[Builtin]) -> dict[str, list[Builtin]]:
    found: dict[str, list[Builtin]] = {}
    for entry in entries:
        for name in entry.names:
            found.setdefault(name, []).append(entry)
    return found
