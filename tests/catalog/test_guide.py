"""The guide of a service says what its definition says, in words, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace

from tests.catalog import shipped

from isthmus.catalog.catalog import Catalog
from isthmus.catalog.causes import Causes
from isthmus.catalog.guide import write_guide
from isthmus.records import Lifetimes, Scope, Service

REDIRECT = "https://isthmus.example.com/oauth/callback/x"


def guide(link_name: str) -> str:
    service = Catalog.load().get(link_name)
    assert service is not None
    return write_guide(service, REDIRECT, Causes.load().known_for(service))


def test_what_is_not_known_is_not_said() -> None:
    service = Service("acme", "Acme", "basic", hosts=("api.acme.example",))
    text = write_guide(service, REDIRECT)
    assert "## Register" not in text
    assert "## What ends" not in text
    assert "## Scopes" not in text
    assert REDIRECT not in text
    assert "- **User name**" in text


def test_words_of_a_definition_are_no_markup() -> None:
    scope = Scope("a", "Read | write <b>")
    text = write_guide(Service("acme", "<script>Acme", "oauth2", scopes=(scope,), notes=("See [x](y).",)), REDIRECT)
    assert "<script>" not in text
    assert "| `a` | Read \\| write \\<b\\> |" in text
    assert "See \\[x\\](y)." in text


def test_it_says_how_to_register_and_where_people_come_back() -> None:
    text = guide("gmail")
    assert "<https://console.cloud.google.com/apis/credentials>" in text
    assert f"`{REDIRECT}`" in text
    assert "While the consent screen is in testing" in text


def test_lifetimes_are_told_in_days_and_hours() -> None:
    lives = Lifetimes(refresh="rotates", access_token_seconds=7200, idle_days=90, absolute_days=1, secret_days=730)
    service = replace(Service("acme", "Acme", "oauth2"), lifetimes=lives)
    text = write_guide(service, REDIRECT)
    for said in ("lives 2 hours.", "the one before is spent", "not used for 90 days", "730 days"):
        assert said in text


def test_it_says_what_goes_wrong_with_this_service() -> None:
    service = Catalog.load().get("slack")
    assert service is not None
    causes = Causes.load().known_for(service)
    assert len(causes) == len({cause.code for cause in causes}) > 5
    text = guide("slack")
    assert text.count("\n- ") >= len(causes)
    assert "## What goes wrong" in text


def test_every_service_has_a_guide() -> None:
    causes = Causes.load()
    for service in shipped.services():
        text = write_guide(service, REDIRECT, causes.known_for(service))
        assert text.startswith("# ")
        assert f"`{service.link_name}`" in text
        for scope in service.scopes:
            assert f"| `{scope.name}` |" in text
