"""The table of built-ins in words, as Markdown: what hover and completion show."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.functions.deluge.entries import Builtin, SystemValue, TaskDefinition, TaskKey


def describe_builtins(entries: Iterable[Builtin], name: str = "") -> str:
    """Signature, sentence and example of each."""
    return "\n\n".join(_builtin(entry, name) for entry in entries)


def _builtin(entry: Builtin, name: str) -> str:
    shown = entry.name if "." in entry.name else name
    gives = f"\n// {entry.gives}" if entry.gives is not None else ""
    return f"`{entry.signature(shown)}`\n\n{entry.summary}\n\n```deluge\n{entry.example}{gives}\n```"


def describe_task(task: TaskDefinition) -> str:
    """What the task does, its keys, an example."""
    keys = "\n".join(f"- {describe_key(key)}" for key in task.keys)
    return f"**{task.name}** {task.summary}\n\n{keys}\n\n```deluge\n{task.example}\n```"


def describe_key(key: TaskKey) -> str:
    """What stands behind the key."""
    needed = ", needed" if key.required else ""
    constants = f" One of {', '.join(key.constants)}." if key.constants else ""
    return f"`{key.name}` ({' or '.join(key.types)}{needed}): {key.summary}{constants}"


def describe_system_value(value: SystemValue) -> str:
    """What the variable holds."""
    return f"`{value.name}` ({value.type}): {value.summary}"
