import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isthmus.errors import ProtocolError
from isthmus.protocols.oauth2 import TokenAnswer, is_grant_dead, judge_token_answer
from isthmus.records import HttpResponse, Service, TokenResponse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SERVICE = Service(link_name="example", name="Example", auth_type="oauth2", access_token_url="https://example.com/t")
GOOD = {"access_token": "cnry-access", "token_type": "bearer", "expires_in": 3600, "refresh_token": "cnry-refresh"}


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, (("content-type", content_type),), data)


def judge(body: Any, status: int = 200, previous: str | None = None, **rules: Any) -> TokenAnswer:
    service = replace(SERVICE, token_response=TokenResponse(**rules))
    return judge_token_answer(
        service, answer(body, status), received_at=NOW, requested_scopes=("a", "b"), previous_refresh_token=previous
    )


def refused(body: Any, status: int = 200, previous: str | None = None, **rules: Any) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        judge(body, status, previous, **rules)
    assert caught.value.status == status
    return caught.value


# --- refused: errors that are understood


def test_error_of_rfc_6749_is_told() -> None:
    error = refused({"error": "invalid_grant", "error_description": "expired", "error_uri": "https://x"}, 400)
    assert (error.code, error.error, error.description) == ("provider_refused", "invalid_grant", "expired")
    assert is_grant_dead(error)


@pytest.mark.parametrize(
    ("body", "rules", "word", "text"),
    [
        ({"ok": False, "error": "invalid_code"}, {"ok": "ok"}, "invalid_code", None),
        ({"ok": False}, {"ok": "ok"}, "error", None),
        ({"success": "false", **GOOD}, {"ok": "success"}, "error", None),
        ({"error": "bad_refresh_token", "error_description": "gone"}, {}, "bad_refresh_token", "gone"),
        ({"error": {"code": 190, "message": "expired"}}, {}, "190", "expired"),
        ({"errcode": 40029, "errmsg": "bad"}, {"error": "errcode", "error_description": "errmsg"}, "40029", "bad"),
        ({"error": "x", "errcode": 0}, {"error": "errcode"}, "x", None),
        ({"errors": [{"type": "invalid_grant"}]}, {"error": "errors.0.type"}, "invalid_grant", None),
        (b"error=invalid_client&error_description=no+such+client", {}, "invalid_client", "no such client"),
    ],
)
def test_error_inside_http_200_is_told(body: Any, rules: dict[str, Any], word: str, text: str | None) -> None:
    error = refused(body, 200, **rules)
    assert (error.code, error.error, error.description) == ("provider_refused", word, text)


def test_error_beside_a_token_wins() -> None:
    assert refused({**GOOD, "error": "invalid_scope"}).error == "invalid_scope"


def test_error_at_an_odd_path_is_told_with_a_bad_status() -> None:
    body = {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}
    error = refused(body, 400, error="status", grant_gone=("BAD_REFRESH_TOKEN",))
    assert (error.error, error.description) == ("BAD_REFRESH_TOKEN", "missing or invalid refresh token")


def test_error_text_is_cut_cleaned_and_free_of_the_spent_token() -> None:
    text = "Invalid token cnry-old-token\r\n<b>\x1b[31m\u202e" + "x" * 1000
    error = refused({"error": "invalid_request", "error_description": text}, 400, previous="cnry-old-token")
    assert error.description is not None
    assert len(error.description) <= 300
    assert "cnry" not in error.description
    assert error.description.startswith("Invalid token … <b> [31m x")


@pytest.mark.parametrize(
    ("status", "word", "dead"),
    [
        (400, "invalid_grant", True),
        (401, "invalid_grant", True),
        (200, "invalid_grant", True),
        (400, "bad_refresh_token", True),
        (400, "invalid_client", False),
        (400, "invalid_request", False),
        (400, "temporarily_unavailable", False),
        (429, "invalid_grant", False),
        (500, "invalid_grant", False),
        (503, "bad_refresh_token", False),
    ],
)
def test_grant_is_called_dead_only_on_clear_words(status: int, word: str, dead: bool) -> None:
    service = replace(SERVICE, token_response=TokenResponse(grant_gone=("bad_refresh_token",)))
    error = refused({"error": word}, status)
    assert is_grant_dead(error, service) is dead
    assert is_grant_dead(error) is (dead and word == "invalid_grant")


