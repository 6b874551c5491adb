import base64
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import ConnectError, InputError
from isthmus.protocols.oauth2 import AuthorizationResponse, authorization_url, challenge, judge_callback
from isthmus.records import CallbackSignature, Service

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
STATE = "af0ifjsldkj-0123456789"
SERVICE = Service(
    link_name="example",
    name="Example",
    auth_type="oauth2",
    authorize_url="https://example.com/authorize",
    access_token_url="https://example.com/token",
)


def build(service: Service = SERVICE, scopes: tuple[str, ...] = (), verifier: str | None = VERIFIER) -> str:
    return authorization_url(
        service,
        client_id="id with space&co",
        redirect_uri="https://us.example/oauth/callback/example",
        state=STATE,
        verifier=verifier,
        scopes=scopes,
    )


def query(url: str) -> Mapping[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    named = dict(pairs)
    assert len(named) == len(pairs), "a parameter is repeated"
    return named


def refused(*parameters: tuple[str, str], service: Service = SERVICE) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        judge_callback(service, parameters, state=STATE)
    return caught.value


# --- refused


@pytest.mark.parametrize("name", ["client_id", "state", "code_challenge", "code_challenge_method", "scope"])
def test_extra_parameters_may_not_override_the_protocol(name: str) -> None:
    service = replace(SERVICE, authorize_parameters={name: "other"})
    with pytest.raises(InputError) as caught:
        build(service, ("a",))
    assert (caught.value.code, caught.value.field) == ("reserved_parameter", "authorize_parameters")


SHOP = replace(SERVICE, callback_signature=CallbackSignature("hmac", without=("signature",)))
# Made with: printf 'code=c1&shop=acme.example&state=af0ifjsldkj-0123456789' | openssl dgst -sha256 -hmac hush
SHOP_HMAC = "b8eddd2d6857c16344ab8503fa18ce4bd1ce64f23983a33da2e5011e99410628"
SHOP_CALLBACK = {"code": "c1", "shop": "acme.example", "state": STATE, "signature": "x"}


@pytest.mark.parametrize(
    ("changes", "secret"),
    [
        ({"hmac": SHOP_HMAC[:-1] + ("0" if SHOP_HMAC[-1] != "0" else "1")}, "hush"),
        ({"hmac": ""}, "hush"),
        ({}, "hush"),
        ({"hmac": SHOP_HMAC}, "another"),
        ({"hmac": SHOP_HMAC}, ""),
        ({"hmac": SHOP_HMAC, "code": "c2"}, "hush"),
        ({"hmac": SHOP_HMAC, "added": "1"}, "hush"),
        ({"hmac": SHOP_HMAC, "error": "access_denied"}, "hush"),
    ],
)
def test_a_callback_without_the_promised_signature_is_refused(changes: dict[str, str], secret: str) -> None:
    with pytest.raises(ConnectError) as caught:
        judge_callback(SHOP, tuple({**SHOP_CALLBACK, **changes}.items()), state=STATE, client_secret=secret)
    assert caught.value.code == "callback_signature_wrong"


def test_a_signed_callback_is_good_in_either_encoding() -> None:
    signed = tuple({**SHOP_CALLBACK, "hmac": SHOP_HMAC}.items())
    assert judge_callback(SHOP, signed, state=STATE, client_secret="hush").code == "c1"
    service = replace(SHOP, callback_signature=CallbackSignature("hmac", "base64", ("signature",)))
    text = base64.b64encode(bytes.fromhex(SHOP_HMAC)).decode()
    signed = tuple({**SHOP_CALLBACK, "hmac": text}.items())
    assert judge_callback(service, signed, state=STATE, client_secret="hush").code == "c1"


def test_extra_parameters_may_not_override_a_renamed_client_id() -> None:
    service = replace(SERVICE, client_id_parameter="appid", authorize_parameters={"appid": "other"})
    with pytest.raises(InputError):
        build(service)


def test_pkce_is_not_dropped_for_want_of_a_verifier() -> None:
    with pytest.raises(InputError) as caught:
        build(verifier=None)
    assert caught.value.field == "verifier"


def test_service_without_authorize_url_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        build(replace(SERVICE, authorize_url=""))
    assert caught.value.field == "authorize_url"


def test_empty_state_is_refused() -> None:
    with pytest.raises(InputError):
        authorization_url(SERVICE, client_id="a", redirect_uri="https://b", state="", verifier=VERIFIER)


@pytest.mark.parametrize("state", ["", "af0ifjsldkj-012345678", STATE + "x", "é", "\ud800", STATE.upper()])
def test_callback_refuses_a_state_it_did_not_issue(state: str) -> None:
    assert refused(("code", "c"), ("state", state)).code == "state_mismatch"


def test_callback_without_state_is_refused() -> None:
    assert refused(("code", "c")).code == "state_mismatch"


def test_callback_is_refused_where_no_state_was_issued() -> None:
    with pytest.raises(ConnectError) as caught:
        judge_callback(SERVICE, [("code", "c"), ("state", "")], state="")
    assert caught.value.code == "state_mismatch"


@pytest.mark.parametrize("name", ["code", "state", "iss", "anything"])
def test_callback_with_a_repeated_parameter_is_refused(name: str) -> None:
    parameters = [("code", "c"), ("state", STATE), ("iss", "i"), ("anything", "a")]
    repeated = next(pair for pair in parameters if pair[0] == name)
    assert refused(*parameters, repeated).code == "repeated_parameter"


@pytest.mark.parametrize("code", ["", "a\r\nb", "\x00"])
def test_callback_without_a_usable_code_is_refused(code: str) -> None:
    assert refused(("code", code), ("state", STATE)).code == "code_missing"


def test_declining_is_told_from_other_refusals() -> None:
    denied = refused(("error", "access_denied"), ("state", STATE))
    other = refused(("error", "invalid_scope"), ("error_description", "no such scope"), ("state", STATE))
    assert denied.code == "user_denied"
    assert other.code == "authorization_refused"
    assert other.details == {"error": "invalid_scope", "description": "no such scope"}


def test_an_error_of_somebody_else_is_not_believed() -> None:
    assert refused(("error", "access_denied"), ("state", "wrong")).code == "state_mismatch"


def test_words_of_the_provider_are_cut_and_cleaned() -> None:
    error = refused(("error", "x" * 999), ("error_description", "a\r\nb\x00\u202ec" + "d" * 999), ("state", STATE))
    assert len(error.details["error"]) == 100
    assert len(error.details["description"]) == 300
    assert error.details["description"].startswith("a b c")


@pytest.mark.parametrize(
    "issuer", ["https://evil.example", "https://example.com/", "https://EXAMPLE.com", "", "https://example.com%2F"]
)
def test_callback_of_another_issuer_is_refused(issuer: str) -> None:
    service = replace(SERVICE, issuer="https://example.com")
    assert refused(("code", "c"), ("state", STATE), ("iss", issuer), service=service).code == "issuer_mismatch"


def test_issuer_is_checked_before_an_error_is_believed() -> None:
    service = replace(SERVICE, issuer="https://example.com")
    answer = (("error", "access_denied"), ("state", STATE), ("iss", "https://evil.example"))
    assert refused(*answer, service=service).code == "issuer_mismatch"


def test_missing_issuer_is_refused_where_the_provider_promises_it() -> None:
    service = replace(SERVICE, issuer="https://example.com", issuer_in_response=True)
    assert refused(("code", "c"), ("state", STATE), service=service).code == "issuer_mismatch"


def test_nobody_else_can_make_an_authorization_response() -> None:
    with pytest.raises(TypeError):
        AuthorizationResponse(code="c")
    judged = judge_callback(SERVICE, [("code", "c"), ("state", STATE)], state=STATE)
    with pytest.raises((TypeError, ValueError)):
        replace(judged, code="other")


# --- accepted


def test_callback_gives_the_code_and_the_declared_variables_only() -> None:
    service = replace(SERVICE, callback_copy={"accounts": "accounts-server", "absent": "nothing"})
    parameters = [("code", "c/1"), ("state", STATE), ("accounts-server", "https://a.example"), ("extra", "1")]
    judged = judge_callback(service, parameters, state=STATE)
    assert judged.code == "c/1"
    assert judged.variables == {"accounts": "https://a.example"}
    assert copy(judged) == judged


def test_right_or_unchecked_issuer_is_accepted() -> None:
    answer = [("code", "c"), ("state", STATE), ("iss", "https://example.com")]
    strict = replace(SERVICE, issuer="https://example.com", issuer_in_response=True)
    assert judge_callback(strict, answer, state=STATE).code == "c"
    assert judge_callback(SERVICE, answer, state=STATE).code == "c"
    lenient = replace(SERVICE, issuer="https://example.com")
    assert judge_callback(lenient, answer[:2], state=STATE).code == "c"


def test_code_and_state_are_not_in_the_repr() -> None:
    assert "c/1" not in repr(judge_callback(SERVICE, [("code", "c/1"), ("state", STATE)], state=STATE))


def test_request_holds_what_rfc_6749_and_7636_ask() -> None:
    assert query(build()) == {
        "response_type": "code",
        "client_id": "id with space&co",
        "redirect_uri": "https://us.example/oauth/callback/example",
        "state": STATE,
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }


def test_no_challenge_where_the_service_cannot_do_pkce() -> None:
    service = replace(SERVICE, pkce="none")
    assert "code_challenge" not in query(build(service, verifier=None))
    assert "code_challenge" not in query(build(service))


@pytest.mark.parametrize(
    ("delimiter", "value"), [(" ", "a:b c/d"), (",", "a:b,c/d"), ("+", "a:b+c/d"), ("%20", "a:b%20c/d")]
)
def test_scope_reaches_the_provider_with_the_declared_delimiter(delimiter: str, value: str) -> None:
    service = replace(SERVICE, scope_delimiter=delimiter, scope_parameter="user_scope")
    given_query = query(build(service, ("a:b", "c/d")))
    assert given_query["user_scope"] == value
    assert "scope" not in given_query


def test_scope_is_left_out_when_there_is_none() -> None:
    assert "scope" not in query(build())


def test_query_of_the_endpoint_stays_as_it_is_and_the_fragment_last() -> None:
    service = replace(
        SERVICE,
        authorize_url="https://example.com/a%2Fb?x=%7e+1&y#redirect",
        client_id_parameter="appid",
        authorize_parameters={"prompt": "consent", "response_type": "code"},
    )
    url = build(service)
    assert url.startswith("https://example.com/a%2Fb?x=%7e+1&y&response_type=code&appid=")
    assert url.endswith("&prompt=consent#redirect")
    assert "client_id" not in query(url)


def test_query_of_the_endpoint_cannot_smuggle_a_second_parameter() -> None:
    service = replace(SERVICE, authorize_url="https://example.com/a?State=1&%72edirect_uri=https://evil&z=1")
    url = build(service)
    assert "evil" not in url
    assert "State=" not in url
    assert query(url)["z"] == "1"


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
            lambda name: name.lower() not in ("response_type", "client_id", "redirect_uri", "state")
        ),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
        max_size=4,
    ),
    st.lists(st.text("abc:/+&=%#é", min_size=1, max_size=6), max_size=3),
)
def test_whatever_is_declared_arrives_unchanged(extra: dict[str, str], scopes: list[str]) -> None:
    if scopes and "scope" in extra:
        extra.pop("scope")
    seen = query(build(replace(SERVICE, authorize_parameters=extra), tuple(scopes)))
    assert extra.items() <= seen.items()
    assert seen.get("scope", "") == " ".join(scopes) or not scopes


