"""XML, and the part of XPath that scripts use: paths, `//`, `*`, `@name`, `text()`, `[n]`, `[@a='b']`, `[child='v']`."""

from __future__ import annotations

import re
from typing import Any

from isthmus.functions.deluge.prelude.printing import text
from isthmus.functions.deluge.prelude.reading import json_value
from isthmus.functions.deluge.prelude.values import as_text, plain

MAX_MARKUP = 2 * 1024 * 1024
MAX_LEVEL = 60
PIECES = re.compile("<!--[\\s\\S]*?-->|<!\\[CDATA\\[[\\s\\S]*?\\]\\]>|<\\?[\\s\\S]*?\\?>|<![^>]*>|<[^>]*>|[^<]+")
OPENING = re.compile("<([A-Za-z_][\\w:.-]*)([\\s\\S]*?)(/?)>")
ATTRIBUTE = re.compile("([A-Za-z_][\\w:.-]*)\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')")
STEP = re.compile("(@?)(text\\(\\)|[A-Za-z_][\\w:.-]*|\\*|\\.)((?:\\[[^\\]]*\\])*)")
CONDITION = re.compile("\\[([^\\]]*)\\]")
COMPARED = re.compile("\\s*(@?[A-Za-z_][\\w:.-]*|text\\(\\))\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')\\s*")
KNOWN = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class Element:
    """An element: `children` are elements and texts in order."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Any] = []


def escaped(value: str) -> str:
    """A text within XML."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(value: str) -> str:
    """What a text within XML says. Entities that a document declares itself are left as they stand."""
    if "&" not in value:
        return value
    parts = value.split("&")
    shown = [parts[0]]
    for part in parts[1:]:
        word, semicolon, rest = part.partition(";")
        if semicolon and word in KNOWN:
            shown.append(KNOWN[word] + rest)
        elif semicolon and word[:1] == "#" and character(word[1:]):
            shown.append(character(word[1:]) + rest)
        else:
            shown.append("&" + part)
    return "".join(shown)


def character(code: str) -> str:
    """The character of `65` or `x41`; empty where it is none."""
    try:
        number = int(code[1:], 16) if code[:1] in ("x", "X") else int(code)
    except ValueError:
        return ""
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def parse_markup(written: str, name: str) -> Element:
    """The document: an element without a name, around the root."""
    if len(written) > MAX_MARKUP:
        raise ValueError("'" + name + "' function: the text is over the limit of 2 MB.")
    document = Element("", {})
    open_elements = [document]
    for piece in PIECES.findall(written):
        top = open_elements[-1]
        if piece[:9] == "<![CDATA[":
            top.children.append(piece[9 : len(piece) - 3])
        elif piece[:2] in ("<!", "<?"):
            continue
        elif piece[:2] == "</":
            if piece[2 : len(piece) - 1].strip() != top.name or len(open_elements) == 1:
                raise ValueError("'" + name + "' function: the text is not XML, " + piece[:40] + " closes nothing.")
            open_elements.pop()
        elif piece[:1] == "<":
            element, closed = opening(piece, name)
            top.children.append(element)
            if not closed:
                open_elements.append(element)
            if len(open_elements) > MAX_LEVEL:
                raise ValueError(
                    "'" + name + "' function: nested deeper than the limit of " + str(MAX_LEVEL) + " levels."
                )
        elif len(open_elements) > 1:
            top.children.append(unescaped(piece))
    if len(open_elements) > 1 or not document.children:
        raise ValueError("'" + name + "' function: the text is not XML.")
    return document


def opening(piece: str, name: str) -> tuple[Element, bool]:
    """The element that a tag opens, and whether the tag closes it too."""
    found = OPENING.fullmatch(piece)
    if found is None:
        raise ValueError("'" + name + "' function: the text is not XML at " + piece[:40] + ".")
    attributes = {}
    for match in ATTRIBUTE.finditer(found.group(2)):
        attributes[match.group(1)] = unescaped(match.group(2) or match.group(3) or "")
    return Element(found.group(1), attributes), found.group(3) == "/"


def written_out(node: Any) -> str:
    """An element with its tags; a text as XML writes it."""
    if type(node) is str:
        return escaped(node)
    attributes = "".join(
        [" " + key + '="' + escaped(node.attributes[key]).replace('"', "&quot;") + '"' for key in node.attributes]
    )
    inner = "".join([written_out(child) for child in node.children])
    return "<" + node.name + attributes + ">" + inner + "</" + node.name + ">"


def inner_text(node: Any) -> str:
    """All text within an element."""
    return node if type(node) is str else "".join([inner_text(child) for child in node.children])


