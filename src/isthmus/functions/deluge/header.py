"""The header of a function, and which names it and the variables may have."""

from __future__ import annotations

from collections.abc import Container
from typing import NoReturn

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.cursor import Refused, found, width
from isthmus.functions.deluge.foreign import HEADER_TYPES, Foreign
from isthmus.functions.deluge.lexer import END, NAME, Token

RESERVED = frozenset(
    {"bool", "collection", "date", "else", "false", "float", "for", "from", "if", "ifnull", "in", "int", "is", "list",
     "map", "null", "permissions", "portal", "reload", "return", "string", "thisapp", "true", "void", "zoho"}
)  # fmt: skip
"""Words that cannot name a variable."""
BEGINNINGS = frozenset({"if", "for", "try", "throw", "return", "info", "break", "continue", "invokeurl", "sendmail"})


class Headed(Foreign):
    """Reads `type name(type name, ...) { ... }`."""

    def _is_header(self) -> bool:
        """Whether `type name(...) {` comes first."""
        first, second = self._token, self._peek()
        if first.kind != NAME or second.kind != NAME or first.word in BEGINNINGS:
            return False
        distance = 2
        while self._peek(distance).kind == "." and self._peek(distance + 1).kind == NAME:
            distance += 2
        if self._peek(distance).kind != "(":
            return False
        while self._peek(distance).kind in (NAME, "(", ",", "."):
            distance += 1
        return self._peek(distance).kind == ")" and self._peek(distance + 1).kind == "{"

    def _function(self) -> tuple[tree.Header | None, tree.Block]:
        try:
            header = self._header()
        except Refused:
            header = None
            while self._token.kind not in ("{", END):
                self._next()
        body = self._block("the header")
        if self._token.kind != END:
            self._problems.error(
                "Nothing may follow the brace that closes the function.",
                code="syntax",
                at=self._token.at,
                hint="One function has one script: make another function of the rest.",
                length=width(self._token),
            )
        return header, body

    def _header(self) -> tree.Header:
        kind = self._next()
        if kind.word not in HEADER_TYPES:
            self._no_type(kind)
        names = self._path(limit=20)
        self._pass_path(len(names))
        opening = self._next()
        parameters: dict[str, tree.Parameter] = {}
        while self._token.kind != ")":
            parameter = self._parameter(parameters)
            parameters[parameter.name] = parameter
            if not self._accept(","):
                break
        self._expect_close(opening, "after the arguments")
        name = ".".join(name.text for name in names)
        return tree.Header(kind.line, kind.column, kind.word, name, tuple(parameters.values()))

    def _no_type(self, kind: Token) -> NoReturn:
        words = ", ".join(sorted(HEADER_TYPES))
        self._refuse(f"There is no type {found(kind)}.", code="unknown_type", hint=f"Types are {words}.", token=kind)

    def _parameter(self, before: Container[str]) -> tree.Parameter:
        kind = self._expect(NAME, "as the type of an argument", "Each argument is a type and a name: string email.")
        name = self._expect(NAME, "after the type of an argument", "Each argument is a type and a name: string email.")
        if kind.word not in HEADER_TYPES:
            self._no_type(kind)
        self._check_free(name)
        if name.text in before:
            self._refuse(
                f"There are two arguments {found(name)}.",
                code="duplicate_argument",
                hint="Give each its own name.",
                token=name,
            )
        return tree.Parameter(name.line, name.column, kind.word, name.text)

    def _check_free(self, name: Token) -> None:
        if name.word in RESERVED:
            self._problems.error(
                f"`{name.text}` is a word of the language and cannot name a variable.",
                code="reserved_word",
                at=name.at,
                hint=f"Choose another name, such as {name.text}Value.",
                length=len(name.text),
            )
