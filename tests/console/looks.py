"""What holds for every page as it is shown: axe finds nothing in either theme, the policy is kept, a phone is wide enough."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "counterparts" / "node" / "node_modules" / "axe-core" / "axe.min.js"
OF_COLOUR = ("color-contrast", "link-in-text-block")
SETTLED = "Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => new Promise(requestAnimationFrame))"
OVERFLOWING = """() => [...document.querySelectorAll(".sheet, .strip")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.outerHTML.slice(0, 120))"""


def violations(page: Page, axe: str, *rules: str) -> list[str]:
    """What axe finds on the page, with where it is; by these rules alone where some are named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {axe} }}")
    limits = f", runOnly: {{ type: 'rule', values: {list(rules)} }}" if rules else ""
    found = page.evaluate(f"() => axe.run(document, {{ resultTypes: ['violations']{limits} }})")
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


def look_at(page: Page, axe: str, name: str) -> None:
    """Axe finds nothing in either theme, and the page kept its policy."""
    assert violations(page, axe) == [], name
    page.emulate_media(color_scheme="dark")  # what a theme changes are colours
    page.evaluate(SETTLED)
    assert violations(page, axe, *OF_COLOUR) == [], f"{name} in the dark theme"
    page.emulate_media(color_scheme="light")
    assert page.evaluate("window.broken") == [], name


def check_looks(page: Page) -> None:
    """The same, and that a phone is wide enough."""
    before = page.viewport_size
    look_at(page, AXE.read_text(encoding="utf-8"), page.url)
    fits_a_phone(page)
    if before:
        page.set_viewport_size(before)


def fits_a_phone(page: Page) -> None:
    """Nothing is wider than a phone, and what stands in a sheet stays in it. Leaves the page at that width."""
    page.set_viewport_size({"width": 390, "height": 844})
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{wider} pixels wider than a phone"
    assert page.evaluate(OVERFLOWING) == [], page.url
