"""Recent calls by the API: what a call carried, switched on and off, and who is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.practice_server import PracticeServer
from tests.web.whole import Api

from isthmus.practice import definitions, sample_values

pytestmark = pytest.mark.anyio
CRM = "/api/v1/connections/crm"


@pytest.fixture
async def crm(api: Api, practice: PracticeServer) -> Api:
    """A connection that is authorized, without a policy."""
    service = next(one for one in definitions(practice.url) if one["link_name"] == "practice_basic")
    assert (await api.ask("POST", "/api/v1/services", service)).status_code == 201
    document = {"link_name": "crm", "name": "CRM", "service": "practice_basic"}
    assert (await api.ask("POST", "/api/v1/connections", document)).status_code == 201
    assert (await api.ask("POST", f"{CRM}/connect", sample_values()["practice_basic"])).status_code == 200
    return api


async def recent(api: Api) -> list[dict[str, Any]]:
    await api.isthmus._ledger.flush()
    answer = await api.ask("GET", f"{CRM}/calls", key="developer")
    assert answer.status_code == 200
    return list(answer.json()["items"])


async def test_bodies_are_told_while_the_policy_keeps_them(crm: Api) -> None:
    call = {
        "url": "/echo",
        "type": "POST",
        "body": {"city": "Oslo", "token": "cnry"},
        "headers": {"X-Caller": "cnry-head"},
    }
    shown = (await crm.ask("PATCH", CRM, {"policy": {"keep_bodies": True}})).json()
    assert shown["policy"] == {"methods": [], "path_prefixes": [], "credential_export": False, "keep_bodies": True}
    assert (await crm.ask("POST", f"{CRM}/invoke", call)).status_code == 200
    (kept,) = await recent(crm)
    request, answer = kept["request"], kept["answer"]
    assert {"name": "Authorization", "value": None, "attached": True} in request["headers"]
    assert {"name": "X-Caller", "value": None, "attached": False} in request["headers"]
    assert (request["body"], request["body_cut"]) == ('{"city": "Oslo", "token": "***"}', False)
    assert (request["media_type"], request["size"]) == ("application/json", len('{"city": "Oslo", "token": "cnry"}'))
    assert "Oslo" in answer["body"]
    assert "cnry" not in str(kept)
    assert (await crm.ask("PATCH", CRM, {"policy": {"methods": ["GET"]}})).json()["policy"]["keep_bodies"] is True
    await crm.ask("PATCH", CRM, {"policy": {"keep_bodies": False}})
    (kept,) = await recent(crm)
    assert kept["request"]["body"] is kept["answer"]["body"] is None
    assert kept["request"]["size"] == request["size"]


async def test_only_an_administrator_switches_it_and_a_member_is_told_no_calls(crm: Api) -> None:
    for key in ("developer", "member"):
        assert (await crm.ask("PATCH", CRM, {"policy": {"keep_bodies": True}}, key=key)).status_code == 403
    assert (await crm.ask("GET", f"{CRM}/calls", key="member")).status_code == 403
    wrong = await crm.ask("PATCH", CRM, {"policy": {"keep_bodies": "perhaps"}})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "policy.keep_bodies")
