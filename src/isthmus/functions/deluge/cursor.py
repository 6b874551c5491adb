"""A walk over the tokens: what comes next, what must come next, and how deep we are."""

from __future__ import annotations

from typing import NoReturn

from isthmus.functions.deluge.lexer import END, NAME, QUOTED, TEXT, Token
from isthmus.functions.deluge.problems import Problems
from isthmus.functions.deluge.tree import MAX_NESTING

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = {")", "]", "}"}


class Refused(Exception):
    """The statement cannot be read; it has been reported."""


class TooDeep(Exception):
    """The source passes the limit on nesting; it has been reported."""


class Cursor:
    """Reads tokens from first to last; `END` is never passed."""

    def __init__(self, tokens: list[Token], problems: Problems) -> None:
        self._tokens = tokens
        self._problems = problems
        self._at = 0
        self._token = tokens[0]
        self._depth = 0
        self._deepest = 0

    def _next(self) -> Token:
        """Pass a token; it is the answer."""
        token = self._token
        if token.kind != END:
            self._at += 1
            self._token = self._tokens[self._at]
        return token

    def _peek(self, distance: int = 1) -> Token:
        return self._tokens[min(self._at + distance, len(self._tokens) - 1)]

    def _back_to(self, at: int) -> None:
        self._at = at
        self._token = self._tokens[at]

    def _accept(self, kind: str) -> bool:
        """Pass a token of this kind, if it comes next."""
        if self._token.kind != kind:
            return False
        self._next()
        return True

    def _accept_word(self, word: str) -> bool:
        if self._token.word != word:
            return False
        self._next()
        return True

    def _expect(self, kind: str, where: str, hint: str = "") -> Token:
        """Pass a token of this kind, or refuse the statement."""
        if self._token.kind != kind:
            sign = "a name" if kind == NAME else f"`{kind}`"
            expected = f"Expected {sign} {where}, found {found(self._token)}."
            self._refuse(expected, code="syntax", hint=hint or f"Write {sign} here.")
        return self._next()

    def _expect_close(self, opening: Token, where: str) -> None:
        """Pass what closes a bracket, or refuse the statement, naming the bracket."""
        closing = _OPENING[opening.kind]
        if self._token.kind == closing:
            self._next()
            return
        place = "" if opening.line == self._token.line else f" (opened in line {opening.line})"
        self._refuse(
            f"Expected `{closing}` {where}{place}, found {found(self._token)}.",
            code="syntax",
            hint=self._close_hint(closing),
        )

    def _close_hint(self, closing: str) -> str:
        token = self._token
        hint = operator_hint(token)
        if hint:
            return hint
        if token.kind in (NAME, TEXT, QUOTED) and closing in ")]}":
            return f"A comma, an operator or the closing {closing} may be missing before it."
        return f"Close what was opened with {closing}."

    def _refuse(self, message: str, *, code: str, hint: str, token: Token | None = None) -> NoReturn:
        """Report what stands here and give the statement up."""
        token = token or self._token
        self._problems.error(message, code=code, at=token.at, hint=hint, length=width(token))
        raise Refused

    def _enter(self, token: Token) -> None:
        """One level deeper. Raises TooDeep, once reported, past the limit."""
        self._depth += 1
        if self._depth > self._deepest:
            self._deepest = self._depth
        if self._depth > MAX_NESTING:
            self._too_deep(token)

    def _too_deep(self, token: Token) -> NoReturn:
        self._problems.error(
            f"Nested more than {MAX_NESTING} deep, which is the limit.",
            code="limit_nesting",
            at=token.at,
            hint="Give an inner part a name of its own, or move it into another function.",
            length=width(token),
        )
        raise TooDeep

    def _leave(self) -> None:
        self._depth -= 1

    def _skip_brackets(self, until: str = "") -> None:
        """Pass a bracket, what it holds and what closes it; where nothing does, up to one of `until` or the end."""
        depth = 0
        while self._token.kind != END and self._token.kind not in until:
            kind = self._next().kind
            depth += (kind in _OPENING) - (kind in _CLOSING)
            if depth == 0:
                return


def operator_hint(token: Token) -> str:
    """What to write for an operator that other languages have; empty for another token."""
    if token.kind == "=":
        return "To compare write ==; = assigns."
    if token.word in ("and", "or"):
        return "Write && for and, || for or."
    if token.word == "is":
        return "Write == null, or != null."
    if token.word in ("contains", "startswith", "endswith"):
        return f"It is a function here: a.{token.text}(b)."
    return ""


def found(token: Token) -> str:
    """How a message names a token."""
    if token.kind == END:
        return "the end of the script"
    text = token.text if len(token.text) <= 30 else token.text[:29] + "…"
    return f"`{text}`" if "\n" not in text else "a text of several lines"


def width(token: Token) -> int:
    """The token's length on its first line."""
    return max(1, len(token.text.split("\n", 1)[0]))
