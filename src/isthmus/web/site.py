"""What follows from the public URL: our origin, the base path, whether cookies are Secure, the headers of an answer.

Built from the settings, never from a request's Host.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from isthmus.settings import Settings

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action {forms}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"
PROXY_POLICY = "sandbox"


@dataclass(frozen=True, slots=True)
class Site:
    """The public face of this installation."""

    public_url: str
    origin: str
    base_path: str
    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> Site:
        parts = urlsplit(settings.public_url)
        host = (parts.hostname or "").lower()
        host = f"[{host}]" if ":" in host else host
        standard = {"http": 80, "https": 443}[parts.scheme]
        port = "" if parts.port in (None, standard) else f":{parts.port}"
        return cls(
            settings.public_url, f"{parts.scheme}://{host}{port}", parts.path.rstrip("/"), parts.scheme == "https"
        )

    @property
    def session_cookie(self) -> str:
        """`__Host-` ties the cookie to https, this very host and no other path (RFC 6265bis §4.1.3.2)."""
        return "__Host-isthmus" if self.secure else "isthmus"

    def cookie_name(self, name: str) -> str:
        """The name of a cookie with a path of its own."""
        return f"__Secure-{name}" if self.secure else name

    def host_cookie_name(self, name: str) -> str:
        """The name of a cookie for every path of ours; see `session_cookie`."""
        return f"__Host-{name}" if self.secure else name

    def cookie(self, name: str, value: str, *, path: str, max_age: int, same_site: str = "Lax") -> str:
        """A Set-Cookie value: HttpOnly always, Secure where the public URL is https."""
        secure = "; Secure" if self.secure else ""
        return f"{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite={same_site}{secure}"

    def common_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that every answer carries, the proxy's included."""
        headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if self.secure:
            headers.append((b"strict-transport-security", b"max-age=31536000"))
        return headers
