"""Search as people expect, over the whole catalog and over rows made for the point."""

from __future__ import annotations

import pytest

from isthmus.catalog.catalog import Catalog
from isthmus.catalog.index import Row
from isthmus.catalog.search import LONGEST_QUERY, distance, ranked


def row(link_name: str, **changes: object) -> Row:
    given = {
        "link_name": link_name,
        "name": link_name.replace("_", " ").title(),
        "auth_type": "oauth2",
        "kind": "default",
        "category": "other",
        "description": "",
        "logo": "",
        "family": "",
        "product": link_name,
        "recommended": True,
        "aliases": (),
        "marks": (),
        "hosts": (f"api.{link_name}.example",),
        "sources": 1,
    }
    return Row(**{**given, **changes})  # type: ignore[arg-type]


def names(q: str) -> list[str]:
    return [found.link_name for found in Catalog.load().search(q=q)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("slack", "slack"),
        ("  SLACK ", "slack"),
        ("zoho books", "zoho_books"),
        ("zoho_books", "zoho_books"),
        ("books zoho", "zoho_books"),
        ("gmail", "gmail"),
        ("git", "github"),
        ("google", "google"),
        ("api.github.com", "github"),
        ("https://api.stripe.com/v1/charges", "stripe"),
        ("uploads.github.com", "github"),
        ("Slak", "slack"),
        ("slakc", "slack"),
        ("mailchmp", "mailchimp"),
        ("quickboks", "quickbooks"),
        ("goggle drive", "google_drive"),
        ("microsfot teams", "microsoft_teams"),
        ("twitter", "twitter"),
        ("gcal", "google_calendar"),
        ("acme.zendesk.com", "zendesk"),
        ("https://acme.myshopify.com/admin", "shopify"),
    ],
)
def test_what_a_person_means_comes_first(query: str, first: str) -> None:
    assert names(query)[0] == first


@pytest.mark.parametrize("category", ["crm", "ai", "hr", "storage", "finance"])
def test_a_category_brings_all_of_it_before_names_that_only_begin_so(category: str) -> None:
    rows = Catalog.load().search(q=category)
    of_it = [one for one in rows if one.category == category]
    assert len(of_it) > 10
    named = [one for one in rows[: len(of_it)] if one.category != category]
    assert all(category in (one.name.lower(), one.link_name, *map(str.lower, one.aliases)) for one in named)


@pytest.mark.parametrize("query", ["qqqqzzzz", "bananas in pyjamas", "https://", "....", "zzz", "x" * 5000])
def test_nothing_is_found_for_nonsense(query: str) -> None:
    assert names(query) == []


def test_without_a_query_all_are_there_by_link_name() -> None:
    catalog = Catalog.load()
    rows = catalog.search(q="   ")
    assert [one.link_name for one in rows] == sorted(one.link_name for one in catalog.services())


def test_an_alias_is_a_name() -> None:
    rows = [row("one"), row("two", aliases=("Old Name",)), row("three", description="Not the old name.")]
    assert ranked(rows, "old name")[0].link_name == "two"


def test_a_name_beats_a_beginning_beats_a_part_beats_a_description() -> None:
    rows = [row("acme_mail"), row("go_acme"), row("bigacme"), row("acme"), row("x", description="Talks to acme.")]
    assert [found.link_name for found in ranked(rows, "acme")] == ["acme", "acme_mail", "go_acme", "bigacme", "x"]


def test_among_equals_come_the_recommended_the_unmarked_and_the_better_known() -> None:
    rows = [
        row("acme_a", sources=9, recommended=False),
        row("acme_b", sources=8, marks=("legacy",)),
        row("acme_c", sources=1),
        row("acme_d", sources=7),
    ]
    assert [found.link_name for found in ranked(rows, "acme")] == ["acme_d", "acme_c", "acme_b", "acme_a"]


def test_a_host_of_a_wildcard_and_a_domain_are_found() -> None:
    rows = [
        row("one", hosts=("*.one.example",)),
        row("two", hosts=("api.two.example:8443",)),
        row("bad", hosts=("no",)),
    ]
    assert [found.link_name for found in ranked(rows, "eu.one.example")] == ["one"]
    assert [found.link_name for found in ranked(rows, "one.example")] == ["one"]
    assert [found.link_name for found in ranked(rows, "api.two.example:8443")] == ["two"]
    assert ranked(rows, "one.example.evil.test") == []


def test_misspellings_are_looked_for_only_where_nothing_was_meant() -> None:
    rows = [row("track"), row("trick")]
    assert [found.link_name for found in ranked(rows, "track")] == ["track"]
    assert [found.link_name for found in ranked(rows, "trock")] == ["track", "trick"]


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("slack", "slakc", 1),
        ("slack", "slak", 1),
        ("kitten", "sitting", 3),
        ("ab", "ba", 1),
    ],
)
def test_distance_counts_letters_and_a_swap_once(one: str, other: str, steps: int) -> None:
    assert distance(one, other) == distance(other, one) == steps


def test_a_long_query_is_cut() -> None:
    assert ranked([row("acme")], "acme " * 100_000) == ranked([row("acme")], ("acme " * 100)[:LONGEST_QUERY].strip())
