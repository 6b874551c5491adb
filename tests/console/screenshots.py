"""`python -m tests.console.screenshots DIR [NAME ...]`: every page at 1440 and 390 pixels, light and dark, with things on it.

With names, the pages whose name begins with one of them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tests.authserver.openid_server import CLIENT_ID, SECRET, openid_server
from tests.console.gallery import ACTS, EMPTY_PAGES, NAMED, PAGES, SIGNED_OUT, moments
from tests.console.stage import EMAIL, PASSWORD, Stage, launch, set_up_link, staged
from tests.served import Served, free_port, serving

WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")
VARIANTS = [(width, theme) for width in WIDTHS for theme in THEMES]


class Camera:
    """One page of one variant, and the pictures that were taken of it."""

    def __init__(self, browser: Browser, width: int, theme: str, where: Path, wanted: tuple[str, ...]) -> None:
        self.size, self.where, self.wanted, self.taken = (width, WIDTHS[width]), where, wanted, 0
        self.suffix = f"{width}-{theme}"
        scheme = "dark" if theme == "dark" else "light"
        self.page: Page = browser.new_context(color_scheme=scheme, reduced_motion="reduce").new_page()

    def is_wanted(self, name: str) -> bool:
        return not self.wanted or name.startswith(self.wanted)

    def shoot(self, name: str) -> None:
        """The whole page, with what is fixed to the window at its edges."""
        width, height = self.size
        self.page.set_viewport_size({"width": width, "height": height})
        full = max(height, self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": width, "height": full})
        self.page.screenshot(path=self.where / f"{name}-{self.suffix}.png")
        self.page.set_viewport_size({"width": width, "height": height})
        self.taken += 1

    def visit(self, urls: dict[str, str]) -> None:
        for name, url in urls.items():
            if self.is_wanted(name):
                answer = self.page.goto(url)
                assert answer is None or answer.status < 500, url
                self.shoot(name)


@contextmanager
def named(directory: Path) -> Iterator[Served]:
    """A server without anything, known by a name, that offers the organisation's sign-in."""
    port = free_port()
    with openid_server() as provider:
        settings = {"openid_issuer": provider.issuer, "openid_client_id": CLIENT_ID, "openid_client_secret": SECRET}
        settings |= {"public_url": f"http://localhost:{port}", "openid_name": "Example Ltd"}
        with serving(directory, port=port, **settings) as served:
            yield served


def found(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create Administrator").click()
    page.get_by_role("link", name="Get Started").wait_for()


def take(browser: Browser, stage: Stage, empty: Served, where: Path, wanted: tuple[str, ...]) -> int:
    """Write every picture; how many that were."""
    cameras = [Camera(browser, width, theme, where, wanted) for width, theme in VARIANTS]
    founded = Stage(empty, stage.practice)
    link, url = set_up_link(empty), empty.environ["ISTHMUS_PUBLIC_URL"]
    for camera in cameras:
        camera.visit({"set-up": link, "login-fresh": f"{url}/login"})
    found(cameras[0].page, link)
    for camera in cameras:
        camera.visit({name: stage.url + path for name, path in SIGNED_OUT.items()})
        camera.visit({"named-login": f"{url}/login"})
        stage.sign_in(camera.page)
        camera.visit({name: stage.url + path for name, path in PAGES.items()})
        camera.visit(moments(stage))
        founded.sign_in(camera.page, at=url)
        camera.visit({name: url + path for name, path in {**EMPTY_PAGES, **NAMED}.items()})
        if camera.is_wanted("openid-link"):
            camera.page.goto(f"{url}/account/signing-in")
            camera.page.get_by_role("button", name="Link my account").click()
            camera.page.get_by_role("link", name="Continue").wait_for()
            camera.shoot("openid-link")
        stage.sign_in(camera.page)
        for name in filter(camera.is_wanted, ACTS):
            ACTS[name](camera.page, stage)
            camera.shoot(name)
    return sum(camera.taken for camera in cameras)


def main(where: Path, wanted: tuple[str, ...]) -> None:
    where.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        tempfile.TemporaryDirectory() as other,
        staged(Path(directory)) as stage,
        named(Path(other)) as empty,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        print(f"{take(browser, stage, empty, where, wanted)} pictures in {where}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]))
