"""Numbers in English words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.printing import decimal_text
from isthmus.functions.deluge.prelude.values import number_of

SMALL = (
    "Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen "
    "Eighteen Nineteen"
).split()
TENS = ["", "", "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"]
SCALES = ["", "Thousand", "Million", "Billion", "Trillion", "Quadrillion", "Quintillion"]


def below_thousand(number: int) -> list[str]:
    """The words of 1 to 999."""
    words = []
    if number >= 100:
        words.append(SMALL[number // 100])
        words.append("Hundred")
        number %= 100
    if number >= 20:
        words.append(TENS[number // 10])
        number %= 10
    if number:
        words.append(SMALL[number])
    return words


def f_towords(x: Any) -> str:
    number = number_of(x, "toWords")
    if abs(number) >= 10**21:
        raise ValueError("'toWords' function: the number is over the limit of 21 digits.")
    whole, point, part = decimal_text(Decimal(abs(number))).partition(".")
    groups = []
    left = int(whole)
    while left:
        groups.append(left % 1000)
        left //= 1000
    words = ["Minus"] if number < 0 else []
    for at in range(len(groups) - 1, -1, -1):
        if groups[at]:
            words.extend(below_thousand(groups[at]))
            if SCALES[at]:
                words.append(SCALES[at])
    if not groups:
        words.append("Zero")
    if point:
        words.append("Point")
        words.extend([SMALL[int(digit)] for digit in part])
    return " ".join(words)