# --- accepted


def test_answer_of_rfc_6749_is_read() -> None:
    judged = judge({**GOOD, "example_parameter": "example_value", "scope": "b a"})
    assert judged.credential.access_token == "cnry-access"
    assert judged.credential.refresh_token == "cnry-refresh"
    assert judged.credential.token_type == "bearer"
    assert judged.expires_at == NOW + timedelta(hours=1)
    assert judged.granted_scopes == ("b", "a")
    assert "cnry" not in repr(judged)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/x-www-form-urlencoded", ""])
def test_content_type_does_not_matter(content_type: str) -> None:
    for body in (GOOD, b"access_token=cnry-access&expires_in=3600", b"\xef\xbb\xbf \n" + json.dumps(GOOD).encode()):
        judged = judge_token_answer(SERVICE, answer(body, 200, content_type), received_at=NOW)
        assert judged.credential.access_token == "cnry-access"
        assert judged.expires_at == NOW + timedelta(hours=1)


def test_form_answer_is_decoded() -> None:
    judged = judge(b"access_token=a%2Bb%2F%3D&scope=a+b&token_type=bearer&refresh_token=")
    assert judged.credential.access_token == "a+b/="
    assert judged.granted_scopes == ("a", "b")
    assert judged.credential.refresh_token is None


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        (3600, "seconds", 3600),
        ("3600", "seconds", 3600),
        (" 3600 ", "seconds", 3600),
        (3599.5, "seconds", 3599.5),
        ("3.6e3", "seconds", 3600),
        (3_600_000, "milliseconds", 3600),
        (int(NOW.timestamp()) + 3600, "epoch_seconds", 3600),
        (str(int(NOW.timestamp()) + 3600), "epoch_seconds", 3600),
        (int(NOW.timestamp() * 1000) + 3_600_000, "epoch_milliseconds", 3600),
        (int(NOW.timestamp()) - 60, "epoch_seconds", -60),
        ("2026-11-24T13:00:00Z", "iso8601", 3600),
        ("2026-11-24T15:00:00+02:00", "iso8601", 3600),
        ("2026-11-24T13:00:00", "iso8601", 3600),
    ],
)
def test_expiry_is_read_in_every_unit(value: Any, unit: Any, seconds: float) -> None:
    judged = judge({"access_token": "x", "expires_in": value}, expires_unit=unit)
    assert judged.expires_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (None, "seconds"),
        (0, "seconds"),
        ("0", "seconds"),
        (-1, "seconds"),
        ("-1", "seconds"),
        (True, "seconds"),
        ("soon", "seconds"),
        ("", "seconds"),
        ("nan", "seconds"),
        ("inf", "seconds"),
        ([3600], "seconds"),
        ({"seconds": 1}, "seconds"),
        (10**30, "seconds"),
        (10**400, "seconds"),
        (99_999_999_999, "seconds"),
        (3600, "epoch_seconds"),
        (int(NOW.timestamp() * 1000), "epoch_seconds"),
        (10**30, "epoch_milliseconds"),
        ("2026-13-40", "iso8601"),
        ("0001-01-01T00:00:00+14:00", "iso8601"),
        (3600, "iso8601"),
    ],
)
def test_expiry_that_cannot_be_believed_is_unknown(value: Any, unit: Any) -> None:
    body = {"access_token": "x", "expires_in": value}
    assert judge(body, expires_unit=unit).expires_at is None
    stood_in = judge(body, expires_unit=unit, default_expires_in=60)
    assert stood_in.expires_at == NOW + timedelta(seconds=60)


def test_missing_expiry_is_unknown_unless_a_default_stands_in() -> None:
    assert judge({"access_token": "x"}).expires_at is None
    assert judge({"access_token": "x"}, default_expires_in=7200).expires_at == NOW + timedelta(hours=2)


