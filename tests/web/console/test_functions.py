"""Functions in the browser: written, run as a draft, published, rolled back, triggered, deleted."""

from __future__ import annotations

import re
from html import unescape

import orjson
import pytest
from tests.web.console.conftest import Browser, House

pytestmark = pytest.mark.anyio
NAME = "standalone.greet"
AT = f"/functions/{NAME}"
GREETS = 'def main(name: str = "world"):\n    print("greeting", name)\n    return {"said": "Hello, " + name}\n'
FAILS = "def main():\n    wanted = {}\n    return wanted['missing']\n"


async def written(browser: Browser, code: str = GREETS, name: str = NAME) -> None:
    made = await browser.send("/new/function", {"name": name, "language": "python", "description": "Greets"})
    assert made.headers["location"] == f"/functions/{name}", made.text
    saved = await browser.send(f"/functions/{name}", {"code": code, "act": "save"})
    assert saved.headers["location"] == f"/functions/{name}", saved.text


async def test_a_member_neither_writes_nor_reads_code_but_runs_what_is_live(house: House) -> None:
    author, member = await house.browser("developer"), await house.browser("member")
    await written(author)
    assert (await member.get("/new/function")).status_code == 403
    assert "greeting" not in await member.page("/functions")
    answer = await author.send(AT, {"code": GREETS, "act": "publish"})
    assert answer.status_code == 303, answer.text
    text = await member.page(AT)
    assert "greeting" not in text
    assert "data-editor" not in text
    ran = await member.send(AT, {"act": "run", "given": "arguments", "arguments": '{"name": "Ada"}'})
    assert "Hello, Ada" in unescape(ran.text)
    for path in ("versions", "triggers", "delete"):
        assert (await member.get(f"{AT}/{path}")).status_code == 403, path


@pytest.mark.parametrize("name", ["nope", "standalone.", "", "a.b.c", "standalone.<b>"])
async def test_a_malformed_name_is_said_beside_the_field(house: House, name: str) -> None:
    browser = await house.browser("developer")
    answer = await browser.send("/new/function", {"name": name, "language": "python"})
    assert answer.status_code == 422
    assert 'id="name-wrong"' in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("arguments", ["{", "[1]", '"text"'])
async def test_arguments_that_are_no_object_are_said_and_nothing_runs(house: House, arguments: str) -> None:
    browser = await house.browser("developer")
    await written(browser)
    answer = await browser.send(AT, {"code": GREETS, "act": "run", "given": "arguments", "arguments": arguments})
    assert answer.status_code == 422
    assert 'id="arguments-wrong"' in answer.text
    assert "No runs" in await browser.page(f"{AT}/runs")


