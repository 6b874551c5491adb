from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.errors import KeyUnavailable, SealBroken
from isthmus.records import WrappedKey
from isthmus.vault import EnvironmentKey, Vault, new_data_key
from isthmus.vault.seal import derive

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = {"table": "authorizations", "row": "row-1", "field": "credential"}
DATA_KEY = bytes(range(32))
SECRET = b"cnry-the-plaintext"


def provider(filling: int = 1) -> EnvironmentKey:
    return EnvironmentKey(base64.b64encode(bytes([filling]) * 32).decode())


@pytest.fixture
def vault() -> Vault:
    return Vault({1: DATA_KEY})


# --- refused (P18)


def test_every_flipped_bit_is_refused(vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    for place in range(len(sealed)):
        for bit in range(8):
            damaged = sealed[:place] + bytes([sealed[place] ^ (1 << bit)]) + sealed[place + 1 :]
            with pytest.raises(SealBroken):
                vault.open(damaged, **PLACE)


def test_every_cut_and_every_addition_is_refused(vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    for damaged in (*(sealed[:end] for end in range(len(sealed))), sealed + b"\x00", b"\x00" + sealed, sealed[1:], b""):
        with pytest.raises(SealBroken):
            vault.open(damaged, **PLACE)


@pytest.mark.parametrize(
    "other",
    [
        {"row": "row-2"},
        {"field": "previous"},
        {"table": "services"},
        {"row": ""},
        # The same letters, parted at another place.
        {"table": "authorizationsrow-1", "row": ""},
        {"row": "row-1credential", "field": ""},
        {"table": "authorization", "row": "srow-1"},
    ],
)
def test_what_was_moved_to_another_place_is_refused(vault: Vault, other: dict[str, str]) -> None:
    with pytest.raises(SealBroken):
        vault.open(vault.seal(SECRET, **PLACE), **(PLACE | other))


def test_two_values_that_changed_places_are_both_refused(vault: Vault) -> None:
    places = [PLACE | {"row": "row-1"}, PLACE | {"row": "row-2"}]
    first, second = (vault.seal(SECRET, **place) for place in places)
    for sealed, place in ((second, places[0]), (first, places[1])):
        with pytest.raises(SealBroken):
            vault.open(sealed, **place)


def test_another_key_version_in_the_header_is_refused_even_if_the_ring_has_it() -> None:
    vault = Vault({1: DATA_KEY, 2: DATA_KEY, 3: bytes(32)})
    sealed = vault.seal(SECRET, **PLACE)
    assert sealed[:5] == b"\x01\x00\x00\x00\x03"
    for version in (0, 1, 2, 4, 0xFFFFFFFF):
        with pytest.raises(SealBroken):
            vault.open(sealed[:1] + struct.pack(">I", version) + sealed[5:], **PLACE)
    # With the same data key under both versions only the associated data tells them apart.
    sealed_by_two = Vault({2: DATA_KEY}).seal(SECRET, **PLACE)
    with pytest.raises(SealBroken):
        vault.open(sealed_by_two[:1] + struct.pack(">I", 1) + sealed_by_two[5:], **PLACE)


def test_a_value_under_another_data_key_is_refused_and_says_nothing(vault: Vault) -> None:
    sealed = Vault({1: bytes(32)}).seal(SECRET, **PLACE)
    with pytest.raises(SealBroken) as caught:
        vault.open(sealed, **PLACE)
    text = repr(caught.value) + caught.value.message + caught.value.hint + repr(vars(caught.value))
    for secret in (SECRET.decode(), DATA_KEY.hex(), sealed.hex(), "row-1"):
        assert secret not in text


# --- the ring (P20)


def test_a_wrong_key_is_refused_with_both_names() -> None:
    entries = [new_data_key(provider(1), 1, NOW)]
    with pytest.raises(KeyUnavailable) as caught:
        Vault.open_ring(provider(2), entries)
    assert provider(1).key_id in caught.value.message
    assert provider(2).key_id in caught.value.message
    assert provider(1).key_id in caught.value.hint
    assert "not been touched" in caught.value.hint


def test_an_older_key_is_refused_where_one_entry_is_under_a_newer() -> None:
    entries = [new_data_key(provider(1), 1, NOW), new_data_key(provider(2), 2, NOW)]
    for key in (provider(1), provider(2)):
        with pytest.raises(KeyUnavailable):
            Vault.open_ring(key, entries)


def test_a_ring_whose_entry_was_changed_is_refused() -> None:
    one, two = new_data_key(provider(), 1, NOW), new_data_key(provider(), 2, NOW)
    for entries in (
        [WrappedKey(1, one.key_id, two.wrapped), two],
        [WrappedKey(2, one.key_id, one.wrapped)],
        [WrappedKey(1, one.key_id, one.wrapped[:-1])],
        [WrappedKey(1, one.key_id, b"")],
    ):
        with pytest.raises(KeyUnavailable):
            Vault.open_ring(provider(), entries)


def test_an_empty_ring_is_refused() -> None:
    with pytest.raises(KeyUnavailable):
        Vault.open_ring(provider(), [])


@pytest.mark.parametrize("version", [0, -1, 1 << 32])
def test_a_key_version_that_the_format_cannot_hold_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="version"):
        new_data_key(provider(), version, NOW)


def test_a_ring_opens_again_and_old_values_stay_readable() -> None:
    entries = [new_data_key(provider(), 1, NOW)]
    old = Vault.open_ring(provider(), entries).seal(SECRET, **PLACE)
    entries.append(new_data_key(provider(), 2, NOW))
    vault = Vault.open_ring(provider(), entries)
    assert vault.open(old, **PLACE) == SECRET
    newer = vault.seal(SECRET, **PLACE)
    assert (old[4], newer[4]) == (1, 2)
    assert Vault.open_ring(provider(), entries[::-1]).open(newer, **PLACE) == SECRET


def test_data_keys_are_random_and_wrapped() -> None:
    entries = [new_data_key(provider(), 1, NOW) for _ in range(50)]
    assert len({provider().unwrap(entry.wrapped, b"isthmus data key\x00\x00\x00\x01") for entry in entries}) == 50
    assert {(entry.version, entry.key_id, entry.created_at) for entry in entries} == {(1, provider().key_id, NOW)}


# --- the format


# RFC 5869, appendix A, cases 1 to 3.
@pytest.mark.parametrize(
    ("key", "salt", "info", "expected"),
    [
        (
            "0b" * 22,
            bytes(range(0x0D)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)),
            bytes(range(0xB0, 0x100)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "0b" * 22,
            None,
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_keys_are_derived_by_rfc_5869(key: str, salt: bytes | None, info: bytes, expected: str) -> None:
    assert derive(bytes.fromhex(key), info, salt=salt, length=len(expected) // 2).hex() == expected


def test_sealed_bytes_are_what_the_format_says(vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)

    def framed(*parts: bytes) -> bytes:
        return b"".join(struct.pack(">I", len(part)) + part for part in parts)

    place = framed(b"authorizations", b"row-1", b"credential")
    assert sealed[:5] == b"\x01\x00\x00\x00\x01"
    assert len(sealed) == 1 + 4 + 12 + len(SECRET) + 16
    cipher = AESGCM(derive(DATA_KEY, b"isthmus seal" + place))
    assert cipher.decrypt(sealed[5:17], sealed[17:], place + b"\x00\x00\x00\x01") == SECRET


@pytest.mark.parametrize("plaintext", [b"", b"\x00", bytes(range(256)) * 400])
def test_what_was_sealed_opens_in_its_place(vault: Vault, plaintext: bytes) -> None:
    for place in (PLACE, PLACE | {"row": ""}, PLACE | {"row": "ünïcode \ud800"}):
        assert vault.open(vault.seal(plaintext, **place), **place) == plaintext
    assert Vault({1: DATA_KEY}).open(vault.seal(plaintext, **PLACE), **PLACE) == plaintext


def test_each_place_has_a_key_of_its_own(vault: Vault) -> None:
    for row in range(5000):  # more places than ciphers are kept
        place = PLACE | {"row": f"{row}"}
        assert vault.open(vault.seal(SECRET, **place), **place) == SECRET
    assert len(vault._ciphers) < 5000
    elsewhere = PLACE | {"row": "another"}
    first, second = (vault._cipher(1, **place) for place in (PLACE, elsewhere))
    sealed = first.encrypt(b"n" * 12, SECRET, None)
    with pytest.raises(InvalidTag):  # by its key alone, whatever the associated data
        second.decrypt(b"n" * 12, sealed, None)
    assert vault.open(vault.seal(SECRET, **PLACE), **PLACE) == SECRET


def test_no_nonce_comes_twice(vault: Vault) -> None:
    nonces = {vault.seal(b"x", **PLACE)[5:17] for _ in range(100_000)}
    assert len(nonces) == 100_000


def test_no_key_and_no_plaintext_is_ever_shown(vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    assert repr(vault) == str(vault) == "Vault(key_versions=[1])"
    assert SECRET not in sealed
    assert DATA_KEY not in sealed
    assert "wrapped" not in repr(new_data_key(provider(), 1, NOW))
