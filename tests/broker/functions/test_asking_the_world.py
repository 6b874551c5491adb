"""What a run asks of the world: `invokeurl` with each of its keys, `sendmail`, calls without a connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.broker.functions.workshop import NAME, Workshop
from tests.mail_server import MailServer
from tests.world import ADMIN, World, open_world, person

pytestmark = pytest.mark.anyio

_FORM = "application/x-www-form-urlencoded"


async def _tried(shop: Workshop, code: str, language: str = "deluge") -> dict[str, Any]:
    """What the draft of this code does, run with an administrator's rights."""
    if language == "deluge":
        code = f"{code}\n"
    document = {"name": NAME, "language": language, "code": code}
    try:
        await shop.functions.edit.save(ADMIN, NAME, document)
    except Exception:
        await shop.functions.edit.create(ADMIN, document)
    return await shop.run(draft=True)


def _task(*entries: str) -> str:
    lines = "\n\t".join((*entries, 'connection : "crm"'))
    return f"r = invokeurl\n[\n\t{lines}\n];\nreturn r;"


@pytest.mark.parametrize("code", ['connection : "crmm"', "connection : name"])
async def test_a_connection_that_there_is_not_is_told_with_the_name_it_is_like(
    shop: Workshop, world: World, code: str
) -> None:
    await world.connected("practice_basic", "crm")
    done = await _tried(shop, f'name = "cr" + "mm";\nr = invokeurl [ url : "/me" {code} ];')
    assert (done["error"]["code"], done["error"]["line"]) == ("connection_not_found", 2)
    assert "Did you mean 'crm'?" in done["error"]["message"]


async def test_names_of_connections_that_one_may_not_see_are_not_told(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    await shop.live('def main():\n    return connection("cr" + "mm").get("/me").json()\n')
    key = (await world.isthmus.accounts.create_api_key(ADMIN, {"name": "k", "role": "member", "connections": ["other"]}))["key"]  # fmt: skip
    actor = await world.isthmus.protect.actor_for_key(key, "192.0.2.1")
    done = await shop.run(actor=actor)
    assert done["error"]["code"] == "connection_not_found"
    assert "crm'" not in json.dumps(done["error"]).replace("'crmm'", "")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("deluge", 'try\n{\n\tr = invokeurl [ url : "/items" type : POST connection : "crm" ];\n}\ncatch (e)\n{\n\treturn e.message;\n}'),
        ("python", 'def main():\n    try:\n        connection("crm").post("/items")\n    except Exception as problem:\n        return str(problem)\n'),
    ],
)  # fmt: skip
async def test_a_connections_policy_holds_and_what_it_refuses_can_be_caught(
    shop: Workshop, world: World, language: str, code: str
) -> None:
    await world.connected("practice_basic", "crm", policy={"methods": ["GET"]})
    before = world.practice.counters()
    done = await _tried(shop, code, language)
    assert "does not allow POST" in done["value"]
    assert world.practice.counters()["api_calls"] == before["api_calls"]
    (request,) = (await shop.functions.read.run(ADMIN, done["run_id"]))["requests"]
    assert (request["error"], request["status"], request["method"]) == ("policy_denied", None, "POST")


async def test_without_a_connection_only_public_addresses_are_called(shop: Workshop, world: World) -> None:
    for url, code in (
        (world.practice.url, "address_denied"),
        ("http://169.254.169.254/latest", "address_denied"),
        ("http://[::1]/", "address_denied"),
        ("file:///etc/passwd", "scheme_denied"),
        ("/me", "url_malformed"),
    ):
        done = await _tried(shop, f'r = invokeurl [ url : "{url}" type : GET ];')
        assert (done["error"]["code"], done["error"]["line"]) == (code, 1), url
        assert code == "url_malformed" or "ISTHMUS_FUNCTION_EGRESS_ALLOW" in done["error"]["message"]


