"""URLs as they may be written down: no user name, no query value, no fragment."""

from __future__ import annotations

import re

_AUTHORITY = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\\]*@")
_VALUE = re.compile(r"=[^&;]*")
# A query part without `=` may itself be a secret.
_BARE = re.compile(r"(?<=[?&;])[^=&;]+(?=[&;]|$)")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")


def redact_url(url: str) -> str:
    """The URL with every query value replaced by `***` and without user name, password and fragment.

    Made for logs and call records: never raises, and leaves no control character that could break a line.
    """
    if "#" in url:
        url = url.partition("#")[0]
    if "@" in url:
        url = _AUTHORITY.sub(lambda match: (match.group(1) or "") + "//", url)
    if "?" in url:
        path, _, query = url.partition("?")
        url = path + _BARE.sub("***", "?" + _VALUE.sub("=***", query))
    return _CONTROL.sub("%", url)
