"""What can be done with a connection: test, refresh, revoke, disable, enable, edit, its policy, delete, call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from isthmus.broker.call import Answer, Call
from isthmus.errors import InputError, IsthmusError
from isthmus.web.asgi import REQUEST_ID
from isthmus.web.console.asking import fill_variables, read_variables, variable_fields
from isthmus.web.console.connecting import LinkName
from isthmus.web.console.connections import is_told_beside, summary
from isthmus.web.console.creation import read_scopes
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen
from isthmus.web.console.usage import uses_of
from isthmus.web.errors import is_expected, judge
from isthmus.web.wording import laid_out

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SHOWN_BYTES = 64 * 1024
_SHOWN_HEADERS = ("content-type", "content-length", "date", "etag", "link", "location", "retry-after", "x-request-id")


@router.post("/connections/{link_name}/test", response_class=Response)
async def test(request: Request, link_name: LinkName) -> Response:
    """Make the service's who-am-I call now."""
    screen = Screen(request)
    seen: dict[str, Any] = {}

    async def act() -> None:
        seen.update(await screen.app.upkeep.test(screen.actor, link_name))

    response = await _act(screen, link_name, act, "tested")
    failed = bool(seen) and not seen["ok"]
    return screen.go(f"/connections/{link_name}") if failed else response  # the page says how the last test ended


@router.post("/connections/{link_name}/disable", response_class=Response)
async def disable(request: Request, link_name: LinkName) -> Response:
    """Switch the connection off; it keeps its grant."""
    screen = Screen(request)
    act = screen.app.directory.set_enabled
    return await _act(screen, link_name, lambda: act(screen.actor, link_name, False), "connection_disabled")


@router.post("/connections/{link_name}/enable", response_class=Response)
async def enable(request: Request, link_name: LinkName) -> Response:
    """Switch the connection on again."""
    screen = Screen(request)
    act = screen.app.directory.set_enabled
    return await _act(screen, link_name, lambda: act(screen.actor, link_name, True), "connection_enabled")


@router.get("/connections/{link_name}/revoke", response_class=Response)
async def ask_revoke(request: Request, link_name: LinkName) -> Response:
    """What taking the grant back means, and the button that does."""
    screen = Screen(request)
    connection = await screen.app.directory.connection(screen.actor, link_name)
    if not connection["use_credentials_of_login_user"]:
        screen.require("connections.manage")
    return await _confirm(screen, link_name, "console/revoke.html")


@router.post("/connections/{link_name}/revoke", response_class=Response)
async def revoke(request: Request, link_name: LinkName) -> Response:
    """Take the grant back at the third party and forget the credential."""
    screen = Screen(request)
    return await _act(screen, link_name, lambda: screen.app.upkeep.revoke(screen.actor, link_name), "revoked")


@router.get("/connections/{link_name}/delete", response_class=Response)
async def ask_delete(request: Request, link_name: LinkName) -> Response:
    """What uses the connection, and the form that deletes it."""
    screen = Screen(request)
    screen.require("connections.manage")
    return await _confirm(screen, link_name, "console/delete.html")


@router.post("/connections/{link_name}/delete", response_class=Response)
async def delete(request: Request, link_name: LinkName) -> Response:
    """Delete the connection whose link name was typed."""
    screen = Screen(request)
    if screen.form.text("typed") != link_name:
        screen.form.headline = "The connection was not deleted."
        screen.form.wrong("typed", f"Type the link name {link_name} to delete the connection.")
        return await _confirm(screen, link_name, "console/delete.html", status=422)
    await screen.app.directory.delete_connection(screen.actor, link_name)
    return screen.go("/connections", "connection_deleted")


@router.get("/connections/{link_name}/edit", response_class=Response)
async def show_edit(request: Request, link_name: LinkName) -> Response:
    """Name, scopes, variables and policy of the connection."""
    screen = Screen(request)
    screen.require("connections.manage")
    connection = await screen.app.directory.connection(screen.actor, link_name)
    policy = connection["policy"]
    form = Form([("name", connection["name"])])
    form.set("scope", *connection["scopes"])
    form.set("use_credentials_of_login_user", "yes" if connection["use_credentials_of_login_user"] else "")
    form.set("methods", *policy["methods"])
    form.set("path_prefixes", "\n".join(policy["path_prefixes"]))
    form.set("credential_export", "yes" if policy["credential_export"] else "")
    form.set("keep_bodies", "yes" if policy["keep_bodies"] else "")
    return await _edit_page(screen, connection, fill_variables(form, connection["variables"]))


