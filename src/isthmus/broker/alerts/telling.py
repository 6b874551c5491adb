"""Tells people: by mail, and by a webhook that chat tools take. At most one notice a minute and ten an hour."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from isthmus.broker.alerts import book
from isthmus.broker.alerts.notice import document_of, subject_of, text_of
from isthmus.broker.mailing import Mailing
from isthmus.errors import IsthmusError
from isthmus.outbound import Outbound
from isthmus.records import Alert, HttpRequest, Mail
from isthmus.settings import Settings
from isthmus.storage.contract import Storage

PAUSE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 10
MOST_IN_A_NOTICE = 50
KEPT = timedelta(days=30)
"""How long an alert is kept after it was over and told."""

_log = logging.getLogger("isthmus.alerts")


class Telling:
    """What is not told for lack of time or of an answer is told with the next notice; nothing is lost."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        outbound: Outbound,
        mailing: Mailing,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._outbound = outbound
        self._mailing = mailing
        self._clock = clock
        self._tried: deque[datetime] = deque(maxlen=MOST_AN_HOUR)
        self._purged_at: datetime | None = None
        self.writing = asyncio.Lock()
        """Held by whoever reads alerts and writes them back."""

    @property
    def configured(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self._settings.alert_mail or self._settings.alert_webhook)

    async def round(self) -> int:
        """Tell what there is to tell, if it is time; how many alerts were told."""
        now = self._clock()
        if not self.configured or not self._is_time(now):
            return 0
        alerts = await self._storage.alerts_to_tell(now=now, limit=MOST_IN_A_NOTICE)
        if not alerts:
            return 0
        self._tried.append(now)
        if not await self._send(alerts):
            return 0
        async with self.writing:
            current = {alert.key: alert for alert in await self._storage.alerts_of([a.subject_id for a in alerts])}
            marked = [_marked(current[alert.key], alert, now) for alert in alerts if alert.key in current]
            await self._storage.put_alerts(marked)
        return len(marked)

    async def forget(self) -> int:
        """Remove what has long been over, once an hour at most; how many alerts."""
        now = self._clock()
        if self._purged_at is not None and now - self._purged_at < HOUR:
            return 0
        self._purged_at = now
        return await self._storage.purge_alerts(before=now - KEPT)

    def _is_time(self, now: datetime) -> bool:
        if self._tried and now - self._tried[-1] < PAUSE:
            return False
        return len(self._tried) < MOST_AN_HOUR or now - self._tried[0] >= HOUR

    async def _send(self, alerts: Sequence[Alert]) -> bool:
        """Whether at least one of the ways took it; another that did not is in the log."""
        taken = [await self._mail(alerts), await self._post(alerts)]
        return any(taken)

    async def _mail(self, alerts: Sequence[Alert]) -> bool:
        if not self._settings.alert_mail:
            return False
        text = text_of(alerts, self._settings.public_url)
        try:
            await self._mailing.send(Mail(self._settings.alert_mail, subject_of(alerts), text))
        except IsthmusError as problem:
            _log.error("alert not delivered by mail: %s", problem.code)
            return False
        return True

    async def _post(self, alerts: Sequence[Alert]) -> bool:
        if not self._settings.alert_webhook:
            return False
        body = json.dumps(document_of(alerts, self._settings.public_url), ensure_ascii=False).encode()
        request = HttpRequest("POST", self._settings.alert_webhook, (("Content-Type", "application/json"),), body)
        try:
            response = await self._outbound.send(request, hosts=None)
        except IsthmusError as problem:
            _log.error("alert not delivered by webhook: %s", problem.code)
            return False
        if not 200 <= response.status < 300:
            _log.error("alert not delivered by webhook: status %s", response.status)
            return False
        return True


def _marked(current: Alert, said: Alert, now: datetime) -> Alert:
    """The alert as it is by now, marked with what was said of it: it may have failed or recovered meanwhile."""
    if current.opened_at != said.opened_at:
        return current
    marked = book.told(said, now)
    if current.recovered_at is None and said.recovered_at is not None:
        return replace(current, told_at=None, tell_at=marked.tell_at)
    changed = replace(current, told_at=marked.told_at, tell_at=marked.tell_at)
    return changed if said.recovered_at is None else replace(changed, recovery_told_at=now)
