"""Keeps the catalog current while the server runs: the installation's own files, and signed updates from an address."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from isthmus.broker.access import require
from isthmus.broker.layers import CatalogFiles, Layers
from isthmus.broker.views import iso
from isthmus.catalog.bundle import MOST_BYTES, Bundle
from isthmus.catalog.catalog import Catalog
from isthmus.errors import InputError, IsthmusError, OutboundError, ProtocolError
from isthmus.outbound import Limits, Outbound
from isthmus.records import ActivityEntry, Actor, HttpRequest, HttpResponse
from isthmus.settings import Settings
from isthmus.storage.contract import Journal, Storage

ROUND_SECONDS = 20.0
DUTY_SECONDS = 300.0
AGAIN = timedelta(hours=1)
"""How long a failure waits for another attempt, at most."""

_log = logging.getLogger("isthmus.catalog")
_SPARE_BYTES = 1024


class Updates:
    """One process at a time asks the address, for each data directory; every process reads what came of it."""

    def __init__(
        self,
        *,
        settings: Settings,
        files: CatalogFiles,
        layers: Layers,
        catalog: Catalog,
        storage: Storage,
        outbound: Outbound,
        clock: Callable[[], datetime],
        owner: str,
        forget_all: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._files = files
        self._layers = layers
        self._catalog = catalog
        self._storage = storage
        self._outbound = outbound
        self._clock = clock
        self._owner = owner
        self._forget_all = forget_all
        self._task: asyncio.Task[None] | None = None
        place = f"{socket.gethostname()} {files.place.absolute()}"
        self._duty = f"catalog {hashlib.sha256(place.encode()).hexdigest()[:16]}"

    def start(self) -> None:
        self._tell(self._layers.problem)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def update(self, actor: Actor, signed: bytes | None = None) -> dict[str, Any]:
        """Take this bundle, or the one at the address of the settings; what `status` says then.

        Raises InputError (`no_catalog_url`, `no_catalog_keys`, `bundle_stale`, `signature_wrong` and so on),
        ProtocolError and OutboundError; the services in use are the same as before then.
        """
        require(actor, "services.manage")
        if not self._settings.catalog_keys:
            hint = "Set ISTHMUS_CATALOG_KEYS to the publisher's public key."
            raise InputError("No key is trusted to sign updates.", code="no_catalog_keys", hint=hint)
        if signed is not None:
            await self._accept(signed, actor)
        elif self._settings.catalog_url:
            await self._ask(actor)
        else:
            hint = "Set ISTHMUS_CATALOG_URL, or give a file."
            raise InputError("There is no address to ask for updates.", code="no_catalog_url", hint=hint)
        return self.status(actor)

    def status(self, actor: Actor) -> dict[str, Any]:
        """`{"services", "update": {"serial", "published_at", "services"} or None, "checked_at", "problem"}`."""
        require(actor, "services.read")
        update, state = self._layers.update, _read_state(self._state_file)
        told = self._layers.problem
        problem = {"code": told.code, "message": told.message} if told is not None else None
        failed = {"code": state["code"], "message": state["message"]} if state.get("code") else None
        return {
            "services": len(self._layers.index.rows),
            "update": update
            and {"serial": update.serial, "published_at": update.published_at, "services": len(update.index.rows)},
            "checked_at": state.get("checked_at"),
            "problem": problem or failed,
        }

    async def round(self) -> None:
        """Read files that changed, and ask the address if it is time."""
        await self._reread()
        if not self._settings.catalog_url or not self._is_due():
            return
        now = self._clock()
        until = now + timedelta(seconds=DUTY_SECONDS)
        if not await self._storage.take_duty(self._duty, owner=self._owner, now=now, until=until):
            return
        try:
            if self._is_due():
                await self._ask(Actor("system", "system", "operator", "administrator"))
        except (InputError, OutboundError, ProtocolError):
            return  # told where it was noted
        finally:
            await self._storage.release_duty(self._duty, owner=self._owner)

    async def _run(self) -> None:
        while True:
            try:
                await self.round()
            except IsthmusError as problem:
                _log.warning("a round of the catalog failed: %s", problem.code)
            except Exception:
                _log.exception("a round of the catalog failed")
            await asyncio.sleep(ROUND_SECONDS)

    async def _reread(self) -> None:
        if await asyncio.to_thread(self._files.stamps) == self._layers.stamps:
            return
        before = self._layers.problem
        self._layers = await asyncio.to_thread(self._files.read, self._layers)
        self._catalog.replace(self._layers.index)
        self._forget_all()
        if self._layers.problem is not None and str(self._layers.problem) != str(before):
            self._tell(self._layers.problem)

    async def _ask(self, actor: Actor) -> None:
        """Fetch and take; how it went is kept beside the bundle, and told where it is other than last time."""
        try:
            signed = await self._fetch()
            await self._accept(signed, actor, at_address=True)
        except (InputError, OutboundError, ProtocolError) as problem:
            await self._note(actor, problem)
            raise
        await self._note(actor, None)

    async def _accept(self, signed: bytes, actor: Actor, *, at_address: bool = False) -> None:
        try:
            bundle = await asyncio.to_thread(self._files.accept, signed)
        except InputError as problem:
            if not at_address:
                raise
            # What an address gives is not the caller's mistake.
            raise ProtocolError(problem.message, code=problem.code, hint=problem.hint) from problem
        except OSError as problem:
            message = f"The update cannot be written: {problem.strerror}."
            hint = "Look at the rights and the space of the data directory."
            raise InputError(message, code="update_not_written", field="data_dir", hint=hint) from problem
        if bundle is not None:
            await self._storage.add_journal(Journal(activity=(self._entry(actor, "done", bundle),)))
        await self._reread()

    async def _fetch(self) -> bytes:
        most = MOST_BYTES + _SPARE_BYTES
        settings = self._settings
        limits = Limits(settings.request_seconds, settings.connect_seconds, most, most, settings.response_headers)
        request = HttpRequest("GET", settings.catalog_url)
        response = await self._outbound.send(request, hosts=None, limits=limits)
        for _ in range(settings.redirects):
            hop = self._outbound.next_hop(request, response, None)
            if hop is None:
                break
            request = hop.request
            response = await self._outbound.send(request, hosts=None, limits=limits)
        return _body(response)

    async def _note(self, actor: Actor, problem: IsthmusError | None) -> None:
        before = _read_state(self._state_file).get("code", "")
        code = problem.code if problem else ""
        state = {"checked_at": iso(self._clock()), "code": code, "message": problem.message if problem else ""}
        await asyncio.to_thread(_write_state, self._state_file, state)
        if problem is not None and code != before:
            self._tell(problem)
            await self._storage.add_journal(Journal(activity=(self._entry(actor, code, None),)))

    def _entry(self, actor: Actor, result: str, bundle: Bundle | None) -> ActivityEntry:
        details = {"serial": bundle.serial, "services": len(bundle.index.rows)} if bundle else {}
        return ActivityEntry(
            self._clock(), actor.id, "catalog.update", "catalog", result, address=actor.address, details=details
        )

    def _is_due(self) -> bool:
        state = _read_state(self._state_file)
        checked = _moment(state.get("checked_at"))
        if checked is None:
            return True
        pause = timedelta(hours=self._settings.catalog_hours)
        return self._clock() - checked >= (min(pause, AGAIN) if state.get("code") else pause)

    @property
    def _state_file(self) -> Path:
        return self._files.place / "state.json"

    def _tell(self, problem: IsthmusError | None) -> None:
        if problem is not None:
            _log.warning("the catalog stays as it was: %s (%s)", problem.message, problem.code)


def _body(response: HttpResponse) -> bytes:
    if response.status != 200:
        raise ProtocolError(
            f"The address of the catalog's updates answers {response.status}.",
            code="no_bundle",
            status=response.status,
            hint="Look at ISTHMUS_CATALOG_URL; the services stay as they are.",
        )
    return response.body


def _read_state(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _write_state(file: Path, state: dict[str, Any]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(file)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
