import json
from dataclasses import replace
from typing import Any

import pytest

from isthmus.errors import InputError, ProtocolError
from isthmus.protocols.oauth2 import judge_revocation, revocation_request
from isthmus.records import ClientCredentials, HttpResponse, Service, TokenResponse

CLIENT = ClientCredentials("id", "secret")
SERVICE = Service(
    link_name="example", name="Example", auth_type="oauth2", revoke_token_url="https://example.com/revoke"
)


def answer(status: int, body: Any = b"") -> HttpResponse:
    return HttpResponse(status, (), body if isinstance(body, bytes) else json.dumps(body).encode())


def test_service_without_revoke_url_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        revocation_request(replace(SERVICE, revoke_token_url=""), CLIENT, "t")
    assert caught.value.field == "revoke_token_url"


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (503, b"", None),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (200, {"error": "invalid_client"}, "invalid_client"),
        (302, b"", None),
    ],
)
def test_failure_is_told_so_that_it_can_be_tried_again(status: int, body: Any, word: str | None) -> None:
    with pytest.raises(ProtocolError) as caught:
        judge_revocation(answer(status, body))
    assert (caught.value.status, caught.value.error) == (status, word)


def test_error_inside_http_200_is_found_at_the_services_path() -> None:
    service = replace(SERVICE, token_response=TokenResponse(ok="ok"))
    with pytest.raises(ProtocolError):
        judge_revocation(answer(200, {"ok": False}), service)
    assert judge_revocation(answer(200, {"ok": True}), service)


def test_request_is_that_of_rfc_7009() -> None:
    request = revocation_request(SERVICE, CLIENT, "45ghiukldjahdnhzdauz", hint="refresh_token")
    assert (request.method, request.url) == ("POST", "https://example.com/revoke")
    assert request.form == (("token", "45ghiukldjahdnhzdauz"), ("token_type_hint", "refresh_token"))
    assert dict(request.headers)["Authorization"] == "Basic aWQ6c2VjcmV0"
    post = revocation_request(replace(SERVICE, client_authentication="post"), CLIENT, "t")
    assert post.form == (("token", "t"), ("client_id", "id"), ("client_secret", "secret"))


@pytest.mark.parametrize("body", [b"", b"<html>done</html>", b"{}", {"revoked": True}])
def test_any_body_of_a_good_answer_will_do(body: Any) -> None:
    assert judge_revocation(answer(200, body))


def test_token_that_is_dead_already_counts_as_revoked() -> None:
    assert judge_revocation(answer(400, {"error": "invalid_token"}))


def test_kind_of_token_that_cannot_be_revoked_is_told() -> None:
    assert not judge_revocation(answer(400, {"error": "unsupported_token_type"}))
