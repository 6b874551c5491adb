from __future__ import annotations

import pytest
from tests.practice.caller import Client
from tests.practice_server import PracticeServer


@pytest.fixture
def client(practice: PracticeServer) -> Client:
    return Client(practice)
