"""Deliveries to webhooks: who is refused, what becomes of the others, and that each starts one run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.world import ADMIN

from isthmus.broker.triggers.hooks import Delivery
from isthmus.errors import InputError, NotAuthenticated, NotFound

pytestmark = pytest.mark.anyio

SECRET = "whsec_of_the_sender"
BODY = b'{"email": "ann@example.com", "total": 12345678901234567890}'
STYLES = ["github", "slack", "stripe", "shopify"]
CODE = 'def main(email: str = "", source: str = ""):\n    return [email, source]\n'
MAPPING = {"email": "${body.email|none}", "source": "${query.source|none}"}


def digest(secret: str, data: bytes) -> bytes:
    return hmac.new(secret.encode(), data, hashlib.sha256).digest()


def signed(style: str, body: bytes = BODY, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    if style == "github":
        return {"x-hub-signature-256": "sha256=" + digest(secret, body).hex()}
    if style == "slack":
        made = digest(secret, b"v0:" + stamp.encode() + b":" + body).hex()
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": "v0=" + made}
    if style == "stripe":
        return {"stripe-signature": f"t={stamp},v1={digest(secret, stamp.encode() + b'.' + body).hex()}"}
    return {"x-shopify-hmac-sha256": base64.b64encode(digest(secret, body)).decode()}


async def hook(shop: Workshop, style: str = "none", **changes: Any) -> tuple[str, str]:
    """The trigger's id, and the token of its URL."""
    webhook = {"signature": style, **({"secret": SECRET} if style != "none" else {})}
    document = {"function": NAME, "kind": "webhook", "mapping": MAPPING, "webhook": webhook, **changes}
    made = await shop.world.isthmus.triggers.create(ADMIN, document)
    return made["id"], made["webhook"]["url"].rsplit("/", 1)[1]


def delivery(body: bytes = BODY, kind: str = "application/json", **headers: str) -> Delivery:
    return Delivery(body, {"content-type": kind, **headers}, {"source": "test"})


async def runs(shop: Workshop) -> list[Any]:
    function = await shop.world.isthmus._storage.function(NAME)
    assert function is not None
    return list((await shop.world.isthmus._storage.runs(function.id, limit=50)).items)


@pytest.mark.parametrize("style", STYLES)
async def test_a_delivery_that_is_not_signed_by_the_sender_starts_nothing(shop: Workshop, style: str) -> None:
    await shop.live(CODE)
    _, token = await hook(shop, style)
    stale = signed(style, at=time.time() - 3600) if style in ("slack", "stripe") else {}
    wrong = [{}, signed(style, body=BODY + b" "), signed(style, secret="another"), stale]
    for headers in wrong:
        with pytest.raises(NotAuthenticated) as refused:
            await shop.world.isthmus.triggers.receive(token, delivery(**headers))
        assert refused.value.code == "signature_refused"
        assert SECRET not in f"{refused.value.message} {refused.value.hint}"
    assert await runs(shop) == []


