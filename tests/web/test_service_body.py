"""The body that describes a service says as much as a definition can."""

from __future__ import annotations

from dataclasses import fields

import pytest

from isthmus import records
from isthmus.web.api.requests import ParameterIn, ScopeIn, ServiceChanges, VariableIn


@pytest.mark.parametrize(
    ("record", "body"),
    [
        (records.Service, ServiceChanges),
        (records.Parameter, ParameterIn),
        (records.Variable, VariableIn),
        (records.Scope, ScopeIn),
    ],
)
def test_every_field_of_a_definition_can_be_sent(record: type, body: type) -> None:
    known = {field.name for field in fields(record)} - {"kind"}
    assert known - set(body.model_fields) == set()
