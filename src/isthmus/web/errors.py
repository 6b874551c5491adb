"""The single table: our error -> status and title; and the problem document that tells of it (RFC 9457).

A third party's 4xx or 5xx is no error but a response, and never comes here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

from isthmus import errors
from isthmus.errors import IsthmusError

TABLE: dict[type[IsthmusError], tuple[int, str]] = {
    errors.IsthmusError: (500, "Internal error"),
    errors.InputError: (422, "Invalid input"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.AccessDenied: (403, "Not allowed"),
    errors.NotAuthenticated: (401, "Not authenticated"),
    errors.RateLimited: (429, "Too many requests"),
    errors.ConnectError: (422, "The connection was not made"),
    errors.CredentialError: (409, "No usable credential"),
    errors.NotConnected: (409, "Not connected"),
    errors.ReauthorizationRequired: (409, "Reauthorization required"),
    errors.RefreshDeferred: (503, "Refresh deferred"),
    errors.SealBroken: (500, "A sealed value does not open"),
    errors.OutboundError: (502, "No usable answer from the third party"),
    errors.DestinationDenied: (403, "Destination not allowed"),
    errors.Unreachable: (502, "Third party unreachable"),
    errors.TimedOut: (504, "Third party timed out"),
    errors.ResponseTooLarge: (502, "Answer too large"),
    errors.ProtocolError: (502, "Third party's answer not understood"),
    errors.FunctionError: (422, "The function failed"),
    errors.OAuthError: (400, "OAuth error"),
    errors.StorageError: (503, "Storage unavailable"),
    errors.KeyUnavailable: (503, "Key unavailable"),
}

PROVIDER_ERROR_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/")


class Refusal(Exception):
    """What only HTTP can get wrong: a method, a content type, a size. Carries its own status."""

    def __init__(
        self,
        status: int,
        *,
        code: str,
        detail: str,
        hint: str = "",
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = HTTPStatus(status).phrase
        self.detail = detail
        self.hint = hint
        self.field = field
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as HTTP tells it."""

    status: int
    code: str
    title: str
    detail: str
    hint: str = ""
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def document(self, *, request_id: str, public_url: str) -> bytes:
        """The `application/problem+json` body."""
        members: dict[str, Any] = {
            "type": f"{public_url}/docs/errors#{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "request_id": request_id,
        }
        if self.field is not None:
            members["field"] = self.field
        for name, value in self.extra.items():
            members.setdefault(name, value)
        return orjson.dumps(members, default=str)


def method_not_allowed(allowed: Sequence[str]) -> Refusal:
    return Refusal(
        405,
        code="method_not_allowed",
        detail="This address does not take this method.",
        hint=f"It takes {', '.join(allowed)}.",
        headers={"Allow": ", ".join(allowed)},
    )


UNEXPECTED = Problem(
    500,
    "internal",
    "Internal error",
    "Something unexpected happened; it has been logged.",
    "Give the operator the request id.",
)


def judge(error: BaseException, *, now: datetime | None = None) -> Problem:
    """The problem that tells of this error. Anything unexpected tells nothing but its request id."""
    if isinstance(error, Refusal):
        return Problem(
            error.status, error.code, error.title, error.detail, error.hint, error.field, error.headers, error.extra
        )
    if not isinstance(error, IsthmusError):
        return UNEXPECTED
    status, title = _row(type(error))
    return Problem(
        status,
        error.code,
        title,
        error.message,
        error.hint,
        error.field,
        _headers_for(error, status, now or datetime.now(UTC)),
        _extra_for(error),
    )


def is_expected(error: BaseException) -> bool:
    """Whether this is an error raised on purpose that has a row of its own."""
    return isinstance(error, Refusal) or (isinstance(error, IsthmusError) and type(error) is not IsthmusError)


def documented() -> Iterator[tuple[str, int, str, str]]:
    """(code, status, title, hint) of every class of the error tree, for the page of error codes."""
    for kind, (status, title) in TABLE.items():
        yield kind.default_code, status, title, kind.default_hint


def _row(kind: type[IsthmusError]) -> tuple[int, str]:
    for ancestor in kind.__mro__:
        if ancestor in TABLE:
            return TABLE[ancestor]
    return TABLE[IsthmusError]


def _headers_for(error: IsthmusError, status: int, now: datetime) -> dict[str, str]:
    if isinstance(error, errors.RateLimited | errors.RefreshDeferred):
        return {"Retry-After": str(max(1, math.ceil((error.retry_at - now).total_seconds())))}
    if isinstance(error, errors.NotAuthenticated):
        told = "" if error.code == errors.NotAuthenticated.default_code else ', error="invalid_token"'
        return {"WWW-Authenticate": f'Bearer realm="isthmus"{told}'}
    if status == 503 and not error.permanent:
        return {"Retry-After": "5"}
    return {}


def _extra_for(error: IsthmusError) -> dict[str, Any]:
    extra: dict[str, Any] = {"details": error.details} if error.details else {}
    if isinstance(error, errors.ProtocolError):
        told = error.error or ""
        if 0 < len(told) <= 100 and PROVIDER_ERROR_CHARACTERS.issuperset(told):
            extra["provider_error"] = told
        if error.status is not None:
            extra["provider_status"] = error.status
    if isinstance(error, errors.FunctionError):
        extra.update(line=error.line, column=error.column)
    return extra
