"""Random Deluge: scripts that are right by construction, and texts that are nearly scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from isthmus.functions.deluge.builtins import BUILTINS, SYSTEM_VALUES, TASKS, Builtin
from isthmus.functions.deluge.lexer import tokenize
from isthmus.functions.deluge.problems import Problems, TooManyProblems

HERE = Path(__file__).parent
CORPUS: tuple[str, ...] = (
    *(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("scripts/*.dg"))),
    *(path.read_text(encoding="utf-8").partition("//! ")[0] for path in sorted(HERE.glob("mistakes/*.dg"))),
    *(json.loads(line)["script"] for line in (HERE / "cases.jsonl").read_text(encoding="utf-8").splitlines()),
)
"""Whole scripts, right ones and wrong ones, that mutations begin with."""
FRAGMENTS = (
    *"{}[]();:,.=+-*/%!<>\"'\\@#&|?_",
    *(
        "==",
        "!=",
        ">=",
        "<=",
        "&&",
        "||",
        "+=",
        "/*",
        "*/",
        "//",
        "\n",
        "\t",
        "\r",
        "\x00",
        "\ufeff",
        "\u2028",
        "é",
        "😀",
    ),
    *(
        "if",
        "else",
        "for",
        "each",
        "index",
        "in",
        "not",
        "try",
        "catch",
        "throw",
        "return",
        "info",
        "break",
        "continue",
    ),
    *("true", "false", "null", "Map()", "List()", "List:String()", "zoho", "zoho.currentdate", "zoho.encryption."),
    *("invokeurl", "sendmail", "invokeurl[", "url :", "connection :", "type : GET", "attachments :", "reply to :"),
    *("insert into", "delete from", "alert", "cancel submit", "show", "input.", "old.", "while(", "standalone.f("),
    *(
        "void",
        "string",
        "int x",
        "void a.b(string c) {",
        "x = ",
        "x",
        "y",
        "0",
        "1.5",
        "9" * 30,
        '"a"',
        "'01-Jan-2026'",
    ),
    *('"\\u00e9"', '"\\ud800"', "'\\'", "if(a,b,c)", "[a == b]", " sort by ", " range from "),
)
"""Pieces that the parser takes for something."""


class ScriptWriter:
    """Writes one script that has no mistake, from the table of built-ins. Warnings it may earn."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names: list[str] = []
        self._loops = 0
        self._budget = random.randint(3, 60)

    def script(self) -> str:
        body = self._block(0)
        if self._random.random() < 0.3:
            return f"{self._word('void')} standalone.written(string given, int count)\n{{\n{body}\n}}\n"
        return body

    # --- statements

    def _block(self, depth: int) -> str:
        written = []
        for _ in range(self._random.randint(1, 4)):
            self._budget -= 1
            kinds = self._simple if depth > 3 or self._budget < 0 else (*self._simple, *self._compound)
            written.append(self._random.choice(kinds)(depth))
        return self._gap().join(written)

    @property
    def _simple(self) -> tuple[Callable[[int], str], ...]:
        return (self._assign, self._assign, self._change, self._info, self._call, self._end, self._task)

    @property
    def _compound(self) -> tuple[Callable[[int], str], ...]:
        return (self._if, self._for_each, self._try)

    def _assign(self, depth: int) -> str:
        value = self._expression(depth)
        return f"{self._new_name()} ={self._gap()}{value};"

    def _change(self, depth: int) -> str:
        if not self._names:
            return self._assign(depth)
        name = self._random.choice(self._names)
        target = self._random.choice((name, f"{name}.Field", f"{name}[({self._expression(3)})]"))
        return f"{target} {self._random.choice('+-*/%')}= {self._expression(depth)};"

    def _info(self, depth: int) -> str:
        return f"{self._word('info')} {self._expression(depth)};"

    def _call(self, depth: int) -> str:
        return f"{self._method(depth)};"

    def _end(self, depth: int) -> str:
        if self._loops and self._random.random() < 0.5:
            return self._random.choice((f"{self._word('break')};", f"{self._word('continue')};"))
        if self._random.random() < 0.3:
            return f"{self._word('throw')} {self._expression(depth)};"
        return f"{self._word('return')} {self._expression(depth)};"

    def _task(self, depth: int) -> str:
        name = self._random.choice(list(TASKS))
        lines = []
        for key in TASKS[name].keys:
            if not (key.required or self._random.random() < 0.3):
                continue
            value = self._random.choice(key.constants) if key.constants else self._of_type(key.types, depth)
            lines.append(f"\t{self._word(key.name)} : {value}")
        self._random.shuffle(lines)
        block = "\n".join([self._word(name), "[", *lines, "]"])
        return f"{self._new_name()} = {block};" if self._random.random() < 0.7 else block

    def _of_type(self, types: tuple[str, ...], depth: int) -> str:
        if "text" in types:
            return '"https://a.example/" + ' + self._expression(depth + 2)
        return f"({self._method(depth + 2)})"

    def _if(self, depth: int) -> str:
        parts = [f"{self._word('if')} ({self._condition(depth)}){self._gap()}{{ {self._block(depth + 1)} }}"]
        for _ in range(self._random.randint(0, 2)):
            parts.append(f"else if({self._condition(depth)}) {{ {self._block(depth + 1)} }}")
        if self._random.random() < 0.5:
            parts.append(f"{self._word('else')} {{ {self._block(depth + 1)} }}")
        return self._gap().join(parts)

    def _for_each(self, depth: int) -> str:
        over = self._random.choice((self._list(depth), '"a,b,c"', f"({self._list(depth)}).distinct()"))
        index = self._random.choice(("", " index"))
        name = self._new_name()
        self._loops += 1
        body = self._block(depth + 1)
        self._loops -= 1
        return f"{self._word('for')} {self._word('each')}{index} {name} in {over}{self._gap()}{{ {body} }}"

    def _try(self, depth: int) -> str:
        body = self._block(depth + 1)
        name = self._new_name()
        return f"{self._word('try')} {{ {body} }} {self._word('catch')} ({name}) {{ {self._block(depth + 1)} }}"

    # --- expressions

    def _expression(self, depth: int) -> str:
        if depth > 4 or self._random.random() < 0.4:
            return self._leaf()
        kinds = (self._sum, self._method, self._function, self._list, self._map, self._choice, self._sign, self._part)
        return self._random.choice(kinds)(depth + 1)

    def _leaf(self) -> str:
        literals = (
            '"text"',
            '"\\"q\\" \\u00e9 \\d"',
            "'01-Jan-2026'",
            "'a\\b'",
            "7",
            "0",
            "2.50",
            "true",
            "null",
            "{}",
        )
        if self._names and self._random.random() < 0.5:
            return self._random.choice(self._names)
        if self._random.random() < 0.1:
            return self._random.choice(list(SYSTEM_VALUES))
        return self._random.choice((*literals, "Map()", "List()", "List:Long()", "Collection()"))

    def _condition(self, depth: int) -> str:
        compared = f"{self._leaf()} {self._random.choice(('==', '!=', '<', '>=', 'in', 'not in'))} {self._leaf()}"
        return self._random.choice(
            (compared, f"!({compared})", f"{compared} && {self._leaf()}", f"true || ({compared})")
        )

    def _sum(self, depth: int) -> str:
        parts = [self._expression(depth) for _ in range(self._random.randint(2, 4))]
        return "(" + f" {self._random.choice('+-*/%')} ".join(parts) + ")"

    def _sign(self, depth: int) -> str:
        return f"{self._random.choice('-+!')}({self._expression(depth)})"

    def _part(self, depth: int) -> str:
        base = f"({self._expression(depth)})"
        return self._random.choice((f"{base}.Field_1", f"{base}[({self._expression(depth)})]"))

    def _choice(self, depth: int) -> str:
        return f"{self._word('if')}({self._condition(depth)}, {self._expression(depth)}, {self._expression(depth)})"

    def _list(self, depth: int) -> str:
        opening, closing = self._random.choice(("{}", "[]"))
        return opening + ", ".join(self._expression(depth + 1) for _ in range(self._random.randint(1, 3))) + closing

    def _map(self, depth: int) -> str:
        entries = [f'"k{n}" : {self._expression(depth)}' for n in range(self._random.randint(1, 3))]
        return "{" + ", ".join(entries) + "}"

    def _method(self, depth: int) -> str:
        entry = self._random.choice([entry for entry in BUILTINS if entry.receivers])
        return f"({self._expression(depth + 1)}).{self._name_of(entry)}({', '.join(self._arguments(entry, depth))})"

    def _function(self, depth: int) -> str:
        entry = self._random.choice(BUILTINS)
        receiver = [self._expression(depth + 1)] if entry.receivers else []
        return f"{self._name_of(entry)}({', '.join([*receiver, *self._arguments(entry, depth)])})"

    def _arguments(self, entry: Builtin, depth: int) -> list[str]:
        most = entry.fewest + 3 if entry.most is None else entry.most
        return [self._expression(depth + 1) for _ in range(self._random.randint(entry.fewest, most))]

    def _name_of(self, entry: Builtin) -> str:
        return self._word(self._random.choice(entry.names))

    # --- words

    def _new_name(self) -> str:
        name = self._random.choice(("x", "total", "Ergebnis", "größe", "_a1", "index", "each", "file", "type"))
        name += self._random.choice(("_", "_2", "_B"))
        self._names.append(name)
        return name

    def _word(self, word: str) -> str:
        """A word of the language, in some case."""
        return self._random.choice((word, word, word, word.upper(), word.capitalize()))

    def _gap(self) -> str:
        return self._random.choice((" ", "\n", "\r\n", "\n\n\t", " // note\n", " /* a\nb */ ", "\u00a0"))


