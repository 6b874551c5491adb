"""Every page: no violation that axe finds in either theme, none of the content security policy, light, still, by keyboard."""

from __future__ import annotations

import gzip
import re
import urllib.parse
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.console.gallery import ACTS, PAGES, SIGNED_OUT, moments
from tests.console.looks import OF_COLOUR, SETTLED, fits_a_phone, look_at, violations
from tests.console.stage import Stage

pytestmark = pytest.mark.browser
MOST_SHIFTED = 0.01
PAGE_BYTES, SCRIPT_BYTES = 60 * 1024, 20 * 1024
STATIC = Path(__file__).parents[2] / "src" / "isthmus" / "web" / "static"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_still_accessible_in_both_themes_and_fits_a_phone(
    page: Page, stage: Stage, axe: str, name: str
) -> None:
    answer = page.goto(stage.url + PAGES[name], wait_until="load")
    assert answer is not None
    assert answer.status == (404 if name == "missing" else 200)
    if name == "function":
        page.locator(".cm-content").wait_for()
    require_light(answer.text(), editor=name == "function")
    assert page.evaluate("window.shifted") <= MOST_SHIFTED
    look_at(page, axe, name)
    fits_a_phone(page)
    assert page.locator(".rail a:visible").count() in (0, 5)


def test_a_page_that_comes_slowly_is_shown_when_it_is_whole(page: Page, stage: Stage) -> None:
    url = stage.url + PAGES["connection-failing"]
    page.goto(url, wait_until="load")
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": 10_000, "uploadThroughput": 10_000}
    wire.send("Network.emulateNetworkConditions", slow)
    page.goto(url, wait_until="networkidle")
    whole = page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")
    shown = page.evaluate("performance.getEntriesByType('paint')[0].startTime")
    assert shown >= whole
    assert page.evaluate("window.shifted") <= MOST_SHIFTED


def test_pages_of_a_moment_are_accessible_in_both_themes(page: Page, stage: Stage, axe: str) -> None:
    for name, url in {**moments(stage), **{name: stage.url + path for name, path in SIGNED_OUT.items()}}.items():
        page.goto(url, wait_until="load")
        look_at(page, axe, name)
        fits_a_phone(page)


@pytest.mark.parametrize("name", ACTS)
def test_what_an_act_leads_to_is_accessible_in_both_themes(page: Page, stage: Stage, axe: str, name: str) -> None:
    ACTS[name](page, stage)
    look_at(page, axe, name)
    fits_a_phone(page)


def require_light(text: str, *, editor: bool) -> None:
    """The page with its assets as they are sent."""
    assets = set(re.findall(r'(?:src|href)="[^"]*/static/([\w.]+\.(?:js|css))\?', text))
    assert ("editor.js" in assets) == editor
    packed = {asset: len(gzip.compress((STATIC / asset).read_bytes())) for asset in assets - {"editor.js"}}
    assert sum(size for asset, size in packed.items() if asset.endswith(".js")) <= SCRIPT_BYTES
    assert len(gzip.compress(text.encode())) + sum(packed.values()) <= PAGE_BYTES


@pytest.mark.parametrize("name", ["connections", "connection-failing", "create", "service-new", "key-new"])
def test_every_control_is_reached_by_the_keyboard_and_shows_it(page: Page, stage: Stage, name: str) -> None:
    page.goto(stage.url + PAGES[name], wait_until="load")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    wanted = page.evaluate(COUNT_CONTROLS)
    dark = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        seen = page.evaluate(LOOK_AT_FOCUS)
        if not seen["shown"]:
            dark.append(seen["what"])
    missed = page.evaluate("[...document.querySelectorAll('[data-wanted]')].map((one) => one.outerHTML.slice(0, 120))")
    assert missed == []
    assert dark == []


COUNT_CONTROLS = """() => {
  const seen = (one) => one.checkVisibility() && one.getClientRects().length && one.tabIndex >= 0 && !one.disabled;
  const radio = (one) => one.type === "radio" && !one.checked;
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];
  const wanted = all.filter((one) => seen(one) && !radio(one) && !one.matches(".skip, dialog *"));
  for (const one of wanted) one.dataset.wanted = "";
  return wanted.length;
}"""
LOOK_AT_FOCUS = """() => {
  const at = document.activeElement;
  delete at.dataset.wanted;
  const outlined = (one, pseudo) => { const style = getComputedStyle(one, pseudo); return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2; };
  const around = [at, at.closest(".choice"), at.closest(".langs label")].filter(Boolean);
  const shown = at === document.body || around.some((one) => outlined(one)) || outlined(at, "::after");
  return { shown, what: at.outerHTML.slice(0, 120) };
}"""