async def test_without_a_connection_no_credential_is_sent(tmp_path: Path, practice: Any) -> None:
    async with open_world(tmp_path, practice, function_egress_allow="127.0.0.0/8") as world:
        await world.connected("practice_basic", "crm")
        shop = Workshop(world)
        done = await _tried(shop, f'r = invokeurl [ url : "{practice.url}/basic/api/me" detailed : true ];\nreturn r;')
        assert done["value"]["responseCode"] == 401
        (request,) = (await shop.functions.read.run(ADMIN, done["run_id"]))["requests"]
        assert (request["status"], request["connection"]) == (401, None)


async def test_a_third_party_that_does_not_answer_is_told_in_the_languages_words(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    code = 'def main():\n    return connection("crm").get("/slow?seconds=30", timeout=0.3).status\n'
    done = await _tried(shop, code, "python")
    assert done["error"]["code"] == "timed_out"
    assert "socket timeout error" in done["error"]["message"]


_CASES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (('url : "/echo"', 'parameters : {"a":1,"b":"x y"}'), {"method": "GET", "query": [["a", "1"], ["b", "x y"]]}),
    (('url : "/echo?z=1"', 'parameters : {"a":{"1","2"}}'), {"query": [["z", "1"], ["a", "1"], ["a", "2"]]}),
    (('url : "/echo"', "type : DELETE", 'parameters : {"a":"ü"}'), {"method": "DELETE", "query": [["a", "ü"]], "body": ""}),
    (('url : "/echo"', "type : POST", 'parameters : {"a":"x y","n":4876876000000333017}'), {"kind": _FORM, "body": "a=x+y&n=4876876000000333017"}),
    (('url : "/echo"', "type : PATCH", 'parameters : {"a":true}'), {"method": "PATCH", "kind": _FORM, "body": "a=true"}),
    (('url : "/echo"', "type : POST", 'parameters : {"a":1}.toString()'), {"kind": "text/plain", "body": '{"a":1}'}),
    (('url : "/echo"', "type : POST", 'parameters : {"a":1}.toString()', 'headers : {"Content-Type":"application/json"}'), {"kind": "application/json", "body": '{"a":1}'}),
    (('url : "/echo"', "type : POST", 'parameters : {"a":1}', 'content-type : "application/json"'), {"kind": "application/json", "body": '{"a":1}'}),
    (('url : "/echo"', "type : PUT", 'body : {"a":{"b":1.50,"n":4876876000000333017}}'), {"method": "PUT", "kind": "application/json", "body": '{"a":{"b":1.5,"n":4876876000000333017}}'}),
    (('url : "/echo"', "type : POST", 'body : "as it is"', 'parameters : {"q":"1"}'), {"body": "as it is", "query": [["q", "1"]]}),
    (('url : "/echo"', "type : POST", 'body : {"a":"b c"}', f'content-type : "{_FORM}"'), {"kind": _FORM, "body": "a=b+c"}),
    (('url : "/echo"', "type : POST", 'parameters : "a,b".toFile("x.csv")'), {"kind": "text/csv", "body": "a,b"}),
    (('url : "/echo"', 'headers : {"X-Number":5,"X-Text":"t"}'), {"headers": {"x-number": "5", "x-text": "t"}}),
)  # fmt: skip


