"""A TextMate grammar for editors and highlighters, made from the table of built-ins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from isthmus.functions.deluge.builtins import FUNCTIONS, SYSTEM_VALUES, TASKS
from isthmus.functions.deluge.foreign import HEADER_TYPES
from isthmus.functions.deluge.named import NAMESPACES
from isthmus.functions.deluge.tables.system import METHODS

_CONTROL = (r"if", r"else", r"for\s+each(?:\s+index(?=\s+(?!in\b)))?", r"in", r"not\s+in", "break", "continue", "return",
            "try", "catch", "throw")  # fmt: skip
_CREATOR = (r"insert\s+into", r"delete\s+from", "alert", r"cancel\s+submit")


def textmate_grammar() -> dict[str, Any]:
    """The grammar as the JSON object that editors read. Words are matched whatever the case of their letters."""
    patterns = ("comments", "texts", "numbers", "header", "task", "words", "system", "calls", "operators")
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Deluge",
        "scopeName": "source.deluge",
        "fileTypes": ["dg", "deluge"],
        "patterns": [{"include": f"#{name}"} for name in patterns],
        "repository": _repository(),
    }


def _repository() -> dict[str, Any]:
    methods = [name for name in FUNCTIONS if "." not in name]
    encryption = [name.rpartition(".")[2] for name in FUNCTIONS if name.startswith("zoho.encryption.")]
    values = [name.removeprefix("zoho.") for name in SYSTEM_VALUES]
    keys = [key.name for task in TASKS.values() for key in task.keys]
    types = "|".join(sorted(HEADER_TYPES))
    return {
        "comments": _group(
            {"name": "comment.line.double-slash.deluge", "match": r"//.*$"},
            {"name": "comment.block.deluge", "begin": r"/\*", "end": r"\*/"},
        ),
        "texts": _group(
            {
                "name": "string.quoted.double.deluge",
                "begin": '"',
                "end": '"',
                "patterns": [{"name": "constant.character.escape.deluge", "match": r"\\(?:u[0-9A-Fa-f]{4}|.)"}],
            },
            {"name": "string.quoted.single.deluge", "begin": "'", "end": "'"},
        ),
        "numbers": _group({"name": "constant.numeric.deluge", "match": r"\b[0-9]+(?:\.[0-9]+)?\b"}),
        "header": _group(
            {
                "match": rf"(?i)^\s*({types})\s+([\w.]+)\s*(?=\([^;]*\)\s*(?:$|\{{))",
                "captures": {"1": {"name": "storage.type.deluge"}, "2": {"name": "entity.name.function.deluge"}},
            },
            {
                "match": rf"(?i)(?<=[(,])\s*({types})\s+(\w+)\s*(?=[,)])",
                "captures": {"1": {"name": "storage.type.deluge"}, "2": {"name": "variable.parameter.deluge"}},
            },
        ),
        "task": _group(
            {
                "match": rf"(?i)\b({_any(TASKS)})\b(?=\s*(?:\[|$))",
                "name": "keyword.other.task.deluge",
            },
            {
                "match": rf"(?i)^\s*({_any(keys)})\s*(:)",
                "captures": {
                    "1": {"name": "variable.other.member.deluge"},
                    "2": {"name": "punctuation.separator.deluge"},
                },
            },
            {
                "match": rf"(?i)(?<=:)\s*({_any(METHODS)})\b",
                "captures": {"1": {"name": "constant.language.deluge"}},
            },
        ),
        "words": _group(
            {"name": "keyword.control.deluge", "match": rf"(?i)\b(?:{'|'.join(_CONTROL)})\b(?!\s*[=.:])"},
            {"name": "keyword.other.deluge", "match": r"(?i)\binfo\b(?!\s*[=.:])"},
            {"name": "invalid.deprecated.deluge", "match": rf"(?i)\b(?:{'|'.join(_CREATOR)})\b(?!\s*[=.:])"},
            {"name": "constant.language.deluge", "match": r"(?i)\b(?:true|false|null)\b"},
        ),
        "system": _group(
            {"name": "support.variable.deluge", "match": rf"(?i)\bzoho\.(?:{_any(values)})\b"},
            {"name": "support.function.deluge", "match": rf"(?i)\bzoho\.encryption\.(?:{_any(encryption)})\b"},
        ),
        "calls": _group(
            {
                "match": rf"(?i)\b({_any(NAMESPACES)})\.(\w+)\s*(?=\()",
                "captures": {"1": {"name": "support.class.deluge"}, "2": {"name": "entity.name.function.deluge"}},
            },
            {"name": "support.function.deluge", "match": rf"(?i)\b(?:{_any(methods)})\b(?=\s*\()"},
        ),
        "operators": _group(
            {"name": "keyword.operator.deluge", "match": r"&&|\|\||[=!<>+*/%-]=?"},
        ),
    }


def _group(*patterns: dict[str, Any]) -> dict[str, Any]:
    return {"patterns": list(patterns)}


def _any(words: Iterable[str]) -> str:
    """One of the words, longer ones first."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(set(words), key=lambda w: (-len(w), w)))
