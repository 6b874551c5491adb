from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.web.console.conftest import Browser, House, hidden_of
from tests.web.oauth.conftest import BACK, Application, read_back, register, s256

pytestmark = pytest.mark.anyio

ISSUER = "http://127.0.0.1:8400"
WRONG_REDIRECTS = [
    None,
    "",
    f"{BACK}/",
    f"{BACK}?x=1",
    f"{BACK}#x",
    f"{BACK}%2e",
    f"{BACK}/..",
    f"{BACK}/../back",
    f" {BACK}",
    f"{BACK} ",
    f"{BACK}\n",
    f"{BACK}\\",
    f"{BACK};x",
    BACK.upper(),
    BACK.replace("back", "Back"),
    BACK.replace("https", "http"),
    BACK.replace("https:", ""),
    BACK.replace("reports.example", "reports.example:443"),
    BACK.replace("reports.example", "reports.example:8443"),
    BACK.replace("reports.example", "reports.example."),
    BACK.replace("reports.example", "evil.reports.example"),
    BACK.replace("reports.example", "reports.example.evil.example"),
    BACK.replace("reports.example", "evilreports.example"),
    BACK.replace("reports.example", "user@reports.example"),
    BACK.replace("reports.example", "reports.example@evil.example"),
    BACK.replace("reports.example", "reports.example\\@evil.example"),
    "https://evil.example/back",
    "//reports.example/back",
    "/back",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://127.0.0.1/back",
]


@pytest.mark.parametrize("redirect_uri", WRONG_REDIRECTS)
async def test_a_redirect_uri_that_is_not_registered_leads_nowhere(
    app: Application, ada: Browser, redirect_uri: str | None
) -> None:
    answer = await app.ask(ada, redirect_uri=redirect_uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_second_redirect_uri_or_client_leads_nowhere(app: Application, ada: Browser) -> None:
    for name, value in (("redirect_uri", BACK), ("client_id", app.client_id)):
        query = "&".join(f"{key}={given}" for key, given in app.request(state="x", scope=None).items())
        answer = await ada.get(f"/oauth/v2/auth?{query}&{name}={value}")
        assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_an_unknown_or_disabled_client_leads_nowhere(house: House, app: Application, ada: Browser) -> None:
    assert (await app.ask(ada, client_id="nobody")).status_code == 400
    assert (await app.ask(ada, client_id=None)).status_code == 400
    system = house.isthmus.protect.system_actor()
    await house.isthmus.clients.update(system, app.client_id, {"disabled": True})
    assert (await app.ask(ada)).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "+" * 43}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ.."}, "request_not_supported"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "people.manage"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"prompt": "none"}, "consent_required"),
        ({"dpop_jkt": "x"}, "invalid_request"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told_to_the_client(
    app: Application, ada: Browser, changes: dict[str, Any], error: str
) -> None:
    answer = await app.ask(ada, **changes)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{BACK}?")
    told = read_back(answer)
    assert (told["error"], told["state"], told["iss"]) == (error, "st/ate", ISSUER)
    assert "code" not in told


async def test_a_repeated_parameter_is_refused(app: Application, ada: Browser) -> None:
    query = "&".join(f"{key}={given}" for key, given in app.request(state="x").items())
    told = read_back(await ada.get(f"/oauth/v2/auth?{query}&scope=connections.use"))
    assert told["error"] == "invalid_request"


async def test_nobody_decides_without_signing_in(app: Application, ada: Browser) -> None:
    waiting = (await app.ask()).headers["location"]
    answer = await app.browser.get(waiting)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={waiting}")
    posted = await app.browser.post(waiting, {"decision": "allow"})
    assert posted.status_code == 403
    assert "Reports" in await ada.page(waiting)


async def test_a_decision_is_sent_from_our_own_page_only(app: Application, ada: Browser) -> None:
    waiting = (await app.ask(ada)).headers["location"]
    await ada.page(waiting)
    answer = await ada.post(waiting, {"decision": "allow", "shown": "x"})
    assert answer.status_code == 403


async def test_a_decision_for_another_person_is_not_taken(house: House, app: Application, ada: Browser) -> None:
    eve = await house.browser("developer", "eve")
    waiting = (await app.ask(ada)).headers["location"]
    seen_by_ada = hidden_of(await ada.page(waiting), waiting)
    own_token = dict(hidden_of(await eve.page(waiting), waiting))["form_token"]
    fields = [*((name, value) for name, value in seen_by_ada if name == "shown"), ("form_token", own_token)]
    answer = await eve.post(waiting, [*fields, ("decision", "allow")])
    assert (answer.status_code, answer.headers["location"]) == (303, waiting)
    assert (await ada.send(waiting, {"decision": "allow"})).headers["location"].startswith(BACK)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"domain": "https://other.example"},
        {"scopes": ["connections.read", "connections.use", "functions.execute", "activity.read"]},
    ],
    ids=["name", "domain", "scopes"],
)
async def test_what_changed_since_it_was_shown_is_asked_anew(
    house: House, app: Application, ada: Browser, change: dict[str, Any]
) -> None:
    waiting = (await app.ask(ada, scope=None)).headers["location"]
    shown = hidden_of(await ada.page(waiting), waiting)
    await house.isthmus.clients.update(house.isthmus.protect.system_actor(), app.client_id, change)
    answer = await ada.post(waiting, [*shown, ("decision", "allow")])
    assert (answer.status_code, answer.headers["location"]) == (303, waiting)
    assert "code" in read_back(await ada.send(waiting, {"decision": "allow"}))