async def test_an_unknown_token_and_one_switched_off_are_answered_alike(shop: Workshop) -> None:
    await shop.live(CODE)
    made, token = await hook(shop, "github")
    await shop.world.isthmus.triggers.update(ADMIN, made, {"enabled": False})
    told = set()
    for tried in (token, token[:-1], "", "x" * 200):
        for headers in ({}, signed("github")):
            with pytest.raises(NotFound) as refused:
                await shop.world.isthmus.triggers.receive(tried, delivery(**headers))
            told.add((refused.value.code, refused.value.message, refused.value.hint))
    assert len(told) == 1
    assert await runs(shop) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"\xff", "text/plain"),
        (b"[" * 70 + b"]" * 70, "application/json"),
        (b"[" * 200_000, "application/json"),
        (b"1" * 5000, "application/json"),
        (b"&".join(b"a=1" for _ in range(1001)), "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_that_is_not_what_it_says_is_refused(shop: Workshop, body: bytes, kind: str) -> None:
    await shop.live(CODE)
    _, token = await hook(shop)
    with pytest.raises(InputError) as refused:
        await shop.world.isthmus.triggers.receive(token, delivery(body, kind))
    assert refused.value.code == "webhook_body_malformed"
    assert await runs(shop) == []


@pytest.mark.parametrize("style", ["none", *STYLES])
async def test_a_good_delivery_is_a_stored_run_when_it_is_answered(shop: Workshop, style: str) -> None:
    await shop.live(CODE)
    made, token = await hook(shop, style)
    headers = signed(style) if style != "none" else {}
    answer = await shop.world.isthmus.triggers.receive(token, delivery(**headers))
    (run,) = await runs(shop)
    assert answer == {"run_id": run.id, "state": "queued"}
    assert (run.state, run.trigger, run.trigger_id) == ("queued", "webhook", made)
    given = await shop.functions.read.run(ADMIN, run.id)
    assert given["arguments"] == {"email": "ann@example.com", "source": "test"}
    shown = await shop.world.isthmus.triggers.read(ADMIN, made)
    assert shown["last_run_id"] == run.id


@pytest.mark.parametrize(
    ("body", "kind", "seen"),
    [
        (BODY, "application/vnd.x+json; charset=utf-8", json.loads(BODY)),
        (
            b"email=ann%40example.com&a=1&a=2",
            "application/x-www-form-urlencoded",
            {"email": "ann@example.com", "a": ["1", "2"]},
        ),
        ("Grüße".encode(), "text/plain", "Grüße"),
        (b"", "application/json", None),
    ],
)
async def test_json_forms_and_text_are_read(shop: Workshop, body: bytes, kind: str, seen: Any) -> None:
    await shop.live("def main(all: object = None):\n    return all\n")
    _, token = await hook(shop, mapping={"all": "${body}"})
    answer = await shop.world.isthmus.triggers.receive(token, delivery(body, kind))
    assert (await shop.functions.read.run(ADMIN, answer["run_id"]))["arguments"] == {"all": seen}


async def test_a_credential_that_the_sender_shows_is_not_passed_on(shop: Workshop) -> None:
    await shop.live("def main(all: object = None):\n    return all\n")
    _, token = await hook(shop, mapping={"all": "${headers}"})
    headers = {"authorization": "Bearer x", "cookie": "a=b", "x-event": "push"}
    answer = await shop.world.isthmus.triggers.receive(token, delivery(b"", "text/plain", **headers))
    given = (await shop.functions.read.run(ADMIN, answer["run_id"]))["arguments"]["all"]
    assert given == {"content-type": "text/plain", "x-event": "push"}


@pytest.mark.parametrize("style", ["slack", "stripe"])
async def test_the_same_signed_delivery_once_more_is_the_same_run(shop: Workshop, style: str) -> None:
    await shop.live(CODE)
    _, token = await hook(shop, style)
    headers, now = signed(style), time.time()
    answers = [await shop.world.isthmus.triggers.receive(token, delivery(**headers)) for _ in range(3)]
    other = await shop.world.isthmus.triggers.receive(token, delivery(**signed(style, at=now + 7)))
    assert len({answer["run_id"] for answer in answers}) == 1
    assert {run.id for run in await runs(shop)} == {answers[0]["run_id"], other["run_id"]}


async def test_an_idempotency_key_makes_deliveries_one(shop: Workshop) -> None:
    await shop.live(CODE)
    _, token = await hook(shop)
    keys = ["a", "a", "b", ""]
    found = [await shop.world.isthmus.triggers.receive(token, delivery(**{"idempotency-key": key})) for key in keys]
    assert found[0] == found[1]
    assert len(await runs(shop)) == 3


async def test_a_delivery_that_shopify_repeats_is_one(shop: Workshop) -> None:
    await shop.live(CODE)
    _, token = await hook(shop, "shopify")
    for name in ("a", "a", "b"):
        await shop.world.isthmus.triggers.receive(
            token, delivery(**{**signed("shopify"), "x-shopify-webhook-id": name})
        )
    assert len(await runs(shop)) == 2


async def test_slack_is_told_that_the_url_is_ours_and_nobody_else_is(shop: Workshop) -> None:
    await shop.live(CODE)
    _, token = await hook(shop, "slack")
    body = b'{"type": "url_verification", "challenge": "3eZbrw"}'
    with pytest.raises(NotAuthenticated):
        await shop.world.isthmus.triggers.receive(token, delivery(body))
    told = await shop.world.isthmus.triggers.receive(token, delivery(body, **signed("slack", body)))
    assert (told, await runs(shop)) == ({"challenge": "3eZbrw"}, [])


async def test_numbers_of_a_delivery_keep_their_digits(shop: Workshop) -> None:
    await shop.live("def main(all: object = None):\n    return str(all)\n")
    _, token = await hook(shop, mapping={"all": "${body}"})
    answer = await shop.world.isthmus.triggers.receive(token, delivery(b"[0.10000000000000000000001]"))
    given = await shop.functions.read.run(ADMIN, answer["run_id"])
    assert str(given["arguments"]["all"][0]) == "0.10000000000000000000001"


async def test_what_cannot_be_started_is_a_failed_run_that_says_why(shop: Workshop) -> None:
    await shop.live("def main(total: int):\n    return total\n")
    _, token = await hook(shop, mapping={"total": "${body.total}"})
    answer = await shop.world.isthmus.triggers.receive(token, delivery(b'{"total": "many"}'))
    run = await shop.functions.read.run(ADMIN, answer["run_id"])
    assert run["state"] == "failed"
    assert "total" in run["error"]["message"]
    assert answer["state"] == "failed"
