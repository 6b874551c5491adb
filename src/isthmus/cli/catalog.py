"""`isthmus catalog`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.app import Isthmus, build_catalog, catalog_stats, check_catalog
from isthmus.cli import publishing
from isthmus.cli.adding import add
from isthmus.cli.errors import FAILED
from isthmus.cli.operator import ConfigOption, operate
from isthmus.cli.outcome import say, told
from isthmus.errors import InputError

catalog = typer.Typer(help="Service definitions.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

ALL = 1_000_000


@catalog.command("check")
@told
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Definition files or directories; the product's own without any.")
    ] = None,
) -> None:
    """Check service definitions; one line per problem, exit 1 if there is any."""
    found = check_catalog(paths)
    for problem in found:
        print(f"{problem.path}: {problem.field}: {problem.message} {problem.hint}")
    if found:
        raise typer.Exit(FAILED)
    say("No problems found.")


@catalog.command("stats")
@told
def stats() -> None:
    """Count the product's default services: by evidence, authentication type, mark and category."""
    for heading, counts in catalog_stats().items():
        print(heading)
        for name, number in counts.items():
            print(f"  {number:>5}  {name}")


catalog.command("add")(told(add))
catalog.command("key")(told(publishing.key))
catalog.command("bundle")(told(publishing.bundle))
catalog.command("update")(told(publishing.update))


MarkedOption = Annotated[
    bool, typer.Option("--marked", help="Also retired, sandbox and legacy ones that are neither set up nor used.")
]


async def _cards(isthmus: Isthmus, *, q: str = "", category: str = "", marked: bool = False) -> list[dict[str, Any]]:
    actor = isthmus.protect.system_actor()
    page = await isthmus.directory.cards(actor, q=q, category=category, marked=marked, limit=ALL)
    return list(page.items)


def _print_cards(cards: list[dict[str, Any]]) -> None:
    for card in cards:
        marks = f"  ({', '.join(card['marks'])})" if card["marks"] else ""
        print(f"{card['link_name']}  {card['name']}  {card['auth_type']}  {card['category']}{marks}")


@catalog.command("list")
@told
def list_services(
    category: Annotated[str, typer.Option("--category", help="Only this category.")] = "",
    marked: MarkedOption = False,
    config: ConfigOption = None,
) -> None:
    """List services: link name, name, authentication type, category."""
    cards = operate(config, lambda isthmus: _cards(isthmus, category=category, marked=marked))
    _print_cards(sorted(cards, key=lambda card: str(card["link_name"])))


@catalog.command("search")
@told
def search(
    query: Annotated[str, typer.Argument(help="A name, alias, category or host; a misspelling will do.")],
    marked: MarkedOption = False,
    config: ConfigOption = None,
) -> None:
    """Search services, the most fitting first."""
    _print_cards(operate(config, lambda isthmus: _cards(isthmus, q=query, marked=marked)))


@catalog.command("build")
@told
def build() -> None:
    """Build the index of the product's definitions anew. It happens by itself, too, when one of them changed."""
    say(f"{build_catalog()} services.")


@catalog.command("show")
@told
def show(
    link_name: Annotated[str, typer.Argument(help="The service's link name.")], config: ConfigOption = None
) -> None:
    """Print one service as JSON."""

    async def work(isthmus: Isthmus) -> dict[str, Any]:
        return await isthmus.directory.service(isthmus.protect.system_actor(), link_name)

    print(json.dumps(operate(config, work), indent=2, ensure_ascii=False))


@catalog.command("changes")
@told
def changes(
    acknowledge: Annotated[
        list[str] | None, typer.Option("--acknowledge", metavar="LINK", help="Agree to what changed of this service.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print which default services in use changed, and how."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor = isthmus.protect.system_actor()
        await isthmus.notices.look()
        for link_name in acknowledge or ():
            await isthmus.notices.acknowledge(actor, link_name)
        return await isthmus.notices.pending(actor)

    found = operate(config, work)
    for service in found:
        print(f"{service['link_name']}  {service['name']}  {service['at']}")
        for change in service["changes"]:
            print(f"    {change}")
    if not found:
        say("No default service in use has a change to acknowledge.")


@catalog.command("docs")
@told
def docs(
    directory: Annotated[Path, typer.Argument(help="A directory; it is made where there is none.")],
    link_names: Annotated[list[str] | None, typer.Argument(help="Only these services.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write a guide per service as Markdown: how to register, scopes, what is unusual, what breaks and why."""

    async def work(isthmus: Isthmus) -> list[dict[str, Any]]:
        actor = isthmus.protect.system_actor()
        if link_names:
            return [await isthmus.directory.guide(actor, link_name) for link_name in link_names]
        return [guide async for guide in isthmus.directory.guides(actor)]

    guides = operate(config, work)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for guide in guides:
            (directory / f"{guide['link_name']}.md").write_text(guide["markdown"], encoding="utf-8")
        index = "".join(f"- [{guide['name']}]({guide['link_name']}.md)\n" for guide in guides)
        (directory / "index.md").write_text(f"# Services\n\n{index}", encoding="utf-8")
    except OSError as problem:
        raise InputError(f"The guides cannot be written: {problem.strerror}.", field="directory") from problem
    say(f"{len(guides)} guides written to {directory}.")
