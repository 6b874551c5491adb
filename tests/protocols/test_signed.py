"""Signed texts: a signature over the bytes, judged before anybody reads them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from isthmus.errors import InputError
from isthmus.protocols.signed import content_of, new_key, public_key, sign

KEY = new_key(bytes(range(32)))
OTHER = new_key(bytes(32))
PURPOSE = b"test"
CONTENT = b'{"a": 1}\n'
SIGNED = sign(CONTENT, PURPOSE, KEY)


def refusal(signed: bytes, purpose: bytes = PURPOSE, *keys: str) -> str:
    with pytest.raises(InputError) as caught:
        content_of(signed, purpose, keys or (public_key(KEY),))
    return caught.value.code


@pytest.mark.parametrize(
    "signed",
    [b"", CONTENT, SIGNED[:50], b"isthmus-signed-2" + SIGNED[16:], SIGNED.replace(b"\n", b" ", 1), b"\n" + SIGNED],
)
def test_what_is_not_signed_is_refused(signed: bytes) -> None:
    assert refusal(signed) == "signature_missing"


def test_every_changed_bit_is_noticed() -> None:
    for position in range(17, len(SIGNED)):
        changed = bytearray(SIGNED)
        changed[position] ^= 1
        assert refusal(bytes(changed)) in ("signature_missing", "signature_wrong"), position
    assert refusal(SIGNED + b" ") == "signature_wrong"
    assert refusal(SIGNED[:-1]) == "signature_wrong"


def test_another_key_another_purpose_and_no_key_are_refused() -> None:
    assert refusal(SIGNED, PURPOSE, public_key(OTHER)) == "signature_wrong"
    assert refusal(SIGNED, b"other") == "signature_wrong"
    assert refusal(SIGNED, PURPOSE, "", "AAAA", "?") == "signature_wrong"
    with pytest.raises(InputError):
        content_of(SIGNED, PURPOSE, ())


@pytest.mark.parametrize("key", [b"", b"secret", base64.b64encode(bytes(32))])
def test_what_is_no_private_key_is_refused(key: bytes) -> None:
    with pytest.raises(InputError) as caught:
        sign(CONTENT, PURPOSE, key)
    assert caught.value.code == "key_malformed"


def test_what_any_of_the_trusted_keys_signed_is_given_back() -> None:
    assert content_of(SIGNED, PURPOSE, (public_key(OTHER), public_key(KEY))) == CONTENT


def test_the_signature_is_plain_ed25519_over_purpose_and_content() -> None:
    private = load_pem_private_key(KEY, None)
    assert isinstance(private, Ed25519PrivateKey)
    assert private.private_bytes_raw() == bytes(range(32))
    signature = base64.b64decode(SIGNED.partition(b"\n")[0].split()[1])
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(KEY)))
    public.verify(signature, b"test\n" + CONTENT)
