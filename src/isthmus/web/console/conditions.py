"""How a connection stands, in the four states of the console: a shape, a word, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["connected", "needs", "working", "off"]

_RECONNECT = ("connect", "Reconnect")
_TEST = ("test", "Test")
_ORDER = {"needs": 0, "working": 1, "off": 2, "connected": 3}
_RECONNECT_CODES = frozenset({"scope_not_granted"})
_WAITING = frozenset({"not_yet_used"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`cure` is the act that mends it (`connect`, `enable`, `test`) and its button; None where nothing is wrong."""

    kind: Kind
    label: str
    message: str = ""
    hint: str = ""
    code: str = ""
    since: str | None = None
    cure: tuple[str, str] | None = None

    @property
    def rank(self) -> int:
        """Those that need a person come first."""
        return _ORDER[self.kind]


def condition_of(connection: Mapping[str, Any]) -> Condition:
    """The condition of a connection's document."""
    status, reason = connection["status"], connection.get("status_reason") or {}
    told: dict[str, Any] = {
        "message": reason.get("message") or "",
        "hint": reason.get("hint") or "",
        "code": reason.get("code") or "",
        "since": reason.get("at"),
    }
    if status == "disabled":
        return Condition(
            "off", "Disabled", "This connection is disabled: nothing is called or refreshed.", cure=("enable", "Enable")
        )
    if status == "connecting":
        return Condition(
            "working",
            "Connecting",
            "An authorization is under way.",
            "Finish it in the browser it was started in, or start again.",
            cure=("connect", "Start again"),
        )
    if status == "not_connected":
        own = connection["use_credentials_of_login_user"]
        message = "Your own account is not connected yet." if own else "Nobody has authorized this connection yet."
        return Condition("off", "Not connected", message, "Calls are refused until then.", cure=("connect", "Connect"))
    if status == "reauthorization_required":
        return Condition("needs", "Needs you", cure=_RECONNECT, **told)
    return _connected(told)


def _connected(told: dict[str, Any]) -> Condition:
    code = told["code"]
    if not code:
        return Condition("connected", "Connected")
    if code in _WAITING:
        return Condition("connected", "Connected", cure=_TEST, **told)
    cure = _RECONNECT if code in _RECONNECT_CODES else _TEST
    return Condition("needs", "Failing", cure=cure, **told)
