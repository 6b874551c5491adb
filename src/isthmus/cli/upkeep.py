"""`isthmus test`, `refresh` and `status`: how connections are, and what mends them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from isthmus.app import Isthmus
from isthmus.cli.errors import NEEDS_PERSON
from isthmus.cli.operator import ConfigOption, LinkName, UserOption, all_items, operate
from isthmus.cli.outcome import told


@told
def test(link: LinkName, user: UserOption = None, config: ConfigOption = None) -> None:
    """Ask the third party who the connection is; exit 3 if it needs a person."""

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        return await isthmus.upkeep.test(isthmus.protect.system_actor(), link, user=user)

    seen = operate(config, work)
    print(json.dumps(seen, indent=2, ensure_ascii=False))
    if not seen["ok"]:
        raise typer.Exit(NEEDS_PERSON)


@told
def refresh(link: LinkName, user: UserOption = None, config: ConfigOption = None) -> None:
    """Refresh a connection's credential now, and say until when it holds."""

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        return await isthmus.upkeep.refresh(isthmus.protect.system_actor(), link, user=user)

    shown = operate(config, work)
    until = f" until {shown['expires_at']}" if shown["expires_at"] else ""
    print(f"{link} is {shown['status'].replace('_', ' ')}{until}.")


@told
def status(
    link: Annotated[str | None, typer.Argument(metavar="[LINK]", help="One connection; all without it.")] = None,
    user: UserOption = None,
    config: ConfigOption = None,
) -> None:
    """Say how connections are, and what mends those that are not well."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor = isthmus.protect.system_actor()
        if link is not None:
            return [await isthmus.directory.connection(actor, link, user=user)]
        return await all_items(lambda cursor: isthmus.directory.connections(actor, limit=200, cursor=cursor, user=user))

    for shown in operate(config, work):
        who = f" as {shown['connected_as']}" if shown["connected_as"] else ""
        print(f"{shown['link_name']}  {shown['service']}  {shown['status']}{who}")
        if shown["status_reason"]:
            print(f"    {shown['status_reason']['message']} {shown['status_reason']['hint']}")
