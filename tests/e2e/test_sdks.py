"""Third parties' own SDKs, unmodified, pointed at the proxy with an Isthmus key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.journey import connect_all
from tests.served import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, practice_server: Any) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sdks")) as running:
        connect_all(running, practice_server)
        yield running


def sent_by(practice: Any, path: str) -> dict[str, Any]:
    """The log entry of the request that reached the third party, which names the credential by fingerprint only."""
    entries = [entry for entry in practice.log() if entry["path"].startswith(path)]
    assert entries, f"nothing reached {path}"
    return entries[-1]


def test_slack_sdk_reaches_the_third_party_with_the_right_credential(served: Served, practice_server: Any) -> None:
    from slack_sdk import WebClient

    client = WebClient(token=served.key, base_url=f"{served.url}/proxy/practice_oauth2/")
    assert client.auth_test()["ok"] is True
    posted = client.chat_postMessage(channel="general", text="hello from an isthmus")
    assert posted["ok"] is True
    entry = sent_by(practice_server, "/oauth2/api/chat.postMessage")
    assert entry["outcome"] == "ok"


def test_pygithub_reaches_the_third_party_with_the_right_credential(served: Served, practice_server: Any) -> None:
    from github import Auth, Github

    client = Github(auth=Auth.Token(served.key), base_url=f"{served.url}/proxy/practice_oauth2", retry=None)
    assert client.get_user().login == "ada"
    assert sent_by(practice_server, "/oauth2/api/user")["outcome"] == "ok"
    client.close()


def test_stripe_reaches_the_third_party_with_the_right_credential(served: Served, practice_server: Any) -> None:
    import stripe

    client = stripe.StripeClient(served.key, base_addresses={"api": f"{served.url}/proxy/practice_oauth2"})
    assert client.v1.customers.retrieve("cus_1").id == "cus_1"
    created = client.v1.customers.create({"email": "ada@example.com"})
    assert created.id
    assert sent_by(practice_server, "/oauth2/api/v1/customers")["outcome"] == "ok"


def test_a_wrong_key_reaches_nobody(served: Served, practice_server: Any) -> None:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    before = practice_server.counters()["api_calls"]
    client = WebClient(token="isk_wrong", base_url=f"{served.url}/proxy/practice_oauth2/")
    with pytest.raises(SlackApiError):
        client.auth_test()
    assert practice_server.counters()["api_calls"] == before
