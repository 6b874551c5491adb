"""Operators, for operands of any type. The compiled code uses Python's own where it knows the types."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.values import (
    LARGEST,
    SMALLEST,
    Collection,
    Holder,
    bounded,
    kind,
    numeric,
    plain,
    sized,
)


def plus(left: Any, right: Any) -> Any:
    """`+`: a sum of numbers, else the printed forms one after the other where one is TEXT."""
    a = type(left)
    b = type(right)
    if a is int and b is int:
        total = left + right
        return bounded(total) if total > LARGEST or total < SMALLEST else total
    if a is str:
        return sized(left + (right if b is str else text(right)))
    if b is str:
        return sized(text(left) + right)
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        return bounded(left + right)
    return misused("+", left, right)


def minus(left: Any, right: Any) -> Any:
    """`-`: a difference of numbers; of two dates in milliseconds."""
    a = type(left)
    b = type(right)
    if a is int and b is int:
        rest = left - right
        return bounded(rest) if rest > LARGEST or rest < SMALLEST else rest
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        return bounded(left - right)
    if (a is date or a is datetime) and (b is date or b is datetime):
        return (moment_of(left) - moment_of(right)) // timedelta(milliseconds=1)
    return misused("-", left, right)


def times(left: Any, right: Any) -> Any:
    """`*`."""
    a = type(left)
    b = type(right)
    if a is int and b is int:
        product = left * right
        return bounded(product) if product > LARGEST or product < SMALLEST else product
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        return bounded(exactly(left, right, "*"))
    return misused("*", left, right)


def divide(left: Any, right: Any) -> Any:
    """`/`: a NUMBER where two NUMBERs divide without rest, a DECIMAL otherwise."""
    a = type(left)
    b = type(right)
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        if right == 0:
            raise ValueError("Division by zero.")
        if a is int and b is int and left % right == 0:
            return bounded(left // right)
        return bounded(exactly(Decimal(left), Decimal(right), "/"))
    return misused("/", left, right)


def modulo(left: Any, right: Any) -> Any:
    """`%`: the remainder, with the sign of the dividend."""
    a = type(left)
    b = type(right)
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        if right == 0:
            raise ValueError("Division by zero.")
        if a is int and b is int:
            rest = abs(left) % abs(right)
            return -rest if left < 0 else rest
        return exactly(Decimal(left), Decimal(right), "%")
    return misused("%", left, right)


def exactly(left: Any, right: Any, operator: str) -> Any:
    """An operation on numbers whose failure is told in words."""
    try:
        if operator == "*":
            return left * right
        if operator == "/":
            return left / right
        return left % right
    except (InvalidOperation, Overflow, DivisionByZero):
        raise ValueError("The result of " + operator + " is outside the limit of what a number can be.")


def misused(operator: str, left: Any, right: Any) -> Any:
    """Raise what an operator says about operands that it does not work on."""
    hint = ""
    if type(left) in (date, datetime):
        hint = " Use addDay, addHour and their kin."
    raise ValueError(
        "Operator " + operator + " cannot be applied to " + kind(left) + " and " + kind(right) + "." + hint
    )


def negative(value: Any) -> Any:
    """`-x`."""
    if type(value) is int or type(value) is Decimal:
        return bounded(-value)
    raise ValueError("Operator - cannot be applied to " + kind(value) + ".")


def positive(value: Any) -> Any:
    """`+x`."""
    if type(value) is int or type(value) is Decimal:
        return value
    raise ValueError("Operator + cannot be applied to " + kind(value) + ".")


def truth(value: Any) -> bool:
    """A condition: BOOLEAN, the texts true and false, null as false."""
    if value is True or value is False:
        return bool(value)
    if value is None:
        return False
    if type(value) is str and value.lower() in ("true", "false"):
        return bool(value.lower() == "true")
    raise ValueError("A condition must be true or false, not " + kind(value) + ".")


def equal(left: Any, right: Any) -> bool:
    """`==`: numbers and texts that write numbers by what they are worth; null equals null alone."""
    a = type(left)
    b = type(right)
    if a is b:
        if a is Holder or a is Collection:
            return bool(plain(left.items) == plain(right.items))
        return bool(left == right)
    if left is None or right is None:
        return False
    if a is Holder or b is Holder:
        return same(left, right)
    if a is str and (b is int or b is Decimal):
        return numeric(left) == right
    if b is str and (a is int or a is Decimal):
        return numeric(right) == left
    if (a is int or a is Decimal) and (b is int or b is Decimal):
        return bool(left == right)
    if (a is date or a is datetime) and (b is date or b is datetime):
        return moment_of(left) == moment_of(right)
    return False


def same(left: Any, right: Any) -> bool:
    """Equality of lists and maps where one of them is still `{}` or a typed list."""
    mine = plain(left)
    other = plain(right)
    if type(mine) in (list, dict) and type(other) in (list, dict) and not mine and not other:
        return True
    return type(mine) is type(other) and bool(mine == other)


def order(left: Any, right: Any, operator: str) -> int:
    """-1, 0 or 1 as left comes before, with or after right; both must be numbers, texts or dates."""
    a = type(left)
    b = type(right)
    if a is str and (b is int or b is Decimal) and numeric(left) is not None:
        left = numeric(left)
        a = type(left)
    if b is str and (a is int or a is Decimal) and numeric(right) is not None:
        right = numeric(right)
        b = type(right)
    if ((a is int or a is Decimal) and (b is int or b is Decimal)) or (a is str and b is str):
        pass
    elif (a is date or a is datetime) and (b is date or b is datetime):
        left = moment_of(left)
        right = moment_of(right)
    elif a is not b or a in (list, dict, bool) or left is None:
        misused(operator, left, right)
    if left == right:
        return 0
    return -1 if left < right else 1


def less(left: Any, right: Any) -> bool:
    """`<`."""
    return order(left, right, "<") < 0


def less_equal(left: Any, right: Any) -> bool:
    """`<=`."""
    return order(left, right, "<=") <= 0


def greater(left: Any, right: Any) -> bool:
    """`>`."""
    return order(left, right, ">") > 0


def greater_equal(left: Any, right: Any) -> bool:
    """`>=`."""
    return order(left, right, ">=") >= 0


def within(value: Any, container: Any) -> bool:
    """`in`: an element of a list, a key of a map, a part of a text."""
    container = plain(container)
    if type(container) is Collection:
        container = container.items or []
    if type(container) is list:
        return position(container, value, 0) >= 0
    if type(container) is dict:
        return value in container
    if type(container) is str:
        return text(value) in container
    raise ValueError("Operator in takes a LIST, not " + kind(container) + ".")


def position(items: Any, value: Any, start: int) -> int:
    """Where a list has a value, from `start`; -1 where it does not. TEXT "1" and NUMBER 1 are two values."""
    wanted = type(value)
    for at in range(start, len(items)):
        item = items[at]
        if item == value and (type(item) is wanted or alike(item, value)):
            return at
    return -1


def alike(left: Any, right: Any) -> bool:
    """Whether two equal values are also of one type, NUMBER and DECIMAL counted as one."""
    return (type(left) is bool) == (type(right) is bool)


def moment_of(value: Any) -> datetime:
    """A DATE as the DATE-TIME of its midnight."""
    if type(value) is datetime:
        return value
    return datetime(value.year, value.month, value.day)
