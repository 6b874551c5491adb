"""Settings: environment variables (`ISTHMUS_...`) and an optional TOML file become one frozen object.

The only module that reads the environment. The environment wins over the file; an unknown key in the file
and a value that does not parse are refused with the setting's name. `docs/settings.md` is generated from here.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from isthmus.errors import InputError

PREFIX = "ISTHMUS_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
"""Names the TOML file where no `--config` is given."""


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "secret": secret}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Everything an installation can set. Field `data_dir` is read from `ISTHMUS_DATA_DIR` or `data_dir` in the file."""

    data_dir: Path = _setting(Path("isthmus-data"), "Directory of the embedded database and the key file.")
    database_url: str = _setting(
        "", "`postgresql://...` for PostgreSQL; empty for SQLite in the data directory.", secret=True
    )
    public_url: str = _setting(
        "http://127.0.0.1:8400", "The address people and providers reach this server at; redirect URLs begin with it."
    )
    master_key: str = _setting(
        "",
        "The key-encryption key, 32 bytes in base64; empty for a file with mode 0600 in the data directory, made on first start.",
        secret=True,
    )
    admin_email: str = _setting("", "E-mail address of the first administrator; used only while there is none.")
    admin_password: str = _setting(
        "", "Password of the first administrator; used only while there is none.", secret=True
    )
    egress_allow: tuple[str, ...] = _setting(
        (),
        "Comma list of networks (CIDR) or host names that may be reached although they are not public, over plain http too.",
    )
    ca_bundle: Path | None = _setting(None, "PEM file of certificate authorities to trust besides the system's.")
    workers: int = _setting(1, "Server processes; more than one needs PostgreSQL.")
    log_level: str = _setting("info", "debug, info, warning or error.")
    catalog_dir: Path | None = _setting(
        None, "Directory of service definitions that add to or replace default services."
    )
    catalog_url: str = _setting(
        "",
        "https URL of a signed bundle of service definitions that is fetched now and then; needs ISTHMUS_CATALOG_KEYS.",
    )
    catalog_keys: tuple[str, ...] = _setting(
        (),
        "Comma list of the Ed25519 public keys, in base64, whose bundles are trusted; `isthmus catalog key` prints one.",
    )
    catalog_hours: float = _setting(24.0, "How often ISTHMUS_CATALOG_URL is asked.")
    client_registration: str = _setting(
        "developers", "Who may register client applications of our API: developers, or administrators only."
    )
    openid_issuer: str = _setting(
        "",
        "The organisation's OpenID provider, exactly as it writes its issuer, for signing in through it; empty for none. Register the redirect URL `{ISTHMUS_PUBLIC_URL}/login/openid/callback` there.",
    )
    openid_client_id: str = _setting("", "The client id that the provider gave this server.")
    openid_client_secret: str = _setting("", "Its client secret; empty for a public client.", secret=True)
    openid_client_secret_file: Path | None = _setting(
        None, "File that holds the client secret, instead of ISTHMUS_OPENID_CLIENT_SECRET."
    )
    openid_name: str = _setting("your organisation", "What the button to sign in through the provider calls it.")
    openid_domains: tuple[str, ...] = _setting(
        (), "Comma list of domains; people with other e-mail addresses may not sign in through the provider."
    )
    openid_role: str = _setting(
        "",
        "Role of people who sign in through the provider for the first time, member or developer; empty: they need an account first. Needs ISTHMUS_OPENID_DOMAINS.",
    )
    openid_link_by_email: bool = _setting(
        False,
        "Let the provider's verified e-mail address open an account that is here already. Whoever the provider says has an address then has that account, an administrator's too.",
    )
    request_seconds: float = _setting(
        40.0, "Time limit of one outbound call, from resolving the name to the last byte."
    )
    connect_seconds: float = _setting(10.0, "Time limit for connecting to a third party, TLS included.")
    token_seconds: float = _setting(15.0, "Time limit of one call to a token endpoint.")
    stream_seconds: float = _setting(3600.0, "Time limit of one call through the streaming proxy.")
    stream_idle_seconds: float = _setting(60.0, "How long a streamed answer may be silent before it is cut off.")
    response_bytes: int = _setting(10 * 1024 * 1024, "Limit of a buffered answer, decoded.")
    wire_bytes: int = _setting(10 * 1024 * 1024, "Limit of a buffered answer as it comes over the wire.")
    request_bytes: int = _setting(
        10 * 1024 * 1024, "Limit of a request body to our own API; the streaming proxy has none."
    )
    request_body_seconds: float = _setting(60.0, "How long a client may take to send a request body to our own API.")
    response_headers: int = _setting(200, "Limit of the number of headers in an answer.")
    redirects: int = _setting(5, "How many redirects one call follows; each is checked again.")
    retries: int = _setting(2, "How often one call is repeated where that is safe.")
    smtp_url: str = _setting(
        "",
        "The mail server: `smtp://USER:PASSWORD@HOST:PORT?starttls` or `smtps://...`; empty for no mail. Without TLS only to a host of ISTHMUS_EGRESS_ALLOW.",
        secret=True,
    )
    alert_mail: tuple[str, ...] = _setting(
        (), "Comma list of addresses that are told of failures and recoveries; needs ISTHMUS_SMTP_URL."
    )
    alert_webhook: str = _setting(
        "", "URL that failures and recoveries are posted to as JSON, with a `text` that chat tools show.", secret=True
    )
    mail_from: str = _setting("", "The address that mails are sent from, `Isthmus <isthmus@example.com>`.")
    function_button_seconds: float = _setting(10.0, "Time limit of a run of a function `button.…`.")
    function_automation_seconds: float = _setting(
        30.0, "Time limit of a run of a function `automation.…`, and of one that a webhook or an event began."
    )
    function_rest_seconds: float = _setting(60.0, "Time limit of a run of any other function.")
    function_schedule_seconds: float = _setting(
        900.0, "Time limit of a run of a function `schedule.…`, and of one that a schedule began."
    )
    function_response_bytes: int = _setting(
        5 * 1024 * 1024, "Limit of an answer to a function's call without a connection."
    )
    function_egress_allow: tuple[str, ...] = _setting(
        (),
        "Comma list of networks (CIDR) or host names that a function's call without a connection may reach although they are not public, over plain http too; `ISTHMUS_EGRESS_ALLOW` does not count for these.",
    )
    function_timezone: str = _setting("UTC", "The time zone of functions, as an IANA name.")
    function_runs_kept: int = _setting(1000, "How many runs of each function are kept.")
    proactive_refresh: bool = _setting(True, "Refresh grants in the background before they are needed.")
    function_workers: int = _setting(
        2, "Worker processes that run functions, and as many more for long computations; a run that waits holds none."
    )
    function_statements: int = _setting(
        5_000, "Statements that one run of a Deluge function may execute, up to 200000."
    )
    function_active_seconds: float = _setting(10.0, "How long one run may compute, waiting not included.")
    function_memory_bytes: int = _setting(64 * 1024 * 1024, "Memory that one run may use.")
    function_recursion: int = _setting(75, "How deep a function's calls may be nested.")
    function_outbound_calls: int = _setting(100, "Calls to third parties and mails that one run may make.")
    function_suspensions: int = _setting(1_000, "How often one run may wait: for calls, other functions, sleep.")
    function_sleep_seconds: float = _setting(30.0, "How long one run may sleep in all.")
    drain_seconds: float = _setting(25.0, "How long calls in flight may take to finish after SIGTERM.")

    @classmethod
    def from_environment(cls, config: Path | None) -> Settings:
        """As `load`, from this process's environment; the file may also be named by ISTHMUS_CONFIG."""
        named = os.environ.get(CONFIG_VARIABLE)
        return cls.load(os.environ, config or (Path(named) if named else None))

    @classmethod
    def load(cls, environ: Mapping[str, str], config: Path | None = None) -> Settings:
        """Settings from `environ` over the TOML file `config` over the defaults.

        Raises InputError that names the setting and what it takes.
        """
        raw: dict[str, Any] = _read_file(config) if config else {}
        known = {f.name: f for f in fields(cls)}
        for key in raw:
            if key not in known:
                raise InputError(
                    f"The file {config} has an unknown setting {key!r}.", field=key, hint="See docs/settings.md."
                )
        for name in known:
            value = environ.get(PREFIX + name.upper())
            if value is not None and value != "":
                raw[name] = value
        values = {name: _parse(name, value) for name, value in raw.items()}
        settings = cls(**values)
        settings._check()
        return settings

    @property
    def is_sqlite(self) -> bool:
        return not self.database_url or self.database_url.startswith("sqlite")

    def redirect_url(self, service: str) -> str:
        """The redirect URL to register at the provider for the service with this link name."""
        return f"{self.public_url}/oauth/callback/{service}"

    def openid_secret(self) -> str:
        """The client secret at the OpenID provider, from its file where one is set. Raises InputError."""
        path = self.openid_client_secret_file
        return _read_secret(path) if path is not None else self.openid_client_secret

    def _check_openid(self) -> None:
        parts = urlsplit(self.openid_issuer)
        if self.openid_issuer and (
            parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment
        ):
            raise _wrong("openid_issuer", "an https URL without query or fragment")
        if self.openid_issuer and not self.openid_client_id:
            raise _wrong("openid_client_id", "the client id, since ISTHMUS_OPENID_ISSUER is set")
        if self.openid_client_secret and self.openid_client_secret_file is not None:
            raise _wrong("openid_client_secret_file", "nothing where ISTHMUS_OPENID_CLIENT_SECRET is set")
        if self.openid_role not in ("", "member", "developer"):
            raise _wrong("openid_role", "member or developer, or is empty")
        if self.openid_role and not self.openid_domains:
            raise _wrong("openid_role", "nothing where ISTHMUS_OPENID_DOMAINS is empty: anybody could make an account")
        if any("." not in domain or "@" in domain for domain in self.openid_domains):
            raise _wrong("openid_domains", "domains like example.com")

    def _check(self) -> None:
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise _wrong("public_url", "an http or https URL without query or fragment")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise _wrong("log_level", "debug, info, warning or error")
        if self.client_registration not in ("developers", "administrators"):
            raise _wrong("client_registration", "developers or administrators")
        if self.workers < 1:
            raise _wrong("workers", "a whole number from 1")
        if self.function_workers < 1:
            raise _wrong("function_workers", "a whole number from 1")
        if not 0 < self.function_statements <= 200_000:
            raise _wrong("function_statements", "a whole number from 1 to 200000")
        if self.workers > 1 and self.is_sqlite:
            raise InputError(
                "More than one worker needs PostgreSQL.",
                field="workers",
                hint="Set ISTHMUS_DATABASE_URL, or ISTHMUS_WORKERS=1.",
            )
        if not self.is_sqlite and not self.database_url.startswith(("postgresql://", "postgres://", "postgresql+")):
            raise _wrong("database_url", "a postgresql:// URL, or empty for SQLite")
        if self.alert_mail and not self.smtp_url:
            raise InputError(
                "ISTHMUS_ALERT_MAIL needs a mail server.",
                field="alert_mail",
                hint="Set ISTHMUS_SMTP_URL and ISTHMUS_MAIL_FROM.",
            )
        if self.alert_webhook and not self.alert_webhook.startswith(("https://", "http://")):
            raise _wrong("alert_webhook", "an https URL")
        self._check_catalog()
        self._check_openid()
        for entry in self.egress_allow:
            _check_egress(entry, "egress_allow")
        for entry in self.function_egress_allow:
            _check_egress(entry, "function_egress_allow")
        if self.function_runs_kept < 1:
            raise _wrong("function_runs_kept", "a whole number from 1")
        # To find them all takes as long as everything else here, and each command comes by.
        if self.function_timezone != "UTC" and self.function_timezone not in available_timezones():
            raise _wrong("function_timezone", "an IANA name such as Europe/Madrid")

    def _check_catalog(self) -> None:
        for key in self.catalog_keys:
            if not _is_public_key(key):
                raise _wrong("catalog_keys", "Ed25519 public keys, 32 bytes in base64 each")
        if self.catalog_url and not self.catalog_url.startswith(("https://", "http://")):
            raise _wrong("catalog_url", "an https URL")
        if self.catalog_url and not self.catalog_keys:
            raise InputError(
                "ISTHMUS_CATALOG_URL needs the key that its bundles are signed with.",
                field="catalog_keys",
                hint="Set ISTHMUS_CATALOG_KEYS to the publisher's public key.",
            )


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def _read_secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise _wrong("openid_client_secret_file", "a file that this server may read") from None
    if not secret:
        raise _wrong("openid_client_secret_file", "a file with the secret in it")
    return secret


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(
            f"The configuration file {path} cannot be read: {problem.strerror}.", field="config"
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"The configuration file {path} is not valid TOML: {problem}.", field="config") from problem


def _check_egress(entry: str, name: str) -> None:
    if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError as problem:
            raise _wrong(name, f"networks like 10.0.0.0/8 or host names; {entry!r} is neither") from problem


def _wrong(name: str, takes: str) -> InputError:
    return InputError(f"{PREFIX}{name.upper()} is not usable.", field=name, hint=f"It takes {takes}.")


def _boolean(value: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[value.strip().lower()]


def _names(value: str | list[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


_PARSERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "Path": (Path, "a path"),
    "Path | None": (Path, "a path"),
    "tuple[str, ...]": (_names, "a comma list"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (lambda value: value if isinstance(value, bool) else _boolean(value), "true or false"),
    "str": (str, "text"),
}


def _parse(name: str, value: Any) -> Any:
    kind = next(str(f.type) for f in fields(Settings) if f.name == name)
    parser, takes = _PARSERS[kind]
    try:
        parsed = parser(value)
    except (ValueError, KeyError, TypeError) as problem:
        raise _wrong(name, takes) from problem
    if isinstance(parsed, int | float) and not isinstance(parsed, bool) and parsed < 0:
        raise _wrong(name, takes + " from 0")
    return parsed.rstrip("/") if name == "public_url" else parsed
