"""`isthmus connect`: authorize a connection from a terminal, in a browser or by giving the values."""

from __future__ import annotations

import asyncio
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from isthmus.app import Isthmus
from isthmus.cli.errors import NEEDS_PERSON
from isthmus.cli.operator import ConfigOption, LinkName, UserOption, operate, pairs
from isthmus.cli.outcome import ask, read_line, say, told

WAIT_SECONDS = 600
POLL_SECONDS = 0.5
_DONE = ("issued", "reconnected")


@dataclass(frozen=True)
class Given:
    """What the words of the command say about the credential."""

    username: str | None
    password_stdin: bool
    parameters: Mapping[str, str]
    variables: Mapping[str, str]


@told
def connect(
    link: LinkName,
    user: UserOption = None,
    username: Annotated[str | None, typer.Option("--username", help="For Basic; asked for if left out.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="NAME=VALUE of an API key; asked for if left out.")
    ] = None,
    variable: Annotated[
        list[str] | None, typer.Option("--variable", help="NAME=VALUE, such as a workspace; asked for if left out.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    config: ConfigOption = None,
) -> None:
    """Authorize a connection: opens or prints the address and waits, or asks for the values.

    A parameter given as NAME=- is read from standard input, so that a secret need not be a word of the command.
    """
    given = Given(username, password_stdin, pairs(parameter, "--parameter"), pairs(variable, "--variable"))

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        actor = isthmus.protect.system_actor()
        shown = await isthmus.directory.connection(actor, link, user=user)
        service = await isthmus.directory.service(actor, shown["service"])
        document = {**_values(service, given), **_variables(service, shown, given)}
        if user:
            document["user"] = user
        before = await _newest_event(isthmus, link)
        answer = await isthmus.connect.begin(actor, link, document)
        if answer["status"] == "connected":
            return answer
        await _send_to(answer["authorize_url"], isthmus.settings.public_url, no_browser)
        return await _wait(isthmus, link, user, before)

    _tell(link, operate(config, work))


def _values(service: Mapping[str, Any], given: Given) -> dict[str, Any]:
    if service["auth_type"] == "basic":
        name = given.username or ask("Username", "--username")
        password = read_line() if given.password_stdin else ask("Password", "--password-stdin", hidden=True)
        return {"username": name, "password": password}
    if service["auth_type"] == "api_key":
        values = {name: read_line() if value == "-" else value for name, value in given.parameters.items()}
        for part in service["parameters"]:
            if part["key"] not in values:
                label = part["display_name"] or part["key"]
                values[part["key"]] = ask(label, "--parameter", hidden=part["secret"])
        return {"parameters": values}
    return {}


def _variables(service: Mapping[str, Any], shown: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The variables given, and those asked for because a slot would stay empty without them."""
    values = dict(given.variables)
    for variable in service["variables"]:
        known = variable["name"] in values or shown["variables"].get(variable["name"]) or variable["default"]
        if variable["source"] == "person" and variable["required"] and not known:
            label = variable["display_name"] or variable["name"]
            values[variable["name"]] = ask(label, "--variable", hidden=variable["secret"])
    return {"variables": values} if values else {}


async def _send_to(url: str, public_url: str, no_browser: bool) -> None:
    if no_browser or not webbrowser.open(url):
        say("Open this address in a browser, and press Proceed there:")
    else:
        say("Your browser was sent to this address; press Proceed there:")
    say(f"  {url}")
    if not await _is_served(public_url):
        say(f"No server answers at {public_url} yet. Start it in another terminal: isthmus serve")
    say("Waiting for consent ...")


async def _is_served(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), 2)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _wait(isthmus: Isthmus, link: str, user: str | None, before: str) -> dict[str, Any]:
    """Until the server that shares the database has finished the authorization, or the link has run out."""
    actor = isthmus.protect.system_actor()
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        await asyncio.sleep(POLL_SECONDS)
        page = await isthmus.directory.timeline(actor, link, limit=50)
        for event in page.items:
            if event["id"] == before:
                break
            if event["kind"] in _DONE and event["details"].get("user") == user:
                return await isthmus.directory.connection(actor, link, user=user)
            # A failure does not say whose it was: of a personal connection it may be somebody else's.
            if event["kind"] == "connect_failed" and user is None:
                return {"status": "not_connected", "why": f"{event['message']} {event['hint'] or ''}".strip()}
    return {"status": "not_connected", "why": "nobody consented within ten minutes. Run the command again."}


def _tell(link: str, answer: Mapping[str, Any]) -> None:
    if answer["status"] != "connected":
        say(f"Not connected: {answer['why']}")
        raise typer.Exit(NEEDS_PERSON)
    who = f" as {answer['connected_as']}" if answer.get("connected_as") else ""
    print(f"{link} is connected{who}.")


async def _newest_event(isthmus: Isthmus, link: str) -> str:
    page = await isthmus.directory.timeline(isthmus.protect.system_actor(), link, limit=1)
    return str(page.items[0]["id"]) if page.items else ""
