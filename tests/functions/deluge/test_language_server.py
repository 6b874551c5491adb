"""The language server as an editor uses it: a process, and messages over its standard input and output."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60.0
URI = "file:///work.dg"
SOURCE = """void standalone.work(string name)
{
	info "😀" + name.getPrefx("-");
	answer = invokeurl
	[
		url : "https://a.example"
		connection : "slakc"
	];
	info answer;
	standalone.notify(answer);
}
"""


class Editor:
    """A client that speaks the protocol by itself."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "isthmus", "deluge", "lsp", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = stream.readline()
            self._messages.put(json.loads(stream.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        return self.wait(lambda message: message.get("id") == self._id)["result"]

    def wait(self, fits: Any) -> dict[str, Any]:
        while True:
            message = self._messages.get(timeout=SECONDS)
            assert "error" not in message, message
            if fits(message):
                return message

    def diagnostics(self) -> list[dict[str, Any]]:
        found = self.wait(lambda message: message.get("method") == "textDocument/publishDiagnostics")
        return list(found["params"]["diagnostics"])

    def begin(self, folder: Path, options: Any = None) -> dict[str, Any]:
        asked = {
            "processId": None,
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": "scripts"}],
            "capabilities": {},
            "initializationOptions": options,
        }
        answer = self.ask("initialize", asked)
        self.tell("initialized", {})
        return dict(answer["capabilities"])

    def open(self, text: str, uri: str = URI) -> list[dict[str, Any]]:
        document = {"uri": uri, "languageId": "deluge", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return self.diagnostics()

    def at(self, method: str, line: int, character: int) -> Any:
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": URI}, "position": place})

    def end(self) -> int:
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(SECONDS)


@pytest.fixture
def editor() -> Iterator[Editor]:
    client = Editor()
    yield client
    client.process.kill()
    client.process.communicate()


def test_an_editor_gets_diagnostics_completion_hover_and_definitions(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "unreadable.dg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "notify.dg").write_text("// tells\nvoid standalone.notify(string text)\n{\n\tinfo text;\n}\n")
    capabilities = editor.begin(tmp_path, {"connections": ["slack"], "functions": ["standalone.notify"]})
    assert capabilities["completionProvider"]["triggerCharacters"] == [".", '"', ":"]
    assert capabilities["hoverProvider"]
    assert capabilities["definitionProvider"]

    found = editor.open(SOURCE)
    assert [(d["code"], d["severity"], d["source"]) for d in found] == [
        ("unknown_function", 1, "deluge"),
        ("unknown_connection", 1, "deluge"),
    ]
    # The protocol counts in UTF-16, where the face is two.
    assert found[0]["range"] == {"start": {"line": 2, "character": 18}, "end": {"line": 2, "character": 26}}
    assert found[0]["message"] == "There is no function `getPrefx`.\nDid you mean getPrefix?"

    labels = {item["label"]: item for item in editor.at("completion", 2, 22)}
    assert "getPrefix" in labels
    assert labels["getPrefix"]["documentation"]["kind"] == "markdown"
    assert "put" not in labels
    links = editor.at("completion", 6, 19)
    assert [item["label"] for item in links] == ["slack"]

    told = editor.at("hover", 3, 12)
    assert "Calls a URL" in told["contents"]["value"]
    assert told["range"]["start"] == {"line": 3, "character": 10}
    assert editor.at("hover", 1, 0) is None

    variable = editor.at("definition", 8, 8)
    assert variable == {"uri": URI, "range": {"start": {"line": 3, "character": 1}, "end": {"line": 3, "character": 7}}}
    function = editor.at("definition", 9, 15)
    assert function["uri"] == (tmp_path / "inner" / "notify.dg").as_uri()
    assert function["range"]["start"]["line"] == 1
    assert editor.end() == 0


def test_changes_are_judged_and_a_closed_document_has_no_problems(editor: Editor, tmp_path: Path) -> None:
    editor.begin(tmp_path)
    assert [d["code"] for d in editor.open("info missing;\n")] == ["undefined_variable"]
    part = {
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        "text": "missing = 1;\n",
    }
    versioned = {"uri": URI, "version": 2}
    editor.tell("textDocument/didChange", {"textDocument": versioned, "contentChanges": [part]})
    assert editor.diagnostics() == []
    half = {"text": 'for each x in {"a":1} { info x; }\nx = "open'}
    editor.tell("textDocument/didChange", {"textDocument": {**versioned, "version": 3}, "contentChanges": [half]})
    assert [(d["code"], d["severity"]) for d in editor.diagnostics()] == [("loop_over_map", 2), ("unclosed_text", 1)]
    editor.tell("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert editor.diagnostics() == []
    assert editor.end() == 0


def test_without_known_names_none_is_judged(editor: Editor, tmp_path: Path) -> None:
    editor.begin(tmp_path)
    assert [d["code"] for d in editor.open(SOURCE)] == ["unknown_function"]
    assert editor.at("completion", 6, 19) == []
    assert editor.end() == 0


def test_no_other_command_loads_the_library() -> None:
    code = (
        "import sys, isthmus.cli.deluge, isthmus.functions.deluge, isthmus.app;"
        "print([name for name in sys.modules if name.startswith(('pygls', 'lsprotocol'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
