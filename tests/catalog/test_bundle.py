"""Bundles of definitions: whole, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.catalog import bundle
from isthmus.catalog.bundle import read_bundle, write_bundle
from isthmus.catalog.catalog import Catalog
from isthmus.errors import InputError

ACME: dict[str, Any] = {
    "link_name": "acme",
    "name": "Acme",
    "auth_type": "basic",
    "base_url": "https://api.acme.example",
    "hosts": ["api.acme.example"],
}
GOOD: dict[str, Any] = {"format": 1, "serial": 7, "published_at": "2026-03-01T12:00:00Z", "services": [ACME]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        *(
            json.dumps({**GOOD, **wrong}).encode()
            for wrong in (
                {"format": 2},
                {"serial": 0},
                {"serial": -1},
                {"serial": "7"},
                {"serial": True},
                {"serial": 2**60},
                {"serial": 7.5},
                {"published_at": None},
                {"published_at": "x" * 50},
                {"services": []},
                {"services": {}},
                {"services": [None]},
                {"services": [ACME, ACME]},
                {"services": [ACME, {**ACME, "link_name": "b", "auth_type": "magic"}]},
                {"services": [{**ACME, "base_url": "http://api.acme.example"}]},
                {"services": [{**ACME, "base_url": "https://elsewhere.example"}]},
                {"services": [{**ACME, "unknown": 1}]},
            )
        ),
    ],
)
def test_what_is_no_bundle_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_bundle(content)
    assert caught.value.code == "bundle_malformed"


def test_too_large_a_bundle_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="MB"):
        read_bundle(b"[" * 11)


def test_what_was_written_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_bundle(write_bundle([ACME], serial=7, published_at="now"))
    assert (found.serial, found.published_at, list(found.index.rows)) == (7, "now", ["acme"])
    assert found.index.get("acme") is not None
    with pytest.raises(InputError):
        write_bundle([ACME, ACME], serial=7, published_at="now")


def test_the_whole_catalog_fits_into_a_bundle() -> None:
    catalog = Catalog.load()
    names = [row.link_name for row in catalog.search()]
    documents = [document for name in names if (document := catalog.document(name)) is not None]
    content = write_bundle(documents, serial=1, published_at="now")
    assert len(content) < bundle.MOST_BYTES / 2
