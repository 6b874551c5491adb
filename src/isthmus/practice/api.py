"""The REST API behind each authentication type."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from isthmus.practice import oauth1, oauth2
from isthmus.practice.messages import Answer, Request, json_answer, redirect, split_pairs
from isthmus.practice.state import API_KEY, APP_ID, APP_KEY, PASSWORD, PEOPLE, USERNAME, State, fingerprint

KINDS = ("oauth2", "oauth1", "basic", "key", "twokey")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "x-app-key", "cookie"})
_SECRET_PARAMETERS = frozenset({"access_token", "api_key", "oauth_token", "oauth_signature", "oauth_verifier"})
_CHALLENGES = {
    "oauth2": 'Bearer error="invalid_token"',
    "oauth1": 'OAuth realm="practice"',
    "basic": 'Basic realm="practice", charset="UTF-8"',
}
_CHUNK = b"i" * 65_536
_FAST = b'{"ok":true,"padding":"' + b"p" * 226 + b'"}'


async def serve(state: State, request: Request) -> Answer:
    """One API call: who asks, then what for."""
    kind, _, rest = request.path[1:].partition("/api")
    state.count("api_calls")
    spoiled = await oauth2.spoil(state, "api")
    if spoiled is not None:
        state.note(request, spoiled.status, "dial")
        return spoiled
    try:
        credential, account, scopes = await _who(state, request, kind)
    except oauth1.Refused as refused:
        state.count("unauthorized")
        state.note(request, 401, refused.problem)
        document = {"error": "invalid_token", "oauth_problem": refused.problem}
        return json_answer(document, 401, www_authenticate=_CHALLENGES["oauth1"])
    if account is None:
        state.count("unauthorized")
        state.note(request, 401, "invalid_token", credential=credential)
        challenge = _CHALLENGES.get(kind, 'ApiKey realm="practice"')
        return json_answer({"error": "invalid_token"}, 401, www_authenticate=challenge)
    answer = await _answer(state, request, rest or "/", account, scopes)
    outcome = "ok" if answer.status < 400 else f"http_{answer.status}"
    state.note(request, answer.status, outcome, credential=credential, account=account)
    return answer


async def _who(state: State, request: Request, kind: str) -> tuple[str | None, str | None, list[str]]:
    """Credential, account (None if it is not good) and scopes."""
    header = request.headers.get("authorization", "")
    if kind == "oauth2":
        given, family = oauth2.bearer(state, request)
        if family is None and given is None:
            given = dict(await request.form_pairs()).get("access_token")
        return given, family.account if family else None, family.scopes if family else []
    if kind == "oauth1":
        token, account = await oauth1.resource_owner(state, request)
        return token, account, []
    if kind == "basic":
        return header or None, _basic_account(header), []
    if kind == "twokey":
        pair = (request.headers.get("x-app-id"), request.headers.get("x-app-key"))
        return pair[1], "ada" if pair == (APP_ID, APP_KEY) else None, []
    key = request.headers.get("x-api-key") or (header[6:] if header.startswith("Token ") else None)
    key = key or request.query().get("api_key") or dict(await request.form_pairs()).get("api_key")
    return key, "ada" if key == API_KEY else None, []


def _basic_account(header: str) -> str | None:
    """RFC 7617: the scheme in any case, user and password as UTF-8, split at the first colon."""
    scheme, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    return USERNAME if scheme.lower() == "basic" and given == f"{USERNAME}:{PASSWORD}" else None


async def _answer(state: State, request: Request, path: str, account: str, scopes: list[str]) -> Answer:
    if path == "/fast":
        return Answer(200, _FAST)
    if path in ("/me", "/user"):
        return json_answer(
            {**PEOPLE[account], "scopes": scopes, "type": "User", "url": f"{request.origin}/users/{account}"}
        )
    if path == "/items" or path.startswith("/items/"):
        return await _items(state, request, path)
    if path == "/echo" or path.startswith("/echo/"):
        return await _echo(request)
    if path == "/v1/customers" or path.startswith("/v1/customers/"):
        return await _customers(state, request, path)
    if path == "/auth.test":
        return json_answer({"ok": True, "user": account, "team": "practice", "url": request.origin + "/"})
    if path == "/chat.postMessage":
        return await _message(state, request)
    if path == "/sink":
        size = 0
        async for chunk in request.chunks():
            size += len(chunk)
        return json_answer({"received": size})
    return await _transport(request, path)


async def _transport(request: Request, path: str) -> Answer:
    """What exercises the way an answer travels, and not what it says."""
    asked = request.query()
    try:
        if path == "/bytes":
            return _bytes(int(asked.get("n", "1024")))
        if path.startswith("/status/"):
            return _status(int(path[8:]))
        if path == "/slow":
            await asyncio.sleep(min(float(asked.get("seconds", "1")), 120.0))
            return json_answer({"slow": True})
        if path == "/redirect":
            return redirect(asked.get("to", "/"), int(asked.get("code", "302")))
    except ValueError:
        return json_answer({"error": "invalid_request"}, 400)
    return json_answer({"error": "not_found"}, 404)


def _status(code: int) -> Answer:
    if not 200 <= code <= 599:
        raise ValueError
    return json_answer({"status": code}, code)


async def _message(state: State, request: Request) -> Answer:
    fields = await _fields(request)
    channel, stamp = fields.get("channel", "C1"), f"{int(state.now())}.{state.number():06d}"
    return json_answer(
        {"ok": True, "channel": channel, "ts": stamp, "message": {"text": fields.get("text", ""), "ts": stamp}}
    )


async def _items(state: State, request: Request, path: str) -> Answer:
    if path == "/items":
        if request.method == "POST":
            fields = await _fields(request)
            number = state.number()
            state.items[number] = {**fields, "id": number}
            return json_answer(state.items[number], 201)
        return json_answer({"items": list(state.items.values())})
    number = int(path[7:]) if path[7:].isdecimal() else 0
    if number not in state.items:
        return json_answer({"error": "not_found"}, 404)
    if request.method == "DELETE":
        del state.items[number]
        return Answer(204, b"", "text/plain")
    if request.method == "PUT":
        state.items[number] = {**await _fields(request), "id": number}
    elif request.method == "PATCH":
        state.items[number] = {**state.items[number], **await _fields(request), "id": number}
    elif request.method not in ("GET", "HEAD"):
        return json_answer({"error": "method_not_allowed"}, 405, allow="GET, PUT, PATCH, DELETE")
    return json_answer(state.items[number])


async def _fields(request: Request) -> dict[str, Any]:
    if request.is_form:
        return dict(await request.form_pairs())
    try:
        document = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


async def _echo(request: Request) -> Answer:
    """What arrived. `path` is as it was sent; `query` is taken apart, `query_string` is as it was sent."""
    body = await request.body()
    text = body[:100_000].decode("utf-8", "replace")
    return json_answer(
        {
            "method": request.method,
            "path": request.raw_path,
            "query": [[name, _hide(name, value)] for name, value in split_pairs(request.query_string)],
            "query_string": _hide_in(request.query_string),
            "headers": {
                name: fingerprint(value) if name in _SECRET_HEADERS else value
                for name, value in request.headers.items()
            },
            "length": len(body),
            "body": _hide_in(text) if request.is_form else text,
        }
    )


def _hide(name: str, value: str) -> str:
    return fingerprint(value) if name in _SECRET_PARAMETERS else value


def _hide_in(text: str) -> str:
    """A query or form as it was sent, but for the values that are credentials."""
    parts = (part.partition("=") for part in text.split("&"))
    return "&".join(
        name + sign + _hide(name, unquote_plus(value) if name in _SECRET_PARAMETERS else value)
        for name, sign, value in parts
    )


async def _customers(state: State, request: Request, path: str) -> Answer:
    identifier = path[len("/v1/customers/") :]
    known = state.customers.get(identifier)
    if not identifier and request.method == "GET":
        data = list(state.customers.values())
        return json_answer({"object": "list", "data": data, "has_more": False, "url": "/v1/customers"})
    if request.method == "DELETE" and known:
        del state.customers[identifier]
        return json_answer({"id": identifier, "object": "customer", "deleted": True})
    identifier = identifier or f"cus_{state.number()}"
    fields = await _fields(request) if request.method == "POST" else {}
    customer = {"object": "customer", "email": "ada@example.com", "livemode": False, **(known or {}), **fields}
    customer["id"] = identifier
    if request.method == "POST":
        state.customers[identifier] = customer
    return json_answer(customer)


def _bytes(count: int) -> Answer:
    if count < 0:
        raise ValueError

    def chunks() -> Iterator[bytes]:
        left = count
        while left > 0:
            yield _CHUNK[: min(left, len(_CHUNK))]
            left -= len(_CHUNK)

    return Answer(200, b"", "application/octet-stream", [("content-length", str(count))], chunks())
