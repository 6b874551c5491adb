"""Functions for tests: written, published and run in a few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.world import ADMIN, World

from isthmus.broker.functions.functions import Functions
from isthmus.broker.functions.runner import Asking
from isthmus.errors import InputError
from isthmus.records import Actor

HELLO = 'def main(name: str = "you") -> str:\n    info("told", name)\n    return "Hello " + name\n'
NAME = "standalone.hello"


@dataclass(frozen=True)
class Workshop:
    world: World

    @property
    def functions(self) -> Functions:
        return self.world.isthmus.functions

    async def draft(self, code: str = HELLO, name: str = NAME, actor: Actor = ADMIN, **more: Any) -> dict[str, Any]:
        document = {"name": name, "language": "python", "code": code, **more}
        return await self.functions.edit.create(actor, document)

    async def live(self, code: str = HELLO, name: str = NAME, actor: Actor = ADMIN, **more: Any) -> dict[str, Any]:
        await self.draft(code, name, actor, **more)
        return await self.functions.edit.publish(actor, name)

    async def run(self, name: str = NAME, actor: Actor = ADMIN, **asking: Any) -> dict[str, Any]:
        return await self.functions.execute(actor, name, Asking(**asking))

    async def value(self, name: str = NAME, actor: Actor = ADMIN, **arguments: Any) -> Any:
        """What it returns; a failure is a failure."""
        done = await self.run(name, actor, arguments=arguments)
        assert done["error"] is None, done["error"]
        return done["value"]

    async def error(self, name: str = NAME, actor: Actor = ADMIN, **arguments: Any) -> dict[str, Any]:
        done = await self.run(name, actor, arguments=arguments)
        assert done["error"] is not None, done
        return dict(done["error"])

    async def told(self, action: str) -> list[dict[str, Any]]:
        """What the activity log says of this action, oldest first."""
        page = await self.world.isthmus.directory.activity(ADMIN, limit=200)
        return [entry for entry in reversed(page.items) if entry["action"] == action]


def code_of(work: Callable[[], object]) -> str | None:
    """The code of the InputError that this raises, or None; anything else it raises is a fault."""
    try:
        work()
    except InputError as problem:
        return problem.code
    return None