def descendants(node: Element) -> list[Any]:
    """The element and all elements below it, in order."""
    found: list[Any] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        found.append(current)
        below = [child for child in current.children if type(child) is not str]
        below.reverse()
        waiting.extend(below)
    return found


def select(document: Element, path: str) -> list[Any]:
    """What an XPath finds: elements, texts, and for an attribute an element of its name."""
    rest = path.strip()
    current: list[Any] = [document]
    while rest:
        deep = rest[:2] == "//"
        rest = rest[2:] if deep else rest[1:] if rest[0] == "/" else rest
        found = STEP.match(rest)
        if found is None:
            raise ValueError("'executeXPath' function: the path " + repr(path[:80]) + " is not valid.")
        start = [below for node in current for below in descendants(node)] if deep else current
        rest = rest[found.end() :]
        if rest and rest[0] != "/":
            raise ValueError("'executeXPath' function: the path " + repr(path[:80]) + " is not valid.")
        stepped: list[Any] = []
        for node in start:
            if type(node) is not str:
                stepped.extend(kept(taken(node, found.group(1), found.group(2)), found.group(3), path))
        current = stepped
    return current


def taken(node: Element, sign: str, test: str) -> list[Any]:
    """One step from an element."""
    if test == ".":
        return [node]
    if test == "text()":
        return [child for child in node.children if type(child) is str]
    if sign == "@":
        found = []
        for key in node.attributes:
            if test in ("*", key):
                attribute = Element(key, {})
                attribute.children.append(node.attributes[key])
                found.append(attribute)
        return found
    return [child for child in node.children if type(child) is not str and test in ("*", child.name)]


def kept(nodes: list[Any], conditions: str, path: str) -> list[Any]:
    """The nodes that fulfil `[2]`, `[last()]`, `[@a='b']`, `[child='v']`, `[@a]` or `[child]`."""
    for written in CONDITION.findall(conditions):
        condition = written.strip()
        compared = COMPARED.fullmatch(condition)
        if condition.isdigit():
            place = int(condition)
            nodes = nodes[place - 1 : place] if place else []
        elif condition == "last()":
            nodes = nodes[-1:]
        elif compared is not None:
            value = unescaped(compared.group(2) or compared.group(3) or "")
            nodes = [node for node in nodes if value in told(node, compared.group(1))]
        elif STEP.fullmatch(condition) is not None:
            nodes = [node for node in nodes if told(node, condition)]
        else:
            raise ValueError("'executeXPath' function: the path " + repr(path[:80]) + " is not valid.")
    return nodes


def told(node: Any, test: str) -> list[str]:
    """The texts that a step from a node finds."""
    if type(node) is str:
        return []
    name = test[1:] if test[0] == "@" else test
    return [inner_text(found) for found in taken(node, test[:1] if test[0] == "@" else "", name)]


def elements_of(value: Any, name: str, depth: int) -> list[Any]:
    """The elements of a JSON value under a name; a list repeats the name."""
    if depth > MAX_LEVEL:
        raise ValueError("'toXml' function: nested deeper than the limit of " + str(MAX_LEVEL) + " levels.")
    value = plain(value)
    if type(value) is list:
        return [element for item in value for element in elements_of(item, name, depth + 1)]
    element = Element(name, {})
    if type(value) is dict:
        for key in value:
            tag = re.sub("[^\\w.-]", "_", text(key))
            element.children.extend(
                elements_of(value[key], "_" + tag if tag[:1].isdigit() or not tag else tag, depth + 1)
            )
    elif value is not None:
        element.children.append(text(value))
    return [element]


def document_of(x: Any, name: str) -> Element:
    """The document of an XML text, a JSON text or a map; JSON lies under /root."""
    value = plain(x)
    if type(value) is str and value.lstrip()[:1] in ("{", "["):
        value = json_value(value, name)
    if type(value) is str:
        return parse_markup(value, name)
    if type(value) not in (dict, list):
        as_text(x, name)
    document = Element("", {})
    root = Element("root", {})
    document.children.append(root)
    elements = elements_of(value, "root" if type(value) is dict else "element", 0)
    root.children = elements[0].children if type(value) is dict else elements
    return document


def f_executexpath(x: Any, path: Any) -> str:
    return "".join(
        [
            written_out(node) if type(node) is not str else node
            for node in select(document_of(x, "executeXPath"), as_text(path, "executeXPath"))
        ]
    )


def f_toxml(x: Any) -> str:
    return "".join([written_out(child) for child in document_of(x, "toXml").children])


def f_toxmllist(x: Any) -> list[str]:
    document = document_of(x, "toXmlList")
    return [written_out(child) for child in document.children if type(child) is not str]