async def test_a_redirect_uri_that_was_taken_away_meanwhile_leads_nowhere(
    house: House, app: Application, ada: Browser
) -> None:
    waiting = (await app.ask(ada)).headers["location"]
    shown = hidden_of(await ada.page(waiting), waiting)
    changes = {"redirect_uris": [f"{BACK}/2"]}
    await house.isthmus.clients.update(house.isthmus.protect.system_actor(), app.client_id, changes)
    for answer in (await ada.get(waiting), await ada.post(waiting, [*shown, ("decision", "allow")])):
        assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_nothing_is_approved_in_advance(house: House, app: Application, ada: Browser) -> None:
    """The same request, one for more, a renamed client and a changed redirect are each asked about."""
    await app.tokens(ada)
    system = house.isthmus.protect.system_actor()
    changes: list[dict[str, Any]] = [{}, {"name": "Renamed"}, {"redirect_uris": [BACK, f"{BACK}/2"]}]
    for change in changes:
        await house.isthmus.clients.update(system, app.client_id, change)
        for scope in ("connections.read", "connections.read connections.use"):
            answer = await app.ask(ada, scope=scope)
            assert answer.headers["location"].startswith("/oauth/v2/consent/")
            assert change.get("name", "Re") in await ada.page(answer.headers["location"])


async def test_a_decision_counts_once(app: Application, ada: Browser) -> None:
    waiting = (await app.ask(ada)).headers["location"]
    assert (await ada.send(waiting, {"decision": "allow"})).status_code == 303
    assert (await ada.get(waiting)).status_code == 404


async def test_a_refusal_is_told_and_gives_no_code(app: Application, ada: Browser) -> None:
    told = await app.decide(ada, await app.ask(ada), "refuse")
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "st/ate", ISSUER)
    assert "code" not in told


async def test_consent_gives_a_code_with_state_and_issuer(app: Application, ada: Browser) -> None:
    told = await app.decide(ada, await app.ask(ada))
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"]) == ("st/ate", ISSUER)


