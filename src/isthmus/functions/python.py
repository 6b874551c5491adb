"""Python functions: a source that defines `main`, whose parameters are the function's arguments.

What they find beside the language lies in `python_prelude`; the sandbox's own checker checks their types.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from isthmus.errors import FunctionError
from isthmus.functions.host import Argument, Program
from isthmus.functions.python_marks import NAME, marked

MAX_SOURCE = 1024 * 1024
ENDING = f"\n{NAME} = [0]\nfinish(main(**start(arguments)))\n"
STUBS = (Path(__file__).parent / "python_prelude" / "stubs.pyi").read_text(encoding="utf-8")
_TYPES = {
    "str": "string",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "dict": "map",
    "list": "list",
    "Decimal": "decimal",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "File": "file",
}
"""What annotations of main's parameters are called in a declaration."""
_NO_MAIN = "Define main, with the function's arguments as its parameters: `def main(name: str):`."


def compile_python(source: str, name: str = "") -> Program:
    """The program of a Python function. `Sandbox.check` finds what is wrong with its types.

    Raises FunctionError with line and column where it is no Python, or has no usable `main`.
    """
    if len(source) > MAX_SOURCE:
        raise FunctionError("The function is longer than one megabyte.", line=1, column=1, code="limit_source")
    tree = _parse(source)
    main = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"), None)
    if main is None:
        line = next((node.lineno for node in tree.body if getattr(node, "name", "") == "main"), 1)
        raise FunctionError("There is no plain function `main`.", line=line, column=1, code="no_main", hint=_NO_MAIN)
    return Program(
        language="python",
        source=source,
        compiled=marked(source, tree) + ENDING,
        name=name,
        arguments=_arguments(main),
        return_type=_type(main.returns),
        connections=_literals(tree, "connection"),
        calls=_literals(tree, "call"),
    )


def _parse(source: str) -> ast.Module:
    try:
        tree = ast.parse(source)
        _refuse_half_characters(tree)
        return tree
    except SyntaxError as problem:
        line = min(problem.lineno or 1, source.count("\n") + 1)
        raise FunctionError(
            f"This is no Python: {problem.msg}.", line=line, column=problem.offset or 1, code="syntax"
        ) from None
    except (RecursionError, MemoryError):
        raise FunctionError("The source is nested too deep.", line=1, column=1, code="limit_nesting") from None
    except ValueError as problem:
        raise FunctionError(f"This is no Python: {problem}.", line=1, column=1, code="syntax") from None


def _refuse_half_characters(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_whole(node.value):
            raise FunctionError(
                "The text holds half a character (an unpaired surrogate).",
                line=node.lineno,
                column=node.col_offset + 1,
                code="half_character",
                hint="Write the character itself, or \\U and eight digits.",
            )


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _arguments(main: ast.FunctionDef) -> tuple[Argument, ...]:
    given = main.args
    if given.posonlyargs or given.vararg or given.kwarg:
        raise FunctionError(
            "main takes plain parameters only.",
            line=main.lineno,
            column=main.col_offset + 1,
            code="no_main",
            hint=_NO_MAIN,
        )
    without = len(given.args) - len(given.defaults)
    defaults: list[ast.expr | None] = [None] * without + list(given.defaults) + list(given.kw_defaults)
    return tuple(
        Argument(parameter.arg, _type(parameter.annotation), _constant(default), default is None)
        for parameter, default in zip([*given.args, *given.kwonlyargs], defaults, strict=True)
    )


def _type(annotation: ast.expr | None) -> str:
    """The declared type; empty where the annotation says another or none, and any value is taken."""
    if isinstance(annotation, ast.BinOp):  # `int | None`
        sides = [one for one in (annotation.left, annotation.right) if ast.unparse(one) != "None"]
        annotation = sides[0] if len(sides) == 1 else None
    if isinstance(annotation, ast.Subscript):
        if _last_name(annotation.value) == "Optional":
            return _type(annotation.slice)
        annotation = annotation.value
    return _TYPES.get(_last_name(annotation), "")


def _last_name(node: ast.expr | None) -> str:
    """`date` of `date` and of `datetime.date`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _constant(default: ast.expr | None) -> Any:
    try:
        return None if default is None else ast.literal_eval(default)
    except (ValueError, TypeError, RecursionError):
        return None


def _literals(tree: ast.Module, function: str) -> tuple[str, ...]:
    """The texts that calls of `function` give as their first argument; for invokeurl also `connection=`."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == function and node.args:
            value: ast.expr | None = node.args[0]
        elif node.func.id == "invokeurl":
            value = next((keyword.value for keyword in node.keywords if keyword.arg == function), None)
        else:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            found[value.value] = None
    return tuple(found)
