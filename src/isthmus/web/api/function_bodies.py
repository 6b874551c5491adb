"""The bodies that the routes of functions take."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from isthmus.broker.functions.definition import READ_ONLY
from isthmus.web.api.requests import Body, Role, Shown

LanguageName = Literal["deluge", "python"]


class ArgumentIn(Body):
    name: str = Field(max_length=100)
    type: str = Field("", description="`string`, `int`, `decimal`, `bool`, `date`, `map` ...; empty for any.")
    default: Any = Field(None, description="Stands in where the caller gives none.")
    required: bool | None = Field(None, description="False where there is a default.")


class FunctionChanges(Shown):
    """What can be set on a function; what is not given stays."""

    read_only: ClassVar[frozenset[str]] = READ_ONLY

    name: str | None = Field(None, description="Never changes.", max_length=101)
    language: LanguageName | None = Field(None, description="Never changes.")
    description: str | None = Field(None, max_length=2000)
    code: str | None = Field(None, description="The source.")
    arguments: list[ArgumentIn] | None = Field(
        None, description="Types and defaults, named as in the code; null for what the code says itself."
    )
    return_type: str | None = Field(None, max_length=50)
    note: str | None = Field(None, description="What this version is about.", max_length=500)
    run_as: Literal["caller", "owner"] | None = Field(
        None, description="`owner`: with the rights of the administrator who sets this."
    )
    run_roles: list[Role] | None = Field(None, description="The roles that may run it.")
    callers: list[str] | None = Field(None, description="Only these may run it: ids of actors, or `function:NAME`.")
    base_version: int | None = Field(None, description="The draft that this was made from; refused if it is older.")


class NewFunction(FunctionChanges):
    """A new function."""

    name: str = Field(description="Such as `standalone.notify`; never changes.", max_length=101)
    language: LanguageName
    code: str


class CheckIn(Body):
    """A code as an editor has it."""

    name: str | None = Field(None, max_length=101)
    language: LanguageName
    code: str
    arguments: list[ArgumentIn] | None = None
    return_type: str | None = Field(None, max_length=50)


class CompleteIn(Body):
    """A code as an editor has it, and where its cursor stands: line and column from 1."""

    language: LanguageName
    code: str
    line: int = Field(ge=1)
    column: int = Field(ge=1)


class PublishIn(Body):
    version: int | None = Field(None, ge=1, description="The draft where it is left out.")


class RollBackIn(Body):
    version: int = Field(ge=1, description="The version that shall be live again.")


class ExecuteIn(Body):
    """Arguments by name; or a record, and where in it each argument is."""

    arguments: dict[str, Any] = Field(default_factory=dict)
    record: dict[str, Any] | None = None
    mapping: dict[str, str] | None = Field(None, description='Such as `{"email": "${Leads.Email|none}"}`.')
    user: str | None = Field(
        None, description="The resource owner, where the function uses a personal connection.", max_length=255
    )


class RetryIn(Body):
    arguments: dict[str, Any] | None = Field(None, description="Instead of those of the run.")


class SkipIn(Body):
    answer: dict[str, Any] | None = Field(
        None,
        description="What the function is to see: `status`, `headers`, `body` (text, or JSON). Without it: 204 and no body.",
    )
