"""Source text -> tokens. Comments and white space are dropped; what is no token is reported and passed over."""

from __future__ import annotations

import re
from typing import NamedTuple

from isthmus.functions.deluge.problems import Problems

MAX_SOURCE = 500_000
MAX_TOKENS = 150_000

NAME, NUMBER, TEXT, QUOTED, STRAY, END = "name", "number", "text", "quoted", "stray", "end"


class Token(NamedTuple):
    """`kind` is NAME, NUMBER, TEXT (double quotes), QUOTED (single quotes), STRAY, END, or the operator itself.

    `text` is as written, quotes included; `word` is a name in lower case, otherwise empty.
    """

    kind: str
    text: str
    word: str
    line: int
    column: int

    @property
    def at(self) -> tuple[int, int]:
        return self.line, self.column


_TOKEN = re.compile(
    r"""
      (?P<blank> [\s\ufeff]+ | //[^\n]* )
    | (?P<name> [^\W\d]\w* )
    | (?P<number> [0-9]+(?:\.[0-9]+)? )
    | (?P<text> "[^"\\]*(?:\\.[^"\\]*)*" )
    | (?P<quoted> '[^']*' )
    | (?P<remark> /\*.*?\*/ )
    | (?P<unclosed> /\* )
    | (?P<operator> [=!<>+*/%-]= | && | \|\| | [-+*/%=<>!(){}\[\];:,.] )
    """,
    re.VERBOSE | re.DOTALL,
)


class TooLarge(Exception):
    """The source passes a limit; it has been reported."""


def tokenize(source: str, problems: Problems) -> list[Token]:
    """The tokens, with END last. Raises TooLarge, once reported, for a source that passes a limit."""
    if len(source) > MAX_SOURCE:
        problems.error(
            f"The script has {len(source):,} characters; the limit is {MAX_SOURCE:,}.",
            code="limit_source",
            at=(1, 1),
            hint="Split it into functions that call each other.",
        )
        raise TooLarge
    return _Lexer(source, problems).run()


class _Lexer:
    def __init__(self, source: str, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._line = 1
        self._line_start = 0

    def run(self) -> list[Token]:
        source, match = self._source, _TOKEN.match
        tokens: list[Token] = []
        add = tokens.append
        at, end = 0, len(source)
        while at < end:
            found = match(source, at)
            if found is None or found.lastgroup == "unclosed":
                # It has been reported; the parser stumbles over the token, and is not heard again at its place.
                add(Token(STRAY, source[at], "", self._line, at - self._line_start + 1))
                at = self._refuse(at)
                continue
            kind, text = found.lastgroup, found.group()
            line, column = self._line, at - self._line_start + 1
            if kind == "name":
                add(Token(NAME, text, text.lower(), line, column))
            elif kind == "operator":
                add(Token(text, text, "", line, column))
            elif kind == "number":
                add(Token(NUMBER, text, "", line, column))
            else:
                if kind in (TEXT, QUOTED):
                    add(Token(str(kind), text, "", line, column))
                self._count_lines(text, at)
            at = found.end()
            if len(tokens) > MAX_TOKENS:
                self._too_many(line, column)
        last = source.rstrip()
        line = last.count("\n") + 1
        add(Token(END, "", "", line, len(last) - (last.rfind("\n") + 1) + 1))
        return tokens

    def _count_lines(self, text: str, at: int) -> None:
        count = text.count("\n")
        if count:
            self._line += count
            self._line_start = at + text.rfind("\n") + 1

    def _too_many(self, line: int, column: int) -> None:
        self._problems.error(
            f"The script has more than {MAX_TOKENS:,} words and signs, which is the limit.",
            code="limit_tokens",
            at=(line, column),
            hint="Split it into functions that call each other.",
        )
        raise TooLarge

    def _refuse(self, at: int) -> int:
        """Report what is no token; where to go on."""
        character = self._source[at]
        place = (self._line, at - self._line_start + 1)
        if character == "/":
            self._problems.error(
                "The comment is not closed.", code="unclosed_comment", at=place, hint="Put */ at its end."
            )
            return len(self._source)
        if character in "\"'":
            self._problems.error(
                "The text is not closed.",
                code="unclosed_text",
                at=place,
                hint=f'Put {character} at its end; within it write \\" for a quote.',
            )
            newline = self._source.find("\n", at)
            return newline if newline >= 0 else len(self._source)
        hint = "Remove it, or put it into a text."
        if character in _SUGGESTIONS:
            hint = _SUGGESTIONS[character]
        shown = character if character.isprintable() else ascii(character).strip("'")
        self._problems.error(f"The character {shown} has no meaning here.", code="stray_character", at=place, hint=hint)
        return at + 1


_SUGGESTIONS = {
    "&": "Write && for and.",
    "|": "Write || for or.",
    "“": 'Use straight quotes: ".',
    "”": 'Use straight quotes: ".',
    "‘": "Use straight quotes: '.",
    "’": "Use straight quotes: '.",
    "?": "There is no ?: here; write if(condition, a, b).",
    "#": "A comment begins with //.",
    "`": 'Texts stand in double quotes: ".',
}
