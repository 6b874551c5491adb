"""What begins with a name: constants of the language, calls, `zoho.` names, conditionals, tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.builtins import TASKS, namespace_function, system_variable
from isthmus.functions.deluge.cursor import Cursor, found
from isthmus.functions.deluge.lexer import END, NAME, Token

NAMESPACES = frozenset({"standalone", "automation", "button", "schedule", "thisapp"})
"""What a call to another function begins with."""
_ELEMENT_TYPES = frozenset(
    {"string", "text", "long", "int", "number", "bigint", "date", "bool", "boolean", "float", "decimal"}
)
_NOT_OURS = {
    "function": "A script has no functions of its own: make another function and call standalone.name(...).",
    "new": "Write Map(), List() or Collection().",
    "not": "Write ! for not.",
    "none": "Write null.",
    "nil": "Write null.",
    "undefined": "Write null.",
}

_ADDRESSES = ("to", "cc", "bcc", "reply to")


class Named(Cursor, ABC):
    """Reads what begins with a name."""

    _assigned: frozenset[str] = frozenset()
    """Every name that the source assigns somewhere; another name before a dot belongs to a function."""

    @abstractmethod
    def _expression(self) -> tree.Expression:
        """A whole expression."""

    @abstractmethod
    def _insert_into(self) -> tree.CreatorQuery:
        """What makes a record of a Creator form."""

    @abstractmethod
    def _arguments(self) -> tuple[tree.Expression, ...]:
        """The arguments of a call, brackets included."""

    def _named(self) -> tree.Expression:
        token = self._token
        word = token.word
        following = self._peek()
        if word in ("true", "false"):
            self._next()
            return tree.Boolean(token.line, token.column, word == "true")
        if word == "null":
            self._next()
            return tree.Null(token.line, token.column)
        if word == "zoho":
            return self._zoho()
        if word == "if":
            return self._conditional()
        if following.kind == "(":
            self._next()
            return tree.Call(token.line, token.column, token.text, self._arguments())
        if following.kind == "[" and self._is_task(1):
            return self._task(token, word, 1)
        if following.kind == ".":
            return self._qualified()
        if word == "list" and following.kind == ":" and self._peek(3).kind == "(":
            return self._typed_list()
        if word == "insert" and following.word == "into":
            return self._insert_into()
        if word in _NOT_OURS and following.kind == NAME:
            self._refuse(f"`{token.text}` is not in Deluge.", code="not_in_deluge", hint=_NOT_OURS[word])
        self._next()
        return tree.Name(token.line, token.column, token.text)

    def _conditional(self) -> tree.Expression:
        token = self._next()
        opening = self._expect("(", "after if")
        condition = self._expression()
        if self._token.kind == ")":
            self._refuse(
                "An `if` within an expression needs three parts.",
                code="syntax",
                hint="Write if(condition, value, other value).",
            )
        self._expect(",", "after the condition")
        then = self._expression()
        self._expect(",", "after the first value", "Write if(condition, value, other value).")
        otherwise = self._expression()
        self._expect_close(opening, "after the second value")
        return tree.Conditional(token.line, token.column, condition, then, otherwise)

    def _typed_list(self) -> tree.Expression:
        token = self._next()
        self._next()
        element = self._next()
        opening = self._token
        self._next()
        if element.word not in _ELEMENT_TYPES:
            self._refuse(
                f"There is no list of {found(element)}.",
                code="unknown_type",
                hint="Lists are List:String(), List:Long(), List:Float(), List:Bool(), List:Date() or List().",
                token=element,
            )
        self._expect_close(opening, "after the type of the list")
        return tree.TypedList(token.line, token.column, element.word)

    def _path(self, limit: int = 8) -> list[Token]:
        """The names joined by dots that come next; none of them is passed."""
        names = [self._token]
        while len(names) < limit and self._peek(2 * len(names) - 1).kind == ".":
            name = self._peek(2 * len(names))
            if name.kind != NAME:
                break
            names.append(name)
        return names

    def _pass_path(self, count: int) -> None:
        for _ in range(2 * count - 1):
            self._next()

    def _qualified(self) -> tree.Expression:
        """`standalone.name(...)` is one call; a name that is assigned somewhere is a variable."""
        token = self._token
        names = self._path()
        if token.text not in self._assigned and len(names) > 1 and self._peek(2 * len(names) - 1).kind == "(":
            self._pass_path(len(names))
            name = ".".join([token.word if token.word in NAMESPACES else token.text, *(n.text for n in names[1:])])
            return tree.Call(token.line, token.column, name, self._arguments())
        self._next()
        return tree.Name(token.line, token.column, token.text)

    def _zoho(self) -> tree.Expression:
        """A system variable, a function of a `zoho.` namespace, or a task of that name."""
        token = self._token
        names = self._path()
        written = ".".join(name.text for name in names)
        after = self._peek(2 * len(names) - 1)
        if after.kind == "[" and self._is_task(2 * len(names) - 1):
            word = written.lower()
            # Some services have a spelling of their own for it.
            return self._task(token, "invokeurl" if word.endswith(".invokeurl") else word, 2 * len(names) - 1)
        for count in range(len(names), 1, -1):
            path = ".".join(name.text for name in names[:count])
            variable = system_variable(path)
            if variable is not None:
                self._pass_path(count)
                return tree.SystemVariable(token.line, token.column, variable.name)
        self._pass_path(len(names))
        if after.kind == "(":
            known = namespace_function(written)
            name = known.name if known else written
            return tree.Call(token.line, token.column, name, self._arguments())
        return tree.SystemVariable(token.line, token.column, written.lower())

    # --- tasks

    def _is_task(self, distance: int) -> bool:
        """Whether the bracket at this distance opens a task: `name [ key : value ...`."""
        if self._token.word in TASKS and distance == 1:
            return True
        at = distance + 1
        if self._peek(at).kind != NAME:
            return False
        if self._peek(at + 1).kind == NAME and self._peek(at + 2).kind == ":":
            return True
        while self._peek(at + 1).kind == "-" and self._peek(at + 2).kind == NAME:
            at += 2
        return self._peek(at + 1).kind == ":"

    def _task(self, token: Token, name: str, length: int) -> tree.Expression:
        for _ in range(length):
            self._next()
        opening = self._next()
        entries: list[tree.TaskEntry] = []
        while self._token.kind not in ("]", END):
            entries.append(self._task_entry(name))
            if self._token.kind in (",", ";"):
                self._refuse(
                    "Only white space stands between the keys of a task.",
                    code="task_separator",
                    hint=f"Remove the {self._token.kind}",
                )
        self._expect_close(opening, f"at the end of {name}")
        return tree.Task(token.line, token.column, name, tuple(entries))

    def _task_entry(self, task: str) -> tree.TaskEntry:
        first = self._expect(NAME, f"as a key of {task}", "Each line of a task is key : value.")
        key = first.word
        while self._token.kind == "-" and self._peek().kind == NAME:
            self._next()
            key += "-" + self._next().word
        while self._token.kind == NAME and self._peek().kind in (":", NAME) and self._token.line == first.line:
            key += " " + self._next().word
        self._expect(":", f"after the key {key}", "Each line of a task is key : value.")
        value = self._attachments() if key == "attachments" else self._task_value(task, key)
        if task == "sendmail" and key in _ADDRESSES and self._token.kind == ",":
            value = self._several(value)
        return tree.TaskEntry(first.line, first.column, key, value)

    def _task_value(self, task: str, key: str) -> tree.Expression:
        value = self._expression()
        known = TASKS[task].key(key) if task in TASKS else None
        if known and isinstance(value, tree.Name) and value.name.upper() in known.constants:
            return tree.Constant(value.line, value.column, value.name.upper())
        return value

    def _several(self, first: tree.Expression) -> tree.Expression:
        """`to : "a@example.com","b@example.com"`."""
        given = [first]
        while self._accept(","):
            given.append(self._expression())
        return tree.ListLiteral(first.line, first.column, tuple(given))

    def _attachments(self) -> tree.Expression:
        """`file:a, file:b`, or plain values."""
        start = self._token
        files: list[tree.Expression] = []
        while True:
            if self._token.word == "file" and self._peek().kind == ":":
                self._next()
                self._next()
            files.append(self._expression())
            if not self._accept(","):
                return tree.ListLiteral(start.line, start.column, tuple(files))
