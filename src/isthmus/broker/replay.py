"""How much of a streamed request body can be kept, so that it can be sent again or signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from isthmus.broker.call import StreamCall
from isthmus.errors import InputError

KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Replay:
    """`body` or `form` if the whole body is here (`complete`), otherwise `rest` still has to be streamed, once."""

    body: bytes = field(default=b"", repr=False)
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    rest: AsyncIterator[bytes] | None = None

    @property
    def complete(self) -> bool:
        return self.rest is None

    @classmethod
    async def read(cls, call: StreamCall, *, signed: bool, whole: bool = False) -> Replay:
        """Read a small body whole, leave a large one to be streamed. With `signed`, a form is taken apart,
        since its fields are part of what is signed or may have to be added to. `whole` refuses a large one.

        Raises InputError for a body that is needed whole and too large to be kept.
        """
        if call.body is None:
            return NO_BODY
        is_form = signed and _is_form(call)
        if call.content_length is None or call.content_length > KEPT_BYTES:
            if is_form or whole:
                raise InputError(
                    "A form or JSON body for this connection must be at most 64 KiB and have a Content-Length.",
                    field="body",
                    hint="Send it by invoke, or make it smaller.",
                )
            return cls(rest=call.body)
        body = b"".join([chunk async for chunk in call.body])
        if is_form:
            return cls(form=tuple(parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True)))
        return cls(body=body)


NO_BODY = Replay()


def _is_form(call: StreamCall) -> bool:
    kind = next((value for name, value in call.headers if name.lower() == "content-type"), "")
    return kind.lower().startswith("application/x-www-form-urlencoded")
