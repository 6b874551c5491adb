"""Webhooks: a delivery is judged, becomes a run, and is answered once the run is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from isthmus.broker.functions.values import read_json
from isthmus.broker.tokens import fingerprint
from isthmus.broker.triggers.firing import Firing
from isthmus.errors import InputError, NotAuthenticated, NotFound
from isthmus.protocols.webhooks import Signed, judge_signature
from isthmus.records import Run, Trigger
from isthmus.storage.contract import Storage
from isthmus.vault import Vault

MOST_FIELDS = 1000
DEEPEST = 64
_NOT_PASSED_ON = frozenset({"authorization", "cookie", "proxy-authorization"})
_MOST_CHALLENGE = 1000
_DELIVERY_IDS = {"shopify": "x-shopify-webhook-id"}
"""Style -> the header that says which delivery this is, where the sender itself delivers one more than once."""
_NOBODY = b"nobody's secret, for the same work"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sender posted. `headers` have lower-case names."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Hooks:
    """The token in the URL finds the trigger; the signature, where one is asked for, shows who sent it."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        firing: Firing,
        wake: Callable[[Run | None], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._firing = firing
        self._wake = wake
        self._clock = clock

    async def receive(self, token: str, delivery: Delivery) -> dict[str, Any]:
        """`{"run_id", "state"}` of a run that is stored: queued, or failed already where the function cannot take what
        was delivered. The same signed delivery once more gives the same run. `{"challenge"}`, and no run, where Slack
        asks whether the URL is ours.

        Raises NotFound for a token that is unknown or whose trigger is switched off, NotAuthenticated (`signature`)
        without saying what is wrong with it, InputError for a body that cannot be read.
        """
        trigger = await self._storage.trigger_by_token(hash_token(token))
        live = trigger is not None and trigger.enabled
        style = trigger.signature if live and trigger is not None else "github"
        signed = judge_signature(style, self._secret(trigger), delivery.headers, delivery.body, now=self._clock())
        if trigger is None or not live:
            raise NotFound("There is no such webhook.", code="webhook_not_found", hint="Check the URL, or its trigger.")
        if signed is None:
            raise NotAuthenticated("The signature is not good.", code="signature_refused", hint="Sign with the secret.")
        body = read_body(delivery)
        if trigger.signature == "slack" and isinstance(body, dict) and body.get("type") == "url_verification":
            return {"challenge": str(body.get("challenge", ""))[:_MOST_CHALLENGE]}
        record = {
            "body": body,
            "headers": {name: text for name, text in delivery.headers.items() if name not in _NOT_PASSED_ON},
            "query": dict(delivery.query),
        }
        run_id = _run_id(trigger, signed, delivery)
        run = await self._firing.run_of(trigger, record, run_id=run_id)
        if run is None:
            raise NotFound("There is no such webhook.", code="webhook_not_found", hint="Check the URL, or its trigger.")
        if await self._storage.fire_webhook(trigger.id, run):
            self._wake(run)
        return {"run_id": run.id, "state": run.state}

    def _secret(self, trigger: Trigger | None) -> bytes:
        if trigger is None or trigger.secret_sealed is None:
            return _NOBODY
        return self._vault.open(trigger.secret_sealed, **secret_place(trigger.id))


def secret_place(trigger_id: str) -> dict[str, str]:
    """Where a webhook's secret is sealed for."""
    return {"table": "triggers", "row": trigger_id, "field": "secret"}


def hash_token(token: str) -> str:
    """What is stored of a webhook's token: 256 random bits need no more than one hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_body(delivery: Delivery) -> Any:
    """JSON, the fields of a form (a list where one comes twice), or text; null where there is none.

    Raises InputError (`webhook_body_malformed`).
    """
    if not delivery.body:
        return None
    kind = delivery.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        text = delivery.body.decode("utf-8-sig")
        if kind == "application/json" or kind.endswith("+json"):
            return _checked(read_json(text))
        if kind == "application/x-www-form-urlencoded":
            return _fields(text)
    except (ValueError, RecursionError):
        raise InputError(
            "The body is not what its Content-Type says.",
            code="webhook_body_malformed",
            field="body",
            hint="Send JSON, a form or text, in UTF-8.",
        ) from None
    return text


def _fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS):
        if name not in fields:
            fields[name] = value
        else:
            present = fields[name]
            fields[name] = [*present, value] if isinstance(present, list) else [present, value]
    return fields


def _checked(value: Any) -> Any:
    """Raise ValueError for what is nested too deeply to be worked with."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return value
    raise ValueError


def _run_id(trigger: Trigger, signed: Signed, delivery: Delivery) -> str | None:
    """The same for the same delivery, so that a repeated one adds no run; None where it cannot be told."""
    headers = delivery.headers
    mark = (
        signed.mark or headers.get("idempotency-key", "") or headers.get(_DELIVERY_IDS.get(trigger.signature, ""), "")
    )
    return fingerprint("delivery", trigger.id, mark)[:32] if mark else None
