"""Filling `${name}` slots with the values of variables, each checked for the place it goes to.

In a host a value is one DNS label (a host name where the variable's format says so, with a port where that is `host`,
or one of the declared choices);
at the start of a URL it is a whole origin that matches the variable's pattern; in a path or query it is encoded;
elsewhere it is plain text without control characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial as bind
from typing import Any
from urllib.parse import quote, urlsplit

from isthmus.catalog.reading import SLOT
from isthmus.errors import InputError
from isthmus.expressions import fill, fill_structure, xml_escape
from isthmus.records import Jwt, Login, Service, Step, Variable

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
_HOSTNAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    re.IGNORECASE | re.ASCII,
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL_FIELDS = "authorize_url access_token_url refresh_token_url revoke_token_url request_token_url base_url".split()
_MAPPING_FIELDS = (
    "authorize_parameters token_parameters refresh_parameters request_token_parameters headers token_request_headers"
).split()
_TEXT_FIELDS = "param_prefix realm username_template password_template".split()
REGION = "region"
_MARKER = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")


def resolve(service: Service, values: Mapping[str, str], *, partial: bool = False) -> Service:
    """The service with the slots of its variables filled; regions and defaults count where no value is given.

    Slots of what is known only when a message is built (a code, a secret, the time) stay. With `partial`, so do those
    that only an answer can fill (variables whose source is not the person), and hosts that hold one are left out.
    Raises InputError (`variables.<name>`) for a value that is missing or does not fit.
    """
    known = {**_checked(service, values, partial=partial), "client_id": service.client_id}
    by_name = {variable.name: variable for variable in service.variables}
    fill_url = bind(_fill_url, values=known, variables=by_name)
    fill_text = bind(fill, values=known, partial=True)
    fill_request = bind(_fill_request, fill_url=fill_url, fill_text=fill_text)
    changes: dict[str, Any] = {key: fill_url(getattr(service, key)) for key in _URL_FIELDS}
    for key in _MAPPING_FIELDS:
        changes[key] = {name: fill_text(text) for name, text in getattr(service, key).items()}
    for key in _TEXT_FIELDS:
        changes[key] = fill_text(getattr(service, key))
    changes["scopes"] = tuple(replace(scope, name=fill_text(scope.name)) for scope in service.scopes)
    changes["hosts"] = _fill_hosts(service, known, by_name)
    changes["parameters"] = tuple(replace(one, template=fill_text(one.template)) for one in service.parameters)
    changes["after_connect"] = tuple(map(fill_request, service.after_connect))
    for key in ("refresh_request", "revoke_request"):
        changes[key] = fill_request(getattr(service, key))
    changes["client_jwt"] = _fill_jwt(service.client_jwt, fill_text)
    if service.login is not None:
        changes["login"] = _fill_login(service.login, fill_text, fill_request)
    if service.test is not None:
        changes["test"] = replace(
            service.test,
            url=fill_url(service.test.url),
            body=fill_text(service.test.body),
            headers={name: fill_text(text) for name, text in service.test.headers.items()},
        )
    return _marked(replace(service, **changes))


def learn(service: Service, found: Mapping[str, str]) -> dict[str, str]:
    """Values out of an answer as the variables take them: cut by `extract`, an origin or host out of a whole URL."""
    by_name = {variable.name: variable for variable in service.variables}
    return {name: _cut(by_name[name], value) if name in by_name else value for name, value in found.items()}


def _cut(variable: Variable, value: str) -> str:
    if variable.extract:
        match = re.search(variable.extract, value)
        value = (match.group(1) or "") if match else ""
    if variable.format not in ("origin", "hostname") or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    return f"{parts.scheme}://{parts.netloc}" if variable.format == "origin" else parts.netloc


def _checked(service: Service, values: Mapping[str, str], *, partial: bool) -> dict[str, str]:
    known: dict[str, str] = {}
    regional = _regional(service, values)
    for variable in service.variables:
        value = values.get(variable.name) or regional.get(variable.name) or variable.default
        if value:
            check_value(variable, value)
            known[variable.name] = value
        elif variable.source == "person" and variable.required:
            raise _missing(variable)
        elif variable.source == "person":
            known[variable.name] = ""
        elif variable.source == "region" and variable.required:
            raise _no_region(service)
        elif not partial and variable.required:
            raise _missing(variable)
    return known


def _regional(service: Service, values: Mapping[str, str]) -> Mapping[str, str]:
    picked = values.get(REGION)
    if not picked or not service.regions:
        return {}
    region = next((region for region in service.regions if region.name == picked), None)
    if region is None:
        raise _no_region(service)
    return region.values


def _no_region(service: Service) -> InputError:
    names = ", ".join(region.name for region in service.regions)
    return InputError(
        "The region is missing or not one of this service's.",
        code="variable_missing",
        field=f"variables.{REGION}",
        hint=f"Use one of: {names}.",
    )


def _marked(service: Service) -> Service:
    """`${key}` of a parameter that stands in the path as `$(key)`, which a URL may hold until the key is put there."""
    in_path = [parameter.key for parameter in service.parameters if parameter.placement == "path"]
    if not in_path:
        return service

    def mark(text: str) -> str:
        return _MARKER.sub(lambda slot: f"$({slot[1]})" if slot[1] in in_path else slot[0], text)

    test = replace(service.test, url=mark(service.test.url)) if service.test else None
    return replace(service, base_url=mark(service.base_url), test=test)


def _fill_login(login: Login, fill_text: Callable[[str], str], fill_request: Callable[[Step | None], Any]) -> Login:
    return replace(
        login,
        requests=tuple(map(fill_request, login.requests)),
        jwt=_fill_jwt(login.jwt, fill_text),
        token=fill_text(login.token),
        logout=fill_request(login.logout),
    )


def _fill_jwt(jwt: Jwt | None, fill_text: Callable[[str], str]) -> Jwt | None:
    if jwt is None:
        return None
    return replace(jwt, header=fill_structure(jwt.header, fill_text), claims=fill_structure(jwt.claims, fill_text))


def _fill_request(step: Step | None, *, fill_url: Callable[[str], str], fill_text: Callable[..., str]) -> Step | None:
    if step is None:
        return None
    encode = bind(fill_text, encode=xml_escape) if step.format == "xml" else fill_text
    return replace(
        step,
        url=fill_url(step.url),
        headers={name: fill_text(text) for name, text in step.headers.items()},
        body=fill_structure(step.body, encode),
    )


def check_value(variable: Variable, value: str) -> None:
    """Raise InputError unless the value fits the variable's choices, pattern and format."""
    refused = any(ord(character) < 32 or ord(character) == 127 for character in value) or len(value) > 2000
    refused = refused or "${" in value  # it would be taken for a slot when the rest is filled
    if variable.choices and value not in variable.choices:
        raise _unfit(variable, f"Use one of: {', '.join(variable.choices)}.")
    if variable.pattern and not re.fullmatch(variable.pattern, value):
        refused = True
    formats: dict[str, Callable[[str], Any]] = {
        "hostname": _HOSTNAME.fullmatch,
        "host": _is_host,
        "origin": _is_origin,
        "uuid": _UUID.fullmatch,
        "email": _EMAIL.fullmatch,
        "url": _is_url,
    }
    if variable.format in formats and not formats[variable.format](value):
        refused = True
    if refused:
        raise _unfit(variable, f"Such as {variable.example}." if variable.example else "Check it at the third party.")


