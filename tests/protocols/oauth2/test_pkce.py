import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.protocols.oauth2 import challenge, check_verifier

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + "é", "a" * 43 + "\n"])
def test_verifier_outside_the_rfc_is_refused(verifier: str) -> None:
    with pytest.raises(InputError) as refused:
        check_verifier(verifier)
    assert refused.value.field == "verifier"
    with pytest.raises(InputError):
        challenge(verifier)


def test_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@settings(max_examples=200, deadline=None)
@given(st.text(UNRESERVED, min_size=43, max_size=128))
def test_challenge_agrees_with_a_second_implementation(verifier: str) -> None:
    assert challenge(verifier) == create_s256_code_challenge(verifier)
