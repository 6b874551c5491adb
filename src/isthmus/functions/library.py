"""The built-ins of a language: Python modules that run inside the sandbox, of which a run takes what it needs.

The modules are ordinary ones: they import each other, are linted, typed and tested like all others. For the sandbox
they become one text without annotations and docstrings, in which each definition stands once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_]\w*")
_STUBS = "host"
"""The module that stands for the sandbox's own `ask`; it is not taken along."""


@dataclass(eq=False)
class _Definition:
    statement: ast.stmt
    order: int
    needs: frozenset[str] = frozenset()

    @cached_property
    def source(self) -> str:
        """Its text. Most definitions are never asked for it, and writing all would take longer than all the rest."""
        return ast.unparse(ast.fix_missing_locations(self.statement))


class Library:
    """Every module of one directory; `package` is the name that they import each other by."""

    def __init__(self, directory: Path, package: str) -> None:
        self._directory = directory
        self._package = package

    def needed(self, code: str) -> frozenset[str]:
        """The names of the library that occur in `code`."""
        return frozenset(set(_NAME.findall(code)) & self._definitions.keys())

    def source(self, names: Iterable[str]) -> str:
        """The text that defines these names and all that they need, in the order of the modules."""
        known = self._definitions
        waiting, taken = list(names), set[str]()
        while waiting:
            name = waiting.pop()
            if name in taken:
                continue
            taken.add(name)
            waiting.extend(known[name].needs)
        chosen = sorted({known[name] for name in taken}, key=lambda d: d.order)
        return "\n".join(d.source for d in chosen) + "\n"

    @cached_property
    def _definitions(self) -> dict[str, _Definition]:
        found: dict[str, _Definition] = {}
        for path in sorted(self._directory.glob("*.py")):
            if path.stem in ("__init__", _STUBS):
                continue
            for statement in ast.parse(path.read_text(encoding="utf-8")).body:
                for name, defined in self._names(statement):
                    # Imports come first: constants of any module may need them.
                    made = _Definition(defined, -1 if isinstance(defined, ast.Import | ast.ImportFrom) else len(found))
                    if name in found and found[name].source != made.source:
                        raise ValueError(f"{path.name} defines {name}, which another module defines too.")
                    found[name] = made
        for name, definition in found.items():
            definition.needs = frozenset(_used(definition.statement) & found.keys()) - {name}
        return found

    def _names(self, statement: ast.stmt) -> list[tuple[str, ast.stmt]]:
        """What a statement of a module defines for the sandbox, and how; nothing for what only linters need."""
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            return [(statement.name, _bare(statement))]
        if isinstance(statement, ast.Import):
            return [(alias.asname or alias.name, ast.Import([alias])) for alias in statement.names]
        if isinstance(statement, ast.ImportFrom):
            origin = str(statement.module)
            if origin in ("__future__", "typing") or origin.startswith(self._package):
                return []
            return [(alias.asname or alias.name, ast.ImportFrom(origin, [alias], 0)) for alias in statement.names]
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            return [(target.id, _bare(statement))] if isinstance(target, ast.Name) else []
        return []


def _used(statement: ast.stmt) -> set[str]:
    """The names that a definition takes from elsewhere; what a function assigns itself is its own."""
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if isinstance(statement, ast.ClassDef):
        return set[str]().union(*map(_used, statement.body))
    if not isinstance(statement, ast.FunctionDef):
        return found
    own = {node.arg for node in ast.walk(statement.args) if isinstance(node, ast.arg)}
    own |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    # The variable of a comprehension is not the function's: outside of it the name may be another's.
    within = [node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension)]
    return found - (own - {node.id for target in within for node in ast.walk(target) if isinstance(node, ast.Name)})


def _bare(statement: ast.stmt) -> ast.stmt:
    found: ast.stmt = _Bare().visit(statement)
    return found


class _Bare(ast.NodeTransformer):
    """Drops annotations and docstrings: the sandbox would carry them through every snapshot."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        node.body = _without_docstring(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.body = _without_docstring(node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.Assign(targets=[node.target], value=node.value)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body
