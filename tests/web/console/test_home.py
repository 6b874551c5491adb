"""Home, Activity and Settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.web.console.conftest import House, add_connection

import isthmus
from isthmus.practice import sample_values
from isthmus.settings import Settings
from isthmus.web.console.activity import SENTENCES
from isthmus.web.console.preferences import line_of

pytestmark = pytest.mark.anyio


async def test_home_shows_what_needs_a_person_with_the_way_to_mend_it_and_the_day_s_calls(
    house: House, practice: Any
) -> None:
    await add_connection(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    page = "/connections/crm/connect"
    assert (await browser.send(page, sample_values()["practice_basic"])).status_code == 303
    assert "Nothing needs you." in await browser.page("/")
    practice.dials(api={"fail_status": 401})
    await browser.send("/connections/crm/test", on="/connections/crm")
    practice.dials(api={})
    text = await browser.page("/")
    assert 'href="/connections/crm/connect"' in text
    assert "Calls over the last day" in text
    assert re.search(r"<b>1</b><span>needs you", text)


async def test_a_member_s_home_tells_nothing_of_others(house: House, practice: Any) -> None:
    await add_connection(house, practice, "practice_basic")
    text = await (await house.browser("member")).page("/")
    assert "Calls over the last day" not in text
    assert "Lately" not in text


def test_every_recorded_action_has_words() -> None:
    source = "".join(file.read_text() for file in Path(isthmus.__file__).parent.rglob("*.py"))
    kinds = (
        r"api_key|authorization|connection|credential|function|run|service|trigger|user|passkey|identity|client|token"
    )
    named = set(
        re.findall(
            rf'(?:_activity|_?journal|_tell|_told|_entry|ActivityEntry|_add)\([^"()]*(?:\(\))?[^"()]*"((?:{kinds})\.[a-z_]+)"',
            source,
        )
    )
    assert len(named) > 20
    assert named <= set(SENTENCES)


async def test_activity_is_told_in_sentences_and_filtered(house: House, practice: Any) -> None:
    await add_connection(house, practice, "practice_basic")
    browser = await house.browser("administrator")
    text = await browser.page("/activity")
    assert "created the connection" in text
    assert 'href="/connections/crm"' in text
    only = await browser.page("/activity?target=crm")
    assert "created the connection" in only
    assert "signed in" not in only
    assert "Nothing matches" in await browser.page("/activity?target=%3Cscript%3E")


async def test_settings_show_the_exceptions_of_egress_with_their_danger_and_no_secret(house: House) -> None:
    text = await (await house.browser("administrator")).page("/settings")
    assert "127.0.0.0/8" in text
    assert "as if the server itself had asked" in text
    assert "No mail server is set" in text
    assert "10 MB" in text


@pytest.mark.parametrize("name", ["smtp_url", "database_url", "master_key", "admin_password"])
def test_a_secret_setting_is_never_a_line(name: str) -> None:
    with pytest.raises(KeyError):
        line_of(Settings(), name)
