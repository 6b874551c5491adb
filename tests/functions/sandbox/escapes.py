"""Programs that try to get out of the sandbox: to a file, the environment, the network, a process, another run.

The Python ones are of the kinds that are published against sandboxes inside a language's run time: walks over classes,
frames and globals, formats, errors' attributes, imports, pickles, native calls. `FILE` and `PORT` are put in; what a
program returns is held against the canaries. Each with `works_outside` is tried in plain Python first, where it has to
succeed: what fails there proves nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass

VARIABLE = "ISTHMUS_TEST_CANARY"


@dataclass(frozen=True, slots=True)
class Escape:
    """One program; `source` is the body of `main` or, with `def`, everything."""

    name: str
    source: str
    works_outside: bool = True


_CLASSES = "().__class__.__base__.__subclasses__()"

PYTHON = (
    Escape("open", "return open('FILE').read()"),
    Escape("environment by import", f"import os\nreturn os.environ['{VARIABLE}']"),
    Escape("environment by __import__", f"return __import__('os').environ['{VARIABLE}']"),
    Escape("environment by getenv", f"from os import getenv\nreturn getenv('{VARIABLE}')"),
    Escape("proc of this process", "return open('/proc/self/environ').read()"),
    Escape("the root by another way", "return open('/proc/self/rootFILE').read()"),
    Escape("popen", "import os\nreturn os.popen('cat FILE').read()"),
    Escape("subprocess", "import subprocess\nreturn subprocess.check_output(['cat', 'FILE']).decode()"),
    Escape(
        "subclasses to os",
        f"for c in {_CLASSES}:\n"
        "    if c.__name__ == '_wrap_close':\n"
        f"        return c.__init__.__globals__['environ']['{VARIABLE}']",
    ),
    Escape(
        "subclasses to a loader",
        f"for c in {_CLASSES}:\n    if c.__name__ == 'BuiltinImporter':\n"
        f"        return c.load_module('posix').environ[b'{VARIABLE}'].decode()",
    ),
    Escape("builtins of a function", "return (lambda: 0).__globals__['__builtins__'].open('FILE').read()"),
    Escape("builtins of builtins", "return print.__self__.open('FILE').read()"),
    Escape(
        "format into globals",
        "import os\nclass A:\n    def __init__(self): pass\n"
        f"globals()['os'] = os\nreturn '{{0.__init__.__globals__[os].environ[{VARIABLE}]}}'.format(A())",
    ),
    Escape(
        "frame of a traceback",
        "try: 1 / 0\nexcept Exception as e: return e.__traceback__.tb_frame.f_builtins['open']('FILE').read()",
    ),
    Escape(
        "frame of a generator",
        "def g(): yield [x.gi_frame.f_back.f_builtins for x in [box[0]]]\n"
        "box = []\nbox.append(g())\nreturn next(box[0])[0]['open']('FILE').read()",
    ),
    Escape(
        "object of an attribute error",
        "try: print.nothing\nexcept AttributeError as e: return e.obj.__self__.open('FILE').read()",
    ),
    Escape("eval", "return eval('open(\"FILE\").read()')"),
    Escape("exec", "found = {}\nexec('x = open(\"FILE\").read()', found)\nreturn found['x']"),
    Escape(
        "names put together",
        "a = '__cla' + 'ss__'\nb = '__ba' + 'se__'\nc = getattr(getattr((), a), b).__subclasses__()\n"
        "return [x for x in c if x.__name__ == '_wrap_close'][0].__init__.__globals__['popen']('cat FILE').read()",
    ),
    Escape("importlib", "import importlib\nreturn importlib.import_module('io').open('FILE').read()"),
    Escape("sys.modules", f"import sys\nreturn sys.modules['os'].environ['{VARIABLE}']"),
    Escape("pathlib", "from pathlib import Path\nreturn Path('FILE').read_text()"),
    Escape(
        "code object",
        "import types\ncode = compile('open(\"FILE\").read()', 'x', 'eval')\nreturn eval(code)",
    ),
    Escape("pickle", "import pickle\nreturn pickle.loads(b\"csubprocess\\ngetoutput\\n(S'cat FILE'\\ntR.\")"),
    Escape(
        "native call",
        "import ctypes\nlibrary = ctypes.CDLL(None)\nlibrary.getenv.restype = ctypes.c_char_p\n"
        f"return library.getenv(b'{VARIABLE}').decode()",
    ),
    Escape(
        "socket",
        "import socket\ns = socket.create_connection(('127.0.0.1', PORT), 2)\ns.sendall(b'out')\nreturn 'connected'",
    ),
    Escape(
        "urllib", "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1:PORT/', timeout=1).read()"
    ),
    Escape("a file of its own", "open('FILE.made', 'w').write('x')\nreturn 'made'"),
    Escape("a question to the host", "return [ask('read', 'FILE'), ask('invokeurl')]", works_outside=False),
    Escape("a zone that is a path", "return ask('offset', ask('now'), '../../../../FILE')", works_outside=False),
    Escape("a charset that is a module", "return ask('decode', b'x', 'os.path')", works_outside=False),
    Escape("the embedder's names", "return [f() for f in (answers, session, host)]", works_outside=False),
    Escape("end of the parent", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", works_outside=False),
    Escape("what another run left", "return [left_behind, File.left_behind]", works_outside=False),
)

DELUGE = (
    Escape("python's names", 'return __import__("os").environ;'),
    Escape("open of python", 'return open("FILE");'),
    Escape("eval of python", "return eval(\"open('FILE').read()\");"),
    Escape("classes", 'x = "a"; return x.__class__.__base__.__subclasses__();'),
    Escape("fields of a map", "m = Map(); return m.__class__.__init__.__globals__;"),
    Escape("a text that ends early", "info \"a'); ask('read', 'FILE') #\"; info '\\'); open(\"FILE\") #';"),
    Escape("marks of the compiler", "info \"\ue0001,1\ue001); open('FILE') #\u2028open('FILE')\";"),
    Escape(
        "a variable of the compiler", "limit = 99999999; n = 0 - 99999999; at = 5; statements_used = {0}; return limit;"
    ),
    Escape(
        "an entity of XML",
        'x = \'<!DOCTYPE a [<!ENTITY e SYSTEM "file://FILE">]><a>&e;</a>\'; return x.executeXPath("/a");',
    ),
    Escape(
        "a file that is a path", 'f = "x".toFile("../../../../FILE.made"); return f.compress("FILE.made").extract();'
    ),
    Escape("a time zone that is a path", 'return zoho.currenttime.toString("z", "../../../..FILE");'),
    Escape("what another run left", "return left_behind;"),
)
"""Deluge has no Python to be tried in: these must give nothing away, whether they fail or not."""
