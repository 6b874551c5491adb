"""Mails as bytes (RFC 5322), from values that a stranger may have chosen: nothing given becomes another header."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from isthmus.errors import InputError
from isthmus.protocols.text import has_control
from isthmus.records import Envelope, Mail, MailFile

RECIPIENTS = 100
MAIL_BYTES = 25 * 1024 * 1024
_SUBJECT_CHARACTERS = 500
_NAME_CHARACTERS = 200

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BARE = re.compile(rf"({_LOCAL})@({_DOMAIN})")
_NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
_MEDIA_TYPE = re.compile(r"(text|image|audio|video|font|application)/([A-Za-z0-9!#$&^_.+-]{1,100})(?:\s*;.*)?")


def build_mail(mail: Mail, *, sender: str, message_id: str, at: datetime) -> Envelope:
    """The mail as bytes, with the addresses to hand it to. Raises InputError that names the field."""
    seen = {name: _read_all(getattr(mail, name), name) for name in ("to", "cc", "bcc", "reply_to")}
    recipients = list(dict.fromkeys(a.addr_spec for name in ("to", "cc", "bcc") for a in seen[name]))
    if not recipients:
        raise InputError("The mail has no recipient.", field="to", hint="Give at least one address.")
    if len(recipients) > RECIPIENTS:
        raise InputError(f"The mail has more than {RECIPIENTS} recipients.", field="to", hint="Send several mails.")
    _check_texts(mail)
    own = read_address(sender, "mail_from")
    message = EmailMessage(policy=SMTP)
    message["From"] = own
    for name, addresses in (("To", seen["to"]), ("Cc", seen["cc"]), ("Reply-To", seen["reply_to"])):
        if addresses:
            message[name] = addresses
    message["Subject"] = mail.subject
    message["Date"] = at
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, subtype="html" if mail.html else "plain")
    for file in mail.files:
        _attach(message, file)
    return Envelope(own.addr_spec, tuple(recipients), bytes(message))


def read_address(text: str, field: str) -> Address:
    """`ann@example.com` or `Ann <ann@example.com>`. Raises InputError for anything else, without repeating it."""
    named = _NAMED.fullmatch(text.strip())
    name, bare = (named.group(1).strip().strip('"').strip(), named.group(2)) if named else ("", text.strip())
    found = _BARE.fullmatch(bare)
    if found is None or len(found.group(1)) > 64 or len(bare) > 254 or len(name) > _NAME_CHARACTERS:
        raise _wrong_address(field)
    if not _is_one_line(text):
        raise _wrong_address(field)
    return Address(name, found.group(1), found.group(2))


def _read_all(addresses: Iterable[str], field: str) -> list[Address]:
    return [read_address(address, field) for address in addresses]


def _check_texts(mail: Mail) -> None:
    if not _is_one_line(mail.subject) or len(mail.subject) > _SUBJECT_CHARACTERS:
        raise InputError(
            f"The subject holds a line break or another control character, or more than {_SUBJECT_CHARACTERS} characters.",
            field="subject",
            hint="Give one line of text.",
        )
    if any("\ud800" <= letter <= "\udfff" for letter in mail.text):
        raise InputError("The message holds half of a surrogate pair, which is no character.", field="message")
    for file in mail.files:
        if not _is_one_line(file.name) or not file.name or len(file.name) > _NAME_CHARACTERS:
            raise InputError(
                "The name of an attachment is empty, too long, or holds a control character.",
                field="attachments",
                hint="Give a plain file name.",
            )
    if sum(len(file.content) for file in mail.files) + len(mail.text) > MAIL_BYTES:
        raise InputError(
            f"The mail is larger than {MAIL_BYTES} bytes.", field="attachments", hint="Send a link to the file instead."
        )


def _is_one_line(text: str) -> bool:
    """Readers differ in what ends a line; whatever one of them may take for an end is refused."""
    return not has_control(text) and text.splitlines() in ([], [text])


def _attach(message: EmailMessage, file: MailFile) -> None:
    kind = _MEDIA_TYPE.fullmatch(file.content_type)
    maintype, subtype = (kind.group(1), kind.group(2)) if kind else ("application", "octet-stream")
    message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.name)


def _wrong_address(field: str) -> InputError:
    return InputError(
        f"An address in {field} is not a mail address.",
        code="mail_address_malformed",
        field=field,
        hint="Give ann@example.com or Ann <ann@example.com>; other letters than ASCII go into the name only.",
    )