@router.post("/connections/{link_name}/edit", response_class=Response)
async def edit(request: Request, link_name: LinkName) -> Response:
    """Save the connection."""
    screen = Screen(request)
    form, directory = screen.form, screen.app.directory
    connection = await directory.connection(screen.actor, link_name)
    service = await directory.service(screen.actor, connection["service"])
    changes = {
        "name": form.text("name"),
        "scopes": read_scopes(form),
        "use_credentials_of_login_user": form.flag("use_credentials_of_login_user"),
        "variables": read_variables(form, service),
        "policy": {
            "methods": form.texts("methods"),
            "path_prefixes": form.text("path_prefixes").split(),
            "credential_export": form.flag("credential_export"),
            "keep_bodies": form.flag("keep_bodies"),
        },
    }
    try:
        await directory.update_connection(screen.actor, link_name, changes)
    except InputError as error:
        form.refuse(error, {"scopes": "other_scopes", "policy.path_prefixes": "path_prefixes"})
        return await _edit_page(screen, connection, form, status=422)
    return screen.go(f"/connections/{link_name}", "connection_saved")


@router.post("/connections/{link_name}/authorizations/{id}/delete", response_class=Response)
async def delete_authorization(request: Request, link_name: LinkName, id: str) -> Response:
    """Forget one person's account."""
    screen = Screen(request)
    act = screen.app.directory.delete_authorization
    return await _act(screen, link_name, lambda: act(screen.actor, link_name, id), "revoked")


@router.get("/connections/{link_name}/call", response_class=Response)
async def show_call(request: Request, link_name: LinkName) -> Response:
    """A call to try, or one to send again: filled in from the address."""
    screen = Screen(request)
    form = Form([("method", screen.query("method") or "GET"), ("url", request.query_params.get("url", "")[:2000])])
    return await _call_page(screen, link_name, form)


@router.post("/connections/{link_name}/call", response_class=Response)
async def send_call(request: Request, link_name: LinkName) -> Response:
    """Send the call with the connection's credential, and show the answer as text."""
    screen = Screen(request)
    form = screen.form
    body = form.text("body")
    call = Call(
        url=form.text("url"),
        method=form.text("method"),
        headers=(("Content-Type", form.text("content_type")),) if body and form.text("content_type") else (),
        body=body or None,
        request_id=request.scope[REQUEST_ID],
    )
    try:
        answer = await screen.app.invoker.invoke(screen.actor, link_name, call)
    except IsthmusError as error:
        if not is_expected(error) or not is_told_beside(error):
            raise
        form.headline = "The call was not made."
        form.wrong({"type": "method"}.get(error.field or "", "url"), f"{error.message} {error.hint}")
        return await _call_page(screen, link_name, form, status=judge(error).status)
    return await _call_page(screen, link_name, form, answer=answer)


async def _act(screen: Screen, link_name: str, act: Callable[[], Awaitable[Any]], done: str) -> Response:
    """Do it and go back to the summary, which says so; what went wrong is said there as well."""
    try:
        await act()
    except IsthmusError as error:
        if not is_expected(error) or not is_told_beside(error):
            raise
        return await summary(screen, link_name, judge(error))
    return screen.go(f"/connections/{link_name}", done)


async def _confirm(screen: Screen, link_name: str, template: str, status: int = 200) -> Response:
    connection = await screen.app.directory.connection(screen.actor, link_name)
    form = screen.form if status != 200 else Form()
    uses = await uses_of(screen, link_name)
    return screen.show(template, section="connections", status=status, connection=connection, form=form, uses=uses)


async def _edit_page(screen: Screen, connection: dict[str, Any], form: Form, status: int = 200) -> Response:
    service = await screen.app.directory.service(screen.actor, connection["service"])
    return screen.show(
        "console/edit.html",
        section="connections",
        status=status,
        connection=connection,
        service=service,
        form=form,
        variables=variable_fields(service),
        ticked=form.texts("scope"),
        methods=METHODS,
    )


async def _call_page(
    screen: Screen, link_name: str, form: Form, *, answer: Answer | None = None, status: int = 200
) -> Response:
    connection = await screen.app.directory.connection(screen.actor, link_name)
    service = await screen.app.directory.service(screen.actor, connection["service"])
    return screen.show(
        "console/call.html",
        section="connections",
        status=status,
        connection=connection,
        service=service,
        form=form,
        methods=METHODS,
        answer=answer,
        shown=shown_answer(answer) if answer else "",
        headers=[(name, value) for name, value in answer.headers if name in _SHOWN_HEADERS] if answer else [],
    )


def shown_answer(answer: Answer) -> str:
    """The body as text: JSON laid out, anything else as it is, cut off after 64 KB."""
    return laid_out(answer.body[:_SHOWN_BYTES].decode("utf-8", "replace"))
