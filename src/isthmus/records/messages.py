"""HTTP messages, as built by `protocols` and sent by `outbound`."""

from __future__ import annotations

from dataclasses import dataclass, field

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request to a third party. `url` is absolute; `headers` keep order and duplicates.

    `form` is the decoded form body where the body is `application/x-www-form-urlencoded` and something may
    still have to be added or signed (OAuth 1, API key in the form); when it is set, `body` is ignored and the
    sender encodes `form`.
    """

    method: str
    url: str = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A third party's whole answer, whatever its status. Header names are lower case; duplicates are kept."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_ms: float = 0.0
    url: str = field(default="", repr=False)

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)
