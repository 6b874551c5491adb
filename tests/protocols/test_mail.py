"""Mails as bytes: nothing that was given becomes another header, and what was given arrives as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.protocols.mail import MAIL_BYTES, RECIPIENTS, build_mail
from isthmus.records import Envelope, Mail, MailFile

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
PLAIN = Mail(to=("ann@example.com",), subject="Hello", text="Grüße\n")
OWN = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
CONTENT = {"Content-Type", "Content-Transfer-Encoding"}


def build(mail: Mail) -> Envelope:
    return build_mail(mail, sender="Isthmus <isthmus@example.com>", message_id="<1@example.com>", at=AT)


def parsed(mail: Mail) -> Any:
    return message_from_bytes(build(mail).message, policy=default)


@pytest.mark.parametrize("letter", ["\n", "\r", "\r\n", "\x00", "\x0b", "\x1d", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("field", ["subject", "to", "cc", "bcc", "reply_to", "files"])
def test_a_line_break_or_control_character_is_refused_and_named(field: str, letter: str) -> None:
    text = f"ann{letter}Bcc: eve@example.com"
    value: Any = text if field == "subject" else (f"{text} <a@example.com>",)
    if field == "files":
        value = (MailFile(text, b""),)
    with pytest.raises(InputError) as refused:
        build(replace(PLAIN, **{field: value}))
    assert refused.value.field == {"files": "attachments"}.get(field, field)
    assert "eve" not in refused.value.message


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@@example.com",
        "ann@exa mple.com",
        "a@b@c",
        "ann@-x.com",
        "ann@x..com",
        "a..b@example.com",
        "ann@example.com, eve@example.com",
        "<ann@example.com",
        "Ann <ann@example.com> eve",
        "bücher@example.com",
        "ann@bücher.example",
        "x" * 65 + "@example.com",
        '"a b"@example.com',
        "ann@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError) as refused:
        build(replace(PLAIN, to=(address,)))
    assert (refused.value.code, refused.value.field) == ("mail_address_malformed", "to")


def test_a_mail_to_nobody_and_one_to_too_many_are_refused() -> None:
    for to in ((), tuple(f"a{n}@example.com" for n in range(RECIPIENTS + 1))):
        with pytest.raises(InputError) as refused:
            build(replace(PLAIN, to=to))
        assert refused.value.field == "to"


def test_a_mail_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        build(replace(PLAIN, files=(MailFile("a", bytes(MAIL_BYTES + 1)),)))
    assert refused.value.field == "attachments"


@given(subject=st.text(max_size=200), name=st.text(max_size=60), text=st.text(max_size=500), file=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_whatever_is_given_there_are_only_the_headers_that_belong_there(
    subject: str, name: str, text: str, file: str
) -> None:
    mail = Mail(to=(f"{name} <ann@example.com>",), subject=subject, text=text, files=(MailFile(file, b"x"),))
    try:
        envelope = build(mail)
    except InputError:
        return
    message = message_from_bytes(envelope.message, policy=default)
    assert set(message.keys()) == OWN | {"Content-Type"}
    assert envelope.recipients == ("ann@example.com",)
    body, attached = message.iter_parts()
    assert set(body.keys()) == CONTENT
    assert set(attached.keys()) == CONTENT | {"Content-Disposition", "MIME-Version"}


def test_a_mail_says_what_was_said() -> None:
    mail = replace(
        PLAIN,
        to=("Ann Müller <ann@example.com>", "bob@example.com"),
        cc=("cy@example.com",),
        bcc=("dee@example.com", "bob@example.com"),
        reply_to=("help@example.com",),
        subject="Grüße aus dem Norden, und zwar in einer Zeile, die länger ist als eine Zeile sein darf",
    )
    envelope, message = build(mail), parsed(mail)
    assert envelope.sender == "isthmus@example.com"
    assert envelope.recipients == ("ann@example.com", "bob@example.com", "cy@example.com", "dee@example.com")
    assert b"dee" not in envelope.message
    assert message["subject"] == mail.subject
    assert [a.display_name for a in message["to"].addresses] == ["Ann Müller", ""]
    assert message["reply-to"].addresses[0].addr_spec == "help@example.com"
    assert message["auto-submitted"] == "auto-generated"
    assert message.get_content().strip() == "Grüße"
    assert message.get_content_type() == "text/plain"


def test_html_and_files_travel() -> None:
    files = (
        MailFile("Bericht ü.pdf", b"\x00\xff" * 5000, "application/pdf"),
        MailFile("a.txt", b"one\ntwo", "text/plain; charset=utf-8"),
        MailFile("odd", b"x", "multipart/mixed"),
        MailFile("odder", b"y", "no type at all"),
    )
    message = parsed(replace(PLAIN, html=True, text="<b>" + "x" * 2000 + "</b>", files=files))
    body, *attached = message.iter_parts()
    assert body.get_content_type() == "text/html"
    assert body.get_content().strip() == "<b>" + "x" * 2000 + "</b>"
    assert [part.get_filename() for part in attached] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in attached] == [file.content for file in files]
    assert [part.get_content_type() for part in attached] == [
        "application/pdf",
        "text/plain",
        "application/octet-stream",
        "application/octet-stream",
    ]


def test_no_line_is_longer_than_a_mail_server_takes() -> None:
    envelope = build(
        replace(PLAIN, subject="ü" * 400, text="y" * 5000, to=tuple(f"a{n}@example.com" for n in range(90)))
    )
    assert max(len(line) for line in envelope.message.split(b"\r\n")) <= 998
    assert envelope.message.replace(b"\r\n", b"").count(b"\n") == 0
