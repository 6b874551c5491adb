"""XML answers and bodies, as far as services need them: elements as names, text as values."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from isthmus.expressions import xml_escape

DEPTH = 32


def read_xml(text: str) -> dict[str, Any] | None:
    """The document as JSON would have it, below the name of its root; None for what is no XML, or holds a DOCTYPE.

    Namespaces are left away, attributes are names beginning with `@`, repeated elements become a list, an element with
    text alone its text.
    """
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        return None
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no DOCTYPE, so no entity
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None
    return {_local(root.tag): _value(root, 0)}


def write_xml(root: str, fields: list[tuple[str, str]]) -> bytes:
    """A document of one level: each field an element below `root`."""
    inner = "".join(f"<{name}>{xml_escape(value)}</{name}>" for name, value in fields)
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inner}</{root}>'.encode()


def _value(element: ElementTree.Element, depth: int) -> Any:
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    if depth < DEPTH:
        for child in element:
            name, value = _local(child.tag), _value(child, depth + 1)
            if name not in found:
                found[name] = value
            elif isinstance(found[name], list):
                found[name].append(value)
            else:
                found[name] = [found[name], value]
    text = (element.text or "").strip()
    if not found:
        return text
    return {**found, "#text": text} if text else found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
