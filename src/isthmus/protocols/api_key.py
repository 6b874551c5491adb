"""API keys: any number of entered values, each at its place, as it is or as a template makes it of all of them.

They are the whole of an API key's credential, and go beside the credential of every other type that declares some.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.errors import InputError
from isthmus.expressions import Moment, fill, is_dynamic
from isthmus.protocols.placement import place, place_in_json, place_in_path
from isthmus.protocols.text import check_header, check_plain
from isthmus.records import HttpRequest, Parameter, ParameterPlacement, Placement, Service

_PAIRED: tuple[Placement, ...] = ("header", "query", "form")


def parameters_request(
    service: Service, values: Mapping[str, str], request: HttpRequest, moment: Moment
) -> HttpRequest:
    """The request with every parameter of the service in its place.

    Raises InputError naming the parameter if its value is missing or cannot stand there, or if the request has no
    form or JSON object to put it in.
    """
    for placement in _PAIRED:
        pairs = parameter_pairs(service, values, placement, moment)
        if pairs:
            request = place(request, placement, pairs)
    fields = parameter_pairs(service, values, "json", moment)
    if fields:
        request = place_in_json(request, fields)
    for key, value in parameter_pairs(service, values, "path", moment):
        request = place_in_path(request, key, value)
    return request


def parameter_pairs(
    service: Service, values: Mapping[str, str], placement: ParameterPlacement, moment: Moment | None
) -> list[tuple[str, str]]:
    """Names and values, prefixes included, of the service's parameters with this placement. Raises like the above."""
    found = (
        (parameter.key, _value(parameter, values, moment))
        for parameter in service.parameters
        if parameter.placement == placement
    )
    return [(key, value) for key, value in found if value is not None]


def travels_in_headers(service: Service) -> bool:
    """Whether the parameters need nothing but headers, and the same ones with every request."""
    return all(
        parameter.placement == "slot" or (parameter.placement == "header" and not is_dynamic(parameter.template))
        for parameter in service.parameters
    )


def _value(parameter: Parameter, values: Mapping[str, str], moment: Moment | None) -> str | None:
    if parameter.template:
        value = fill(parameter.template, values, moment=moment)
    else:
        given = values.get(parameter.key, "")
        if not given and not parameter.required:
            return None
        if not given:
            raise InputError(
                f"There is no value for {parameter.display_name or parameter.key}.",
                field=parameter.key,
                hint="Connect again and enter it.",
            )
        value = parameter.prefix + given
    if parameter.placement == "header":
        check_header(parameter.key, value, field=parameter.key)
    else:
        check_plain(value, field=parameter.key)
    return value


def header_pairs(service: Service, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of parameters that travel in headers alone. Raises like the above."""
    return parameter_pairs(service, values, "header", None)
