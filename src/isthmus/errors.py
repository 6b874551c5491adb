"""Every error that Isthmus raises on purpose.

Each class answers two questions: *who must act* and *is it permanent*.

    IsthmusError
    ├── InputError              the caller: a value is wrong; `field` names it
    │   ├── NotFound            the caller: no such thing, or not theirs to see
    │   ├── Conflict            the caller: taken, in use, or changed meanwhile
    │   └── AccessDenied        the caller: known, but not allowed to do this
    │       └── NotAuthenticated  the caller: not known at all
    ├── RateLimited             the caller: later (`retry_at`)
    ├── ConnectError            the resource owner or the service's author: an authorization did not complete
    ├── CredentialError         there is no credential to use
    │   ├── NotConnected            the administrator or resource owner: authorize first
    │   ├── ReauthorizationRequired the resource owner: the grant is gone
    │   ├── RefreshDeferred         nobody: wait until `retry_at`
    │   └── SealBroken              the operator: a sealed value does not open
    ├── OutboundError           the request did not bring an answer
    │   ├── DestinationDenied   the caller: the address or host is not allowed
    │   ├── Unreachable         the third party or the network
    │   ├── TimedOut            the third party was too slow
    │   └── ResponseTooLarge    the third party sent more than the limit
    ├── ProtocolError           the third party: an answer that could not be understood or is an error
    ├── FunctionError           the function's author (line, column)
    ├── OAuthError              a client of our own authorization server (RFC 6749 codes)
    └── StorageError            the operator: the database
        └── KeyUnavailable      the operator: the key-encryption key is missing or another one

Errors do not know HTTP: the edges hold the tables that map them. `code` is stable and
documented, `message` is safe to show, `hint` is the next step. None carries a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar


class IsthmusError(Exception):
    """Root of the tree. `code` is stable; `message` and `hint` may be shown to anybody who may act."""

    default_code: ClassVar[str] = "internal"
    default_hint: ClassVar[str] = ""
    permanent: bool = True

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        field: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = self.default_hint if hint is None else hint
        self.field = field
        self.details = dict(details or {})


class InputError(IsthmusError):
    """A value given by the caller is wrong; `field` names it and `hint` says what would be right."""

    default_code = "invalid_input"
    default_hint = "Correct the named field and try again."


class NotFound(InputError):
    """No such thing, or not the caller's to see: the two are answered alike."""

    default_code = "not_found"
    default_hint = "Check the name; what you may not see is answered like what does not exist."


class Conflict(InputError):
    """The name is taken, the thing is in use, or it changed while the caller edited it."""

    default_code = "conflict"
    default_hint = "Read the current state and try again."


class AccessDenied(InputError):
    """The caller is known but may not do this."""

    default_code = "forbidden"
    default_hint = "Ask an administrator for the role that allows this."


class NotAuthenticated(AccessDenied):
    """The caller showed no credential, or one that is unknown, expired or revoked."""

    default_code = "unauthenticated"
    default_hint = "Send a valid API key as `Authorization: Bearer KEY`."


class RateLimited(IsthmusError):
    """Too many attempts; nothing was done. Try again at `retry_at`."""

    default_code = "rate_limited"
    default_hint = "Wait and try again."
    permanent = False

    def __init__(self, message: str, *, retry_at: datetime, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_at = retry_at


class ConnectError(IsthmusError):
    """An authorization could not be completed; nothing was stored."""

    default_code = "connect_failed"
    default_hint = "Start the connection again."


class CredentialError(IsthmusError):
    """There is no credential that could be used now."""

    default_code = "credential_unavailable"


class NotConnected(CredentialError):
    """Nobody has authorized this connection yet (or not for this resource owner), or it is switched off."""

    default_code = "not_connected"
    default_hint = "Authorize the connection first."


class ReauthorizationRequired(CredentialError):
    """The grant is gone; only the resource owner can give a new one."""

    default_code = "reauthorization_required"
    default_hint = "Connect the account again."


class RefreshDeferred(CredentialError):
    """The credential has expired and cannot be refreshed before `retry_at`."""

    default_code = "refresh_deferred"
    default_hint = "Nothing to do: the refresh is repeated by itself. Try the call again later."
    permanent = False

    def __init__(self, message: str, *, retry_at: datetime, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_at = retry_at


class SealBroken(CredentialError):
    """A sealed value does not open in its place: it was damaged, moved or sealed under a lost key."""

    default_code = "seal_broken"
    default_hint = "Connect again to replace the damaged value, and look into who changed the database."


class OutboundError(IsthmusError):
    """A request to a third party brought no usable answer."""

    default_code = "outbound_failed"
    permanent = False


class DestinationDenied(OutboundError):
    """The URL is malformed, outside the service's hosts, or leads to an address that is not public."""

    default_code = "destination_denied"
    default_hint = "Use a URL within the service's hosts; an administrator can change hosts and egress exceptions."
    permanent = True


class Unreachable(OutboundError):
    """Name resolution, connecting, TLS or the transfer failed."""

    default_code = "unreachable"
    default_hint = "Check that the third party is up and its address and certificate are right; then try again."


class TimedOut(OutboundError):
    """The third party did not answer in full within the time limit."""

    default_code = "timed_out"
    default_hint = "Try again later, or raise the time limit."


class ResponseTooLarge(OutboundError):
    """The answer passed a limit (wire bytes, decoded bytes, headers) and was cut off."""

    default_code = "response_too_large"
    default_hint = "Ask for less at a time, use the streaming proxy, or raise the limit."
    permanent = True


class ProtocolError(IsthmusError):
    """A third party's authorization answer is an error, or could not be understood.

    `error` is the third party's own code when it gave one (`invalid_grant`), `description` its text
    (untrusted: always shown as text), `status` the HTTP status.
    """

    default_code = "provider_answer_not_understood"
    default_hint = "Compare the service's settings with the provider's documentation."
    permanent = False

    def __init__(
        self,
        message: str,
        *,
        error: str | None = None,
        description: str | None = None,
        status: int | None = None,
        code: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.error = error
        self.description = description
        self.status = status


class FunctionError(IsthmusError):
    """A function did not compile or run; `line` and `column` (from 1) say where."""

    default_code = "function_failed"

    def __init__(
        self, message: str, *, line: int, column: int, code: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.line = line
        self.column = column


class OAuthError(IsthmusError):
    """An answer of our own authorization server; `code` is the RFC's error code."""

    default_code = "invalid_request"


class StorageError(IsthmusError):
    """The database could not be reached or did not accept the write; nothing was half-written."""

    default_code = "storage_unavailable"
    default_hint = "Check the database and the free disk space; the request can then be repeated."
    permanent = False


class KeyUnavailable(StorageError):
    """The key-encryption key is missing, or is not the one the data was sealed with."""

    default_code = "key_unavailable"
    default_hint = "Give the key with the named key id; the data has not been touched."
    permanent = True
