"""HTTP Basic authentication (RFC 7617), in UTF-8."""

from __future__ import annotations

import base64

from isthmus.errors import InputError
from isthmus.expressions import Moment, fill
from isthmus.protocols.text import check_plain
from isthmus.records import BasicCredential, Headers, Service


def basic_headers(service: Service, credential: BasicCredential, moment: Moment | None = None) -> Headers:
    """The Authorization header from the service's two templates, each filled with username, password and parameters.

    Raises InputError (`field` username or password) for a control character, or a colon in what goes before the
    separator; colons in the password are fine.
    """
    values = {**credential.values, "username": credential.username, "password": credential.password}
    for name, value in values.items():
        check_plain(value, field=name)
    # One pass, so that a password which looks like a slot is not filled again.
    username, password = (
        fill(template, values, moment=moment) for template in (service.username_template, service.password_template)
    )
    if ":" in username:
        raise InputError(
            "The user name holds a colon, which Basic authentication cannot carry.",
            field="username",
            hint="Enter the user name without the colon; what follows it may belong into the password.",
        )
    check_plain(username, field="username")
    check_plain(password, field="password")
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return (("Authorization", f"Basic {pair}"),)
