"""What is remembered of a call for the list of recent calls.

While a call is made, only references are taken; everything else is done when the record is written, and only for
the calls that are still remembered then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from isthmus.broker.ledger import Ledger
from isthmus.broker.lookup import Entry
from isthmus.broker.tokens import draw_id
from isthmus.broker.withholding import KEPT_BYTES, Hidden, kept_body, kept_headers, media_type_of, withheld_values
from isthmus.errors import SealBroken
from isthmus.outbound import redact_url
from isthmus.records import (
    Actor,
    BasicCredential,
    CallRecord,
    CallSide,
    Headers,
    HttpRequest,
    LoginCredential,
    OAuth1Credential,
    OAuth2Credential,
)
from isthmus.vault import Vault


@dataclass(slots=True)
class Recorded:
    """What is remembered of a call, as it becomes known. `head` is the request's, as it was written; `given` and
    `attached` are its headers before and after the credential of `entry` was attached."""

    method: str
    url: str
    request_id: str
    started: float
    keeps: bool = False
    status: int | None = None
    error: str = ""
    entry: Entry | None = None
    given: Headers = field(default=(), repr=False)
    attached: Headers = field(default=(), repr=False)
    head: bytes = field(default=b"", repr=False)
    sent_bytes: int | None = None
    sent: bytes = field(default=b"", repr=False)
    headers: Headers = field(default=(), repr=False)
    received_bytes: int | None = None
    received: bytes = field(default=b"", repr=False)

    def sending(self, entry: Entry, request: HttpRequest, attached: HttpRequest) -> None:
        """This request is about to be sent, with this entry's credential."""
        self.entry = entry
        self.given = request.headers
        self.attached = attached.headers

    def wrote(self, head: bytes, body: bytes) -> None:
        """The request as it is written to the wire."""
        self.head = head
        self.sent_bytes = len(body)
        if self.keeps:
            self.sent = body[:KEPT_BYTES]

    def came(self, headers: Headers, body: bytes) -> None:
        """The whole answer."""
        self.headers = headers
        self.received_bytes = len(body)
        if self.keeps:
            self.received = body[:KEPT_BYTES]


class Recorder:
    """Makes the records of calls, redacted, and opens what is sealed in them."""

    def __init__(self, *, ledger: Ledger, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._vault = vault
        self._clock = clock

    def record(self, actor: Actor, entry: Entry, call: Recorded) -> None:
        """Remember a call for the list of recent calls."""
        now, seconds = self._clock(), time.perf_counter() - call.started
        failed = call.status is None or call.status >= 400

        def make() -> CallRecord:
            return self._made(actor, entry, call, now, seconds)

        self._ledger.record(entry.connection.id, entry.authorization.id, make, failed=failed)

    def _made(self, actor: Actor, entry: Entry, call: Recorded, now: datetime, seconds: float) -> CallRecord:
        hidden = _hidden(call.entry or entry)
        sent = read_head(call.head)
        attached = {name.lower() for name, value in set(call.attached) - set(call.given)} - {"content-type"}
        named = kept_headers(sent, frozenset(attached), hidden)
        request = CallSide(named, media_type_of(sent), call.sent_bytes) if call.head else None
        answer = None
        if call.status is not None:
            kept = kept_headers(call.headers, frozenset(), hidden)
            answer = CallSide(kept, media_type_of(call.headers), call.received_bytes)
        id, sealed = "", None
        if call.sent or call.received:
            covering = hidden.and_also((*_values(entry), *withheld_values(sent, named)))
            bodies = {
                "request": _body(call.sent, sent, call.sent_bytes, covering),
                "answer": _body(call.received, call.headers, call.received_bytes, covering),
            }
            if any(bodies.values()):
                id = draw_id()
                sealed = self._vault.seal(json.dumps(bodies).encode(), **_place(id))
        return CallRecord(
            connection_id=entry.connection.id,
            at=now,
            actor=actor.id,
            method=call.method,
            url=redact_url(call.url),
            status=call.status,
            elapsed_ms=seconds * 1000,
            request_id=call.request_id,
            error=call.error,
            request=request,
            answer=answer,
            bodies_sealed=sealed,
            id=id,
        )

    def bodies(self, call: CallRecord) -> dict[str, Any]:
        """`{"request": {"text", "cut"} or None, "answer": ...}`; empty where none were kept, or what was does not open
        any more: the alarm tells of that, and the list stays readable."""
        if call.bodies_sealed is None:
            return {}
        try:
            opened: dict[str, Any] = json.loads(self._vault.open(call.bodies_sealed, **_place(call.id)))
        except SealBroken:
            return {}
        return opened


def read_head(head: bytes) -> Headers:
    """The headers of a request's head."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return tuple((name, value.lstrip()) for name, colon, value in (line.partition(":") for line in lines) if colon)


def _body(body: bytes, headers: Headers, size: int | None, hidden: Hidden) -> dict[str, Any] | None:
    cut = (size or 0) > len(body)
    text = kept_body(body, headers, hidden, cut=cut)
    return None if text is None else {"text": text, "cut": cut}


def _hidden(entry: Entry) -> Hidden:
    """The credential of this entry, spelt in every way; as long-lived as the opened credential itself."""
    if entry.hidden is None or entry.opened is None:
        hidden = Hidden(_values(entry))
        if entry.opened is None:
            return hidden
        entry.hidden = hidden
    return entry.hidden


def _values(entry: Entry) -> Iterator[str]:
    """Each value of the entry's credential and of its client, and what they are sent as."""
    yield entry.resolved.client.client_secret
    credential = entry.opened
    if credential is None:
        return
    yield from credential.values.values()
    if isinstance(credential, OAuth2Credential | LoginCredential):
        yield credential.access_token
    if isinstance(credential, OAuth2Credential):
        yield credential.refresh_token or ""
    if isinstance(credential, OAuth1Credential):
        yield from (credential.token, credential.token_secret)
    if isinstance(credential, BasicCredential):
        yield from (credential.username, credential.password)
    for _, value in entry.headers or ():
        yield value
        yield value.rpartition(" ")[2]


def _place(id: str) -> dict[str, str]:
    return {"table": "calls", "row": id, "field": "bodies"}
