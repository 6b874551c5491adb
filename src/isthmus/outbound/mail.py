"""Mail goes out through one server that the operator names, dialled under the same address rules as any other host."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPTimeoutError,
)

from isthmus.errors import DestinationDenied, InputError, OutboundError, TimedOut, Unreachable
from isthmus.outbound.names import Resolver, SystemResolver, addresses_of
from isthmus.outbound.policy import AddressPolicy
from isthmus.outbound.target import IPAddress, literal_address, normal_host
from isthmus.outbound.tls import build_context
from isthmus.records import Envelope
from isthmus.settings import Settings

PORTS: Mapping[str, int] = {"smtp": 587, "smtps": 465}
_TAKES = "It takes smtp://USER:PASSWORD@HOST:PORT?starttls or smtps://USER:PASSWORD@HOST:PORT; encode special characters as %XX."


@dataclass(frozen=True, slots=True)
class MailServer:
    """What ISTHMUS_SMTP_URL says."""

    host: str
    port: int
    use_tls: bool
    start_tls: bool
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def read_mail_server(url: str) -> MailServer:
    """The mail server that the URL names. Raises InputError (`smtp_url`) without quoting it."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        host = _host(parts.hostname or "")
    except (ValueError, KeyError, DestinationDenied):
        raise _unusable() from None
    start_tls = parts.query == "starttls"
    wrong_query = parts.query not in ("", "starttls") or (start_tls and parts.scheme == "smtps")
    if wrong_query or parts.path not in ("", "/") or parts.fragment or bool(parts.username) != bool(parts.password):
        raise _unusable()
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(host, port, parts.scheme == "smtps", start_tls, username, password)


class MailDoor:
    """Hands mails to the server. One connection per mail: mails are rare, and an idle connection is soon closed."""

    def __init__(self, settings: Settings, server: MailServer, *, resolver: Resolver | None = None) -> None:
        self._server = server
        self._policy = AddressPolicy(settings.egress_allow)
        self._own_names = None if resolver is not None else SystemResolver(threads=2)
        self._resolver = resolver or self._own_names
        self._tls = build_context(settings.ca_bundle, protocols=())
        self._connect_seconds = settings.connect_seconds
        self._total_seconds = settings.request_seconds

    async def send(self, envelope: Envelope) -> tuple[str, ...]:
        """The recipients that the server refused, while it took the mail for others.

        Raises DestinationDenied (nothing was sent), Unreachable (`name_not_resolved`, `connection_refused`,
        `tls_failed`, `connection_lost`), TimedOut, OutboundError (`mail_refused`, `mail_login_refused`).
        Whether a mail went out cannot be told after `connection_lost` and `timed_out`.
        """
        host = self._server.host
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._deliver(envelope)
        except (SMTPTimeoutError, TimeoutError):
            raise TimedOut(f"The mail server {host} took too long.") from None
        except (ssl.SSLError, SMTPException, ConnectionError) as problem:
            raise _explain(host, problem) from None

    def close(self) -> None:
        """Stop resolving names."""
        if self._own_names is not None:
            self._own_names.close()

    async def _deliver(self, envelope: Envelope) -> tuple[str, ...]:
        server = self._server
        dialled = await self._dial()
        client = SMTP(
            hostname=server.host,
            sock=dialled,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            tls_context=self._tls,
            timeout=self._total_seconds,
            # Else the library asks the name service for our own name, and tells it to the server.
            local_hostname=envelope.sender.rpartition("@")[2],
            username=server.username or None,
            password=server.password or None,
        )
        try:
            await client.connect()
            refused, _ = await client.sendmail(envelope.sender, list(envelope.recipients), envelope.message)
            return tuple(refused)
        finally:
            client.close()
            dialled.close()

    async def _dial(self) -> socket.socket:
        """A socket to an address that was checked. Without TLS only to what the operator has excepted."""
        server = self._server
        assert self._resolver is not None
        addresses = await addresses_of(self._resolver, server.host, server.port)
        excepted = self._policy.judge(server.host, addresses)
        if not (server.use_tls or server.start_tls or excepted):
            raise DestinationDenied(
                f"The mail server {server.host} may be reached with TLS only.",
                code="scheme_denied",
                hint="Use smtps:// or ?starttls, or except the host with ISTHMUS_EGRESS_ALLOW.",
            )
        for address in addresses:
            try:
                return await self._connect(address)
            except OSError:
                continue
        raise Unreachable(f"The connection to {server.host} was refused.", code="connection_refused")

    async def _connect(self, address: IPAddress) -> socket.socket:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        dialled = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialled.setblocking(False)
            place = (str(address), self._server.port)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(dialled, place), self._connect_seconds)
        except BaseException:
            dialled.close()
            raise
        return dialled


def _explain(host: str, problem: Exception) -> OutboundError:
    """The server's words are not repeated: some quote what they were sent, and that may be the password."""
    if isinstance(problem, ssl.SSLError) or isinstance(problem.__cause__, ssl.SSLError):
        return Unreachable(
            f"No secure connection to {host} could be made.",
            code="tls_failed",
            hint="Check the mail server's certificate; name a private authority with ISTHMUS_CA_BUNDLE.",
        )
    if isinstance(problem, ConnectionError) and not isinstance(problem, SMTPResponseException):
        return Unreachable(f"The mail server {host} closed the connection.", code="connection_lost")
    if isinstance(problem, SMTPAuthenticationError):
        return OutboundError(
            f"The mail server {host} refuses the user name or password.",
            code="mail_login_refused",
            hint="Correct them in ISTHMUS_SMTP_URL.",
        )
    answers = problem.recipients if isinstance(problem, SMTPRecipientsRefused) else [problem]
    codes = sorted({str(answer.code) for answer in answers if isinstance(answer, SMTPResponseException)})
    said = f" with {', '.join(codes)}" if codes else ""
    return OutboundError(
        f"The mail server {host} did not take the mail{said}.",
        code="mail_refused",
        hint="Check ISTHMUS_SMTP_URL, ISTHMUS_MAIL_FROM and the recipients; the server's log says more.",
    )


def _host(text: str) -> str:
    return text if literal_address(text) is not None else normal_host(text)


def _unusable() -> InputError:
    return InputError("ISTHMUS_SMTP_URL is not usable.", field="smtp_url", hint=_TAKES)
