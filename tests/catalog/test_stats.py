"""The catalog's figures are counts of its services, and the shipped one has as many as it says."""

from __future__ import annotations

from tests.catalog import shipped

from isthmus.catalog.stats import count
from isthmus.records import Evidence, Service


def test_services_are_counted_under_each_heading() -> None:
    services = [
        Service("a", "A", "oauth2", category="crm", product="a", evidence=Evidence("verified", 3)),
        Service("a_key", "A (key)", "api_key", category="crm", product="a", recommended=False),
        Service("b", "B", "basic", category="crm", evidence=Evidence("modelled", 1), marks=("retired",)),
        Service("c", "C", "oauth2"),
    ]
    assert count(services) == {
        "services": {"all": 3, "with two or more sources": 1, "ways to authenticate": 4},
        "evidence": {"verified": 1, "modelled": 1, "listed": 1},
        "evidence of ways": {"verified": 1, "modelled": 1, "listed": 2},
        "authentication": {"oauth2": 2, "api_key": 1, "basic": 1},
        "marks": {"retired": 1},
        "categories": {"crm": 2, "other": 1},
    }


def test_the_shipped_catalog_is_large_and_well_known() -> None:
    """A thousand services, of which the most used are driven by what their vendors answer."""
    counts = count(shipped.services())
    assert counts["services"]["all"] >= 1000
    assert counts["services"]["with two or more sources"] >= 450
    assert counts["evidence"]["verified"] >= 70
    assert counts["evidence"]["verified"] + counts["evidence"]["modelled"] >= 160
    assert counts["authentication"]["oauth1"] == 30
