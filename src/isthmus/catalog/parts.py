"""The parts of a definition that are objects of their own, each read by a table of its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from isthmus.catalog.reading import HEADER_NAME, Read, Reader
from isthmus.expressions import names
from isthmus.records import (
    CallbackSignature,
    Evidence,
    Jwt,
    Lifetimes,
    Login,
    Paging,
    Parameter,
    Region,
    Repeat,
    Retry,
    Scope,
    Step,
    TestRequest,
    TokenResponse,
    Variable,
)

SOURCES = ("person", "region", "token", "callback", "step")
LEARNT = ("token", "callback", "step")
FORMATS = ("", "hostname", "host", "origin", "uuid", "email", "url")
UNITS = ("seconds", "milliseconds", "epoch_seconds", "epoch_milliseconds", "iso8601")
ALGORITHMS = ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_VARIABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


def one_of(*choices: str) -> Read:
    """A reader for one of these words."""
    return lambda reader, value, where: reader.choice(value, where, choices)


def list_of(read: Read) -> Read:
    """A reader for a list of what `read` reads."""
    return lambda reader, value, where: reader.items(value, where, lambda item, at: read(reader, item, at))


def read_scope(reader: Reader, value: Any, where: str) -> Scope | None:
    if isinstance(value, str):
        value = {"name": value}
    read = reader.record(value, where, Scope, {"name": Reader.text, "display_name": Reader.text})
    if not read.get("name") or " " in read["name"]:
        reader.wrong(f"{where}.name", "A scope name is a text without blanks.", "Give one scope per item.")
        return None
    return Scope(**read)


_PARAMETER: dict[str, Read] = {
    "key": Reader.text,
    "display_name": Reader.text,
    "placement": one_of("header", "query", "form", "json", "path", "slot"),
    "prefix": Reader.text,
    "secret": Reader.flag,
    "template": Reader.text,
    "description": Reader.text,
    "example": Reader.text,
    "required": Reader.flag,
}


def read_parameter(reader: Reader, value: Any, where: str) -> Parameter | None:
    read = reader.record(value, where, Parameter, _PARAMETER)
    key, placement = read.get("key", ""), read.get("placement", "header")
    if not key or (placement == "header" and not HEADER_NAME.fullmatch(key)):
        hint = "Give the header's or parameter's name."
        reader.wrong(f"{where}.key", "The key is missing or cannot be a name there.", hint)
        return None
    if placement in ("path", "slot") and not _VARIABLE_NAME.fullmatch(key):
        hint = "Begin with a small letter; go on with small letters, digits and underscores."
        reader.wrong(f"{where}.key", "What fills a slot is called like a slot.", hint)
        return None
    return Parameter(**read)


_VARIABLE: dict[str, Read] = {
    **dict.fromkeys(("name", "display_name", "description", "example", "prefix", "suffix", "default"), Reader.text),
    "pattern": Reader.expression,
    "extract": Reader.expression,
    "format": one_of(*FORMATS),
    "choices": Reader.texts,
    "labels": Reader.mapping,
    "required": Reader.flag,
    "secret": Reader.flag,
    "source": one_of(*SOURCES),
}


def read_variable(reader: Reader, value: Any, where: str) -> Variable | None:
    read = reader.record(value, where, Variable, _VARIABLE)
    if not _VARIABLE_NAME.fullmatch(read.get("name", "")):
        hint = "Begin with a small letter; go on with small letters, digits and underscores."
        reader.wrong(f"{where}.name", "The name of the variable is malformed.", hint)
        return None
    variable = Variable(**read)
    if variable.secret:
        hint = "Make it a parameter with placement slot: parameters are sealed."
        reader.wrong(f"{where}.secret", "Variables are shown; a secret cannot be one.", hint)
    if variable.source in LEARNT and not variable.pattern:
        hint = "Give a regular expression that every good value matches whole."
        reader.wrong(f"{where}.pattern", "What an answer fills in needs a pattern.", hint)
    if variable.format == "origin" and not variable.pattern:
        hint = "Give a regular expression that every good origin matches whole, and nobody else's does."
        reader.wrong(f"{where}.pattern", "An origin needs a pattern.", hint)
    if variable.extract and _groups(variable.extract) != 1:
        reader.wrong(f"{where}.extract", "It has not exactly one group.", "Put what counts in one pair of brackets.")
    for name in variable.labels:
        if name not in variable.choices:
            reader.wrong(f"{where}.labels.{name}", "This is not one of the choices.", "Name a choice, or remove it.")
    return variable


def _groups(expression: str) -> int:
    try:
        return re.compile(expression).groups
    except re.error:
        return 1  # told already


def read_region(reader: Reader, value: Any, where: str) -> Region | None:
    read = reader.record(
        value, where, Region, {"name": Reader.text, "display_name": Reader.text, "values": Reader.mapping}
    )
    if not read.get("name") or not read.get("values"):
        reader.wrong(where, "A region needs a name and values.", "Say which variables it sets.")
        return None
    return Region(**read)


_TOKEN_RESPONSE: dict[str, Read] = {
    **{f.name: Reader.text for f in fields(TokenResponse)},
    "copy": Reader.mapping,
    "expires_unit": one_of(*UNITS),
    "refresh_expires_unit": one_of(*UNITS),
    "default_expires_in": Reader.number,
    "zero_means_unknown": Reader.flag,
    "grant_gone": Reader.texts,
}


def read_token_response(reader: Reader, value: Any, where: str) -> TokenResponse:
    return TokenResponse(**reader.record(value, where, TokenResponse, _TOKEN_RESPONSE))


_STEP: dict[str, Read] = {
    "method": one_of(*_METHODS),
    "url": Reader.url,
    "copy": Reader.mapping,
    "headers": Reader.headers,
    "prefix": Reader.text,
    "format": one_of("none", "form", "json", "xml", "text"),
    "body": Reader.structure,
    "authenticated": Reader.flag,
    "ok": Reader.text,
    "error": Reader.text,
    "optional": Reader.flag,
    "token": read_token_response,
}


def read_step(reader: Reader, value: Any, where: str) -> Step | None:
    """A step after connecting: it must bring something."""
    step = read_request(reader, value, where)
    if step is not None and not step.copy and step.token is None:
        reader.wrong(where, "A step needs a URL and something to copy.", "Give url and copy, or token.")
        return None
    return step


def read_request(reader: Reader, value: Any, where: str) -> Step | None:
    """A request as data, of which nothing need be copied."""
    read = reader.record(value, where, Step, _STEP)
    if not read.get("url"):
        reader.wrong(where, "A step needs a URL and something to copy.", "Give url and copy.")
        return None
    step = Step(**{"method": "GET", **read})
    wanted: dict[str, type | tuple[type, ...]] = {"form": dict, "json": (dict, list), "xml": str, "text": str}
    if step.format == "none" and step.body is not None:
        reader.wrong(f"{where}.format", "The body has no format.", "Set format to form, json, xml or text.")
    elif step.format != "none" and not isinstance(step.body, wanted[step.format]):
        shape = "a text" if wanted[step.format] is str else "an object"
        reader.wrong(f"{where}.body", f"The body of format {step.format} is not {shape}.", f"Give {shape}.")
    elif step.format == "form" and not all(isinstance(item, str | int) for item in step.body.values()):
        reader.wrong(f"{where}.body", "A form's values are texts.", "Use format json for nested values.")
    return step


def read_bare_request(reader: Reader, value: Any, where: str) -> Step | None:
    """A request that carries no credential unless it says so: its slots say what it shows."""
    if isinstance(value, Mapping):
        value = {"authenticated": False, **value}
    return read_request(reader, value, where)


_JWT: dict[str, Read] = {
    "algorithm": one_of(*ALGORITHMS),
    "key": Reader.text,
    "key_encoding": one_of("text", "hex", "base64"),
    "header": Reader.structure,
    "claims": Reader.structure,
    "seconds": Reader.number,
}


def read_jwt(reader: Reader, value: Any, where: str) -> Jwt | None:
    read = reader.record(value, where, Jwt, _JWT)
    if not read.get("algorithm") or not read.get("key"):
        reader.wrong(where, "A JWT needs an algorithm and a key.", "Give both; the key is a slot such as ${key}.")
        return None
    for part in ("header", "claims"):
        if not isinstance(read.get(part, {}), dict):
            reader.wrong(f"{where}.{part}", "This is not an object.", 'Give {"iss": "${issuer}"}.')
            return None
    return Jwt(**read)


_CALLBACK_SIGNATURE: dict[str, Read] = {
    "parameter": Reader.text,
    "encoding": one_of("hex", "base64"),
    "without": Reader.texts,
}


def read_callback_signature(reader: Reader, value: Any, where: str) -> CallbackSignature | None:
    read = reader.record(value, where, CallbackSignature, _CALLBACK_SIGNATURE)
    if not read.get("parameter"):
        reader.wrong(f"{where}.parameter", "The parameter of the signature is missing.", "Such as hmac.")
        return None
    return CallbackSignature(**read)


_LOGIN: dict[str, Read] = {
    "requests": list_of(read_bare_request),
    "jwt": read_jwt,
    "token": Reader.text,
    "logout": read_bare_request,
}


def read_login(reader: Reader, value: Any, where: str) -> Login | None:
    login = Login(**reader.record(value, where, Login, _LOGIN))
    if not login.requests and login.jwt is None:
        reader.wrong(where, "A login has no request and no JWT.", "Give requests, or a jwt that is the token itself.")
        return None
    return login


_TEST: dict[str, Read] = {
    **{f.name: Reader.text for f in fields(TestRequest)},
    "method": one_of(*_METHODS),
    "url": Reader.url,
    "headers": Reader.headers,
    "body": Reader.lines,
}


def read_test(reader: Reader, value: Any, where: str) -> TestRequest | None:
    if value is None or value == {}:
        return None
    return TestRequest(**reader.record(value, where, TestRequest, _TEST))


_LIFETIMES: dict[str, Read] = {
    **{f.name: Reader.number for f in fields(Lifetimes)},
    "refresh": one_of("unknown", "rotates", "keeps", "none"),
    "non_expiring": Reader.flag,
    "ends": Reader.texts,
    "notes": Reader.texts,
    "source": Reader.url,
    "confirmed": Reader.flag,
}


def read_lifetimes(reader: Reader, value: Any, where: str) -> Lifetimes:
    return Lifetimes(**reader.record(value, where, Lifetimes, _LIFETIMES))


def _read_status(reader: Reader, value: Any, where: str) -> int | None:
    number = reader.number(value, where)
    if number is not None and not 100 <= number <= 599:
        reader.wrong(where, "This is not an HTTP status.", "Give a number from 100 to 599.")
        return None
    return number


_RETRY: dict[str, Read] = {
    "statuses": list_of(_read_status),
    "seconds_header": Reader.text,
    "time_header": Reader.text,
    "time_unit": one_of("epoch_seconds", "epoch_milliseconds", "iso8601", "http_date"),
    "remaining_header": Reader.text,
    "code": Reader.text,
    "codes": Reader.texts,
    "pattern": Reader.expression,
}


def read_retry(reader: Reader, value: Any, where: str) -> Retry:
    retry = Retry(**reader.record(value, where, Retry, _RETRY))
    if bool(retry.code) != bool(retry.codes):
        reader.wrong(f"{where}.code", "A code needs its values, and values need a path.", "Give code and codes.")
    return retry


_REPEAT: dict[str, Read] = {
    "methods": list_of(one_of("PUT", "DELETE", "PATCH", "POST")),
    "key_header": Reader.text,
}


def read_repeat(reader: Reader, value: Any, where: str) -> Repeat:
    return Repeat(**reader.record(value, where, Repeat, _REPEAT))


_PAGING: dict[str, Read] = {
    "kind": one_of("link", "cursor", "offset", "page"),
    "placement": one_of("query", "json"),
    "first": Reader.number,
    "size": Reader.number,
    **dict.fromkeys(("items", "next", "parameter", "more", "size_parameter"), Reader.text),
}


def read_paging(reader: Reader, value: Any, where: str) -> Paging | None:
    read = reader.record(value, where, Paging, _PAGING)
    if "kind" not in read:
        reader.wrong(f"{where}.kind", "The kind is missing.", "Use one of: link, cursor, offset, page.")
        return None
    paging = Paging(**read)
    if paging.kind != "link" and not paging.parameter:
        reader.wrong(f"{where}.parameter", "The parameter is missing.", "Name the parameter that turns the page.")
    if paging.kind == "cursor" and not paging.next:
        reader.wrong(f"{where}.next", "The path of the next cursor is missing.", "Say where it stands in the answer.")
    if bool(paging.size_parameter) != bool(paging.size):
        hint = "Give size and size_parameter, or neither."
        reader.wrong(f"{where}.size", "Size and size_parameter belong together.", hint)
    return paging


_EVIDENCE: dict[str, Read] = {
    "level": one_of("verified", "modelled", "listed"),
    "sources": Reader.number,
    "unconfirmed": Reader.texts,
    "confirmed_at": list_of(Reader.url),
}


def read_evidence(reader: Reader, value: Any, where: str) -> Evidence | None:
    evidence = Evidence(**reader.record(value, where, Evidence, _EVIDENCE))
    if evidence.level == "verified" and evidence.unconfirmed:
        hint = "Confirm them, or set the level to modelled."
        reader.wrong(f"{where}.unconfirmed", "What is verified has no unconfirmed part.", hint)
    if evidence.level == "verified" and not evidence.confirmed_at:
        hint = "Give the addresses of the vendor's pages, or set the level to modelled."
        reader.wrong(f"{where}.confirmed_at", "What is verified was confirmed somewhere.", hint)
    return evidence


def plain(value: Any) -> Any:
    """A record, or a part of one, as JSON has it: tuples as lists, mappings and records as objects."""
    if isinstance(value, str | int | None):
        return value
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def is_asked(parameter: Parameter) -> bool:
    """Whether a person enters this parameter: not where its template does without its own value."""
    return not parameter.template or parameter.key in names(parameter.template)
