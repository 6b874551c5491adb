"""`isthmus functions`: code as files, runs and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.app import Isthmus
from isthmus.broker.functions.runner import Asking
from isthmus.broker.functions.values import read_json, write_json
from isthmus.cli.errors import FUNCTION_FAILED
from isthmus.cli.operator import ConfigOption, UserOption, all_items, operate
from isthmus.cli.outcome import say, told
from isthmus.errors import FunctionError, InputError, NotFound
from isthmus.records import Page

ENDINGS = {".deluge": "deluge", ".dg": "deluge", ".py": "python"}
"""How a file of a function ends -> its language; its name before that is the function's."""
_WRITTEN = {"deluge": ".deluge", "python": ".py"}
_SHOWN = 20

functions = typer.Typer(help="Custom functions.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The function's name, such as standalone.notify.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")]


@functions.command("push")
@told
def push(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Such as standalone.notify.deluge or standalone.notify.py.")
    ],
    publish: Annotated[bool, typer.Option("--publish", help="Make the code live, where it passes the check.")] = False,
    note: Annotated[str, typer.Option("--note", help="What this version is about.")] = "",
    config: ConfigOption = None,
) -> None:
    """Save files as drafts of the functions that they are named after; exit 5 if --publish finds an error in one.

    Prints what changed, and one line FILE:LINE:COL for everything that is wrong. A script without a header keeps its
    declared arguments.
    """
    sources = [_read(path) for path in files]

    async def work(isthmus: Isthmus) -> bool:
        good = True
        for path, document in zip(files, sources, strict=True):
            saved = await _save(isthmus, {**document, **({"note": note} if note else {})})
            for problem in saved["problems"]:
                place = f"{path}:{problem['line']}:{problem['column']}"
                say(f"{place}: {problem['severity']}: {problem['message']} {problem['hint']}".rstrip())
            wrong = any(problem["severity"] == "error" for problem in saved["problems"])
            if publish and not wrong:
                saved = {**await _publish(isthmus, saved["name"]), "change": saved["change"]}
            good = good and not (publish and wrong)
            print(f"function {saved['name']}: {saved['change']}, draft {saved['draft_version']}, {_live(saved)}")
        return good

    if not operate(config, work):
        raise typer.Exit(FUNCTION_FAILED)


