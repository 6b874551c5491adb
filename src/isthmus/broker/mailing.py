"""Mail: built, and handed to the mail server that the operator has set. For functions and for alerts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from isthmus.broker.tokens import draw_id
from isthmus.errors import InputError
from isthmus.outbound import MailDoor
from isthmus.protocols.mail import build_mail, read_address
from isthmus.records import Mail


class Mailing:
    """Sends mails from the installation's own address. Without a mail server every mail is refused, with the remedy."""

    def __init__(self, *, door: MailDoor | None, sender: str, clock: Callable[[], datetime]) -> None:
        """Raises InputError (`mail_from`) where there is a mail server and no address to send from."""
        self._door = door
        self._sender = sender
        self._clock = clock
        self._domain = read_address(sender, "mail_from").domain if door is not None else ""

    @property
    def configured(self) -> bool:
        return self._door is not None

    async def send(self, mail: Mail) -> tuple[str, ...]:
        """The recipients that the server refused, while it took the mail for others.

        Raises InputError (`mail_not_configured`, or the field that is wrong) and OutboundError, as `MailDoor.send`.
        """
        if self._door is None:
            raise InputError(
                "No mail server is set.", code="mail_not_configured", hint="Set ISTHMUS_SMTP_URL and ISTHMUS_MAIL_FROM."
            )
        message_id = f"<{draw_id()}@{self._domain}>"
        return await self._door.send(build_mail(mail, sender=self._sender, message_id=message_id, at=self._clock()))

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
