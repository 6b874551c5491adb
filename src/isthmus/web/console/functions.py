"""Functions: the list, the editor with its draft run at once, publishing, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from isthmus.broker.functions.runner import Asking
from isthmus.errors import Conflict, FunctionError, InputError
from isthmus.web.console.connections import read_all
from isthmus.web.console.forms import Form
from isthmus.web.console.frame import ConsoleRoute, Screen

router = APIRouter(tags=["Pages"], route_class=ConsoleRoute)

LANGUAGES = (("deluge", "Deluge"), ("python", "Python"))
STATES = {"draft": "Draft", "published": "Published", "changed": "Published, draft is newer"}
_BEGINNINGS = {
    "deluge": '// What this returns is the value of the run.\nname = "world";\nreturn "Hello, " + name;\n',
    "python": 'def main(name: str = "world"):\n    # What this returns is the value of the run.\n    return "Hello, " + name\n',
}
_SHOWN_CHARACTERS = 64 * 1024
FunctionName = Annotated[str, Path(description="Such as `standalone.notify`.")]


@router.get("/functions", response_class=Response)
async def list_functions(request: Request) -> Response:
    """The functions that the person may run or edit."""
    screen = Screen(request)
    page = await screen.app.functions.read.functions(screen.actor, limit=200, cursor=screen.cursor())
    q = screen.query("q").lower()
    found = [one for one in page.items if not q or q in one["name"].lower() or q in one["description"].lower()]
    return screen.show(
        "console/parts/function_rows.html" if screen.is_fragment else "console/functions.html",
        section="functions",
        functions=found,
        total=len(page.items),
        next=page.next_cursor,
        states=STATES,
        q=q,
    )


@router.get("/new/function", response_class=Response)
async def show_new(request: Request) -> Response:
    """Name and language of a new function."""
    screen = Screen(request)
    screen.require("functions.manage")
    return _new_page(screen, Form({"language": "deluge", "name": "standalone."}.items()))


@router.post("/new/function", response_class=Response)
async def create_function(request: Request) -> Response:
    """Create the function with a few lines to begin from, and open its editor."""
    screen = Screen(request)
    form = screen.form

    async def act() -> Response:
        language = form.text("language")
        document = {
            "name": form.text("name"),
            "language": language,
            "description": form.text("description"),
            "code": _BEGINNINGS.get(language, ""),
        }
        try:
            made = await screen.app.functions.edit.create(screen.actor, document)
        except InputError as error:
            form.headline = "The function was not created yet."
            form.refuse(error)
            return _new_page(screen, form, status=422)
        return screen.go(f"/functions/{made['name']}", "function_created")

    return await screen.once(act)


@router.get("/functions/{name}", response_class=Response)
async def show_function(request: Request, name: FunctionName) -> Response:
    """The editor; for who may only run it, its arguments."""
    screen = Screen(request)
    function = await screen.app.functions.read.function(screen.actor, name)
    return await _page(screen, function, _filled(function))


@router.post("/functions/{name}", response_class=Response)
async def act_on_function(request: Request, name: FunctionName) -> Response:
    """Save draft, Publish what the editor holds, or Run it as it stands, which saves nothing."""
    screen = Screen(request)
    form, functions = screen.form, screen.app.functions
    function = await functions.read.function(screen.actor, name)
    act, edits = form.text("act"), "code" in function
    try:
        if act == "run":
            return await _run(screen, function, edits)
        if edits:
            function = {**function, **await functions.edit.save(screen.actor, name, _draft_of(form))}
        if act == "publish":
            await functions.edit.publish(screen.actor, name)
            return screen.go(f"/functions/{name}", "function_published")
    except (InputError, FunctionError) as error:
        form.headline = {"run": "It was not run.", "publish": "It was not published."}.get(act, "It was not saved.")
        refuse_code(form, error)
        if act != "run" and not isinstance(error, Conflict):
            form.set("base_version", str(function["draft_version"]))
        if act == "run" and screen.is_fragment:
            return _outcome(screen, function, form)
        return await _page(screen, function, form, status=409 if isinstance(error, Conflict) else 422)
    return screen.go(f"/functions/{name}", "function_saved")


@router.get("/functions/{name}/delete", response_class=Response)
async def ask_delete(request: Request, name: FunctionName) -> Response:
    """What calls the function, and the form that deletes it."""
    screen = Screen(request)
    screen.require("functions.manage")
    return await _confirm(screen, name, Form())


@router.post("/functions/{name}/delete", response_class=Response)
async def delete_function(request: Request, name: FunctionName) -> Response:
    """Delete the function whose name was typed."""
    screen = Screen(request)
    form = screen.form
    form.headline = "The function was not deleted."
    if form.text("typed") != name:
        form.wrong("typed", f"Type the name {name} to delete the function.")
        return await _confirm(screen, name, form, status=422)
    try:
        await screen.app.functions.edit.delete(screen.actor, name)
    except Conflict as error:
        form.refuse(error)
        return await _confirm(screen, name, form, status=409)
    return screen.go("/functions", "function_deleted")


def refuse_code(form: Form, error: InputError | FunctionError) -> None:
    """Put what is wrong beside its field; what is wrong in the code with its line."""
    if isinstance(error, InputError):
        form.refuse(error, {"base_version": "code"})
        return
    found = error.details.get("problems") or [
        {"severity": "error", "line": error.line, "message": error.message, "hint": error.hint}
    ]
    told = [
        f"Line {one['line']}: {one['message']} {one['hint'] or ''}".strip()
        for one in found
        if one["severity"] == "error"
    ]
    form.wrong("code", " ".join(told))


def shown_value(value: Any) -> str:
    """A value as text, laid out where it is JSON, cut off after 64 KB."""
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text[:_SHOWN_CHARACTERS].replace("\x00", "\ufffd")


def read_object(form: Form, field: str) -> dict[str, Any]:
    """The JSON object in a field; empty for an empty one. Raises InputError that names the field."""
    text = form.text(field).strip()
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"This is not JSON: {error.msg}, line {error.lineno}.", field=field, hint='Write it like {"name": "Ada"}.'
        ) from None
    if not isinstance(found, dict):
        raise InputError("This is JSON, but not an object.", field=field, hint='Write it like {"name": "Ada"}.')
    return found


def arguments_of(function: Mapping[str, Any]) -> str:
    """A JSON object with every argument of the function, to fill in."""
    given = {argument["name"]: argument.get("default") for argument in function["arguments"]}
    return orjson.dumps(given, option=orjson.OPT_INDENT_2).decode()


def _draft_of(form: Form) -> dict[str, Any]:
    """What the editor holds, with the version that it began from."""
    document: dict[str, Any] = {
        "code": form.value("code").replace("\r\n", "\n"),
        "description": form.text("description"),
        "note": form.text("note"),
    }
    if form.text("base_version").isdecimal():
        document["base_version"] = int(form.text("base_version"))
    return document


async def _run(screen: Screen, function: dict[str, Any], edits: bool) -> Response:
    form, functions = screen.form, screen.app.functions
    code = form.value("code") if edits else None
    if form.text("given") == "record":
        record, mapping = read_object(form, "record"), read_object(form, "mapping")
        asking = Asking(record=record, mapping=mapping, draft=edits, code=code)
    else:
        asking = Asking(arguments=read_object(form, "arguments"), draft=edits, code=code)
    done = await functions.execute(screen.actor, function["name"], asking)
    run = await functions.read.run(screen.actor, done["run_id"])
    if screen.is_fragment:
        return _outcome(screen, function, form, run)
    return await _page(screen, function, form, run=run)


def _filled(function: Mapping[str, Any]) -> Form:
    mapping = {argument["name"]: f"${{{argument['name'].title()}}}" for argument in function["arguments"]}
    return Form(
        {
            "code": function.get("code", ""),
            "description": function["description"],
            "note": "",
            "base_version": str(function["draft_version"]),
            "given": "arguments",
            "arguments": arguments_of(function),
            "record": "{}",
            "mapping": orjson.dumps(mapping, option=orjson.OPT_INDENT_2).decode(),
        }.items()
    )


def _outcome(screen: Screen, function: Mapping[str, Any], form: Form, run: Mapping[str, Any] | None = None) -> Response:
    """What came of a run: a part of the editor's page."""
    return screen.show(
        "console/parts/outcome.html",
        section="",
        function=function,
        form=form,
        run=run,
        shown_value=shown_value,
    )


async def _page(
    screen: Screen,
    function: dict[str, Any],
    form: Form,
    *,
    run: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    edits = screen.may("functions.manage") and "code" in function
    return screen.show(
        "console/function.html",
        section="functions",
        status=status,
        function=function,
        edits=edits,
        form=form,
        run=run,
        states=STATES,
        connections=[connection for connection, _ in await read_all(screen)] if edits else [],
        shown_value=shown_value,
    )


def _new_page(screen: Screen, form: Form, status: int = 200) -> Response:
    return screen.show("console/function_new.html", section="functions", status=status, form=form, languages=LANGUAGES)


async def _confirm(screen: Screen, name: str, form: Form, status: int = 200) -> Response:
    function = await screen.app.functions.read.function(screen.actor, name)
    return screen.show("console/function_delete.html", section="functions", status=status, function=function, form=form)
