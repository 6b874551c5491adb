"""The parameters of a request to our authorization server, as they came: each at most once (RFC 6749 §3.1, §3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from isthmus.errors import OAuthError

_LONGEST = 8_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """By name. A parameter without a value counts as absent (RFC 6749 §3.1). `repeated` are names that came twice."""

    values: dict[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Parameters:
        values: dict[str, str] = {}
        repeated: set[str] = set()
        for name, value in pairs:
            if name in values:
                repeated.add(name)
            values[name] = value
        return cls({name: value for name, value in values.items() if value}, frozenset(repeated))

    def get(self, name: str) -> str:
        """The value, or ""."""
        return self.values.get(name, "")

    def require(self, name: str) -> str:
        """The value. Raises OAuthError `invalid_request` where there is none."""
        value = self.get(name)
        if not value:
            raise OAuthError(f"The parameter {name} is missing.", code="invalid_request")
        return value

    def check(self) -> None:
        """Raise OAuthError `invalid_request` for a repeated, oversized or unprintable parameter."""
        if self.repeated:
            name = sorted(self.repeated)[0][:60].encode("ascii", "replace").decode()
            raise OAuthError(f"The parameter {name} came more than once.", code="invalid_request")
        for name, value in self.values.items():
            if len(value) > _LONGEST or "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                shown = name[:60].encode("ascii", "replace").decode()
                raise OAuthError(f"The parameter {shown} cannot be read.", code="invalid_request")
