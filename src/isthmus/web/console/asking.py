"""What a service asks a person for, as fields of a form: the variables in its addresses, and the values of a credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.web.console.forms import Form

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the form's; `options` makes it a choice."""

    name: str
    label: str
    help: str = ""
    kind: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    example: str = ""
    prefix: str = ""
    suffix: str = ""
    optional: bool = False


def variable_fields(service: Document) -> list[Field]:
    """Workspace, domain, region ...: what fills the service's addresses."""
    fields = []
    if service.get("regions"):
        options = tuple((region["name"], region["display_name"] or region["name"]) for region in service["regions"])
        fields.append(Field("variables.region", "Region", "Where your account lives.", options=options))
    for variable in service["variables"]:
        if variable["source"] == "person":
            fields.append(_variable_field(variable))
    return fields


def secret_fields(service: Document) -> list[Field]:
    """What a person enters to connect: nothing for OAuth."""
    fields = []
    if service["auth_type"] == "basic":
        fields.append(Field("username", service.get("username_display_name") or "User name"))
        fields.append(Field("password", service.get("password_display_name") or "Password", kind="password"))
    if service["auth_type"] in ("api_key", "login"):
        fields += [_parameter_field(parameter) for parameter in service["parameters"] if _is_asked(parameter)]
    return fields


def read_variables(form: Form, service: Document) -> dict[str, str]:
    """The variables that were filled in."""
    return _filled(form, "variables.", variable_fields(service))


def read_secrets(form: Form, service: Document) -> dict[str, Any]:
    """The document to connect with."""
    if service["auth_type"] == "basic":
        return {"username": form.text("username"), "password": form.text("password")}
    fields = secret_fields(service)
    return {"parameters": _filled(form, "parameters.", fields)} if fields else {}


def fill_variables(form: Form, variables: Mapping[str, str]) -> Form:
    """The form with the variables that a connection has."""
    for name, value in variables.items():
        form.set(f"variables.{name}", value)
    return form


def _filled(form: Form, prefix: str, fields: list[Field]) -> dict[str, str]:
    values = {field.name.removeprefix(prefix): form.text(field.name) for field in fields}
    return {name: value for name, value in values.items() if value}


def _variable_field(variable: Document) -> Field:
    labels = variable.get("labels") or {}
    return Field(
        f"variables.{variable['name']}",
        variable["display_name"] or variable["name"],
        variable["description"],
        options=tuple((choice, labels.get(choice, choice)) for choice in variable["choices"]),
        example=variable["example"] or variable["default"],
        prefix=variable.get("prefix") or "",
        suffix=variable.get("suffix") or "",
        optional=not variable["required"] or bool(variable["default"]),
    )


def _parameter_field(parameter: Document) -> Field:
    return Field(
        f"parameters.{parameter['key']}",
        parameter["display_name"] or parameter["key"],
        parameter.get("description") or "",
        kind="password" if parameter["secret"] else "text",
        example=parameter.get("example") or "",
        optional=not parameter.get("required", True),
    )


def _is_asked(parameter: Document) -> bool:
    """A parameter with a template that does not use its own value is put together, not asked for."""
    template = parameter.get("template") or ""
    return not template or parameter["key"] in template or "${value}" in template
