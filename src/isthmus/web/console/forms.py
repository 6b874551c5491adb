"""A form as it was sent: its values, and what is wrong with them, beside the field and again at the top."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from isthmus.errors import AccessDenied, IsthmusError, NotFound
from isthmus.web.errors import Refusal

MOST_FIELDS = 2000


class Form:
    """Values by name, several where a name came several times. Templates read `value`, `errors`, `headline`."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), *, sent: bool = False) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        self.sent = sent
        self.errors: dict[str, str] = {}
        self.headline = "This could not be saved yet."

    @classmethod
    def read(cls, raw: bytes) -> Form:
        """The fields of a request body. Raises Refusal 400 (`form_malformed`)."""
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Refusal(
                400, code="form_malformed", detail="The form could not be read.", hint="Go back and try again."
            ) from None
        return cls(pairs, sent=True)

    def text(self, name: str) -> str:
        """The value, without blanks around it where it is one line; the first where there are several."""
        value = self._values.get(name, [""])[0].replace("\r\n", "\n")
        return value if "\n" in value or name in ("password", "current_password") else value.strip()

    def texts(self, name: str) -> list[str]:
        """All values of that name, in order."""
        return [value.strip() for value in self._values.get(name, [])]

    def flag(self, name: str) -> bool:
        """Whether the box was ticked."""
        return self._values.get(name, [""])[0] == "yes"

    def has(self, name: str) -> bool:
        """Whether the form has a field of this name, which an error can point to."""
        return name in self._values or name in self.errors

    def value(self, name: str) -> str:
        """What a template puts into the field."""
        return self._values.get(name, [""])[0]

    def set(self, name: str, *values: str) -> None:
        """Fill a field."""
        self._values[name] = list(values)

    def rows(self, *names: str, spare: int = 1) -> list[tuple[str, ...]]:
        """Fields of the same number side by side, rows that are wholly empty left out, `spare` empty ones at the end."""
        columns = [self.texts(name) for name in names]
        length = max((len(column) for column in columns), default=0)
        padded = [column + [""] * (length - len(column)) for column in columns]
        filled = [row for row in zip(*padded, strict=True) if any(row)]
        return filled + [("",) * len(names)] * spare

    def wrong(self, field: str, words: str) -> None:
        """Say what is wrong with a field, once."""
        self.errors.setdefault(field, words)

    def refuse(self, error: IsthmusError, names: dict[str, str] | None = None) -> None:
        """Put an error of a use case beside its field; `names` maps the use case's names to the form's.

        What no other value would mend is raised again: a thing that is not there, a right that is missing.
        """
        if isinstance(error, NotFound) or (isinstance(error, AccessDenied) and error.field is None):
            raise error
        problems = error.details.get("problems") or [
            {"field": error.field or "", "message": error.message, "hint": error.hint}
        ]
        for problem in problems:
            field = str(problem["field"] or "")
            bare = field.split("[")[0].split(".")[0]
            place = (names or {}).get(field) or (names or {}).get(bare) or (field if field in self._values else bare)
            self.wrong(place, f"{problem['message']} {problem['hint'] or ''}".strip())
