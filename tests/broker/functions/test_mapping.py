from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.functions.workshop import code_of

from isthmus.broker.functions.mapping import fill, read_mapping
from isthmus.errors import InputError

RECORD = {
    "Leads": {
        "Email": "ann@example.com",
        "Phone": None,
        "Score": 7,
        "Owner": {"name": "Bob Ünal", "a b": 1},
        "Tags": ["new", {"id": 9007199254740993}],
        "with-dash": True,
    }
}


@pytest.mark.parametrize(
    "template",
    ["${", "${}", "${ }", "x ${Leads.Email", "${.a}", "${a.}", "${a..b}", "${a[}", "${a[x]}", "${a[0}", "${a]}", "${|x}", 7, None, ["${a}"], "x" * 10_001],
)  # fmt: skip
def test_a_malformed_template_is_refused_when_it_is_attached(template: Any) -> None:
    with pytest.raises(InputError) as caught:
        read_mapping({"email": template})
    assert (caught.value.code, caught.value.field) == ("mapping_malformed", "mapping.email")
    assert "${Leads.Email}" in caught.value.hint


@pytest.mark.parametrize("document", [None, [], "x", 1, {str(n): "x" for n in range(201)}])
def test_what_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(InputError) as caught:
        read_mapping(document)
    assert caught.value.field == "mapping"


def test_a_mapping_to_an_argument_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        read_mapping({"mail": "${Leads.Email}"}, frozenset({"email"}))
    assert (caught.value.code, caught.value.field) == ("argument_unknown", "mapping.mail")
    assert "email" in caught.value.hint


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("${Leads.Fax}", "The record has no value at Leads.Fax: Leads has no Fax."),
        ("${Deals.Email}", "The record has no value at Deals.Email: it has no Deals."),
        ("${Leads.Tags[2]}", "The record has no value at Leads.Tags[2]: Leads.Tags has no 2."),
        ("${Leads.Email.x}", "The record has no value at Leads.Email.x: Leads.Email has no x."),
        ("Dear ${Leads.Owner.first}", "The record has no value at Leads.Owner.first: Leads.Owner has no first."),
    ],
)
def test_a_missing_value_names_the_path(template: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        fill(read_mapping({"x": template}), RECORD)
    assert (caught.value.code, caught.value.field, caught.value.message) == (
        "mapping_value_missing",
        "mapping.x",
        reason,
    )


def test_a_record_that_is_no_object_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        fill(read_mapping({"x": "${a}"}), ["a"])
    assert caught.value.field == "record"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${Leads.Email}", "ann@example.com"),
        ("${ Leads.Email }", "ann@example.com"),
        ("${Leads.Score}", 7),
        ("${Leads.Owner}", {"name": "Bob Ünal", "a b": 1}),
        ("${Leads.Owner.a b}", 1),
        ('${Leads.Owner["a b"]}', 1),
        ("${Leads.with-dash}", True),
        ("${Leads.Tags[0]}", "new"),
        ("${Leads.Tags.0}", "new"),
        ("${Leads.Tags[1].id}", 9007199254740993),
        ("${Leads.Phone}", None),
        ("${Leads.Phone|none}", "none"),
        ("${Leads.Fax|none}", "none"),
        ("${Leads.Fax|}", ""),
        ("${Leads.Fax|a|b}", "a|b"),
        ("${Leads.Email|none}", "ann@example.com"),
        ("Mail ${Leads.Email}, score ${Leads.Score}${Leads.Phone}!", "Mail ann@example.com, score 7!"),
        ("tags ${Leads.Tags}", 'tags ["new",{"id":9007199254740993}]'),
        ("$${Leads.Email}", "${Leads.Email}"),
        ("plain $ text }", "plain $ text }"),
        ("", ""),
    ],
)
def test_a_template_gives_what_the_record_has(template: str, value: Any) -> None:
    assert fill(read_mapping({"x": template}), RECORD) == {"x": value}


@given(st.text(alphabet="${}.|[]\"' ab0\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    refusals = (None, "mapping_malformed", "mapping_value_missing")
    assert code_of(lambda: fill(read_mapping({"x": text}), {"a": {"b": [0]}})) in refusals
