"""What the compiled code needs besides operators and built-ins: loops, errors, arguments, the end."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from isthmus.functions.deluge.prelude.collection import contents
from isthmus.functions.deluge.prelude.conversions import f_todecimal, f_tolong
from isthmus.functions.deluge.prelude.dates import f_now, f_today
from isthmus.functions.deluge.prelude.files import csv_rows
from isthmus.functions.deluge.prelude.host import ask, output_limit
from isthmus.functions.deluge.prelude.moments import converted
from isthmus.functions.deluge.prelude.outgoing import incoming, outgoing
from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.reading import json_value
from isthmus.functions.deluge.prelude.values import Caught, Collection, File, Holder, kind

MAX_LINE = 60_000
printed = [0]


def overrun(line: int, column: int) -> None:
    """The statement limit."""
    passed("limit_statements", line, column)


def passed(limit: str, line: int, column: int) -> None:
    """End the run at a limit: nothing in the script catches it. On its way through a `catch` it loses its place, so it
    takes it along."""
    raise SystemExit(limit + ":" + str(line) + ":" + str(column))


def each(value: Any) -> Any:
    """What `for each` goes through: a copy, so that the body may change the list."""
    known = type(value)
    if known is list:
        return value[:]
    if known is str:
        return value.split(",") if value else []
    if known is File:
        return csv_rows(value)
    if value is None:
        raise ValueError("for each cannot go through null.")
    if known in (dict, Holder, Collection):
        items = contents(value, "for each")
        return items[:] if type(items) is list else list(items.values())
    raise ValueError("for each goes through a LIST, not " + kind(value) + ".")


def each_index(value: Any) -> Any:
    """What `for each index` goes through."""
    return range(len(each(value)))


def info(value: Any, line: int, column: int) -> None:
    """`info`: one line of the run's output."""
    written = text(value).replace("\x1e", " ")[:MAX_LINE]
    printed[0] += len(written) + 1
    if printed[0] > output_limit:
        passed("limit_output", line, column)
    print(written, end="\x1e")


def throw(value: Any) -> None:
    """`throw`."""
    raise Exception(text(value.message if type(value) is Caught else value))


def caught(problem: Any, line: int) -> Caught:
    """What `catch (e)` gets of an error."""
    message = str(problem)
    known = type(problem)
    if known is UnboundLocalError or known is NameError:
        name = message.split("'")[1] if "'" in message else message
        message = "Variable '" + (name[2:] if name[:2] == "v_" else name) + "' is not defined."
    elif known is ZeroDivisionError:
        message = "Division by zero."
    elif known is TypeError or known is AttributeError:
        message = "The operation cannot be applied to these values (" + message + ")."
    elif known is RecursionError:
        message = "The value is nested too deep."
    return Caught(message, line)


def ifnull(value: Any, other: Any) -> Any:
    """`ifnull(a, b)`."""
    return other if value is None else value


def system_value(name: str) -> Any:
    """A `zoho.` variable."""
    if name == "currentdate":
        return f_today()
    if name == "currenttime":
        return f_now()
    if name in ("ipaddress", "device.type"):
        return None
    return ask("who", name)


def argument(arguments: Any, name: str, wanted: str, default: Any) -> Any:
    """An argument of the function, in its declared type."""
    value = incoming(arguments.get(name, default))
    if value is None:
        return None
    try:
        return declared(value, wanted)
    except ValueError as problem:
        raise ValueError("The argument " + name + " is no " + wanted + ": " + str(problem))


def declared(value: Any, wanted: str) -> Any:
    """A value in the type that a header names."""
    if wanted == "string":
        return text(value)
    if wanted in ("int", "long", "bigint"):
        return f_tolong(value)
    if wanted in ("float", "decimal"):
        return f_todecimal(value)
    if wanted == "bool":
        return true_or_false(value)
    if wanted == "date":
        return value if type(value) in (date, datetime) else moment_or_date(value)
    if wanted == "time":
        return value if type(value) is time else converted(value, None, "", "toTime")
    if wanted in ("list", "map", "collection"):
        return contained(value, wanted)
    return value


def moment_or_date(value: Any) -> Any:
    """A date where the value has no time of day, else a date-time."""
    found = converted(value, None, "", "toDateTime")
    if type(value) is str and ":" not in value:
        return found.date()
    return found


def true_or_false(value: Any) -> bool:
    """A BOOLEAN, also from its word."""
    if type(value) is bool:
        return value
    if type(value) is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("it is " + kind(value) + ".")


def contained(value: Any, wanted: str) -> Any:
    """A list, map or collection, also from its JSON."""
    if type(value) is str:
        if wanted == "list" and value.lstrip()[:1] != "[":
            return value.split(",") if value else []
        value = json_value(value, "argument")
    if wanted == "collection" and type(value) in (list, dict):
        return Collection(value)
    if type(value) is not (list if wanted == "list" else dict):
        raise ValueError("it is " + kind(value) + ".")
    return value


def finish(value: Any, statements: int) -> Any:
    """What the sandbox takes out as the run's value."""
    return (outgoing(value), statements)
