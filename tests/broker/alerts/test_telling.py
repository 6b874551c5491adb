"""Alerts told by mail and webhook: one for a cause, one when it works again, and never a flood."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.mail_server import MailServer
from tests.world import ADMIN, open_world

from isthmus.broker.alerts.telling import MOST_AN_HOUR, PAUSE, Telling
from isthmus.broker.functions.runner import Asking
from isthmus.errors import InputError
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = "an argument of somebody's"
CODE = 'def main(ok: bool = False, secret: str = ""):\n    if not ok:\n        return {}[secret]\n    return 1\n'


class Receiver:
    """What chat tools are: takes JSON, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.posted.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


class Desk:
    """A world whose alerts are told by hand, at times of our choosing."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.ahead = timedelta(0)
        watch: Any = shop.world.isthmus._watch
        self.telling: Telling = watch._slow.__self__
        self._dispatch = watch._rounds[1]
        self.telling._clock = lambda: datetime.now(UTC) + self.ahead

    async def run(self, **arguments: Any) -> None:
        await self.shop.functions.execute(ADMIN, NAME, Asking(arguments=arguments, trigger="rest"))

    async def pass_on(self) -> int:
        """Deal with what occurred, then tell; how many alerts were told."""
        while await self._dispatch():
            pass
        return await self.telling.round()

    def wait(self, time: timedelta = PAUSE) -> None:
        self.ahead += time


@asynccontextmanager
async def desk(folder: Path, practice: Any, **settings: str) -> AsyncIterator[Desk]:
    async with open_world(folder, practice, **settings) as world:
        shop = Workshop(world)
        await shop.live(CODE)
        yield Desk(shop)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"alert_mail": ("a@example.com",)}, "alert_mail"), ({"alert_webhook": "ftp://x.example"}, "alert_webhook")],
)
def test_what_cannot_be_told_to_keeps_the_server_from_starting(given: Any, field: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        Settings.load(
            {
                f"ISTHMUS_{name.upper()}": ",".join([value] if isinstance(value, str) else value)
                for name, value in given.items()
            }
        )
    assert refused.value.field == field


async def test_thirty_failures_of_one_cause_are_one_alert_and_its_end_is_another(
    tmp_path: Path, practice: Any, receiver: Receiver
) -> None:
    async with desk(tmp_path, practice, alert_webhook=receiver.url) as world:
        for _ in range(30):
            await world.run(secret=SECRET)
        assert await world.pass_on() == 1
        (told,) = receiver.posted
        (alert,) = told["alerts"]
        assert (alert["state"], alert["subject"], alert["line"], alert["count"]) == ("failing", NAME, 3, 30)
        assert NAME in told["text"]
        assert SECRET not in json.dumps(told), "what a run was given is nobody's business"
        for _ in range(3):
            world.wait()
            await world.run()
            assert await world.pass_on() == 0, "it is known"
        await world.run(ok=True)
        world.wait()
        assert await world.pass_on() == 1
        assert [alert["state"] for alert in receiver.posted[1]["alerts"]] == ["recovered"]
        assert "works again" in receiver.posted[1]["text"]
        world.wait()
        assert await world.pass_on() == 0
        assert len(receiver.posted) == 2


async def test_a_mail_says_what_fails_and_where(tmp_path: Path, practice: Any) -> None:
    with MailServer() as server:
        settings = {
            "smtp_url": f"smtp://127.0.0.1:{server.port}",
            "mail_from": "Isthmus <isthmus@example.com>",
            "alert_mail": "ann@example.com,ben@example.com",
        }
        async with desk(tmp_path, practice, **settings) as world:
            await world.run(secret=SECRET)
            assert await world.pass_on() == 1
    assert server.recipients == [["ann@example.com", "ben@example.com"]]
    (mail,) = server.mails
    text = str(mail.get_content())
    assert NAME in str(mail["subject"])
    assert "line 3" in text
    assert SECRET not in text


async def test_an_alert_that_could_not_be_delivered_is_told_with_the_next(
    tmp_path: Path, practice: Any, receiver: Receiver
) -> None:
    async with desk(tmp_path, practice, alert_webhook=receiver.url) as world:
        receiver.status = 503
        await world.run()
        assert await world.pass_on() == 0
        receiver.status = 200
        assert await world.pass_on() == 0, "not at once: it may be our own flood that ails it"
        world.wait()
        assert await world.pass_on() == 1
        assert len(receiver.posted) == 1


async def test_many_causes_are_one_notice_a_minute_and_so_many_an_hour(
    tmp_path: Path, practice: Any, receiver: Receiver
) -> None:
    async with desk(tmp_path, practice, alert_webhook=receiver.url) as world:
        for number in range(MOST_AN_HOUR + 3):
            name = f"standalone.f{number}"
            await world.shop.live(CODE, name)
            await world.shop.functions.execute(ADMIN, name, Asking(trigger="rest"))
            await world.pass_on()
            assert await world.pass_on() == 0, "one a minute"
            world.wait()
        assert len(receiver.posted) == MOST_AN_HOUR
        world.wait(timedelta(hours=1))
        assert await world.pass_on() == 3
        assert [len(told["alerts"]) for told in receiver.posted] == [1] * MOST_AN_HOUR + [3]


async def test_a_test_of_a_draft_alarms_nobody_and_without_anybody_to_tell_nothing_is_sent(
    tmp_path: Path, practice: Any, receiver: Receiver
) -> None:
    async with desk(tmp_path, practice, alert_webhook=receiver.url) as world:
        await world.shop.functions.execute(ADMIN, NAME, Asking(draft=True))
        assert await world.pass_on() == 0
    async with desk(tmp_path / "other", practice) as world:
        assert not world.telling.configured
        await world.run()
        assert await world.pass_on() == 0
    assert receiver.posted == []


async def test_an_alert_that_is_long_over_is_forgotten_and_an_open_one_is_not(
    tmp_path: Path, practice: Any, receiver: Receiver
) -> None:
    async with desk(tmp_path, practice, alert_webhook=receiver.url) as world:
        storage: Any = world.shop.world.isthmus._storage
        function = await storage.function(NAME)
        await world.run()
        assert await world.pass_on() == 1
        await world.run(ok=True)
        world.wait()
        assert await world.pass_on() == 1
        assert await world.telling.forget() == 0
        world.wait(timedelta(days=31))
        assert await world.telling.forget() == 1
        await world.run()
        await world.pass_on()
        world.wait(timedelta(days=31))
        assert await world.telling.forget() == 0
        assert [alert.recovered_at for alert in await storage.alerts_of([function.id])] == [None]
