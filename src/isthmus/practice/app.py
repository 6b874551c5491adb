"""The practice party as one ASGI application."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from isthmus.practice import api, control, oauth1, oauth2, vendor
from isthmus.practice.messages import Answer, Receive, Request, Scope, Send, json_answer, page, send_answer
from isthmus.practice.state import State

_INDEX = """
<p>A third party to practise on. It forgets everything when it ends.</p>
<ul>
<li>OAuth 2: <code>/oauth2/authorize</code>, <code>/oauth2/token</code>, <code>/oauth2/revoke</code>,
 API below <code>/oauth2/api</code></li>
<li>OAuth 1.0a: <code>/oauth1/temporary</code>, <code>/oauth1/authorize</code>, <code>/oauth1/token</code>,
 API below <code>/oauth1/api</code></li>
<li>Basic: API below <code>/basic/api</code>; API keys: below <code>/key/api</code> and <code>/twokey/api</code></li>
<li>Each API: <code>/me</code>, <code>/items</code>, <code>/echo</code>, <code>/bytes?n=</code>, <code>/sink</code>,
 <code>/status/404</code>, <code>/slow?seconds=</code>, <code>/redirect?to=</code></li>
<li>Dials: GET and POST <a href="/practice/dials"><code>/practice/dials</code></a>; what happened:
 <a href="/practice/log"><code>/practice/log</code></a>, <a href="/practice/counters"><code>/practice/counters</code></a></li>
</ul>
"""


class Practice:
    """The application; `state` is everything it remembers."""

    def __init__(self) -> None:
        self.state = State()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        request = Request.of(scope, receive)
        answer = await self._answer(request)
        if answer.lost:
            await _stay_silent(receive)
            return
        await send_answer(send, answer, self.state.now(), head_only=request.method == "HEAD")

    async def _answer(self, request: Request) -> Answer:
        path, state = request.path, self.state
        first, _, rest = path[1:].partition("/")
        if first in api.KINDS and (rest == "api" or rest.startswith("api/")):
            return await api.serve(state, request)
        if first == "vendor":
            return await vendor.play(state, request)
        if path == "/practice/reset" and request.method == "POST":
            self.state.turned.set()
            self.state = State()
            return json_answer({"reset": True})
        if first == "practice":
            return await control.serve(state, request)
        endpoints = {
            "/oauth2/authorize": oauth2.authorize,
            "/oauth2/token": oauth2.token,
            "/oauth2/revoke": oauth2.revoke,
            "/oauth1/temporary": oauth1.temporary,
            "/oauth1/authorize": oauth1.authorize,
            "/oauth1/token": oauth1.token,
        }
        if path in endpoints:
            return await endpoints[path](state, request)
        if path == "/.well-known/oauth-authorization-server":
            return oauth2.metadata(request)
        if path == "/":
            return page("Practice third party", _INDEX)
        return json_answer({"error": "not_found"}, 404)


async def _stay_silent(receive: Receive) -> None:
    """Hold an answer back until the caller has given up, an hour at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(3600):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                await asyncio.sleep(0.05)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


def create_app() -> Practice:
    """A fresh practice party."""
    return Practice()


app = create_app()
