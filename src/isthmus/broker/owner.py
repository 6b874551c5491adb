"""Whose authorization a call or a consent is about."""

from __future__ import annotations

from isthmus.broker.access import require
from isthmus.errors import InputError
from isthmus.records import Actor, Connection

SHARED = ""
"""The resource owner of a connection that everybody uses with the same credential."""


def resource_owner(actor: Actor, connection: Connection, user: str | None) -> str:
    """SHARED, or the named user, or the person who asks.

    Raises InputError (field `user`) where a program must say whose account it means, AccessDenied where a member
    names somebody else.
    """
    if not connection.use_credentials_of_login_user:
        return SHARED
    if user is None or user == "":
        if actor.kind != "user":
            raise InputError(
                f"The connection {connection.link_name!r} uses the login user's credentials; say whose.",
                field="user",
                code="user_required",
                hint="Name the user in the request, or in the header Isthmus-User for the proxy.",
            )
        return actor.id
    if len(user) > 255 or not user.isprintable():
        raise InputError("The user is malformed.", field="user", hint="Give an id of at most 255 printable characters.")
    if actor.kind == "user" and user != actor.id:
        require(actor, "connections.authorize_others")
    return user
