"""Mail from the settings to a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.mail_server import MailServer

from isthmus.app import build
from isthmus.broker.mailing import Mailing
from isthmus.errors import InputError
from isthmus.records import Mail
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio

MAIL = Mail(to=("ann@example.com",), subject="Hello", text="Grüße")


async def test_without_a_mail_server_a_mail_is_refused_with_the_remedy() -> None:
    mailing = Mailing(door=None, sender="", clock=lambda: datetime.now(UTC))
    assert not mailing.configured
    with pytest.raises(InputError) as refused:
        await mailing.send(MAIL)
    assert refused.value.code == "mail_not_configured"
    assert "ISTHMUS_SMTP_URL" in refused.value.hint


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"smtp_url": "mail.example.com", "mail_from": "a@example.com"}, "smtp_url")]
    + [({"smtp_url": "smtps://mail.example.com", "mail_from": sender}, "mail_from") for sender in ("", "Isthmus")],
)
async def test_a_wrong_setting_keeps_the_server_from_starting(
    tmp_path: Path, settings: dict[str, str], field: str
) -> None:
    with pytest.raises(InputError) as refused:
        await build(Settings(data_dir=tmp_path, **settings))  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_a_mail_goes_out_from_the_installations_own_address(tmp_path: Path) -> None:
    with MailServer() as server:
        settings = Settings(
            data_dir=tmp_path,
            smtp_url=f"smtp://127.0.0.1:{server.port}",
            mail_from="Isthmus <isthmus@example.com>",
            egress_allow=("127.0.0.0/8",),
        )
        isthmus = await build(settings)
        assert await isthmus._mailing.send(MAIL) == ()
        await isthmus.stop()
    assert server.senders == ["isthmus@example.com"]
    assert server.mails[0]["from"] == "Isthmus <isthmus@example.com>"
    assert str(server.mails[0]["message-id"]).endswith("@example.com>")
    assert server.mails[0].get_content().strip() == "Grüße"
