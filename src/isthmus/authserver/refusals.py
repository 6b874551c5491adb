"""Who administers, and the refusals that several use cases share."""

from __future__ import annotations

from isthmus.errors import AccessDenied, Conflict, NotAuthenticated, NotFound
from isthmus.records import Actor, User


def administers(user: User) -> bool:
    return user.role == "administrator" and not user.disabled


def is_administrator(actor: Actor) -> bool:
    """A limited key administers nothing: it could make itself an unlimited one."""
    return actor.role == "administrator" and not actor.is_limited


def require_administrator(actor: Actor) -> None:
    if not is_administrator(actor):
        raise AccessDenied("Only an administrator may do this.", code="administrator_required")


def no_such_user() -> NotFound:
    return NotFound("There is no such person.", code="user_not_found")


def no_such_key() -> NotFound:
    return NotFound("There is no such API key.", code="api_key_not_found")


def administrator_exists() -> Conflict:
    return Conflict(
        "There is an administrator already.",
        code="administrator_exists",
        hint="Sign in, or ask an administrator for an account.",
    )


def sign_in_failed() -> NotAuthenticated:
    return NotAuthenticated(
        "The e-mail address or the password is wrong.", code="sign_in_failed", hint="Check both and try again."
    )


def current_password_wrong() -> AccessDenied:
    return AccessDenied(
        "The current password is wrong.",
        code="current_password_wrong",
        field="current_password",
        hint="Give the present password as current_password.",
    )
