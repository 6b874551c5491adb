"""What an entry says of how well it is known holds: where it was confirmed, what was not, and what is driven."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from tests.catalog import shipped
from tests.catalog.vendors import fixture_names, read_fixture

from isthmus.records import Evidence, Service

PARTS = {"token answer", "refresh answer", "error answer", "who-am-I answer"}
# Organisations of the vendors themselves, where their clients and specifications are.
VENDORS_ON_GITHUB = set(
    "ActiveCampaign DataDog DeepLcom HubSpot Shopify XeroAPI algolia anthropics box contentful digitalocean discord "
    "dropbox figma getbrevo gitlabhq googleapis instructure klaviyo launchdarkly line makenotion octokit okta openai "
    "pinterest pipedrive recurly replicate ringcentral square stripe team-telnyx twilio".split()
)
# Domains that a vendor has besides those in its entry.
ALSO_OF = {
    "google": {"google.com", "googleapis.com"},
    "microsoft": {"microsoft.com"},
    "linkedin": {"microsoft.com"},
    "tiktok": {"tiktok.com"},
}


@cache
def services() -> list[tuple[Service, Evidence]]:
    found = [(service, service.evidence) for service in shipped.services() if service.evidence is not None]
    assert len(found) == len(list(shipped.services()))
    return found


def domain(url: str) -> str:
    return ".".join((urlsplit(url).hostname or "").split(".")[-2:])


def own_domains(service: Service) -> set[str]:
    fields = "homepage_url documentation_url registration_url authorize_url access_token_url base_url".split()
    urls = [getattr(service, field) for field in fields]
    return (
        {domain(url) for url in urls if url} | ALSO_OF.get(service.family, set()) | ALSO_OF.get(service.product, set())
    )


def test_an_entry_is_confirmed_by_its_vendor_and_nobody_else() -> None:
    wrong = []
    for service, evidence in services():
        for url in evidence.confirmed_at:
            if domain(url) == "github.com" and urlsplit(url).path.split("/")[1] in VENDORS_ON_GITHUB:
                continue
            if domain(url) not in own_domains(service):
                wrong.append((service.link_name, url))
    assert wrong == []


def test_what_is_not_confirmed_is_named_by_part() -> None:
    wrong = [service.link_name for service, evidence in services() if set(evidence.unconfirmed) - PARTS]
    assert wrong == []
    silent = {
        service.link_name
        for service, evidence in services()
        if evidence.level == "modelled" and not evidence.unconfirmed
    }
    # What an Isthmus answers is known, since it is this product; nobody else's pages tell it.
    assert silent == {"isthmus", "isthmus_server_to_server"}


def test_what_is_only_listed_claims_nothing() -> None:
    wrong = [
        service.link_name
        for service, evidence in services()
        if evidence.level == "listed" and (evidence.confirmed_at or evidence.unconfirmed)
    ]
    assert wrong == []


def test_what_is_driven_says_so() -> None:
    driven = {service.link_name for service, evidence in services() if evidence.level != "listed"}
    assert driven == set(fixture_names())


def test_fixtures_hold_nothing_that_could_be_somebody_s() -> None:
    """Mail addresses are of example.com, and tokens say that they are made up."""
    wrong = []
    for name in fixture_names():
        for exchange in read_fixture(name)["exchanges"]:
            body = exchange.get("body")
            if not isinstance(body, dict):
                continue
            for key in ("access_token", "refresh_token", "client_secret", "api_key"):
                if isinstance(body.get(key), str) and "made" not in body[key].lower():
                    wrong.append((name, key))
            if isinstance(body.get("email"), str) and not body["email"].endswith("example.com"):
                wrong.append((name, "email"))
    assert wrong == []
