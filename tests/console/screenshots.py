"""`python -m tests.console.screenshots DIR`: every page at 1440 and 390 pixels, light and dark, with things on it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tests.console.stage import EMPTY_PAGES, PAGES, Stage, launch, set_up, set_up_link, staged
from tests.served import Served, serving

WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")


def take(browser: Browser, stage: Stage, empty: Served, where: Path) -> int:
    """Write every picture; how many that were."""
    taken, founded = 0, Stage(empty, stage.practice)
    first = set_up_link(empty)
    for width, height in WIDTHS.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            suffix = f"{width}-{theme}"
            taken += _shoot(page, where, suffix, {"login": f"{stage.url}/login"})
            stage.sign_in(page)
            taken += _shoot(page, where, suffix, {name: stage.url + path for name, path in PAGES.items()})
            taken += _shoot(page, where, suffix, {name: stage.url + path for name, path in stage.moments().items()})
            if first:
                taken += _shoot(page, where, suffix, {"set-up": first})
                set_up(founded)
                first = ""
            founded.sign_in(page)
            taken += _shoot(page, where, suffix, {name: empty.url + path for name, path in EMPTY_PAGES.items()})
            context.close()
    return taken


def _shoot(page: Page, where: Path, suffix: str, urls: dict[str, str]) -> int:
    for name, url in urls.items():
        page.goto(url)
        page.screenshot(path=where / f"{name}-{suffix}.png", full_page=True)
    return len(urls)


def main(where: Path) -> None:
    where.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.TemporaryDirectory() as other,
        staged(Path(directory)) as stage,
        serving(Path(other)) as empty,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        print(f"{take(browser, stage, empty, where)} pictures in {where}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
