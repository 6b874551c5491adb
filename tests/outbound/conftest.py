from collections.abc import Iterator

import pytest
from tests.outbound.servers import Names, Open

from isthmus.outbound import Outbound
from isthmus.settings import Settings


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def open_outbound(names: Names) -> Iterator[Open]:
    """Makes an Outbound with the given settings and the test's names; closes it afterwards."""
    opened: list[Outbound] = []

    def open_it(**settings: object) -> Outbound:
        opened.append(Outbound(Settings(**settings), resolver=names))  # type: ignore[arg-type]
        return opened[-1]

    yield open_it
    for outbound in opened:
        outbound._pool.close()


@pytest.fixture
def local(open_outbound: Open) -> Outbound:
    """An Outbound that may reach this machine, over plain http too."""
    return open_outbound(egress_allow=("127.0.0.0/8", "::1/128"))
