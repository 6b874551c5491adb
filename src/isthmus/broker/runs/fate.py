"""What may be done with a call of which nobody knows whether it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isthmus.functions.host import HostCall
from isthmus.records import Repeat

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEYED = frozenset({"POST", "PATCH"})
_KEY_HEADER = "idempotency-key"


def is_repeatable(call: HostCall, repeat: Repeat | None) -> bool:
    """Whether making the call once more does no harm.

    So it is with GET, HEAD and OPTIONS (RFC 9110 §9.2.1), with a sleep, with what carries a key by which the service
    recognises it, and with the methods that the service's definition names. Never with a mail.
    """
    if call.name == "sleep":
        return True
    if call.name != "invokeurl":
        return False
    method = _method(call)
    keys = {_KEY_HEADER} | ({repeat.key_header.lower()} if repeat is not None and repeat.key_header else set())
    if method in _SAFE or (repeat is not None and method in repeat.methods):
        return True
    return any(str(name).lower() in keys for name in _headers(call))


def with_key(call: HostCall, repeat: Repeat | None, key: str) -> HostCall:
    """The call with a key of its own, where the service takes one and the function gave none."""
    if repeat is None or not repeat.key_header or call.name != "invokeurl" or _method(call) not in _KEYED:
        return call
    headers = _headers(call)
    if any(str(name).lower() == repeat.key_header.lower() for name in headers):
        return call
    return replace(call, arguments={**call.arguments, "headers": {**headers, repeat.key_header: key}})


def _method(call: HostCall) -> str:
    return str(call.arguments.get("type") or "GET").upper()


def _headers(call: HostCall) -> Mapping[str, Any]:
    given = call.arguments.get("headers")
    return given if isinstance(given, Mapping) else {}
