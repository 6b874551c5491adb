"""What a person is asked, the same on every page that asks: who, for what, as whom. A decision holds for that alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.authserver.names import is_mixed
from isthmus.authserver.scopes import describe_scope
from isthmus.errors import Conflict
from isthmus.records import Actor, Client


def describe_question(client: Client, scopes: Iterable[str], visitor: Actor, **more: Any) -> dict[str, Any]:
    """The facts that a page shows; `shown` is their digest, which the decision has to come back with."""
    facts = {
        "client_id": client.client_id,
        "name": client.name,
        "mixed_name": is_mixed(client.name),
        "domain": client.domain,
        "scopes": [{"name": scope, "sentence": describe_scope(scope)} for scope in scopes],
        "visitor": {"id": visitor.id, "name": visitor.name, "role": visitor.role},
        **more,
    }
    return {**facts, "shown": hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}


def require_shown(facts: Mapping[str, Any], shown: str) -> None:
    """Raise Conflict (`consent_changed`) unless the person saw these very facts.

    Somebody else may have signed in since, or the client have another name, address, redirect or scopes.
    """
    if shown != facts["shown"]:
        raise Conflict(
            "What this page asked has changed since it was opened.",
            code="consent_changed",
            hint="Read what is asked for now, and decide.",
        )
