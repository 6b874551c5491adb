"""`isthmus api-key` and `isthmus user`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from isthmus.app import Isthmus
from isthmus.cli.operator import ConfigOption, all_items, operate
from isthmus.cli.outcome import ask, read_line, say, told
from isthmus.errors import InputError

api_keys = typer.Typer(
    help="API keys: for programs, agents and people's scripts.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
users = typer.Typer(help="People who sign in.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

RoleOption = Annotated[str, typer.Option("--role", help="administrator, developer or member.")]


@api_keys.command("create")
@told
def create_key(
    name: Annotated[str, typer.Option("--name", help="What the key is for.")],
    role: RoleOption,
    connection: Annotated[
        list[str] | None, typer.Option("--connection", help="Limit the key to this link name; repeatable.")
    ] = None,
    function: Annotated[
        list[str] | None, typer.Option("--function", help="Limit the key to running this function; repeatable.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make an API key and print it once, alone on standard output."""

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        document: dict[str, Any] = {"name": name, "role": role}
        if connection:
            document["connections"] = connection
        if function:
            document["functions"] = function
        return dict(await isthmus.accounts.create_api_key(isthmus.protect.system_actor(), document))

    made = operate(config, work)
    print(made["key"])
    say(f"Key {made['id']}. It is shown this once.")


@api_keys.command("list")
@told
def list_keys(config: ConfigOption = None) -> None:
    """List API keys: id, name, role, last characters, state, limits."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor = isthmus.protect.system_actor()
        return await all_items(lambda cursor: isthmus.accounts.api_keys(actor, limit=200, cursor=cursor))

    for key in operate(config, work):
        state = "revoked" if key.get("revoked_at") else "active"
        limits = "".join(f"  only {', '.join(names) or f'no {kind}'}" for kind, names in _limits(key))
        print(f"{key['id']}  {key['name']}  {key['role']}  ...{key.get('hint', '')}  {state}{limits}")


def _limits(key: dict[str, Any]) -> list[tuple[str, list[str]]]:
    kinds = ("connection", "function")
    return [(kind, key[f"{kind}s"]) for kind in kinds if key.get(f"{kind}s") is not None]


@api_keys.command("revoke")
@told
def revoke_key(key_id: Annotated[str, typer.Argument(help="The key's id.")], config: ConfigOption = None) -> None:
    """Revoke an API key; every server refuses it within a second."""

    async def work(isthmus: Isthmus) -> None:
        await isthmus.accounts.revoke_api_key(isthmus.protect.system_actor(), key_id)

    operate(config, work)
    say("Revoked.")


@users.command("create")
@told
def create_user(
    email: Annotated[str, typer.Option("--email", help="The address to sign in with.")],
    role: RoleOption,
    name: Annotated[str, typer.Option("--name", help="How the person is called.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Add a person. The password is asked for, or read from standard input; never given as a word."""
    password = read_line() if password_stdin else _new_password()

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        document = {"email": email, "name": name or email, "role": role, "password": password}
        return dict(await isthmus.accounts.create_user(isthmus.protect.system_actor(), document))

    print(operate(config, work)["id"])


@users.command("list")
@told
def list_users(config: ConfigOption = None) -> None:
    """List people: id, e-mail address, role, state."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor = isthmus.protect.system_actor()
        return await all_items(lambda cursor: isthmus.accounts.users(actor, limit=200, cursor=cursor))

    for user in operate(config, work):
        print(f"{user['id']}  {user['email']}  {user['role']}{'  disabled' if user.get('disabled') else ''}")


def _new_password() -> str:
    password = ask("Password", "--password-stdin", hidden=True)
    if ask("Again", "--password-stdin", hidden=True) != password:
        raise InputError("The two passwords differ.", field="--password-stdin", hint="Type the same one twice.")
    return password