def write_script(random: Random) -> str:
    """A script without a mistake."""
    return ScriptWriter(random).script()


def write_nonsense(random: Random) -> str:
    """Pieces of the language in no order."""
    return random.choice(("", " ")).join(random.choice(FRAGMENTS) for _ in range(random.randint(1, 80)))


def mutate(random: Random, source: str) -> str:
    """The source with some changes: words lost, doubled, exchanged, put in; parts of another script; deep repetition."""
    words = _words(source)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        words = random.choice(_CHANGES)(random, words)
    return "".join(words)


def _words(source: str) -> list[str]:
    """The source in pieces, each a token with the white space before it."""
    try:
        tokens = tokenize(source, Problems(source))
    except TooManyProblems:
        return list(source)
    starts, at = [0], 0
    for token in tokens[:-1]:
        at = source.find(token.text, at)
        starts.append(at)
        at += len(token.text)
    return [source[start:end] for start, end in zip(starts, [*starts[1:], len(source)], strict=True)]


def _lose(random: Random, words: list[str]) -> list[str]:
    start = random.randrange(len(words) + 1)
    return words[:start] + words[start + random.choice((1, 1, 2, 10)) :]


def _double(random: Random, words: list[str]) -> list[str]:
    start = random.randrange(len(words) + 1)
    end = start + random.choice((1, 2, 5, 30))
    return words[:end] + words[start:end] * random.choice((1, 1, 3, 120)) + words[end:]


