"""Marks in a Python function: where it is, for the limit of time, at which the sandbox does not say it.

Behind a simple statement of each block within a loop of a function, `__at__[0] = LINE` is written, with the line
of the loop. No line moves, and no column before a mark.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress

NAME = "__at__"
_LOOPS = (ast.While, ast.For)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Pass, ast.Delete)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def marked(source: str, tree: ast.Module) -> str:
    """The source with its marks; as it is where they cannot be written."""
    lines = source.split("\n")
    for statements, loop in _blocks(tree):
        any(_mark(lines, statement, loop) for statement in statements)  # one of them is enough
    written = "\n".join(lines)
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        ast.parse(written)
        return written
    return source


def _blocks(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], int]]:
    """The simple statements of each block within a loop, with the line of the innermost one around them."""
    waiting: list[tuple[ast.AST, bool, int]] = [(tree, False, 0)]
    while waiting:
        node, within, loop = waiting.pop()
        if isinstance(node, _FUNCTIONS):
            within, loop = isinstance(node, ast.FunctionDef), 0
        for name, block in ast.iter_fields(node):
            if not isinstance(block, list):
                continue
            here = node.lineno if isinstance(node, _LOOPS) and name == "body" else loop
            if within and here:
                yield [one for one in block if isinstance(one, _SIMPLE)], here
            waiting.extend((one, within, here) for one in block if isinstance(one, ast.stmt | ast.ExceptHandler))


def _mark(lines: list[str], statement: ast.stmt, loop: int) -> bool:
    """Behind the statement, where nothing but a comment follows it on its line; whether it could be."""
    assert statement.end_lineno is not None, "the tree was parsed"
    assert statement.end_col_offset is not None, "the tree was parsed"
    line = lines[statement.end_lineno - 1]
    end = len(line.encode()[: statement.end_col_offset].decode())
    rest = line[end:].strip()
    if rest and not rest.startswith("#"):
        return False
    lines[statement.end_lineno - 1] = f"{line[:end]}; {NAME}[0] = {loop}{line[end:]}"
    return True