def _is_host(value: str) -> bool:
    """A host name or `localhost`, with a port where it is not https's own: with that one it would not be the host that
    calls go to. Whether this machine may be called at all is for the address rules to say."""
    name, colon, port = value.partition(":")
    if colon and not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII):
        return False
    known = name == "localhost" or _HOSTNAME.fullmatch(name)
    return bool(known) and (not colon or (int(port) <= 65535 and port != "443"))


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme == "https"
            and bool(_HOSTNAME.fullmatch(parts.hostname or ""))
            and value == f"https://{parts.netloc}"
            and "@" not in parts.netloc
            and parts.port is None
        )
    except ValueError:
        return False


def _fill_url(text: str, *, values: Mapping[str, str], variables: Mapping[str, Variable]) -> str:
    if "${" not in text:
        return text
    scheme, separator, rest = text.partition("://")
    if not separator or "${" in scheme:
        return _fill_from_origin(text, values)
    host, slash, path = rest.partition("/")
    return f"{scheme}://{_fill_host(host, values, variables)}{slash}{_fill_path(path, values)}"


def _fill_from_origin(text: str, values: Mapping[str, str]) -> str:
    """`${origin}/path`: the definition's check saw to it that the variable is an origin, the value's check likewise."""
    match = SLOT.match(text)
    if match is None or match.group(1) not in values:
        return text
    return values[match.group(1)].rstrip("/") + _fill_path(text[match.end() :], values)


def _fill_path(text: str, values: Mapping[str, str]) -> str:
    return fill(text, values, encode=bind(quote, safe=""), partial=True)


def _fill_host(text: str, values: Mapping[str, str], variables: Mapping[str, Variable]) -> str:
    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            return match.group(0)
        value, variable = values[name], variables.get(name)
        fits = _LABEL.fullmatch(value)
        if variable is not None and (variable.format == "hostname" or value in variable.choices):
            fits = fits or _HOSTNAME.fullmatch(f"{value}.x" if value in variable.choices else value)
        whole = variable is not None and variable.format == "host" and match.group(0) == text
        if not (fits or (whole and _is_host(value))):
            hint = (
                f"Such as {variable.example}." if variable and variable.example else "Give the part of the host only."
            )
            raise InputError(
                f"The value of {name} cannot be part of a host name.", field=f"variables.{name}", hint=hint
            )
        return value

    return SLOT.sub(fill, text)


def _fill_hosts(service: Service, values: Mapping[str, str], variables: Mapping[str, Variable]) -> tuple[str, ...]:
    filled = (_fill_host(host, values, variables) for host in service.hosts)
    return tuple(host for host in filled if "${" not in host)


def _missing(variable: Variable) -> InputError:
    label = variable.display_name or variable.name
    hint = variable.description or (f"Such as {variable.example}." if variable.example else "Give a value.")
    return InputError(f"{label} is missing.", code="variable_missing", field=f"variables.{variable.name}", hint=hint)


def _unfit(variable: Variable, hint: str) -> InputError:
    label = variable.display_name or variable.name
    return InputError(
        f"{label} does not have the form it must have.",
        code="variable_malformed",
        field=f"variables.{variable.name}",
        hint=hint,
    )