async def test_every_key_of_invokeurl_reaches_the_third_party(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    for entries, expected in _CASES:
        done = await _tried(shop, _task(*entries))
        assert done["error"] is None, (entries, done["error"])
        echo = done["value"]
        seen = {**echo, "kind": echo["headers"].get("content-type")}
        wanted = {**expected, "headers": {**echo["headers"], **expected.get("headers", {})}}
        assert {key: seen[key] for key in wanted} == wanted, entries
        assert echo["headers"]["authorization"], entries


async def test_files_are_sent_as_parts_with_the_parameters_beside_them(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    code = """one = "first".toFile("a.txt");
two = "<b>".toFile("b.html");
two.setParamName("page");
r = invokeurl
[
	url : "/echo"
	type : POST
	parameters : {"title":"Ünal"}
	files : {one, two}
	connection : "crm"
];
return r;"""
    echo = (await _tried(shop, code))["value"]
    assert echo["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    parts = [part.strip() for part in echo["body"].split("--" + echo["headers"]["content-type"].partition("=")[2])]
    assert 'name="title"' in parts[1]
    assert parts[1].endswith("Ünal")
    assert 'name="file"; filename="a.txt"' in parts[2]
    assert parts[2].endswith("first")
    assert 'name="page"; filename="b.html"' in parts[3]
    assert "Content-Type: text/html" in parts[3]


async def test_the_reply_is_what_the_keys_say(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    big = 4876876000000333017
    for entries, after, expected in (
        (('url : "/status/418"',), "return r;", {"status": 418}),
        (('url : "/status/503"', "detailed : true"), 'return {r.get("responseCode"), r.get("responseText")};', [503, {"status": 503}]),
        (('url : "/status/404"', "response-format : TEXT"), "return r;", '{"status": 404}'),
        (('url : "/bytes?n=3"', "response-format : FILE"), "return {r.getFileName(), r.getFileSize()};", ["bytes", 3]),
        (('url : "/status/200"', "response-format : FILE"), "return r.getFileType();", "application/json"),
        (('url : "/echo"', "type : POST", 'body : "{\\"id\\":4876876000000333017}"', "detailed : true"), 'return r.get("responseText").get("body").toMap().get("id");', big),
        (('url : "/status/204"',), "return isBlank(r);", True),
    ):  # fmt: skip
        done = await _tried(shop, _task(*entries).replace("return r;", after))
        assert done["error"] is None, (entries, done["error"])
        value = done["value"]
        if isinstance(expected, str) and expected.startswith("{"):
            value, expected = json.loads(value), json.loads(expected)
        assert value == expected, entries


async def test_a_mail_goes_through_the_installations_server(tmp_path: Path, practice: Any) -> None:
    code = """sendmail
[
	from : zoho.adminuserid
	to : "ann@example.com, bob@example.com"
	reply to : "desk@example.com"
	subject : "Order " + 7
	message : "<b>Shipped</b>"
	Attachments : file:"a,b".toFile("x.csv")
]
return "sent";"""
    with MailServer() as server:
        settings = {"smtp_url": f"smtp://127.0.0.1:{server.port}", "mail_from": "Isthmus <isthmus@example.com>"}
        async with open_world(tmp_path, practice, admin_email="root@example.com", **settings) as world:
            shop = Workshop(world)
            done = await _tried(shop, code)
            assert (done["error"], done["value"]) == (None, "sent")
            (request,) = (await shop.functions.read.run(ADMIN, done["run_id"]))["requests"]
        (mail,) = server.mails
    assert (request["kind"], request["state"], request["url"]) == ("sendmail", "answered", None)
    assert (mail["subject"], mail["from"], mail["reply-to"]) == (
        "Order 7",
        "Isthmus <isthmus@example.com>",
        "desk@example.com",
    )
    assert sorted(server.recipients[0]) == ["ann@example.com", "bob@example.com"]
    assert [part.get_filename() for part in mail.iter_attachments()] == ["x.csv"]


async def test_a_mail_without_a_server_is_refused_with_the_remedy(shop: Workshop) -> None:
    done = await _tried(shop, 'def main():\n    sendmail(to="ann@example.com", subject="s", message="m")\n', "python")
    assert done["error"]["code"] == "mail_not_configured"
    assert "ISTHMUS_SMTP_URL" in done["error"]["message"]


async def test_what_a_run_asked_is_recorded_without_anything_secret(shop: Workshop, world: World) -> None:
    await world.connected("practice_basic", "crm")
    code = 'def main():\n    return connection("crm").post("/echo?token=sesame-1", headers={"X-Key": "sesame-2"}, body="sesame-3", timeout=20).status\n'
    done = await _tried(shop, code, "python")
    run = await shop.functions.read.run(person("dora", "developer"), done["run_id"])
    (request,) = run["requests"]
    assert (request["url"], request["status"], request["state"]) == ("/echo?token=***", 200, "answered")
    assert request["elapsed_ms"] > 0
    assert "sesame" not in json.dumps(run["requests"])