def test_the_editor_is_left_by_escape_and_tab_and_nothing_moves_for_who_asked_for_that(
    page: Page, stage: Stage
) -> None:
    page.goto(stage.url + PAGES["function"])
    page.locator(".cm-content").click()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "editor"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") != "editor"
    slow = """() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      return [style.transitionDuration, style.animationDuration].some((at) => at.split(",").some((part) => parseFloat(part) > 0.01));
    }).length"""
    page.goto(stage.url + PAGES["connections"])
    assert page.evaluate(slow) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(slow) > 0


def test_what_was_typed_in_the_editor_and_not_saved_is_back(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["function"])
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("// mine ")
    page.goto(stage.url + PAGES["home"])
    page.goto(stage.url + PAGES["function"])
    expect(page.locator(".cm-content")).to_contain_text("// mine")
    page.get_by_role("button", name="Show what is saved").click()
    expect(page.locator("[data-restored]")).to_be_hidden()
    expect(page.locator(".cm-content")).not_to_contain_text("// mine")


def test_a_list_that_cannot_be_fetched_says_so_and_recovers(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["connections"])
    shown = page.locator("#rows tbody tr").count()
    assert shown > 1
    page.context.set_offline(True)
    try:
        page.get_by_label("Search connections").fill("cr")
        expect(page.locator("#rows").get_by_role("alert")).to_contain_text("did not answer")
        expect(page.locator("#rows tbody tr")).to_have_count(shown)
    finally:
        page.context.set_offline(False)
    page.get_by_label("Search connections").fill("crm")
    expect(page.locator("#rows").get_by_role("alert")).to_have_count(0)
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_keys_find_and_go(page: Page, stage: Stage) -> None:
    page.goto(stage.url + PAGES["connections"])
    page.keyboard.press("/")
    expect(page.get_by_label("Search connections")).to_be_focused()
    page.keyboard.type("crm")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.locator("main h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url(f"{stage.url}/functions")


def test_axe_finds_what_is_planted(page: Page, stage: Stage, axe: str) -> None:
    page.goto(stage.url + "/account")
    page.evaluate(f"() => {{ {axe} }}")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert "label" in page.evaluate("async () => (await axe.run()).violations.map((one) => one.id)")
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    page.evaluate("document.querySelector('main h1').style.color = '#333'")
    assert [one.split(":")[0] for one in violations(page, axe, *OF_COLOUR)] == ["color-contrast"]


def test_what_others_wrote_is_text_in_every_place_it_is_shown(page: Page, stage: Stage) -> None:
    served = stage.served
    nasty = "\"'><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    changes = {"name": nasty[:100], "policy": {"methods": [], "path_prefixes": [], "credential_export": False}}
    assert served.ask("PATCH", "/api/v1/connections/mailing", changes).status == 200
    code = f"def main():\n    print({nasty!r})\n    return {{{nasty!r}: {nasty!r}}}\n"
    function = {"name": "standalone.nasty", "language": "python", "description": nasty, "code": code}
    assert served.ask("POST", "/api/v1/functions", function).status == 201
    served.ask("GET", f"/proxy/mailing/{urllib.parse.quote(nasty)}")
    ran = served.ask("POST", "/api/v1/functions/standalone.nasty/execute?version=draft", {}).document
    paths = ["/", "/connections", "/connections/mailing", "/connections/mailing/edit", "/connections/mailing/delete"]
    paths += ["/functions", "/functions/standalone.nasty", f"/runs/{ran['run_id']}", "/activity", "/new/key"]
    paths += [f"/connections?q={urllib.parse.quote(nasty)}", f"/services?q={urllib.parse.quote(nasty)}"]
    paths += [f"/connections/crm/call?url={urllib.parse.quote(nasty)}", f"/login?next={urllib.parse.quote(nasty)}"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in paths:
        page.goto(stage.url + path, wait_until="load")
        assert page.title() != "taken", path
        assert page.evaluate("window.broken") == [], path
        assert page.locator("img[src=x]").count() == 0, path
    assert all(url.startswith(stage.url) for url in asked)
    assert served.ask("PATCH", "/api/v1/connections/mailing", {"name": "Newsletter"}).status == 200


def test_a_long_name_without_blanks_makes_no_list_wider_than_a_phone(page: Page, stage: Stage) -> None:
    name = "standalone." + "n" * 38
    document = {"name": name, "language": "python", "code": "def main():\n    return 1\n"}
    assert stage.served.ask("POST", "/api/v1/functions", document).status == 201
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/functions", "/shared", "/keys", f"/functions/{name}/triggers"):
        page.goto(stage.url + path)
        lists = "[...document.querySelectorAll('.sheet')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
        assert page.evaluate(lists), path
    assert stage.served.ask("DELETE", f"/api/v1/functions/{name}").status == 204
