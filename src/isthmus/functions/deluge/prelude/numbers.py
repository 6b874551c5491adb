"""NUMBER and DECIMAL, and lists of them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.host import ask
from isthmus.functions.deluge.prelude.operators import divide, exactly
from isthmus.functions.deluge.prelude.texts import rounded
from isthmus.functions.deluge.prelude.values import as_list, bounded, index, number_of, numeric


def shrunk(number: Any) -> Any:
    """A whole DECIMAL as a NUMBER, where it is one of 64 bits."""
    if number == number.to_integral_value() and number.adjusted() < 18:
        return int(number)
    return bounded(number)


def f_abs(x: Any) -> Any:
    return bounded(abs(number_of(x, "abs")))


def f_ceil(x: Any) -> Any:
    number = number_of(x, "ceil")
    return number if type(number) is int else shrunk(number.to_integral_value(rounding="ROUND_CEILING"))


def f_floor(x: Any) -> Any:
    number = number_of(x, "floor")
    return number if type(number) is int else shrunk(number.to_integral_value(rounding="ROUND_FLOOR"))


def f_round(x: Any, digits: Any = 0) -> Any:
    number = number_of(x, "round")
    places = index(digits, "round")
    if type(number) is int and places >= 0:
        return number
    if not -400 <= places <= 400:
        raise ValueError("'round' function: the number of digits is over the limit of 400.")
    result = rounded(Decimal(number), places)
    return shrunk(result) if places <= 0 else result


def f_sqrt(x: Any) -> Any:
    number = number_of(x, "sqrt")
    if number < 0:
        raise ValueError("'sqrt' function cannot be applied on a negative number.")
    return shrunk(Decimal(number).sqrt())


def f_power(x: Any, exponent: Any) -> Any:
    base = number_of(x, "power")
    power = number_of(exponent, "power")
    if power != 0 and base != 0 and abs(Decimal(base).adjusted() * power) > 400:
        raise ValueError("'power' function: the result is outside the limit of 400 digits.")
    if abs(power) > 100_000:
        raise ValueError("'power' function: the exponent is over the limit of 100000.")
    try:
        result = Decimal(base) ** Decimal(power)
    except Exception:
        raise ValueError("'power' function has no result for these numbers.")
    return shrunk(result)


def by_float(name: str, function: Any, x: Any) -> Any:
    """A function of the sandbox's floats, with the digits that they are good for."""
    try:
        result = function(float(number_of(x, name)))
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError("'" + name + "' function has no result for this number.")
    return of_float(name, result)


def of_float(name: str, result: float) -> Any:
    """A float as a number."""
    if math.isinf(result) or math.isnan(result):
        raise ValueError("'" + name + "' function has no result for this number.")
    return shrunk(Decimal(repr(result)))


def f_exp(x: Any) -> Any:
    return by_float("exp", math.exp, x)


def f_log(x: Any) -> Any:
    return by_float("log", math.log, x)


def f_log10(x: Any) -> Any:
    return by_float("log10", math.log10, x)


def f_sin(x: Any) -> Any:
    return by_float("sin", math.sin, x)


def f_cos(x: Any) -> Any:
    return by_float("cos", math.cos, x)


def f_tan(x: Any) -> Any:
    return by_float("tan", math.tan, x)


def f_asin(x: Any) -> Any:
    return by_float("asin", math.asin, x)


def f_acos(x: Any) -> Any:
    return by_float("acos", math.acos, x)


def f_atan(x: Any) -> Any:
    return by_float("atan", math.atan, x)


def f_sinh(x: Any) -> Any:
    return by_float("sinh", math.sinh, x)


def f_cosh(x: Any) -> Any:
    return by_float("cosh", math.cosh, x)


def f_tanh(x: Any) -> Any:
    return by_float("tanh", math.tanh, x)


def f_atan2(y: Any, x: Any) -> Any:
    return of_float("atan2", math.atan2(float(number_of(y, "atan2")), float(number_of(x, "atan2"))))


def f_min(x: Any, other: Any) -> Any:
    return min(number_of(x, "min"), number_of(other, "min"))


def f_max(x: Any, other: Any) -> Any:
    return max(number_of(x, "max"), number_of(other, "max"))


def f_iseven(x: Any) -> bool:
    return bool(number_of(x, "isEven") % 2 == 0)


def f_isodd(x: Any) -> bool:
    return bool(abs(number_of(x, "isOdd")) % 2 == 1)


def f_frac(x: Any) -> Any:
    number = number_of(x, "frac")
    return 0 if type(number) is int else exactly(number, Decimal(1), "%")


def f_tohex(x: Any) -> str:
    number = index(x, "toHex")
    if number < 0:
        number += 1 << 64
    digits = ""
    while number > 0:
        digits = "0123456789abcdef"[number % 16] + digits
        number //= 16
    return digits or "0"


def f_randomnumber(most: Any, least: Any = 0) -> int:
    low = index(least, "randomNumber")
    high = index(most, "randomNumber")
    if low > high:
        low, high = high, low
    span = high - low + 1
    # Twice as many bits as needed: what the remainder prefers cannot be noticed.
    drawn = 0
    for byte in ask("random", 17):
        drawn = drawn * 256 + byte
    return low + drawn % span


def numbers_in(x: Any, name: str) -> list[Any]:
    """The numbers of a list; texts that write numbers are numbers."""
    found = []
    for item in as_list(x, name):
        number = numeric(item) if type(item) is str else item
        if type(number) is not int and type(number) is not Decimal:
            raise ValueError("'" + name + "' function takes a LIST of numbers.")
        found.append(number)
    if not found:
        raise ValueError("'" + name + "' function cannot be applied on an empty LIST.")
    return found


def f_largest(x: Any) -> Any:
    return max(numbers_in(x, "largest"))


def f_smallest(x: Any) -> Any:
    return min(numbers_in(x, "smallest"))


def nth(x: Any, n: Any, name: str, downwards: bool) -> Any:
    """The n-th of a list of numbers by size, from 1."""
    numbers = sorted(numbers_in(x, name), reverse=downwards)
    place = index(n, name)
    if not 1 <= place <= len(numbers):
        raise ValueError("'" + name + "' function: the LIST has " + str(len(numbers)) + " numbers.")
    return numbers[place - 1]


def f_nthlargest(x: Any, n: Any) -> Any:
    return nth(x, n, "nthLargest", True)


def f_nthsmallest(x: Any, n: Any) -> Any:
    return nth(x, n, "nthSmallest", False)


def total(numbers: list[Any]) -> Any:
    """Their sum."""
    result: Any = 0
    for number in numbers:
        result = result + number
    return bounded(result)


def f_sum(x: Any) -> Any:
    return total(numbers_in(x, "sum")) if as_list(x, "sum") else 0


def f_average(x: Any) -> Any:
    numbers = numbers_in(x, "average")
    return divide(total(numbers), len(numbers))


def f_median(x: Any) -> Any:
    numbers = sorted(numbers_in(x, "median"))
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return divide(bounded(numbers[middle - 1] + numbers[middle]), 2)