async def test_what_another_tab_saved_is_not_overwritten_and_what_was_typed_stays(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    first = await browser.page(AT)
    base = re.findall(r'name="base_version" value="(\d+)"', first)[0]
    await browser.send(AT, {"code": GREETS + "# other tab\n", "act": "save"})
    answer = await browser.send(AT, [("code", GREETS + "# mine\n"), ("act", "save")])
    assert answer.status_code == 303  # the page was read anew, so its base is current
    token = re.findall(r'name="form_token" value="([^"]+)"', first.split(f'action="{AT}"')[1])[0]
    stale = [("form_token", token), ("base_version", base), ("code", GREETS + "# late\n"), ("act", "save")]
    late = await browser.post(AT, stale)
    assert late.status_code == 409
    assert "# late" in late.text
    assert "nothing was saved" in late.text


async def test_a_draft_runs_with_arguments_or_with_a_record(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    given = {"code": GREETS, "act": "run", "given": "arguments", "arguments": '{"name": "Ada"}'}
    text = unescape((await browser.send(AT, given)).text)
    assert '"said": "Hello, Ada"' in text
    assert "greeting Ada" in text
    record = {"record": '{"Lead": {"First": "Grace"}}', "mapping": '{"name": "${Lead.First}"}'}
    text = unescape((await browser.send(AT, {**given, **record, "given": "record"})).text)
    assert "Hello, Grace" in text


async def test_running_what_the_editor_holds_saves_nothing(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    before = await browser.page(f"{AT}/versions")
    changed = GREETS.replace("Hello", "Welcome")
    given = {"code": changed, "act": "run", "given": "arguments", "arguments": '{"name": "Ada"}'}
    for _ in range(2):
        text = unescape((await browser.send(AT, given)).text)
        assert "Welcome, Ada" in text
        assert changed in text
    assert (await browser.page(f"{AT}/versions")).count("<tr>") == before.count("<tr>")
    assert "Welcome" not in await browser.page(AT)
    run = await browser.page(re.findall(r'href="(/runs/[\w-]+)"', text)[0])
    assert "not saved" in run
    assert "Line 1" in (await browser.send(AT, {**given, "code": "def main(:\n"})).text


async def test_what_a_function_gives_is_text_whatever_it_is(house: House) -> None:
    browser = await house.browser("developer")
    nasty = '</code><script>alert(1)</script><img src=x onerror="alert(1)">'
    await written(browser, f"def main():\n    print({nasty!r})\n    return {nasty!r}\n")
    code = f"def main():\n    print({nasty!r})\n    return {nasty!r}\n"
    text = (await browser.send(AT, {"code": code, "act": "run", "given": "arguments", "arguments": ""})).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert nasty in unescape(text)


async def test_an_error_names_its_line_for_the_editor_and_the_run_can_be_retried(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser, FAILS)
    fields = {"code": FAILS, "act": "run", "given": "arguments", "arguments": "{}"}
    text = (await browser.send(AT, fields)).text
    assert 'data-error-line="3"' in text
    path = re.findall(r'href="(/runs/[\w-]+)"', text)[0]
    assert "Retry" in await browser.page(path)
    await browser.send(AT, {"code": "def main():\n    return 7\n", "act": "save"})
    again = await browser.send(path, {"arguments": "{}"})
    assert again.status_code == 303
    assert "Finished" in await browser.page(again.headers["location"])
    assert "Failed" in await browser.page(f"{AT}/runs?state=failed")


async def test_code_that_does_not_compile_is_kept_as_a_draft_and_not_published(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    broken = "def main(:\n"
    answer = await browser.send(AT, {"code": broken, "act": "publish"})
    assert answer.status_code == 422
    assert "It was not published." in answer.text
    assert 'id="code-wrong"' in answer.text
    assert broken in unescape(await browser.page(AT))


async def test_versions_are_compared_published_and_rolled_back(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    await browser.send(AT, {"code": GREETS, "act": "publish"})
    await browser.send(AT, {"code": GREETS.replace("Hello", "Welcome"), "act": "publish"})
    text = await browser.page(f"{AT}/versions?from=2")
    assert '<span class="removed">-    return {&#34;said&#34;: &#34;Hello, ' in text
    assert '<span class="added">+    return {&#34;said&#34;: &#34;Welcome, ' in text
    form = re.findall(r'aria-label="Roll back to version (\d+)"', text)
    assert "2" in form
    token = re.findall(rf'action="{AT}/versions">.*?name="form_token" value="([^"]+)"', text)[0]
    back = await browser.post(f"{AT}/versions", {"form_token": token, "version": "2"})
    assert back.headers["location"] == f"{AT}/versions"
    member = await house.browser("member")
    ran = await member.send(AT, {"act": "run", "given": "arguments", "arguments": "{}"})
    assert "Hello, world" in unescape(ran.text)


async def test_triggers_are_made_shown_once_switched_and_deleted(house: House) -> None:
    browser = await house.browser("developer")
    await written(browser)
    await browser.send(AT, {"code": GREETS, "act": "publish"})
    page = f"{AT}/triggers"
    wrong = await browser.send(page, {"kind": "schedule", "cron": "never", "timezone": "UTC", "mapping": "{}"})
    assert wrong.status_code == 422
    assert 'id="cron-wrong"' in wrong.text
    made = await browser.send(page, {"kind": "webhook", "signature": "none", "mapping": '{"name": "${body.name}"}'})
    assert made.status_code == 200, made.text
    url = re.findall(r'value="(http[^"]*/hooks/[^"]+)"', made.text)[0]
    text = await browser.page(page)
    assert url not in text
    assert url[-4:] in text
    switch, gone = (re.findall(rf'action="(/triggers/[\w-]+/{word})"', text)[0] for word in ("switch", "delete"))
    assert (await browser.send(switch, on=page)).headers["location"] == page
    assert "Switch on" in await browser.page(page)
    assert (await browser.send(gone, on=page)).headers["location"] == page
    assert gone not in await browser.page(page)


async def test_a_function_is_deleted_only_when_its_name_is_typed(house: House) -> None:
    browser = await house.browser("administrator")
    await written(browser)
    refused = await browser.send(f"{AT}/delete", {"typed": "standalone.other"})
    assert refused.status_code == 422
    assert (await browser.send(f"{AT}/delete", {"typed": NAME})).headers["location"] == "/functions"
    assert (await browser.get(AT)).status_code == 404


async def test_completion_knows_connections_built_ins_and_variables(house: House) -> None:
    browser = await house.browser("developer")
    own = {"Origin": "http://127.0.0.1:8400", "Content-Type": "application/json"}

    async def completed(code: str) -> list[str]:
        line = code.count("\n") + 1
        column = len(code.rsplit("\n", 1)[-1]) + 1
        body = orjson.dumps({"language": "deluge", "code": code, "line": line, "column": column})
        answer = await browser.client.post("/api/v1/functions/complete", content=body, headers=own)
        assert answer.status_code == 200, answer.text
        return [item["label"] for item in answer.json()["items"]]

    assert "greeting" in await completed('greeting = "a";\ngree')
    assert "toUpperCase" in await completed('x = "a";\ny = x.toU')
    assert await completed("// gree") == []
