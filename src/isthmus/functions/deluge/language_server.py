"""The language server: diagnostics, completion, hover and definitions for editors, over standard input and output.

The only module that knows pygls; it is loaded by the command that runs it.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from isthmus.functions.deluge import check, parse
from isthmus.functions.deluge.completion import Item, Kind, complete
from isthmus.functions.deluge.lexer import MAX_SOURCE
from isthmus.functions.deluge.navigation import definition, hover
from isthmus.functions.deluge.problems import Problem

SUFFIXES = (".dg", ".deluge")
_MOST_FILES = 500
_MOST_FOLDERS = 2_000
_KINDS: dict[Kind, types.CompletionItemKind] = {
    "function": types.CompletionItemKind.Function,
    "method": types.CompletionItemKind.Method,
    "variable": types.CompletionItemKind.Variable,
    "keyword": types.CompletionItemKind.Keyword,
    "constant": types.CompletionItemKind.Constant,
    "connection": types.CompletionItemKind.Reference,
    "key": types.CompletionItemKind.Property,
    "task": types.CompletionItemKind.Snippet,
}


class DelugeServer(LanguageServer):
    """Knows the link names and function names that are offered and judged; None means that it is not judged."""

    def __init__(self, version: str, connections: Collection[str] | None, functions: Collection[str] | None) -> None:
        super().__init__("isthmus-deluge", version)
        self.connections = connections
        self.functions = functions

    def told(self, options: Any) -> None:
        """Take names from the client's `initializationOptions`: `{"connections": [...], "functions": [...]}`."""
        if isinstance(options, dict):
            self.connections = _texts(options.get("connections"), self.connections)
            self.functions = _texts(options.get("functions"), self.functions)

    def source(self, uri: str) -> str:
        return self.workspace.get_text_document(uri).source

    def publish(self, uri: str) -> None:
        """Send what is wrong with a document."""
        source = self.source(uri)
        lines = source.split("\n")
        found = check(source, connections=self.connections, functions=self.functions)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=[self._diagnostic(lines, one) for one in found])
        )

    def _diagnostic(self, lines: list[str], problem: Problem) -> types.Diagnostic:
        severity = types.DiagnosticSeverity.Error if problem.severity == "error" else types.DiagnosticSeverity.Warning
        return types.Diagnostic(
            range=self.span(lines, problem.line, problem.column, problem.end_column),
            message=f"{problem.message}\n{problem.hint}".rstrip(),
            severity=severity,
            code=problem.code,
            source="deluge",
        )

    def place(self, source: str, position: types.Position) -> tuple[int, int]:
        """Line and column, from 1 and in characters, of a position in the client's units."""
        lines = source.split("\n")
        text = lines[position.line] if position.line < len(lines) else ""
        units = column = 0
        while column < len(text) and units < position.character:
            units += self._units(text[column])
            column += 1
        return position.line + 1, column + 1

    def span(self, lines: list[str], line: int, column: int, end_column: int) -> types.Range:
        """The client's range for a part of a line."""
        text = lines[line - 1] if line <= len(lines) else ""
        start, end = self._units(text[: column - 1]), self._units(text[: end_column - 1])
        return types.Range(types.Position(line - 1, start), types.Position(line - 1, max(end, start)))

    def _units(self, text: str) -> int:
        return int(self.workspace.position_codec.client_num_units(text))

    def find_function(self, name: str) -> types.Location | None:
        """The header of another function, among the scripts of the workspace's folders."""
        folders = [folder.uri for folder in self.workspace.folders.values()] or [self.workspace.root_uri or ""]
        paths = itertools.chain.from_iterable(_scripts(folder) for folder in folders)
        for path in itertools.islice(paths, _MOST_FILES):
            header = parse(_read(path)).header
            if header is not None and header.name == name:
                start = types.Position(header.line - 1, 0)
                return types.Location(path.as_uri(), types.Range(start, start))
        return None


def run(version: str, connections: Collection[str] | None = None, functions: Collection[str] | None = None) -> None:
    """Serve the client at standard input and output until it says goodbye."""
    server = _make_server(version, connections, functions)
    # The server closes its output at the end; the process still has use for its own.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        server.start_io(stdout=output)


def _make_server(version: str, connections: Collection[str] | None, functions: Collection[str] | None) -> DelugeServer:
    server = DelugeServer(version, connections, functions)
    # The annotations of these functions tell the library what to decode.
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
    server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    options = types.CompletionOptions(trigger_characters=[".", '"', ":"])
    server.feature(types.TEXT_DOCUMENT_COMPLETION, options)(_completion)
    server.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    server.feature(types.TEXT_DOCUMENT_DEFINITION)(_definition)
    return server


def _initialize(server: DelugeServer, params: types.InitializeParams) -> None:
    server.told(params.initialization_options)


def _opened(server: DelugeServer, params: types.DidOpenTextDocumentParams) -> None:
    server.publish(params.text_document.uri)


def _changed(server: DelugeServer, params: types.DidChangeTextDocumentParams) -> None:
    server.publish(params.text_document.uri)


def _closed(server: DelugeServer, params: types.DidCloseTextDocumentParams) -> None:
    empty = types.PublishDiagnosticsParams(uri=params.text_document.uri, diagnostics=[])
    server.text_document_publish_diagnostics(empty)


def _completion(server: DelugeServer, params: types.CompletionParams) -> list[types.CompletionItem]:
    source = server.source(params.text_document.uri)
    line, column = server.place(source, params.position)
    found = complete(source, line, column, connections=server.connections or (), functions=server.functions or ())
    return [_item(item) for item in found]


def _item(item: Item) -> types.CompletionItem:
    return types.CompletionItem(
        label=item.label,
        kind=_KINDS[item.kind],
        detail=item.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, item.documentation)
        if item.documentation
        else None,
        insert_text=item.insert_text,
    )


def _hover(server: DelugeServer, params: types.HoverParams) -> types.Hover | None:
    source = server.source(params.text_document.uri)
    line, column = server.place(source, params.position)
    found = hover(source, line, column, connections=server.connections)
    if found is None:
        return None
    return types.Hover(
        types.MarkupContent(types.MarkupKind.Markdown, found.text),
        server.span(source.split("\n"), found.line, found.column, found.end_column),
    )


def _definition(server: DelugeServer, params: types.DefinitionParams) -> types.Location | None:
    source = server.source(params.text_document.uri)
    line, column = server.place(source, params.position)
    found = definition(source, line, column)
    if found is None:
        return None
    if found.function:
        return server.find_function(found.function)
    span = server.span(source.split("\n"), found.line, found.column, found.end_column)
    return types.Location(params.text_document.uri, span)


def _texts(value: Any, otherwise: Collection[str] | None) -> Collection[str] | None:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else otherwise


def _scripts(folder: str) -> list[Path]:
    """The scripts below a folder of the client, as far as some seconds allow: it may be the whole disk."""
    parts = urlparse(folder)
    if parts.scheme != "file":
        return []
    found: list[Path] = []
    for place, folders, files in itertools.islice(os.walk(unquote(parts.path)), _MOST_FOLDERS):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        found += (Path(place, name) for name in sorted(files) if name.endswith(SUFFIXES))
        if len(found) > _MOST_FILES:
            break
    return found


def _read(path: Path) -> str:
    """The text of a file; empty if it cannot be read, or is too large for a script."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_SOURCE + 1)
    except OSError:
        return ""
