from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgresql_server import postgresql, postgresql_url
from tests.practice_server import PracticeServer

__all__ = ["postgresql", "postgresql_url"]


gc.disable()  # until all is collected: what is made until then stays, and to look for garbage among it takes long


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=5, help="How often test_durability kills the server.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole modules that start processes or hold slow tests come first, so that several workers end together."""
    here = Path(__file__).parent
    long = {item.path for item in items if item.get_closest_marker("slow")}
    long |= {item.path for item in items if item.path.relative_to(here).parts[0] in ("e2e", "console", "cli")}
    items.sort(key=lambda item: item.path not in long)
    if fleeting := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"These names differ from process to process; give them ids: {fleeting[:5]}")


@pytest.fixture(scope="module", autouse=True)
def no_event_loop_left_running() -> Iterator[None]:
    """A module that leaves an event loop running in this process fails, not every module that comes after it."""
    yield
    assert asyncio._get_running_loop() is None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def practice_server() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
def practice(practice_server: PracticeServer) -> PracticeServer:
    """The practice third party, fresh."""
    practice_server.reset()
    return practice_server
