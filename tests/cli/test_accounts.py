"""`isthmus api-key` and `isthmus user`."""

from __future__ import annotations

import re
from typing import Any


def test_a_role_that_is_not_there_is_refused_and_no_key_made(terminal: Any) -> None:
    asked = terminal("api-key", "create", "--name", "x", "--role", "king")
    assert asked.exit_code == 2
    assert "field: role" in asked.stderr
    assert asked.stdout == ""
    assert terminal("api-key", "list").stdout == ""


def test_a_key_is_printed_once_alone_on_standard_output(terminal: Any) -> None:
    made = terminal("api-key", "create", "--name", "deploy", "--role", "developer", "--connection", "crm")
    assert made.exit_code == 0
    assert re.fullmatch(r"isk_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}\n", made.stdout)
    terminal("api-key", "create", "--name", "orders", "--role", "member", "--function", "standalone.order")
    listed = terminal("api-key", "list").stdout
    assert listed.count("only standalone.order") == 1
    assert "deploy  developer" in listed
    assert "only crm" in listed
    assert made.stdout.strip() not in listed


def test_a_revoked_key_is_shown_as_such(terminal: Any) -> None:
    terminal("api-key", "create", "--name", "old", "--role", "member")
    key_id = terminal("api-key", "list").stdout.split()[0]
    assert terminal("api-key", "revoke", key_id).exit_code == 0
    assert terminal("api-key", "list").stdout.rstrip().endswith("revoked")
    unknown = terminal("api-key", "revoke", "nobody")
    assert unknown.exit_code == 2
    assert "api key" in unknown.stderr.lower()


def test_every_key_is_listed_beyond_one_page(terminal: Any, environ: Any) -> None:
    import asyncio

    from isthmus.app import build
    from isthmus.settings import Settings

    async def make() -> None:
        isthmus = await build(Settings.load(environ))
        actor = isthmus.protect.system_actor()
        for number in range(203):
            await isthmus.accounts.create_api_key(actor, {"name": f"key {number}", "role": "member"})
        await isthmus.stop()

    asyncio.run(make())
    assert len(terminal("api-key", "list").stdout.splitlines()) == 203


def test_a_person_is_added_with_a_password_that_is_no_word_of_the_command(terminal: Any) -> None:
    words = ["user", "create", "--email", "ann@example.com", "--role", "administrator", "--name", "Ann"]
    made = terminal(*words, "--password-stdin", stdin="a long enough phrase\n")
    assert made.exit_code == 0, made.stderr
    assert "ann@example.com  administrator" in terminal("user", "list").stdout
    again = terminal(*words, "--password-stdin", stdin="a long enough phrase\n")
    assert again.exit_code == 2
    assert "field: email" in again.stderr


def test_two_passwords_that_differ_are_refused(terminal: Any) -> None:
    words = ["user", "create", "--email", "ann@example.com", "--role", "member"]
    asked = terminal(*words, stdin="a long enough phrase\nanother long phrase\n")
    assert asked.exit_code == 2
    assert "differ" in asked.stderr
    assert terminal("user", "list").stdout == ""