async def test_the_consent_page_says_who_asks_for_what_and_as_whom(house: House, ada: Browser) -> None:
    app = await register(house, name="Gооgle", redirect_uris=["https://xn--bcher-kva.example/back"])
    waiting = (await app.ask(ada, redirect_uri="https://xn--bcher-kva.example/back")).headers["location"]
    answer = await ada.get(waiting)
    for told in ("xn--bcher-kva.example", "Ada", "developer", "connections.read", "mixes letters", "Allow", "Refuse"):
        assert told in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "form-action 'self' https://xn--bcher-kva.example" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_name_is_text_on_the_consent_page(house: House, ada: Browser) -> None:
    app = await register(house, name="<img src=x onerror=alert(1)> {{ 'eval' ~ 'uated' }}")
    page = await ada.page((await app.ask(ada)).headers["location"])
    assert "<img src=x" not in page
    assert "evaluated" not in page


async def test_a_loopback_redirect_may_have_any_port_and_nothing_else(house: House, ada: Browser) -> None:
    app = await register(house, "mobile", redirect_uris=["http://127.0.0.1/cb", "com.example.app:/cb"])
    for fine in ("http://127.0.0.1:51234/cb", "http://127.0.0.1/cb", "com.example.app:/cb"):
        assert (await app.ask(ada, redirect_uri=fine)).status_code == 303, fine
    for wrong in ("http://127.0.0.2/cb", "http://localhost:1/cb", "http://127.0.0.1:1/other", "https://127.0.0.1/cb"):
        assert (await app.ask(ada, redirect_uri=wrong)).status_code == 400, wrong
    told = await app.decide(ada, await app.ask(ada, redirect_uri="http://127.0.0.1:51234/cb"))
    answer = await app.exchange(told["code"], redirect_uri="http://127.0.0.1:51234/cb")
    assert answer.status_code == 200


# --- pushed requests


async def test_a_pushed_request_is_used_once_by_its_own_client(house: House, app: Application, ada: Browser) -> None:
    other = await register(house)
    pushed = await app.post("/oauth/v2/par", client_secret=app.secret, **app.request())
    assert pushed.status_code == 201
    told = pushed.json()
    assert (told["expires_in"], told["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")) == (90, True)

    async def begin(client_id: str, **more: str) -> int:
        query = "&".join(
            f"{k}={v}" for k, v in {"client_id": client_id, "request_uri": told["request_uri"], **more}.items()
        )
        return (await ada.get(f"/oauth/v2/auth?{query}")).status_code

    assert await begin(other.client_id) == 400
    assert await begin(app.client_id, scope="connections.use") == 400
    assert await begin(app.client_id) == 303
    assert await begin(app.client_id) == 400


async def test_a_pushed_request_is_worth_nothing_after_ninety_seconds(
    house: House, app: Application, ada: Browser
) -> None:
    pushed = await app.post("/oauth/v2/par", client_secret=app.secret, **app.request())
    now = house.isthmus.authorize._clock()
    house.isthmus.authorize._clock = lambda: now + timedelta(seconds=91)
    answer = await ada.get(f"/oauth/v2/auth?client_id={app.client_id}&request_uri={pushed.json()['request_uri']}")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_a_push_is_refused_as_the_request_would_be(app: Application) -> None:
    async def push(**changes: str | None) -> tuple[int, str]:
        answer = await app.post("/oauth/v2/par", **{"client_secret": app.secret, **app.request(), **changes})
        return answer.status_code, answer.json().get("error", "")

    assert await push(client_secret="wrong") == (401, "invalid_client")
    assert await push(redirect_uri="https://evil.example/") == (400, "invalid_request")
    assert await push(code_challenge_method="plain") == (400, "invalid_request")
    assert await push(request_uri="urn:x") == (400, "invalid_request")
    assert await push(scope="everything") == (400, "invalid_scope")


async def test_a_client_that_must_push_cannot_do_without(house: House, ada: Browser) -> None:
    app = await register(house, require_pushed_authorization=True)
    assert read_back(await app.ask(ada))["error"] == "invalid_request"
    pushed = await app.post("/oauth/v2/par", client_secret=app.secret, **app.request())
    uri = pushed.json()["request_uri"]
    answer = await ada.get(f"/oauth/v2/auth?client_id={app.client_id}&request_uri={uri}")
    told = await app.decide(ada, answer)
    assert (await app.exchange(told["code"])).status_code == 200


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
