"""What holds for every page as it is shown: axe finds nothing, the policy is kept, a phone is wide enough."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "counterparts" / "node" / "node_modules" / "axe-core" / "axe.min.js"


def check_looks(page: Page) -> None:
    before = page.viewport_size
    page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    told = [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
    assert not told, told
    assert page.evaluate("window.broken") == []
    page.set_viewport_size({"width": 390, "height": 844})
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{wider} pixels wider than a phone"
    if before:
        page.set_viewport_size(before)
