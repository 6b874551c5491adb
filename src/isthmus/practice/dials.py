"""The dials: what each may be set to, and how they stand from the factory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from isthmus.practice import garbage

DIALS: dict[str, Any] = {
    "token_lifetime_seconds": 3600,
    "rotation": "strict",
    "grace_seconds": 30,
    "garbage": None,
    "error_in_200": None,
    "lost_answer": False,
    "form_encoded": False,
    "scope_loss": [],
    "clock_skew_seconds": 0,
    "wrong_iss": False,
    "no_iss": False,
    "callback_confirmed": True,
    "body_hash_required": False,
    "pkce_required": True,
    "plaintext": False,
    "auto_consent": None,
    "rsa_public_key": None,
    "token": {},
    "api": {},
}
"""The dials and their factory settings; docs/practice.md tells what each does."""

ACTIONS = ("revoke_all", "revoke_access_tokens")
"""Not positions but acts: done once, when set to true."""


def check(name: str, value: Any) -> str:
    """What is wrong with setting a dial to this value; nothing where all is well."""
    if name in ACTIONS:
        return "" if isinstance(value, bool) else f"{name} is true or false"
    if name not in DIALS:
        return f"{name} is no dial"
    test, wanted = _RULES.get(name, (_is_switch, "true or false"))
    return "" if test(value) else f"{name} is {wanted}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


_TROUBLE = {"slow_seconds", "until_turned", "fail_status", "retry_after", "times"}


def _is_trouble(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) <= _TROUBLE:
        return False
    times, status = value.get("times"), value.get("fail_status")
    return (
        _is_number(value.get("slow_seconds", 0) or 0)
        and isinstance(value.get("until_turned", False), bool)
        and (times is None or (isinstance(times, int) and times >= 0))
        and (status is None or (isinstance(status, int) and 200 <= status <= 599))
    )


def _is_key(value: Any) -> bool:
    if value is None:
        return True
    try:
        return isinstance(load_pem_public_key(str(value).encode()), rsa.RSAPublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _is_scopes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(scope, str) for scope in value)


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "token_lifetime_seconds": (lambda value: value is None or _is_number(value), "a number or null"),
    "rotation": (lambda value: value in ("strict", "grace", "keep"), "strict, grace or keep"),
    "grace_seconds": (_is_number, "a number"),
    "garbage": (lambda value: value is None or value in garbage.names(), "null or one of /practice/garbage"),
    "error_in_200": (lambda value: value is None or isinstance(value, (bool, str)), "true, false or an error word"),
    "scope_loss": (_is_scopes, "a list of scopes"),
    "clock_skew_seconds": (_is_number, "a number"),
    "auto_consent": (lambda value: value in (None, "allow", "ada", "grace", "deny"), "null, ada, grace or deny"),
    "rsa_public_key": (_is_key, "null or a public key in PEM"),
    "token": (_is_trouble, "an object with slow_seconds, until_turned, fail_status, retry_after, times"),
    "api": (_is_trouble, "an object with slow_seconds, until_turned, fail_status, retry_after, times"),
}
