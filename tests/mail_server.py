"""A mail server on loopback for tests: aiosmtpd, with what it took and what it was told."""

from __future__ import annotations

import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class _Free(Controller):
    """Listens on a port that the system picks."""

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        self.port = cast(Any, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """Runs in a thread. `refuse` are recipients that it does not take; `password` what it wants of `ann`."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        start_tls: bool = False,
        password: str = "",
        refuse: tuple[str, ...] = (),
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.senders: list[str] = []
        self.secure: list[bool] = []
        self._password = password
        self._refuse = refuse
        options: dict[str, Any] = {"ident": "test"}
        if tls is not None and start_tls:
            options |= {"tls_context": tls, "require_starttls": True}
        elif tls is not None:
            options |= {"ssl_context": tls}
        if password:
            options |= {
                "authenticator": self._judge,
                "auth_required": True,
                "auth_require_tls": tls is not None and start_tls,
            }
        self._controller = _Free(self, **options)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self._refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.mails.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=default)))
        self.recipients.append(list(envelope.rcpt_tos))
        self.senders.append(envelope.mail_from)
        self.secure.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def _judge(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (b"ann", self._password.encode())
        return AuthResult(success=good, handled=good)