def _exchange(random: Random, words: list[str]) -> list[str]:
    if len(words) < 2:
        return words
    one, other = random.randrange(len(words)), random.randrange(len(words))
    words = list(words)
    words[one], words[other] = words[other], words[one]
    return words


def _insert(random: Random, words: list[str]) -> list[str]:
    at = random.randrange(len(words) + 1)
    return [*words[:at], random.choice(FRAGMENTS), *words[at:]]


def _replace(random: Random, words: list[str]) -> list[str]:
    at = random.randrange(len(words) + 1)
    return [*words[:at], random.choice(FRAGMENTS), *words[at + 1 :]]


def _splice(random: Random, words: list[str]) -> list[str]:
    other = _words(random.choice(CORPUS))
    start = random.randrange(len(other) + 1)
    at = random.randrange(len(words) + 1)
    return words[:at] + other[start : start + random.choice((3, 20, 200))] + words[at:]


def _cut(random: Random, words: list[str]) -> list[str]:
    text = "".join(words)
    return [text[: random.randrange(len(text) + 1)]]


def _character(random: Random, words: list[str]) -> list[str]:
    text = "".join(words)
    at = random.randrange(len(text) + 1)
    return [text[:at], random.choice(("", chr(random.randrange(0x300)), random.choice(FRAGMENTS))), text[at + 1 :]]


_CHANGES = (_lose, _lose, _double, _exchange, _insert, _insert, _replace, _replace, _splice, _cut, _character)
