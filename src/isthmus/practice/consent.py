"""The page on which a person allows or denies, the same for OAuth 1.0a and OAuth 2."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from isthmus.practice.messages import Answer, Request, page
from isthmus.practice.state import PEOPLE

DENY = "deny"
_CALLBACK_PATH = "/oauth/callback/"


def show(client: str, scopes: Sequence[str] = ()) -> Answer:
    """The form; it is sent to the address it was shown at."""
    wishes = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
    accounts = "".join(f'<option value="{name}">{name}</option>' for name in PEOPLE)
    return page(
        "Practice consent",
        f"<p><strong>{html.escape(client)}</strong> asks for access{' to:' if wishes else '.'}</p><ul>{wishes}</ul>"
        f'<form method=post><label>As <select name="account">{accounts}</select></label> '
        '<button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></form>',
    )


def refuse(reason: str) -> Answer:
    """For a request whose callback cannot be trusted: the person is told, nobody is sent anywhere."""
    return page("This request cannot be shown to you", f"<p>{html.escape(reason)}</p>", 400)


async def decision(dials: dict[str, Any], request: Request) -> str | None:
    """The account that allowed, or `deny`; None while nobody has decided."""
    if request.method == "POST":
        form = dict(await request.form_pairs())
        chosen = form.get("account", "ada") if form.get("decision") == "allow" else DENY
    else:
        chosen = request.query().get("auto") or dials["auto_consent"]
    if chosen is None:
        return None
    if chosen == "allow":
        return "ada"
    return chosen if chosen in PEOPLE else DENY


def away_status(request: Request) -> int:
    """303 after the form; 302 where the GET itself decided."""
    return 303 if request.method == "POST" else 302


def is_callback(url: str) -> bool:
    """Whether this is an address that may be answered to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    clean = parts.scheme in ("http", "https") and bool(parts.hostname) and "#" not in url
    return clean and parts.path.startswith(_CALLBACK_PATH)
