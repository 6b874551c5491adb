from __future__ import annotations

import re

import pytest

from isthmus.authserver.keys import draw_key, draw_session_token, is_well_formed, secret_hash


@pytest.mark.parametrize("change", ["", "isk_", "x", " ", "\u00e9"])
def test_a_key_with_something_added_is_no_key(change: str) -> None:
    key = draw_key()
    assert is_well_formed(key + change) == (change == "")
    assert is_well_formed(change + key) == (change == "")


def test_a_mistyped_key_is_known_without_looking_it_up() -> None:
    key = draw_key()
    for place in range(len(key)):
        letter = "a" if key[place] != "a" else "b"
        assert not is_well_formed(key[:place] + letter + key[place + 1 :]), place
    swapped = key[:4] + key[5] + key[4] + key[6:]
    assert not is_well_formed(swapped) or swapped == key


def test_keys_have_256_random_bits_and_the_documented_shape() -> None:
    keys = {draw_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"isk_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", key) for key in keys)
    assert 62**43 > 2**256
    assert len(draw_session_token()) == 43


def test_what_is_stored_is_a_hash() -> None:
    key = draw_key()
    assert len(secret_hash(key)) == 64
    assert key not in secret_hash(key)
    assert secret_hash("\udc80")
