from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.web.stand_in import FACTS, SESSION, StandIn, connected_client

from isthmus import errors
from isthmus.web.signin import safe_next

pytestmark = pytest.mark.anyio
OWN = {"Origin": "http://127.0.0.1:8400"}
EVIL = "<script>alert(1)</script>"


def hidden(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text)}


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "http:/evil.example",
        "javascript:alert(1)",
        "/%2f%2fevil.example",
        "%2f%2fevil.example",
        "/%5cevil.example",
        "/a//evil.example",
        "///evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "/a?next=//evil.example",
        "/a#//evil",
        "/a?u=https://evil.example",
        "evil.example",
        "@evil.example",
        "/@evil.example",
        "",
        "/" + "a" * 600,
        "/\u2215evil",
        "/a\x00",
    ],
)
async def test_sign_in_leads_nowhere_but_here(client: httpx.AsyncClient, target: str) -> None:
    assert safe_next(target) == "/"
    form = hidden((await client.get("/login", params={"next": target})).text)
    assert form["next"] == "/"
    fields = {"email": "ann@example.com", "password": "right", "next": target}
    answer = await client.post("/login", data=fields, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_path_of_ours_is_where_sign_in_leads() -> None:
    for target in ("/", "/connect/A-z_0", "/a/b?c=d&e=f"):
        assert safe_next(target) == target


@pytest.mark.parametrize("path", ["/login", "/logout", "/connect/token"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_a_form_from_elsewhere_is_refused(
    client: httpx.AsyncClient, app: StandIn, path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(path, data={"email": "a", "password": "right"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert app.calls.made == []


async def test_a_form_needs_both_halves_of_its_token(client: httpx.AsyncClient, app: StandIn) -> None:
    page = await client.get("/connect/token")
    form, cookie = hidden(page.text), page.headers["set-cookie"].split(";")[0]
    client.cookies.clear()
    cases = [
        ({}, {"Cookie": cookie}),
        (form, {}),
        ({"form_token": "0" * 64}, {"Cookie": cookie}),
        (form, {"Cookie": "isthmus_form=other"}),
        (form, {"Cookie": cookie, "Origin": "https://evil.example"}),
        (form, {"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}),
    ]
    for fields, headers in cases:
        assert (await client.post("/connect/token", data=fields, headers=headers)).status_code == 403
    other = await client.post("/connect/another", data=form, headers={"Cookie": cookie})
    assert other.status_code == 403
    answer = await client.post("/connect/token", data=form, headers={"Cookie": cookie, "Origin": "null"})
    assert answer.status_code == 303


async def test_wrong_passwords_get_the_same_page_whoever_it_is(client: httpx.AsyncClient, app: StandIn) -> None:
    answer = await client.post("/login", data={"email": EVIL, "password": "wrong"}, headers=OWN)
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text
    assert EVIL not in answer.text
    assert "&lt;script&gt;" in answer.text
    app.accounts.sign_in_error = errors.RateLimited(
        "Too many.", retry_at=datetime.now(UTC) + timedelta(seconds=20), code="too_many_attempts"
    )
    answer = await client.post("/login", data={"email": "a", "password": "right"}, headers=OWN)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) in (19, 20)
    assert "isthmus=" not in answer.headers.get("set-cookie", "").replace("isthmus_form=", "")


async def test_signing_in_makes_a_new_session_and_ends_the_old(client: httpx.AsyncClient, app: StandIn) -> None:
    fields = {"email": "ann@example.com", "password": "right", "next": "/connect/token"}
    answer = await client.post("/login", data=fields, headers={**OWN, "Cookie": f"isthmus={SESSION}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/token")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("isthmus=fresh-session-")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/;" in cookie
    assert SESSION not in app.protect.sessions


async def test_signing_out_ends_the_session_at_the_server(client: httpx.AsyncClient, app: StandIn) -> None:
    assert (await client.get("/logout")).status_code == 405
    answer = await client.post("/logout", headers={**OWN, "Cookie": f"isthmus={SESSION}"})
    assert answer.status_code == 303
    assert "isthmus=; " in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert app.protect.sessions == {}


async def test_behind_https_cookies_are_secure_and_host_bound() -> None:
    app = StandIn(public_url="https://isthmus.example")
    async with connected_client(app) as client:
        own = {"Origin": "https://isthmus.example"}
        session = await client.post("/login", data={"email": "a", "password": "right"}, headers=own)
        assert session.headers["set-cookie"].startswith("__Host-isthmus=")
        assert "; Secure" in session.headers["set-cookie"]
        browser = await client.post("/connect/token", headers=own)
        assert browser.headers["set-cookie"].startswith("__Secure-isthmus_connect_1=secret")
        assert "; Secure" in browser.headers["set-cookie"]
        headers = {"Cookie": "__Secure-isthmus_connect_1=secret; isthmus_connect_1=planted"}
        await client.get("/oauth/callback/practice?state=s", headers=headers)
        assert app.calls.last("finish")[0][2] == {"isthmus_connect_1": "secret"}


async def test_the_consent_page_says_who_asks_for_what_and_changes_nothing(
    client: httpx.AsyncClient, app: StandIn
) -> None:
    app.connect.answers["describe"] = {**FACTS, "asked_by": f"Ann {EVIL}", "user": "customer-7"}
    answer = await client.get("/connect/token")
    for part in ("CRM", "Practice", "customer-7", "Read contacts", "contacts.read", "provider.example", "Proceed"):
        assert part in answer.text
    assert EVIL not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert app.calls.count("proceed") == 0
    assert "form-action 'self' https: http://provider.example:*;" in answer.headers["content-security-policy"]


async def test_a_host_that_is_none_stays_out_of_the_policy(client: httpx.AsyncClient, app: StandIn) -> None:
    app.connect.answers["describe"] = {**FACTS, "host": "evil; script-src *"}
    answer = await client.get("/connect/token")
    assert "script-src *" not in answer.headers["content-security-policy"]


async def test_proceeding_binds_the_browser_and_leads_to_the_provider(client: httpx.AsyncClient) -> None:
    answer = await client.post("/connect/token", headers=OWN)
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://provider.example/authorize?state=s"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("isthmus_connect_1=secret; Path=/oauth/callback; Max-Age=600; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_must_sign_in_first_is_sent_there_and_back(
    client: httpx.AsyncClient, app: StandIn, method: str
) -> None:
    app.calls.fail_with = errors.NotAuthenticated("Sign in.", code="sign_in_required")
    answer = await client.request(method, "/connect/token", headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/connect/token")


async def test_the_visitor_is_the_signed_in_person_or_nobody(client: httpx.AsyncClient, app: StandIn) -> None:
    for cookie, expected in ((SESSION, "user:ann"), ("ended", None)):
        await client.get("/connect/token", headers={"Cookie": f"isthmus={cookie}"})
        visitor = app.calls.last("describe")[0][1]
        assert (visitor.id if visitor else None) == expected
    await client.get("/connect/token", headers={"Authorization": f"Bearer {app.keys['administrator']}"})
    assert app.calls.last("describe")[0][1] is None


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectError("It was refused.", details={"error": EVIL}),
        errors.ConnectError(EVIL, hint=EVIL, code="access_denied"),
    ],
)
async def test_a_callback_that_fails_says_so_in_text(client: httpx.AsyncClient, app: StandIn, error: Exception) -> None:
    app.calls.fail_with = error
    answer = await client.get(f"/oauth/callback/practice?error={EVIL}&error_description=d-e-s-c&state=st4te&code=c0de")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert EVIL not in answer.text
    assert "&lt;script&gt;" in answer.text
    for secret in ("st4te", "c0de", "d-e-s-c"):
        assert secret not in answer.text
        assert secret not in repr(app.log)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "OPTIONS"])
async def test_only_get_uses_a_callback_up(client: httpx.AsyncClient, app: StandIn, method: str) -> None:
    answer = await client.request(method, "/oauth/callback/practice?state=s&code=c")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert app.calls.made == []


@pytest.mark.parametrize(
    "body", [b"a=%ff", b"\xff", "&".join(f"a{n}=1" for n in range(101)).encode(), b"code=" + b"c" * 9000]
)
async def test_a_posted_callback_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, app: StandIn, body: bytes
) -> None:
    assert (await client.post("/oauth/callback/practice", content=body)).status_code == 400
    assert app.calls.made == []


async def test_a_posted_callback_judges_nothing_and_leads_on_with_all_that_came(
    client: httpx.AsyncClient, app: StandIn
) -> None:
    body = b"state=s&code=a%26b%0D%0AX&code=2&user=%7B%22name%22%3A%22M%C3%A4ra%22%7D"
    headers = {"Origin": "https://provider.example", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/oauth/callback/practice", content=body, headers=headers)
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    assert (parts.netloc, parts.path) == ("", "/oauth/callback/practice")
    assert parse_qsl(parts.query) == [("state", "s"), ("code", "a&b\r\nX"), ("code", "2"), ("user", '{"name":"Mära"}')]
    assert "set-cookie" not in answer.headers
    assert app.calls.made == []
    odd = await client.post("/oauth/callback/%2F%2Fevil.example", content=b"state=s")
    assert odd.headers.get("location", "/oauth/callback/").startswith("/oauth/callback/")


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
async def test_fetching_in_advance_does_not_use_a_callback_up(
    client: httpx.AsyncClient, app: StandIn, header: str
) -> None:
    answer = await client.get("/oauth/callback/practice?state=s", headers={header: "prefetch;prerender"})
    assert answer.status_code == 425
    assert app.calls.made == []


@pytest.mark.parametrize("query", ["a=%ff", "&".join(f"a{n}=1" for n in range(101))])
async def test_a_callback_that_cannot_be_read_is_refused(client: httpx.AsyncClient, app: StandIn, query: str) -> None:
    assert (await client.get(f"/oauth/callback/practice?{query}")).status_code == 400
    assert app.calls.made == []


async def test_a_callback_hands_on_what_came_and_ends_at_a_clean_url(client: httpx.AsyncClient, app: StandIn) -> None:
    query = "code=c0de&state=a&state=b&empty=&plus=a+b%2F"
    headers = {"Cookie": f"isthmus={SESSION}; isthmus_connect_1=secret"}
    answer = await client.get(f"/oauth/callback/practice?{query}", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/connections/crm")
    assert answer.content == b""
    service, parameters, cookies, visitor = app.calls.last("finish")[0]
    assert service == "practice"
    assert parameters == [("code", "c0de"), ("state", "a"), ("state", "b"), ("empty", ""), ("plus", "a b/")]
    assert cookies["isthmus_connect_1"] == "secret"
    assert visitor.id == "user:ann"


async def test_that_a_connection_was_made_is_told_to_the_browser_that_made_it(client: httpx.AsyncClient) -> None:
    assert "Nothing to show" in (await client.get("/connected/crm")).text
    await client.get("/oauth/callback/practice?state=s&code=c")
    told = (await client.get("/connected/crm")).text
    assert "<h1>Connected</h1>" in told
    assert "<code>crm</code>" in told
    assert "ann@provider.example" in told
    assert "Nothing to show" in (await client.get("/connected/other")).text
    for value in ("nonsense", "e30", "bnVsbA", "eyJsaW5rX25hbWUiOiJjcm0ifQ"):
        client.cookies.clear()
        text = (await client.get("/connected/crm", headers={"Cookie": f"isthmus_connected={value}"})).text
        assert "Nothing to show" in text


POLYGLOT = "{{ 'eval' ~ 'uated' }} ${'eval'+'uated'} {0.__class__} %s"
"""Would show as "evaluated" wherever a name were taken for a template."""


async def test_names_are_text_and_never_templates(client: httpx.AsyncClient, app: StandIn) -> None:
    app.connect.answers["describe"] = {**FACTS, "name": POLYGLOT, "asked_by": "{% raw %}"}
    text = unescape((await client.get("/connect/token")).text)
    assert POLYGLOT in text
    assert "evaluated" not in text


async def test_the_front_page_says_who_is_signed_in(client: httpx.AsyncClient) -> None:
    away = await client.get("/")
    assert (away.status_code, away.headers["location"]) == (303, "/login")
    page = (await client.get("/", headers={"Cookie": f"isthmus={SESSION}"})).text
    assert "<span>Ann</span>" in page
    assert "Sign out" in page
