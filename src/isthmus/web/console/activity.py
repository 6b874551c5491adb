"""Activity: who did what to what, when, from where, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.wording import day_of

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

SENTENCES: dict[str, str] = {
    "api_key.create": "created the API key",
    "api_key.revoke": "revoked the API key",
    "authorization.delete": "took back an account of",
    "catalog.update": "updated the catalog",
    "client.consent": "allowed the application",
    "client.create": "registered the application",
    "client.delete": "deleted the application",
    "client.end_secret": "ended a secret of the application",
    "client.generate_code": "generated a code of the application",
    "client.refuse": "refused the application",
    "client.revoke_grant": "ended the access of the application",
    "client.rotate_secret": "made a new secret of the application",
    "client.update": "changed the application",
    "connection.begin": "began to authorize",
    "connection.callback": "came back from the provider of",
    "connection.connect": "connected",
    "connection.create": "created the connection",
    "connection.delete": "deleted the connection",
    "connection.disable": "disabled the connection",
    "connection.enable": "enabled the connection",
    "connection.revoke": "revoked the grant of",
    "connection.update": "changed the connection",
    "credential.lease": "was handed the credential of",
    "credential.seal_broken": "found a seal that does not open:",
    "function.create": "created the function",
    "function.delete": "deleted the function",
    "function.publish": "published the function",
    "function.roll_back": "rolled back the function",
    "function.run_as": "changed whose rights this function has:",
    "function.save": "saved the function",
    "identity.link": "linked an account of the organisation",
    "identity.unlink": "unlinked an account of the organisation",
    "passkey.create": "added a passkey",
    "passkey.delete": "removed a passkey of",
    "run.retry": "retried the run",
    "run.skip": "skipped a call of the run",
    "service.acknowledge": "agreed to what changed of the service",
    "service.changed": "found that a default service changed:",
    "service.changed_back": "found that a default service is as before:",
    "service.clone": "cloned into the service",
    "service.create": "created the service",
    "service.delete": "deleted the service",
    "service.update": "changed the service",
    "token.code_reused": "showed a code a second time, through the application",
    "token.issue": "let in the application",
    "token.refresh_reused": "showed a refresh token a second time, through the application",
    "token.revoke": "gave back a token, through the application",
    "trigger.create": "created the trigger",
    "trigger.delete": "deleted the trigger",
    "trigger.missed": "missed a time of the trigger",
    "trigger.update": "changed the trigger",
    "user.confirm": "confirmed who they are",
    "user.create": "created the user",
    "user.delete": "deleted the user",
    "user.sign_in": "signed in",
    "user.session_end": "ended a session of",
    "user.sign_out": "signed out",
    "user.sign_out_everywhere": "signed out everywhere else",
    "user.update": "changed the user",
}
"""Action -> the words between who and what; another action is shown as it is."""

_UNTOLD = frozenset({"grant", "tokens", "client"})
_PLACES = {
    "client": "/developer/clients/",
    "connection": "/connections/",
    "service": "/services/",
    "function": "/functions/",
}
_ALONE = frozenset(
    {"catalog.update", "identity.link", "identity.unlink", "passkey.create"}
    | {"user.confirm", "user.sign_in", "user.sign_out", "user.sign_out_everywhere"}
)
_OTHERS = {"system": "The server", "unknown": "Somebody unknown", "anonymous": "Somebody unknown"}
_WAYS = {"password": "with the password", "passkey": "with a passkey", "openid": "through the organisation"}
_FINE = frozenset({"done", "ok", "connected"})


@router.get("/activity", response_class=Response)
async def show_activity(request: Request) -> Response:
    """The newest first, of everybody or of one, on everything or on one thing."""
    screen = Screen(request)
    by, target = screen.query("by"), screen.query("target")
    page = await screen.app.directory.activity(
        screen.actor, limit=50, cursor=screen.cursor(), by=by or None, target=target or None
    )
    names = await screen.app.accounts.names(screen.actor)
    return screen.show(
        "console/activity.html",
        section="activity",
        entries=[sentence_of(entry, names) for entry in page.items],
        older=page.next_cursor,
        names=names,
        by=by,
        target=target,
    )


def sentence_of(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """An entry with its words, the names of people and keys, and where its target is shown."""
    action, target = str(entry["action"]), str(entry["target"])
    kind = action.split(".")[0]
    words, about = SENTENCES.get(action, action), entry.get("details") or {}
    if kind == "trigger" and about.get("function"):
        kind, target, words = "function", f"{about['function']}", words.replace("the trigger", "a trigger of")
    if action == "connection.callback":
        kind = "service"  # it is told where no connection can be
    if target.startswith("client:"):
        kind, target, names = "client", target[7:], {**names, target[7:]: f"{about.get('client') or target[7:]}"}
    path = _PLACES.get(kind, "") + target if kind in _PLACES and not action.endswith(".delete") else ""
    return {
        **entry,
        "day": day_of(entry["at"]),
        "who": _who(entry["actor"], names),
        "words": words,
        "what": "" if action in _ALONE else names.get(target, target),
        "is_name": target in names,
        "more": _more_of(about, names.get(target, target)),
        "path": path,
        "fine": entry["result"] in _FINE,
    }


def _more_of(about: Mapping[str, Any], what: str) -> list[str]:
    """The details in words, without what the sentence says already."""
    more = []
    for key, value in about.items():
        if value in (None, "", []) or value == what or key in _UNTOLD:
            continue
        shown = ", ".join(str(one).replace("_", " ") for one in value) if isinstance(value, list) else str(value)
        more.append(_WAYS.get(shown, shown) if key == "way" else f"{key.replace('_', ' ')} {shown}")
    return more


def _who(actor: str, names: Mapping[str, str]) -> str:
    return names.get(actor) or names.get(actor.removeprefix("client:")) or _OTHERS.get(actor, actor)