def test_zero_means_now_only_where_declared() -> None:
    assert judge({"access_token": "x", "expires_in": 0}, zero_means_unknown=False).expires_at == NOW


def test_life_of_the_refresh_token_is_read() -> None:
    assert judge({**GOOD, "refresh_token_expires_in": 86400}).refresh_expires_at == NOW + timedelta(days=1)
    assert judge({**GOOD, "refresh_expires_in": 0}, refresh_expires_in="refresh_expires_in").refresh_expires_at is None


@pytest.mark.parametrize(
    ("given_token", "previous", "kept", "rotated"),
    [
        ("new", "old", "new", True),
        ("old", "old", "old", False),
        (None, "old", "old", False),
        ("", "old", "old", False),
        ("new", None, "new", True),
        (None, None, None, False),
    ],
)
def test_refresh_token_is_replaced_or_kept(
    given_token: str | None, previous: str | None, kept: str | None, rotated: bool
) -> None:
    judged = judge({"access_token": "x", "refresh_token": given_token}, previous=previous)
    assert judged.credential.refresh_token == kept
    assert judged.rotated is rotated


def test_absent_refresh_token_keeps_the_previous_one() -> None:
    judged = judge({"access_token": "x"}, previous="old")
    assert judged.credential.refresh_token == "old"
    assert not judged.rotated


@pytest.mark.parametrize("value", [None, 1, "", [], {}])
def test_missing_token_type_is_bearer(value: Any) -> None:
    assert judge({"access_token": "x", "token_type": value}).credential.token_type == "Bearer"
    assert judge({"access_token": "x"}).credential.token_type == "Bearer"


@pytest.mark.parametrize(
    ("value", "declared", "granted"),
    [
        (None, None, None),
        (5, None, None),
        ([1, "a"], None, None),
        ("", None, ()),
        ([], None, ()),
        ("a b", None, ("a", "b")),
        ("a,b", None, ("a", "b")),
        ("c,d e", None, ("c,d", "e")),
        ("a|b", "|", ("a", "b")),
        ("a, b", ",", ("a", "b")),
        (["a", "b", "a"], None, ("a", "b")),
    ],
)
def test_granted_scopes_are_read_or_not_told(value: Any, declared: str | None, granted: tuple[str, ...] | None) -> None:
    assert judge({"access_token": "x", "scope": value}, scope_delimiter=declared).granted_scopes == granted


def test_absent_scope_is_not_told() -> None:
    assert judge({"access_token": "x"}).granted_scopes is None


def test_nested_answer_is_read_at_declared_paths() -> None:
    body = {
        "ok": True,
        "team": {"id": "T1"},
        "authed_user": {"access_token": "user-token", "refresh_token": "r", "expires_in": 60, "scope": "a,b"},
        "sites": [{"host": "one.example"}, {"host": "two.example"}],
        "number": 17,
        "bad": "x\r\ny",
        "flag": True,
    }
    judged = judge(
        body,
        ok="ok",
        access_token="authed_user.access_token|access_token",
        refresh_token="authed_user.refresh_token",
        expires_in="authed_user.expires_in",
        scope="authed_user.scope",
        scope_delimiter=",",
        copy={
            "team": "team.id",
            "host": "sites.1.host",
            "number": "number",
            "none": "sites.9.host",
            "bad": "bad",
            "flag": "flag",
        },
    )
    assert judged.credential.access_token == "user-token"
    assert judged.credential.refresh_token == "r"
    assert judged.expires_at == NOW + timedelta(minutes=1)
    assert judged.granted_scopes == ("a", "b")
    assert judged.variables == {"team": "T1", "host": "two.example", "number": "17"}


def test_second_alternative_of_a_path_serves_the_refresh_answer() -> None:
    judged = judge({"access_token": "top"}, access_token="authed_user.access_token | access_token")
    assert judged.credential.access_token == "top"


@pytest.mark.parametrize("quiet", [None, "", 0, False, "0", [], {}])
def test_error_field_that_says_no_error_is_none(quiet: Any) -> None:
    assert judge({**GOOD, "error": quiet}).credential.access_token == "cnry-access"
