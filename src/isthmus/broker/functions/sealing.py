"""What a run was given and what came of it, sealed in its row: both may hold anybody's personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from isthmus.broker.functions.values import read_json, write_json
from isthmus.functions.host import Fault
from isthmus.records import Run
from isthmus.vault import Vault


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments as the caller gave them, before they were brought to their types."""

    given: dict[str, Any] = field(repr=False)
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run, as JSON has it."""

    value: Any = field(default=None, repr=False)
    info: tuple[str, ...] = field(default=(), repr=False)
    error: dict[str, Any] | None = None


class RunSeal:
    """Seals into `Run`s and opens them. Opening raises SealBroken."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def with_arguments(self, run: Run, given: Mapping[str, Any], user: str | None) -> Run:
        sealed = self._seal(run, "arguments", write_json({"arguments": given, "user": user}).encode())
        return replace(run, arguments_sealed=sealed)

    def open_arguments(self, run: Run) -> Given:
        document = read_json(self._open(run, "arguments", run.arguments_sealed) or b"{}")
        return Given(document.get("arguments") or {}, document.get("user"))

    def with_outcome(self, run: Run, value: Any, info: tuple[str, ...], fault: Fault | None) -> Run:
        document = {"value": value, "info": list(info), "error": asdict(fault) if fault is not None else None}
        return replace(run, outcome_sealed=self._seal(run, "outcome", write_json(document).encode()))

    def open_outcome(self, run: Run) -> Result:
        """An empty result for a run that has none yet."""
        document = read_json(self._open(run, "outcome", run.outcome_sealed) or b"{}")
        return Result(document.get("value"), tuple(document.get("info") or ()), document.get("error"))

    def with_snapshot(self, run: Run, frozen: bytes) -> Run:
        return replace(run, snapshot_sealed=self._seal(run, "snapshot", frozen))

    def open_snapshot(self, run: Run) -> bytes:
        """The frozen run, empty where it has not been begun."""
        return self._open(run, "snapshot", run.snapshot_sealed)

    def _seal(self, run: Run, field_name: str, data: bytes) -> bytes:
        return self._vault.seal(data, table="runs", row=run.id, field=field_name)

    def _open(self, run: Run, field_name: str, sealed: bytes | None) -> bytes:
        return b"" if sealed is None else self._vault.open(sealed, table="runs", row=run.id, field=field_name)