@functions.command("pull")
@told
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Functions; all of them without any.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The directory that the files go into.")] = Path("."),
    published: Annotated[bool, typer.Option("--published", help="What is live, not the draft.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that differ.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write functions to files, each named after its function; prints their paths."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor, read = isthmus.protect.system_actor(), isthmus.functions.read
        wanted = names or [
            one["name"]
            for one in await all_items(lambda cursor: read.functions(actor, limit=200, cursor=cursor))
            if not published or one["published_version"] is not None
        ]
        version = "published" if published else "draft"
        return [await read.function(actor, name, version=version) for name in wanted]

    found = [(to / f"{one['name']}{_WRITTEN[one['language']]}", str(one["code"])) for one in operate(config, work)]
    for path, code in found:
        if not force and path.exists() and _text(path) != code:
            raise InputError(f"{path} differs.", field=str(path), hint="Push it first, or write over it with --force.")
    for path, code in found:
        _write(path, code)
        print(path)


@functions.command("run")
@told
def run(
    name: Name,
    arguments: Annotated[str, typer.Option("--arguments", help="A JSON object; @FILE reads a file.")] = "",
    record: Annotated[str, typer.Option("--record", help="A JSON object to fill arguments from; @FILE.")] = "",
    mapping: Annotated[str, typer.Option("--mapping", help='Such as {"email": "${Leads.Email}"}; @FILE.')] = "",
    draft: Annotated[bool, typer.Option("--draft", help="The draft, not what is live.")] = False,
    user: UserOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Run a function with the operator's rights: its value goes to standard output as JSON, its info lines to standard
    error; exit 5 if it fails."""
    asking = Asking(
        arguments=_object(arguments, "--arguments") or {},
        record=_object(record, "--record"),
        mapping=_object(mapping, "--mapping"),
        draft=draft,
        user=user,
        trigger="cli",
    )

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        return await isthmus.functions.execute(isthmus.protect.system_actor(), name, asking)

    done = operate(config, work)
    if as_json:
        print(write_json(done))
    else:
        for line in done["info"]:
            say(line)
        if done["error"] is None:
            print(write_json(done["value"]))
    if done["error"] is not None:
        if not as_json:
            _tell(name, done["error"])
        raise typer.Exit(FUNCTION_FAILED)


@functions.command("logs")
@told
def logs(
    what: Annotated[str, typer.Argument(metavar="NAME|RUN", help="A function's name, or the id of one run.")],
    state: Annotated[str | None, typer.Option("--state", help="Only runs in this state, such as failed.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many runs, newest first.")] = _SHOWN,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List a function's runs, newest first; or show one run: arguments, info lines, error, and what it called."""

    async def work(isthmus: Isthmus) -> Page[dict[str, Any]] | dict[str, Any]:
        actor, read = isthmus.protect.system_actor(), isthmus.functions.read
        if "." in what:
            return await read.runs(actor, what, state=state, limit=limit)
        return await read.run(actor, what)

    found = operate(config, work)
    if as_json:
        print(write_json(list(found.items) if isinstance(found, Page) else found))
    elif isinstance(found, Page):
        for one in found.items:
            print(_line(one))
    else:
        _show(found)


def _read(path: Path) -> dict[str, Any]:
    """The function that a file says. Raises InputError that names the file."""
    language = ENDINGS.get(path.suffix)
    if language is None:
        endings = ", ".join(ENDINGS)
        raise InputError(f"{path} does not say its language.", field=str(path), hint=f"End its name with {endings}.")
    return {"name": path.name.removesuffix(path.suffix), "language": language, "code": _text(path)}


async def _save(isthmus: Isthmus, document: dict[str, Any]) -> dict[str, Any]:
    """The function as saved, and `change`: created, updated or unchanged."""
    actor, edit = isthmus.protect.system_actor(), isthmus.functions.edit
    try:
        before = await isthmus.functions.read.function(actor, document["name"])
    except NotFound:
        return {**await edit.create(actor, document), "change": "created"}
    told_by_code = await edit.check(actor, {"language": before["language"], "code": document["code"]})
    if before["language"] == "deluge" and not told_by_code["arguments"]:
        document = {**document, "arguments": before["arguments"]}
    saved = await edit.save(actor, document["name"], document)
    change = "unchanged" if saved["draft_version"] == before["draft_version"] else "updated"
    return {**saved, "change": change}


async def _publish(isthmus: Isthmus, name: str) -> dict[str, Any]:
    try:
        return await isthmus.functions.edit.publish(isthmus.protect.system_actor(), name)
    except FunctionError as problem:
        problem.field = name
        raise


def _live(shown: dict[str, Any]) -> str:
    live = shown["published_version"]
    return "not live" if live is None else f"live {live}"


def _object(words: str, option: str) -> dict[str, Any] | None:
    """A JSON object from an option or its `@FILE`; None where the option is not given."""
    if not words:
        return None
    try:
        found = read_json(_text(Path(words[1:])) if words.startswith("@") else words)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(
            f"{option} takes a JSON object.", field=option, hint='Such as \'{"email": "ann@example.com"}\'.'
        )
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read: {problem.strerror}.", field=str(path), hint="Name a file that is there."
        ) from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"{path} is not UTF-8.", field=str(path), hint="Save the file as UTF-8.") from problem


def _write(path: Path, code: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    except OSError as problem:
        raise InputError(
            f"{path} cannot be written: {problem.strerror}.", field="--to", hint="Choose another directory."
        ) from problem


def _tell(name: str, error: dict[str, Any]) -> None:
    say(f"{name}:{error['line']}:{error['column']}: {error['message']}")
    for line in error["excerpt"].splitlines():
        say(f"    {line}")
    if error["hint"]:
        say(f"hint:  {error['hint']}")


def _line(run: dict[str, Any]) -> str:
    error = f"  {run['error_code']}" if run["error_code"] else ""
    version, elapsed = f"v{run['version']}", f"{run['elapsed_ms']:.0f} ms"
    return f"{run['created_at']}  {run['id']}  {run['state']}  {run['trigger']}  {version}  {elapsed}{error}"


def _show(run: dict[str, Any]) -> None:
    print(_line(run))
    print(f"arguments {write_json(run['arguments'])}")
    for one in run["requests"]:
        parts = (one["kind"], one["connection"], one["method"], one["url"], one["status"] or one["error"])
        print("  ".join(("call", *(str(part) for part in parts if part is not None), f"{one['elapsed_ms']:.0f} ms")))
    for line in run["info"]:
        print(f"info  {line}")
    if run["error"] is None:
        print(f"value {write_json(run['value'])}")
    else:
        error = run["error"]
        print(f"error line {error['line']}, column {error['column']}: {error['message']} {error['hint']}".rstrip())
