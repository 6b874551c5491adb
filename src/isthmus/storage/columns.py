"""Column types: how the values of records lie in both databases, and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from isthmus.errors import InputError
from isthmus.records import CallSide, KeptHeader, Policy, Reason

# Byte order on both: key paging compares in the database what Python and the cursor compare.
_ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_storable(value: str) -> bool:
    """Whether both databases can keep this text unchanged."""
    return "\x00" not in value and (value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value))


class Key(TypeDecorator[str]):
    """Text that identifies: compared byte by byte. Refuses what one of the databases could not keep unchanged."""

    impl = _ORDERED
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and not is_storable(value):
            raise InputError(
                "A name or identifier holds a NUL or half a surrogate pair.", hint="Use plain Unicode text."
            )
        return value


class Words(TypeDecorator[str]):
    """Text to be read by people. A third party may have written it, so a letter that cannot be kept is replaced:
    it must never be the reason why a refreshed credential could not be stored."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or is_storable(value):
            return value
        letters = (_REPLACEMENT if letter == "\x00" or "\ud800" <= letter <= "\udfff" else letter for letter in value)
        return "".join(letters)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC with microseconds. Refuses a naive one."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without time zone cannot be stored")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Document(TypeDecorator[Any]):
    """A JSON object. Keeps what JSON can; numbers that are none (NaN, infinity) become null."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> Any:
        return None if value is None else dict(value)


class Names(TypeDecorator[tuple[str, ...]]):
    """A tuple of texts as a JSON list; None stays None."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> Any:
        return None if value is None else list(value)

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(value)


class Documents(TypeDecorator[tuple[Mapping[str, Any], ...]]):
    """A tuple of JSON objects as a JSON list."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[Mapping[str, Any], ...] | None, dialect: Dialect) -> Any:
        return None if value is None else [dict(item) for item in value]

    def process_result_value(self, value: list[Any] | None, dialect: Dialect) -> tuple[Mapping[str, Any], ...] | None:
        return None if value is None else tuple(value)


class ReasonColumn(TypeDecorator[Reason]):
    """A Reason as a JSON object."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Reason | None, dialect: Dialect) -> Any:
        return None if value is None else {**asdict(value), "at": value.at.astimezone(UTC).isoformat()}

    def process_result_value(self, value: dict[str, str] | None, dialect: Dialect) -> Reason | None:
        if value is None:
            return None
        return Reason(value["code"], value["message"], value["hint"], datetime.fromisoformat(value["at"]))


class PolicyColumn(TypeDecorator[Policy]):
    """A Policy as a JSON object."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Policy | None, dialect: Dialect) -> Any:
        return None if value is None else asdict(value)

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> Policy | None:
        if value is None:
            return None
        return Policy(
            tuple(value["methods"]),
            tuple(value["path_prefixes"]),
            value["credential_export"],
            value.get("keep_bodies", False),
        )


class CallSideColumn(TypeDecorator[CallSide]):
    """A CallSide as a JSON object, each header as a list."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: CallSide | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        headers = [[header.name, header.value, header.attached] for header in value.headers]
        return {"headers": headers, "media_type": value.media_type, "size": value.size}

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> CallSide | None:
        if value is None:
            return None
        headers = tuple(KeptHeader(*header) for header in value["headers"])
        return CallSide(headers, value["media_type"], value["size"])


def dump_json(value: Any) -> str:
    """JSON text that both databases take; the engine's serializer."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        readable = json.loads(json.dumps(value), parse_constant=lambda _: None)
        return json.dumps(readable, allow_nan=False, separators=(",", ":"))


def moment(name: str, *, required: bool = False) -> sa.Column[object]:
    """A column that holds a time."""
    return sa.Column(name, Moment, nullable=not required)
