"""Parameter lists of OAuth 2 messages: each name once, and what the protocol needs is not to be overridden."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from isthmus.errors import InputError
from isthmus.expressions import Moment, fill
from isthmus.records import Service


def scope_parameters(service: Service, scopes: Sequence[str]) -> list[tuple[str, str]]:
    """The scope parameter, under the name and with the delimiter that the service declares; none for no scopes.

    The delimiter is part of the value: `,` and `+` are encoded with it and reach the provider as they are.
    """
    if not scopes:
        return []
    return [(service.scope_parameter, service.scope_delimiter.join(scopes))]


def merge(
    core: Sequence[tuple[str, str]], extra: Mapping[str, str], *, field: str, overridable: Collection[str] = ()
) -> list[tuple[str, str]]:
    """`core`, then the service's extra parameters; an extra may replace only a core parameter in `overridable`, and
    leaves it out where it is empty (RFC 6749 §3.1 takes the two for the same).

    Saying again what is the case anyway (`response_type: code`) is allowed. Raises InputError with `field`, the
    setting that holds the extra, if it would change another one.
    """
    merged = dict(core)
    for name, value in extra.items():
        if value == "" and name in overridable:
            merged.pop(name, None)
            continue
        if name in merged and name not in overridable and merged[name] != value:
            raise InputError(
                f"The service's {field} may not set {name}.",
                code="reserved_parameter",
                field=field,
                hint=f"Remove {name} from {field}; it is set by the protocol.",
            )
        merged[name] = value
    return list(merged.items())


def declared(extra: Mapping[str, str], values: Mapping[str, str], moment: Moment | None) -> dict[str, str]:
    """The service's extra parameters with their slots filled. Raises InputError (`slot_unfilled`)."""
    return {name: fill(text, values, moment=moment) for name, text in extra.items()}
