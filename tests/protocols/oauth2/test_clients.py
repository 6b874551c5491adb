import base64
from dataclasses import replace
from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.protocols.oauth2.clients import authenticate
from isthmus.records import ClientAuthentication, ClientCredentials, Service

SERVICE = Service(link_name="example", name="Example", auth_type="oauth2")
CLIENT = ClientCredentials("a:b c", "s+/=:& %é")


def shown(method: ClientAuthentication, client: ClientCredentials = CLIENT) -> tuple[str, dict[str, str]]:
    """The decoded Basic pair ("" if none) and the parameters."""
    result = authenticate(replace(SERVICE, client_authentication=method), client)
    header = dict(result.headers).get("Authorization", "")
    return base64.b64decode(header.removeprefix("Basic ")).decode(), dict(result.parameters)


@pytest.mark.parametrize("method", ["tls"])
def test_methods_to_come_are_refused_by_name(method: ClientAuthentication) -> None:
    with pytest.raises(InputError) as caught:
        shown(method)
    assert (caught.value.code, caught.value.field) == ("not_supported", "client_authentication")
    assert method in caught.value.message


@pytest.mark.parametrize("method", ["basic", "post"])
def test_missing_secret_is_refused(method: ClientAuthentication) -> None:
    with pytest.raises(InputError) as caught:
        shown(method, ClientCredentials("id"))
    assert caught.value.field == "client_secret"


@pytest.mark.parametrize("method", ["basic", "basic_raw", "post", "none"])
def test_missing_client_id_is_refused(method: ClientAuthentication) -> None:
    with pytest.raises(InputError) as caught:
        shown(method, ClientCredentials("", "secret"))
    assert caught.value.field == "client_id"


@pytest.mark.parametrize("method", ["basic", "basic_raw", "post"])
def test_line_break_in_the_secret_is_refused_without_showing_it(method: ClientAuthentication) -> None:
    with pytest.raises(InputError) as caught:
        shown(method, ClientCredentials("id", "cnry-secret\r\nX: y"))
    assert caught.value.field == "client_secret"
    assert "cnry" not in f"{caught.value.message} {caught.value.hint}"


def test_raw_basic_refuses_a_colon_in_the_id() -> None:
    with pytest.raises(InputError) as caught:
        shown("basic_raw")
    assert caught.value.field == "client_id"


def test_basic_form_encodes_both_halves_first() -> None:
    # RFC 6749 2.3.1 and appendix B: a space is a plus.
    assert shown("basic") == ("a%3Ab+c:s%2B%2F%3D%3A%26+%25%C3%A9", {})


def test_example_of_rfc_6749_appendix_b() -> None:
    pair, _ = shown("basic", ClientCredentials("id", " %&+£€"))
    assert pair == "id:+%25%26%2B%C2%A3%E2%82%AC"


def test_raw_basic_sends_both_as_they_are() -> None:
    assert shown("basic_raw", ClientCredentials("id", "s+/=:& %é")) == ("id:s+/=:& %é", {})


def test_post_uses_the_declared_names() -> None:
    service = replace(
        SERVICE, client_authentication="post", client_id_parameter="app_id", client_secret_parameter="app_key"
    )
    result = authenticate(service, CLIENT)
    assert result.headers == ()
    assert result.parameters == (("app_id", "a:b c"), ("app_key", "s+/=:& %é"))


def test_public_client_shows_its_id_only() -> None:
    assert shown("none", ClientCredentials("id", "not sent")) == ("", {"client_id": "id"})


def test_nothing_secret_is_in_the_repr() -> None:
    result = authenticate(replace(SERVICE, client_authentication="post"), ClientCredentials("id", "cnry-secret"))
    assert "cnry" not in repr(result)


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
)
def test_basic_survives_a_server_that_follows_the_rfc(client_id: str, secret: str) -> None:
    pair, _ = shown("basic", ClientCredentials(client_id, secret))
    left, colon, right = pair.partition(":")
    assert colon
    assert (unquote_plus(left), unquote_plus(right)) == (client_id, secret)
