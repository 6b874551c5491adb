"""TEXT."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from isthmus.functions.deluge.prelude.printing import decimal_text, text
from isthmus.functions.deluge.prelude.values import as_text, index, number_of, sized, unfit

MAX_REPEATED = 100_000
MAX_REPLACED = 300 * 1024


def part_of(value: Any, name: str) -> str:
    """A text argument; other values as they print."""
    if type(value) is str:
        return value
    if value is None:
        raise ValueError("'" + name + "' function takes a TEXT, not null.")
    return text(value)


def f_containsignorecase(x: Any, part: Any) -> bool:
    return part_of(part, "containsIgnoreCase").lower() in as_text(x, "containsIgnoreCase").lower()


def f_startswith(x: Any, part: Any) -> bool:
    return as_text(x, "startsWith").startswith(part_of(part, "startsWith"))


def f_startswithignorecase(x: Any, part: Any) -> bool:
    return as_text(x, "startsWithIgnoreCase").lower().startswith(part_of(part, "startsWithIgnoreCase").lower())


def f_endswith(x: Any, part: Any) -> bool:
    return as_text(x, "endsWith").endswith(part_of(part, "endsWith"))


def f_endswithignorecase(x: Any, part: Any) -> bool:
    return as_text(x, "endsWithIgnoreCase").lower().endswith(part_of(part, "endsWithIgnoreCase").lower())


def f_equals(x: Any, other: Any) -> bool:
    return as_text(x, "equals") == other


def f_equalsignorecase(x: Any, other: Any) -> bool:
    return other is not None and as_text(x, "equalsIgnoreCase").lower() == text(other).lower()


def f_length(x: Any) -> int:
    if type(x) is int or type(x) is Decimal:
        x = text(x)
    return len(as_text(x, "length"))


def f_substring(x: Any, start: Any, end: Any = None) -> str:
    subject = as_text(x, "subString")
    first = index(start, "subString")
    last = len(subject) if end is None else index(end, "subString")
    if last < 0:
        last = len(subject)
    if first < 0 or first > len(subject) or last > len(subject):
        raise ValueError("'subString' function: the index is outside the text of " + str(len(subject)) + " characters.")
    if last < first:
        raise ValueError("'subString' function: the end index lies before the start index.")
    return subject[first:last]


def f_left(x: Any, count: Any) -> str:
    subject = as_text(x, "left")
    size = index(count, "left")
    if size > len(subject):
        raise ValueError("'left' function: more characters than the text has.")
    return subject if size < 0 else subject[:size]


def f_right(x: Any, count: Any) -> str:
    subject = as_text(x, "right")
    size = index(count, "right")
    if size > len(subject):
        raise ValueError("'right' function: more characters than the text has.")
    return subject if size < 0 else subject[len(subject) - size :]


def padded(x: Any, width: Any, name: str) -> int:
    """The width that a text is padded to."""
    size = index(width, name)
    if size > MAX_REPEATED:
        raise ValueError("'" + name + "' function: the width is over the limit of " + str(MAX_REPEATED) + ".")
    return max(size, 0)


def f_leftpad(x: Any, width: Any) -> str:
    return part_of(x, "leftpad").rjust(padded(x, width, "leftpad"))


def f_rightpad(x: Any, width: Any) -> str:
    return part_of(x, "rightpad").ljust(padded(x, width, "rightpad"))


def f_getprefix(x: Any, mark: Any) -> Any:
    before, found, _ = split_at(as_text(x, "getPrefix"), part_of(mark, "getPrefix"))
    return before if found else None


def f_getsuffix(x: Any, mark: Any) -> Any:
    _, found, after = split_at(as_text(x, "getSuffix"), part_of(mark, "getSuffix"))
    return after if found else None


def split_at(subject: str, mark: str) -> tuple[str, bool, str]:
    """What stands before and after the first mark."""
    at = subject.find(mark)
    return (subject[:at], True, subject[at + len(mark) :]) if at >= 0 else ("", False, "")


def f_getprefixignorecase(x: Any, mark: Any) -> Any:
    subject = as_text(x, "getPrefixIgnoreCase")
    at = subject.lower().find(part_of(mark, "getPrefixIgnoreCase").lower())
    return subject[:at] if at >= 0 else None


def f_getsuffixignorecase(x: Any, mark: Any) -> Any:
    subject = as_text(x, "getSuffixIgnoreCase")
    part = part_of(mark, "getSuffixIgnoreCase")
    at = subject.lower().find(part.lower())
    return subject[at + len(part) :] if at >= 0 else None


def f_getalpha(x: Any) -> str:
    return "".join([c for c in part_of(x, "getAlpha") if c.isalpha()])


def f_getalphanumeric(x: Any) -> str:
    return "".join([c for c in part_of(x, "getAlphaNumeric") if c.isalnum()])


def f_removeallalpha(x: Any) -> str:
    return "".join([c for c in part_of(x, "removeAllAlpha") if not c.isalpha()])


def f_removeallalphanumeric(x: Any) -> str:
    return "".join([c for c in part_of(x, "removeAllAlphaNumeric") if not c.isalnum()])


def f_removefirstoccurence(x: Any, part: Any) -> str:
    return as_text(x, "removeFirstOccurence").replace(part_of(part, "removeFirstOccurence"), "", 1)


def f_removelastoccurence(x: Any, part: Any) -> str:
    subject = as_text(x, "removeLastOccurence")
    gone = part_of(part, "removeLastOccurence")
    at = subject.rfind(gone)
    return subject[:at] + subject[at + len(gone) :] if at >= 0 else subject


def f_getoccurencecount(x: Any, part: Any) -> int:
    wanted = part_of(part, "getOccurenceCount")
    return as_text(x, "getOccurenceCount").count(wanted) if wanted else 0


def compiled(pattern: str, whatever_case: bool) -> Any:
    """The regular expression; its time does not grow with a power of the text."""
    try:
        return re.compile("(?i)" + pattern if whatever_case else pattern)
    except Exception as problem:
        raise ValueError("The regular expression is not valid: " + str(problem)[:200])


def f_matches(x: Any, pattern: Any) -> bool:
    return compiled(part_of(pattern, "matches"), False).fullmatch(as_text(x, "matches")) is not None


def replaced(name: str, x: Any, search: Any, put: Any, literal: Any, first: bool, whatever_case: bool) -> str:
    """The replace functions: `$1` in the replacement is a group, as Java writes it."""
    subject = as_text(x, name)
    pattern = part_of(search, name)
    instead = text(put)
    for value in (subject, pattern, instead):
        if len(value) > MAX_REPLACED:
            raise ValueError("'" + name + "' function: a text is over the limit of 300 KB.")
    if literal is True and not whatever_case:
        return sized(subject.replace(pattern, instead, 1) if first else subject.replace(pattern, instead))
    if literal is True:
        pattern = re.escape(pattern)
    parts = []
    at = 0
    size = 0
    pieces = [instead] if literal is True or ("$" not in instead and "\\" not in instead) else template(instead, name)
    for found in compiled(pattern, whatever_case).finditer(subject):
        start, end = found.span()
        put_in = "".join([piece if type(piece) is str else group_of(found, piece, name) for piece in pieces])
        parts.append(subject[at:start])
        parts.append(put_in)
        size += len(put_in)
        sized_so_far(size)
        at = end
        if first:
            break
    parts.append(subject[at:])
    return sized("".join(parts))


def sized_so_far(size: int) -> None:
    """Stop a replacement that grows without measure."""
    if size > 16_000_000:
        raise ValueError("The text is longer than the limit of 16000000 characters.")


def group_of(found: Any, number: Any, name: str) -> str:
    """What a group of a match holds."""
    try:
        return found.group(number) or ""
    except Exception:
        raise ValueError("'" + name + "' function: the pattern has no group " + str(number) + ".")


def template(instead: str, name: str) -> list[Any]:
    """The pieces of a replacement: texts, and numbers of groups."""
    pieces: list[Any] = []
    at = 0
    while at < len(instead):
        character = instead[at]
        following = instead[at + 1 : at + 2]
        if character == "\\" and following:
            pieces.append(following)
            at += 2
        elif character == "$" and following.isdigit():
            pieces.append(int(following))
            at += 2
        else:
            pieces.append(character)
            at += 1
    return pieces


def f_replaceall(x: Any, search: Any, put: Any, literal: Any = False) -> str:
    return replaced("replaceAll", x, search, put, literal, False, False)


def f_replaceallignorecase(x: Any, search: Any, put: Any, literal: Any = False) -> str:
    return replaced("replaceAllIgnoreCase", x, search, put, literal, False, True)


def f_replacefirst(x: Any, search: Any, put: Any, literal: Any = False) -> str:
    return replaced("replaceFirst", x, search, put, literal, True, False)


def f_replacefirstignorecase(x: Any, search: Any, put: Any, literal: Any = False) -> str:
    return replaced("replaceFirstIgnoreCase", x, search, put, literal, True, True)


def f_touppercase(x: Any) -> str:
    return as_text(x, "toUpperCase").upper()


def f_tolowercase(x: Any) -> str:
    return as_text(x, "toLowerCase").lower()


def f_proper(x: Any) -> str:
    subject = as_text(x, "proper").lower()
    parts = []
    begins = True
    for character in subject:
        parts.append(character.upper() if begins else character)
        begins = character.isspace()
    return "".join(parts)


def f_trim(x: Any) -> str:
    return as_text(x, "trim").strip()


def f_ltrim(x: Any) -> str:
    return as_text(x, "ltrim").lstrip()


def f_rtrim(x: Any) -> str:
    return as_text(x, "rtrim").rstrip()


def f_concat(x: Any, other: Any) -> str:
    return sized(as_text(x, "concat") + text(other))


def f_repeat(x: Any, count: Any) -> str:
    subject = part_of(x, "repeat")
    times = index(count, "repeat")
    if times * max(len(subject), 1) > MAX_REPEATED:
        raise ValueError("'repeat' function: the text would be over the limit of " + str(MAX_REPEATED) + " characters.")
    return subject * max(times, 0)


def f_reverse(x: Any) -> str:
    if x is None:
        unfit("reverse", x)
    return text(x)[::-1]


def f_hextotext(x: Any) -> str:
    try:
        return bytes.fromhex(as_text(x, "hexToText")).decode("utf-8")
    except Exception:
        raise ValueError("'hexToText' function takes hexadecimal digits of a text.")


def f_texttohex(x: Any) -> str:
    return part_of(x, "textToHex").encode("utf-8").hex()


def f_isascii(x: Any) -> bool:
    return as_text(x, "isAscii").isascii()


def f_charat(x: Any, at: Any) -> str:
    subject = as_text(x, "charAt")
    place = index(at, "charAt")
    if not 0 <= place < len(subject):
        raise ValueError("'charAt' function: the index is outside the text of " + str(len(subject)) + " characters.")
    return subject[place]


def f_text(value: Any, pattern: Any) -> str:
    """A number in a format such as `#,##0.00`: 0 is a digit, # one that may be missing, a comma groups thousands."""
    number = Decimal(number_of(value, "text"))
    form = part_of(pattern, "text")
    found = re.search("[#0][#0,]*(\\.[#0]*)?", form)
    if found is None:
        return form
    start, end = found.span()
    whole, _, part = form[start:end].partition(".")
    percent = "%" in form[end:]
    if percent:
        number = number * 100
    negative = number < 0
    digits = decimal_text(rounded(abs(number), len(part)))
    integer, _, fraction = digits.partition(".")
    integer = integer.lstrip("0").rjust(whole.count("0"), "0")
    if "," in whole:
        size = len(whole) - whole.rfind(",") - 1
        integer = grouped(integer, size if size > 0 else 3)
    fraction = fraction.ljust(part.count("0"), "0")
    shown = integer + ("." + fraction if fraction else "")
    return ("-" if negative else "") + form[:start] + (shown or "0") + form[end:]


def grouped(digits: str, size: int) -> str:
    """Digits with a comma between groups."""
    parts = []
    while len(digits) > size:
        parts.append(digits[len(digits) - size :])
        digits = digits[: len(digits) - size]
    parts.append(digits)
    parts.reverse()
    return ",".join(parts)


def rounded(number: Decimal, digits: int) -> Decimal:
    """A DECIMAL with so many digits after the point, halves away from zero."""
    if number.adjusted() + digits > 27:
        return number
    return number.quantize(Decimal(1).scaleb(-digits), rounding="ROUND_HALF_UP")
