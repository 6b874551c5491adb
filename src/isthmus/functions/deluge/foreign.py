"""Statements that are not ours: of other languages, and of Creator's forms. Each is named in its error."""

from __future__ import annotations

from abc import abstractmethod

from isthmus.functions.deluge import tree
from isthmus.functions.deluge.cursor import Refused
from isthmus.functions.deluge.expressions import Expressions
from isthmus.functions.deluge.lexer import END, NAME, Token

HEADER_TYPES = frozenset(
    {"void", "string", "int", "long", "bigint", "bool", "float", "decimal", "date", "time", "map", "list",
     "collection", "file"}
)  # fmt: skip
FIELD_STATEMENTS = frozenset({"show", "hide", "enable", "disable", "clear", "reload", "set", "select", "deselect"})
NOT_IN_DELUGE = {
    "while": "use for each",
    "for": "use for each",
    "do": "use for each",
    "foreach": "use for each",
    "switch": "use if and else if",
    "var": "write name = value",
    "let": "write name = value",
    "const": "write name = value",
    "function": "make another function and call standalone.name(...)",
    "elseif": "write else if",
    "elif": "write else if",
    "print": "write info value",
    "echo": "write info value",
}
_BLOCK_WORDS = frozenset({"while", "do", "for", "foreach", "elseif", "elif"})


class Foreign(Expressions):
    """Passes over foreign statements and says what to write instead."""

    @abstractmethod
    def _block(self, owner: str) -> tree.Block:
        """The statements in braces after `owner`."""

    @abstractmethod
    def _simple(self) -> tree.Statement | None:
        """An assignment, a call or a task."""

    def _foreign(self, token: Token) -> None:
        """Report a statement of other languages, and pass it."""
        self._report_foreign(token)
        if token.word not in _BLOCK_WORDS:
            raise Refused
        self._next()
        if self._token.kind == "(":
            self._skip_brackets()
        if self._token.kind == "{":
            # What is wrong inside is told, too.
            self._block("the head")

    def _report_foreign(self, token: Token) -> None:
        self._problems.error(
            f"`{token.text}` is not in Deluge: {NOT_IN_DELUGE[token.word]}.",
            code="not_in_deluge",
            at=token.at,
            hint="Loops are written for each name in list { ... }."
            if token.word in ("while", "do", "for", "foreach")
            else "See the page on the language.",
            length=len(token.text),
        )

    def _check_declaration(self, token: Token) -> None:
        """Refuse `int i = 5;`: variables are not declared."""
        following = self._peek()
        if following.kind == NAME and self._peek(2).kind == "=" and token.word in HEADER_TYPES:
            self._refuse(
                "Variables are not declared with a type.",
                code="not_in_deluge",
                hint=f"Write {following.text} = value;",
            )

    # --- what only Creator has

    def _insert(self) -> tree.Statement | None:
        if self._peek().word != "into":
            return self._simple()
        query = self._insert_into()
        self._accept(";")
        return tree.CreatorStatement(query.line, query.column, query.construct)

    def _delete(self) -> tree.Statement | None:
        return self._creator("delete from", "from", "Delete the record with invokeurl and a connection.")

    def _cancel(self) -> tree.Statement | None:
        return self._creator("cancel submit", "submit", "Raise an error with throw.")

    def _alert(self) -> tree.Statement | None:
        return self._creator("alert", "", "Print with info, or return the text.")

    def _field_statement(self) -> tree.Statement | None:
        return self._creator(self._token.word, "", "There is no form whose fields could change.")

    def _creator(self, construct: str, second: str, hint: str) -> tree.Statement | None:
        """Pass a statement that only Creator has, and say so."""
        first, following = self._token, self._peek()
        if (second and following.word != second) or (following.kind in ("(", "[", ";") and construct != "alert"):
            return self._simple()
        self._problems.error(
            f"`{construct}` belongs to Creator's forms, and there are no forms here.",
            code="creator_only",
            at=first.at,
            hint=hint,
            length=len(first.text),
        )
        self._next()
        while self._token.kind not in (";", "}", END):
            if self._token.kind in ("(", "[", "{"):
                self._skip_brackets()
                if construct == "delete from":
                    break
            else:
                self._next()
        self._accept(";")
        return tree.CreatorStatement(first.line, first.column, construct)
