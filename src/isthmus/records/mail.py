"""Mail, as written by functions and alerts and sent by `outbound`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file that travels with a mail."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent. Addresses are `ann@example.com` or `Ann <ann@example.com>`; `bcc` stays unseen.

    `html` says that `text` is HTML. Who sends it is the installation's own address; `reply_to` is where answers go.
    """

    to: tuple[str, ...]
    subject: str = field(repr=False)
    text: str = field(repr=False)
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = field(default=(), repr=False)
    reply_to: tuple[str, ...] = ()
    html: bool = False
    files: tuple[MailFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it is handed to a mail server: bare addresses, and the message as bytes."""

    sender: str
    recipients: tuple[str, ...] = field(repr=False)
    message: bytes = field(repr=False)
