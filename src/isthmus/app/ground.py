"""What every part stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from isthmus.outbound import Outbound
from isthmus.settings import Settings
from isthmus.storage.contract import Storage
from isthmus.vault import Vault


def utc_now() -> datetime:
    """The clock of the whole process."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ground:
    """`owner` names this process to the others that share the database."""

    settings: Settings
    storage: Storage
    vault: Vault
    outbound: Outbound
    owner: str
