"""The recent calls of a connection's summary, over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from tests.practice_server import PracticeServer
from tests.web.console.conftest import House
from tests.web.console.test_connections import connected
from tests.world import ADMIN

from isthmus.records import CallRecord

pytestmark = pytest.mark.anyio


async def test_a_recent_call_opens_to_request_and_answer(house: House, practice: PracticeServer) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    sent = {
        "method": "POST",
        "url": "/echo",
        "content_type": "application/json",
        "body": '{"city": "Oslo", "pwd": "hush"}',
    }
    assert (await browser.send("/connections/crm/call", sent)).status_code == 200
    await house.isthmus._ledger.flush()
    text = unescape(await browser.page("/connections/crm"))
    assert re.search(r"<dt>Authorization</dt><dd[^>]*>attached by Isthmus, withheld</dd>", text)
    assert "<dt>User-Agent</dt><dd>isthmus/" in text
    assert text.count("The body was not kept.") == 2
    assert "Bodies are not kept." in text
    await house.isthmus.directory.update_connection(ADMIN, "crm", {"policy": {"keep_bodies": True}})
    sent["body"] = '{"city": "<b>Oslo</b>", "pwd": "hush"}'
    assert (await browser.send("/connections/crm/call", sent)).status_code == 200
    await house.isthmus._ledger.flush()
    page = await browser.page("/connections/crm")
    assert (
        "<code>{\n  &#34;city&#34;: &#34;&lt;b&gt;Oslo&lt;/b&gt;&#34;,\n  &#34;pwd&#34;: &#34;***&#34;\n}</code>"
        in page
    )
    assert "Bodies are kept, redacted." in page
    assert "hush" not in page


async def test_what_was_not_sent_and_what_came_before_an_upgrade_are_told(
    house: House, practice: PracticeServer
) -> None:
    browser = await house.browser("administrator")
    await connected(house, practice, browser)
    await browser.send("/connections/crm/call", {"method": "GET", "url": "https://evil.example/x"})
    await house.isthmus._ledger.flush()
    text = await browser.page("/connections/crm")
    assert "Nothing was sent." in text
    assert "None came." in text
    row = await house.isthmus.directory._storage.connection("crm")
    assert row is not None
    old = CallRecord(row.id, datetime.now(UTC), "user:ann", "GET", "https://x.example/old", 200, 1.0, "r1")
    await house.isthmus.directory._storage.add_calls([old])
    assert (await browser.page("/connections/crm")).count("Not kept.") == 2