def test_what_a_provider_says_otherwise_is_said_as_it_wants() -> None:
    service = replace(
        SERVICE,
        redirect_uri_parameter="redirect_url",
        authorize_url="https://example.com/authorize?keep=1#sign-in",
        authorize_parameters={"response_type": "Assertion", "app": "${client_id}", "back": "${redirect_uri}"},
    )
    url = build(service, ("a",))
    assert url.startswith("https://example.com/authorize?keep=1&")
    assert url.endswith("#sign-in")
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["response_type"] == "Assertion"
    assert query["app"] == query["client_id"]
    assert query["redirect_url"] == query["back"]
    assert "redirect_uri" not in query


def test_an_empty_parameter_leaves_the_standard_one_out() -> None:
    query = dict(parse_qsl(urlsplit(build(replace(SERVICE, authorize_parameters={"redirect_uri": ""}), ())).query))
    assert "redirect_uri" not in query


def test_the_code_may_come_under_another_name() -> None:
    service = replace(SERVICE, callback_code="auth_code")
    assert judge_callback(service, [("auth_code", "c"), ("state", "s")], state="s").code == "c"
    with pytest.raises(ConnectError) as caught:
        judge_callback(service, [("code", "c"), ("state", "s")], state="s")
    assert caught.value.code == "code_missing"
