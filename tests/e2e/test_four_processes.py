"""Codes, refresh tokens, revocations and proofs hold over four processes on one PostgreSQL, not only within one."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.journey import Browser
from tests.served import Reply, Served, start_server
from tests.web.oauth.test_proofs import Holder

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.timeout(240)]

BACK = "https://reports.example/back"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
REMEMBERED = 1.0
"""Seconds that a process may go on believing what another one ended."""


class Processes(list[Served]):
    """Four servers on one database; pages are visited at the first, whose address is the issuer."""

    def live(self, token: str) -> list[bool]:
        return [served.ask("GET", "/api/v1/me", key=token).status == 200 for served in self]

    def warm(self, *tokens: str) -> None:
        """Let every process look the tokens up, and remember them."""
        for token in tokens:
            assert self.live(token) == [True] * len(self)

    def register(self, client_type: str = "server_based", **more: Any) -> dict[str, Any]:
        redirects = [] if client_type == "self" else [BACK]
        document = {"name": "Reports", "client_type": client_type, "redirect_uris": redirects}
        made = self[0].ask("POST", "/api/v1/clients", {**document, "scopes": ["connections.read"], **more})
        assert made.status == 201, made.body
        return dict(made.document)

    def post(self, number: int, path: str, client: dict[str, Any], *, headers: Any = None, **form: str) -> Reply:
        values = {"client_id": client["client_id"], **form}
        if client.get("client_secret"):
            values["client_secret"] = client["client_secret"]
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self[number].ask("POST", path, key="", headers=sent, body=urllib.parse.urlencode(values).encode())

    def token(self, number: int, client: dict[str, Any], **form: str) -> Reply:
        return self.post(number, "/oauth/v2/token", client, **form)

    def refresh(self, number: int, client: dict[str, Any], token: str) -> Reply:
        return self.token(number, client, grant_type="refresh_token", refresh_token=token)

    def code(self, client: dict[str, Any], person: Browser) -> str:
        """A code that the person consented to."""
        asked = {"client_id": client["client_id"], "redirect_uri": BACK, "response_type": "code", "state": "s"}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        page = person.go("GET", f"/oauth/v2/auth?{urllib.parse.urlencode(asked)}").headers["Location"]
        back = person.go("POST", page, {**hidden(person.go("GET", page)), "decision": "allow"})
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back.headers["Location"]).query))["code"]

    def redeem(self, number: int, client: dict[str, Any], code: str) -> Reply:
        form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
        return self.token(number, client, code=code, **form)

    def tokens(self, client: dict[str, Any], person: Browser) -> dict[str, Any]:
        answer = self.redeem(0, client, self.code(client, person))
        assert answer.status == 200, answer.body
        return dict(answer.document)


def hidden(page: Reply) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', page.body.decode()))


def wait_out(since: float) -> None:
    time.sleep(max(0.0, since + REMEMBERED - time.monotonic()))


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory, postgresql: Any) -> Iterator[Processes]:
    url, key = postgresql.create_database(), base64.b64encode(secrets.token_bytes(32)).decode()
    place = tmp_path_factory.mktemp("processes")

    def start(number: int, administrator: str = "", **more: str) -> Served:
        directory = place / str(number)
        directory.mkdir()
        settings = {"database_url": url, "master_key": key, **more}
        return start_server(directory, key=administrator, **settings)

    processes = Processes([start(0)])
    try:
        first = processes[0]
        person = {"email": EMAIL, "name": "Ada", "role": "member", "password": PASSWORD}
        assert first.ask("POST", "/api/v1/users", person).status == 201
        with ThreadPoolExecutor(3) as pool:
            processes += pool.map(lambda number: start(number, first.key, public_url=first.url), (1, 2, 3))
        yield processes
    finally:
        for served in processes:
            served.end()


@pytest.fixture(scope="module")
def ada(four: Processes) -> Browser:
    return sign_in(four, EMAIL)


def sign_in(four: Processes, email: str) -> Browser:
    browser = Browser(four[0])
    form = {**hidden(browser.go("GET", "/login")), "email": email, "password": PASSWORD}
    assert browser.go("POST", "/login", form).status == 303
    return browser


def test_one_code_is_redeemed_once_by_fifty_at_a_time(four: Processes, ada: Browser) -> None:
    client = four.register()
    code, together = four.code(client, ada), threading.Barrier(50)

    def redeem(number: int) -> Reply:
        together.wait(60)
        return four.redeem(number % 4, client, code)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(redeem, range(50)))
    ended = time.monotonic()
    won = [answer.document for answer in answers if answer.status == 200]
    assert len(won) == 1
    assert {answer.document["error"] for answer in answers if answer.status != 200} == {"invalid_grant"}
    wait_out(ended)
    assert four.live(won[0]["access_token"]) == [False] * 4
    assert [four.refresh(number, client, won[0]["refresh_token"]).status for number in range(4)] == [400] * 4


def test_a_reused_refresh_token_ends_its_family_in_every_process(four: Processes, ada: Browser) -> None:
    client, other = four.register("browser"), four.register("browser")
    first, foreign = four.tokens(client, ada), four.tokens(client, ada)
    second = four.refresh(1, client, first["refresh_token"]).document
    third = four.refresh(2, client, second["refresh_token"]).document
    four.warm(third["access_token"], foreign["access_token"])
    assert four.refresh(3, client, first["refresh_token"]).document["error"] == "invalid_grant"
    assert four.refresh(3, other, foreign["refresh_token"]).document["error"] == "invalid_grant"
    ended = time.monotonic()
    for number, spent in enumerate((third, foreign, second, first)):
        assert four.refresh(number, client, spent["refresh_token"]).status == 400
    wait_out(ended)
    for token in (first, second, third, foreign):
        assert four.live(token["access_token"]) == [False] * 4


def test_a_lost_answer_is_asked_for_again_at_another_process_within_the_grace(four: Processes, ada: Browser) -> None:
    client = four.register("browser")
    first = four.tokens(client, ada)
    lost = four.refresh(0, client, first["refresh_token"]).document
    four.warm(lost["access_token"])
    again = four.refresh(1, client, first["refresh_token"])
    answered = time.monotonic()
    assert again.status == 200
    assert four.live(again.document["access_token"]) == [True] * 4
    wait_out(answered)
    assert four.live(lost["access_token"]) == [False] * 4
    assert four.refresh(2, client, again.document["refresh_token"]).status == 200


def test_one_refresh_token_shown_by_many_at_once_gives_one_pair_that_works(four: Processes, ada: Browser) -> None:
    """A client that asks in parallel loses the race or the family, and never ends up with two pairs."""
    client = four.register("browser")
    first, together = four.tokens(client, ada), threading.Barrier(12)

    def refresh(number: int) -> Reply:
        together.wait(60)
        return four.refresh(number % 4, client, first["refresh_token"])

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(refresh, range(12)))
    ended = time.monotonic()
    wait_out(ended)
    given = [answer.document["access_token"] for answer in answers if answer.status == 200]
    assert sum(four.live(token) == [True] * 4 for token in given) <= 1
    assert all(four.live(token) in ([True] * 4, [False] * 4) for token in given)


def test_what_one_process_ends_is_refused_by_the_others_within_a_second(four: Processes, ada: Browser) -> None:
    person = {"email": "bob@example.com", "name": "Bob", "role": "member", "password": PASSWORD}
    bob = four[0].ask("POST", "/api/v1/users", person).document
    clients = {name: four.register() for name in ("token", "disabled", "deleted", "refresh", "person", "grant")}
    given = {name: four.tokens(client, ada) for name, client in clients.items() if name != "person"}
    given["person"] = four.tokens(clients["person"], sign_in(four, "bob@example.com"))
    key = four[0].ask("POST", "/api/v1/api-keys", {"name": "CI", "role": "member"}).document
    tokens = {name: answer["access_token"] for name, answer in given.items()} | {"key": key["key"]}
    (grant,) = four[0].ask("GET", f"/api/v1/clients/{clients['grant']['client_id']}/grants").document["items"]
    four.warm(*tokens.values())
    revoke = "/oauth/v2/token/revoke"
    done = [
        four.post(0, revoke, clients["token"], token=tokens["token"]),
        four.post(0, revoke, clients["refresh"], token=given["refresh"]["refresh_token"]),
        four[0].ask("PATCH", f"/api/v1/clients/{clients['disabled']['client_id']}", {"disabled": True}),
        four[0].ask("DELETE", f"/api/v1/clients/{clients['deleted']['client_id']}"),
        four[0].ask("PATCH", f"/api/v1/users/{bob['id']}", {"disabled": True}),
        four[0].ask("DELETE", f"/api/v1/grants/{grant['id']}"),
        four[0].ask("DELETE", f"/api/v1/api-keys/{key['id']}"),
    ]
    ended = time.monotonic()
    assert all(answer.status in (200, 204) for answer in done), [answer.body for answer in done]
    wait_out(ended)
    assert {name: four.live(token) for name, token in tokens.items()} == {name: [False] * 4 for name in tokens}


def test_a_proof_of_possession_counts_once_over_all_processes(four: Processes) -> None:
    client, holder = four.register("self"), Holder()
    url = f"{four[0].url}/oauth/v2/token"

    def ask(number: int, proof: str) -> Reply:
        return four.token(number, client, grant_type="client_credentials", headers={"DPoP": proof})

    holder.nonce = ask(0, holder.proof(url=url)).headers["DPoP-Nonce"]
    proof = holder.proof(url=url)
    assert ask(1, proof).document["token_type"] == "DPoP"
    assert [ask(number, proof).document["error"] for number in range(4)] == ["invalid_dpop_proof"] * 4
