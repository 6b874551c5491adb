"""Mail through a real server: where it may be, what it refuses, and that its password stays ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mail_server import MailServer
from tests.outbound.certificates import make_authority, server_context
from tests.outbound.servers import Names

from isthmus.errors import DestinationDenied, InputError, IsthmusError, OutboundError, TimedOut, Unreachable
from isthmus.outbound import MailDoor, read_mail_server
from isthmus.records import Envelope
from isthmus.settings import Settings

pytestmark = pytest.mark.anyio

PASSWORD = "pa$$:w@rd/7f3c9e51d2"
ENCODED = "pa%24%24%3Aw%40rd%2F7f3c9e51d2"
ENVELOPE = Envelope("isthmus@example.com", ("ann@example.com",), b"Subject: x\r\n\r\nHello\r\n")


@contextlib.contextmanager
def door(url: str, names: Names | None = None, **settings: Any) -> Iterator[MailDoor]:
    values: dict[str, Any] = {"egress_allow": ("127.0.0.0/8",)} | settings
    opened = MailDoor(Settings(**values), read_mail_server(url), resolver=names)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:0x19",
        "smtp://h:99999",
        "smtp://mail.example.com/path",
        "smtp://mail.example.com?tls=maybe",
        "smtps://mail.example.com?starttls",
        "smtp://mail.example.com#x",
        f"smtp://ann@mail.example.com:{PASSWORD}",
        "smtp://ann@mail.example.com",
        "smtp://:secret@mail.example.com",
        "smtp://exa mple.com",
    ],
)
def test_a_url_that_is_no_mail_server_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(InputError) as refused:
        read_mail_server(url)
    assert refused.value.field == "smtp_url"
    assert "7f3c9e51d2" not in refused.value.message + refused.value.hint


def test_a_url_says_host_port_and_security() -> None:
    server = read_mail_server(f"smtp://ann%40example.com:{ENCODED}@mail.example.com?starttls")
    assert (server.host, server.port, server.start_tls, server.use_tls) == ("mail.example.com", 587, True, False)
    assert (server.username, server.password) == ("ann@example.com", PASSWORD)
    assert "7f3c9e51d2" not in repr(server)
    assert read_mail_server("smtps://mail.example.com").port == 465
    assert read_mail_server("smtp://[::1]:25").host == "::1"


async def test_an_internal_address_is_refused_and_nothing_is_dialled(names: Names) -> None:
    names.say("mail.test", ["127.0.0.1"])
    with (
        MailServer() as server,
        door(f"smtps://mail.test:{server.port}", names, egress_allow=()) as closed,
        pytest.raises(DestinationDenied) as refused,
    ):
        await closed.send(ENVELOPE)
    assert refused.value.code == "address_denied"
    assert server.mails == []


async def test_without_tls_a_mail_goes_only_to_an_excepted_host(names: Names) -> None:
    names.say("mail.test", ["45.90.28.1"])
    with door("smtp://mail.test:2525", names) as closed, pytest.raises(DestinationDenied) as refused:
        await closed.send(ENVELOPE)
    assert refused.value.code == "scheme_denied"


async def test_a_name_that_leads_nowhere_and_a_closed_port_are_told(names: Names) -> None:
    with door("smtps://nowhere.test", names) as closed, pytest.raises(Unreachable) as refused:
        await closed.send(ENVELOPE)
    assert refused.value.code == "name_not_resolved"
    with MailServer() as server:
        port = server.port
    with door(f"smtp://127.0.0.1:{port}") as closed, pytest.raises(Unreachable) as refused:
        await closed.send(ENVELOPE)
    assert refused.value.code == "connection_refused"


async def test_a_wrong_password_is_told_without_repeating_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        MailServer(password="another") as server,
        door(f"smtp://ann:{ENCODED}@127.0.0.1:{server.port}") as opened,
        pytest.raises(OutboundError) as refused,
    ):
        await opened.send(ENVELOPE)
    assert refused.value.code == "mail_login_refused"
    told = refused.value.message + refused.value.hint + repr(refused.value.__cause__) + caplog.text
    assert "7f3c9e51d2" not in told
    assert server.mails == []


async def test_a_server_that_requires_starttls_and_one_that_has_none_are_told(tmp_path: Path) -> None:
    authority = make_authority()
    tls = server_context(tmp_path, "127.0.0.1", authority=authority)
    with (
        MailServer(tls=tls, start_tls=True) as server,
        door(f"smtp://127.0.0.1:{server.port}") as opened,
        pytest.raises(OutboundError) as refused,
    ):
        await opened.send(ENVELOPE)
    assert refused.value.code == "mail_refused"
    with (
        MailServer() as server,
        door(f"smtp://127.0.0.1:{server.port}?starttls") as opened,
        pytest.raises(OutboundError) as refused,
    ):
        await opened.send(ENVELOPE)
    assert refused.value.code == "mail_refused"
    assert server.mails == []


@pytest.mark.parametrize("scheme", ["smtps://{}", "smtp://{}?starttls"])
async def test_a_certificate_that_is_not_trusted_ends_it(scheme: str, tmp_path: Path) -> None:
    tls = server_context(tmp_path, "127.0.0.1", authority=None)
    with (
        MailServer(tls=tls, start_tls="starttls" in scheme) as server,
        door(scheme.format(f"127.0.0.1:{server.port}")) as opened,
        pytest.raises(Unreachable) as refused,
    ):
        await opened.send(ENVELOPE)
    assert refused.value.code == "tls_failed"
    assert server.mails == []


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with door(f"smtp://127.0.0.1:{port}", request_seconds=0.3) as opened, pytest.raises(TimedOut):
        await opened.send(ENVELOPE)
    server.close()


async def test_a_server_that_hangs_up_is_told() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with door(f"smtp://127.0.0.1:{port}") as opened, pytest.raises(IsthmusError) as refused:
        await opened.send(ENVELOPE)
    assert refused.value.code == "connection_lost"
    server.close()


async def test_a_refused_recipient_is_named_and_the_others_get_their_mail() -> None:
    envelope = Envelope("isthmus@example.com", ("ann@example.com", "gone@example.com"), ENVELOPE.message)
    with MailServer(refuse=("gone@example.com",)) as server, door(f"smtp://127.0.0.1:{server.port}") as opened:
        assert await opened.send(envelope) == ("gone@example.com",)
        with pytest.raises(OutboundError) as refused:
            await opened.send(Envelope("isthmus@example.com", ("gone@example.com",), ENVELOPE.message))
    assert "550" in refused.value.message
    assert server.recipients == [["ann@example.com"]]


@pytest.mark.parametrize("scheme", ["smtp://ann:{}@{}", "smtps://ann:{}@{}", "smtp://ann:{}@{}?starttls"])
async def test_a_mail_arrives_in_each_kind_of_security(scheme: str, tmp_path: Path, names: Names) -> None:
    authority = make_authority()
    secure = "?" in scheme or "smtps" in scheme
    tls = server_context(tmp_path, "mail.test", authority=authority) if secure else None
    bundle = authority.write(tmp_path / "ca.pem")
    names.say("mail.test", ["127.0.0.1"])
    with (
        MailServer(tls=tls, start_tls="?" in scheme, password=PASSWORD) as server,
        door(scheme.format(ENCODED, f"mail.test:{server.port}"), names, ca_bundle=bundle) as opened,
    ):
        assert await opened.send(ENVELOPE) == ()
    assert server.mails[0]["subject"] == "x"
    assert server.senders == ["isthmus@example.com"]
    assert server.secure == [secure]
