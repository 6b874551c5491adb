"""The page of docs/ on the Deluge language, from its table of built-ins and its parser's own words and limits."""

from __future__ import annotations

import re
from collections.abc import Iterable

from isthmus.functions.deluge.builtins import BUILTINS, SYSTEM_VALUES, TASKS, Builtin
from isthmus.functions.deluge.foreign import HEADER_TYPES
from isthmus.functions.deluge.header import RESERVED
from isthmus.functions.deluge.lexer import MAX_SOURCE, MAX_TOKENS
from isthmus.functions.deluge.literals import LARGEST_NUMBER, MAX_DIGITS
from isthmus.functions.deluge.problems import MAX_PROBLEMS
from isthmus.functions.deluge.tables import container, conversion, date, number, system, text
from isthmus.functions.deluge.tree import MAX_NESTING

GROUPS: dict[str, tuple[Builtin, ...]] = {
    "Text": text.ENTRIES,
    "Numbers": number.ENTRIES,
    "Conversions and questions": conversion.ENTRIES,
    "Dates and times": date.ENTRIES,
    "Lists": container.LISTS,
    "Maps": container.MAPS,
    "Collections": container.COLLECTIONS,
    "Files": container.FILES,
    "XML": container.OTHERS,
    "HTTP, digests, encodings": system.ENTRIES,
}

SYNTAX = """\
| form | |
| --- | --- |
| `// to the end of the line` `/* ... */` | comments |
| `"text"` | with `\\"` `\\\\` `\\n` `\\t` `\\r` `\\/` `\\uXXXX`; any other escape keeps its backslash |
| `'01-Jan-2026 10:00:00'` | a date, date-time or time if it reads as one, else a text without escapes |
| `5` `2.50` `true` `false` `null` | whole number, decimal, boolean, nothing |
| `{1, 2}` or `[1, 2]` `{"key" : value}` `{}` | list; map; empty list or map, as it is used |
| `Map()` `List()` `List:String()` `Collection("key" : value)` | constructors |
| `if(condition, a, b)` | one of two values |
| `x.f(a)` or `f(x, a)` | the two spellings of each built-in function |
| `record.Field` `list[0]` | a field, an element; both can be assigned |
| `* / %`, `+ -`, `== != > >= < <= in` `not in`, `!`, `&&`, <code>&#124;&#124;</code> | operators, those that bind tightest first |
| `name = value;` `+=` `-=` `*=` `/=` `%=` | assignment |
| `if(a) { } else if(b) { } else { }` | |
| `for each x in list { }` `for each index i in list { }` | over a list, a collection, a text with commas or a CSV file; `break;` and `continue;` |
| `try { } catch (e) { }` `throw "why";` | `e.message`, `e.lineNo` |
| `info value;` `return value;` | print; end the function |
| `response = invokeurl [ key : value ... ];` | a task; only white space between its keys |
| `string standalone.hello(string name) { ... }` | the header of a function |
| `standalone.hello("Ann")` | a call of another function |
"""


def deluge_page() -> str:
    """The page, without the generator's note."""
    groups = "\n".join(f"## {name}\n\n{_builtins(entries)}" for name, entries in GROUPS.items())
    return f"""# Deluge

The language of custom functions, as people who come from Zoho write it. Keywords and names of built-in functions may be
written in any case; variables, keys of maps and names of functions of your own are told apart by case. `isthmus deluge
check FILE` says what is wrong with a script before anything runs; its codes are among the [error codes](errors.md).
[Editors](editors.md) show it while a script is written, complete names and tell what a built-in does.

{SYNTAX}
Types in a header are {_words(HEADER_TYPES)}. These words name no variable: {_words(RESERVED)}.

Not in the language: `while` and loops from one number to another; use `for each`. Statements on forms, which Zoho
Creator has (`insert into`, `Form[criteria]`, `delete from`, `alert`, `show`, `hide`, `cancel submit`, `openUrl`,
`input.Field`), and the tasks of other Zoho services (`zoho.crm.getRecordById`) are recognised and refused: there are no
forms here, and every service is called through a connection.

## Limits

| limit | value |
| --- | --- |
| characters of a script | {MAX_SOURCE:,} |
| words and signs of a script | {MAX_TOKENS:,} |
| nesting of blocks and brackets, and calls in a chain | {MAX_NESTING} |
| the largest whole number | {LARGEST_NUMBER} |
| digits of a decimal | {MAX_DIGITS} |
| errors told at once | {MAX_PROBLEMS} |

## Tasks

{_tasks()}
## System variables

| name | type | |
| --- | --- | --- |
{_system_values()}
## Built-in functions

A signature names the types of the value before the dot, what the function takes (`?` may be left out), and what it
gives. The comment in an example is what `info` prints. {len(BUILTINS)} in all.

{groups}"""


def _tasks() -> str:
    parts = []
    for task in TASKS.values():
        rows = [
            f"| `{key.name}` | {' or '.join(key.types)} | {'needed' if key.required else ''} | {_cell(key.summary)} |"
            for key in task.keys
        ]
        table = "\n".join(["| key | type | | |", "| --- | --- | --- | --- |", *rows])
        parts.append(f"### {task.name}\n\n{task.summary}\n\n```\n{task.example}\n```\n\n{table}\n")
    return "\n".join(parts)


def _system_values() -> str:
    return "".join(f"| `{v.name}` | {v.type} | {_cell(v.summary)} |\n" for v in SYSTEM_VALUES.values())


def _builtins(entries: Iterable[Builtin]) -> str:
    rows = []
    for entry in entries:
        aliases = f" Also `{'`, `'.join(entry.aliases)}`." if entry.aliases else ""
        gives = f" // {entry.gives}" if entry.gives is not None else ""
        rows.append(
            f"| `{_cell(entry.signature())}` | {_cell(entry.summary + aliases)} | `{_cell(entry.example + gives)}` |"
        )
    return "\n".join(["| function | what it gives | example |", "| --- | --- | --- |", *rows, ""])


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _cell(written: str) -> str:
    return re.sub(r"\s+", " ", written).strip().replace("|", "\\|")
