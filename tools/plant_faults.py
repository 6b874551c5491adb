"""Plants the faults of tests/planted/faults.py, one after the other, and says which of them the suite catches.

`python tools/plant_faults.py` works on a copy of the tree in a temporary directory; names limit it to some faults.
First the named tests have to pass without a fault, so that a failure means something. Exits 1 unless each is caught.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.planted.faults import FAULTS, Fault  # noqa: E402 - the tree must be on the path first

SECONDS = 300
PASSED, FAILED = 0, 1
"""pytest's exit codes; any other means that the tests could not be run, which catches nothing."""


def copy_tree(target: Path) -> None:
    """What the tests need, into `target`."""
    left_out = shutil.ignore_patterns("__pycache__", ".*_cache", "node_modules", ".hypothesis")
    for name in ("src", "tests", "tools", "docs"):
        shutil.copytree(ROOT / name, target / name, ignore=left_out)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, target)


def run(tree: Path, tests: Sequence[str]) -> int:
    """pytest's exit code."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout", str(SECONDS)]
    environ = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": "1"}
    named = [f"tests/{test}" for test in tests]
    done = subprocess.run([*words, *named], cwd=tree, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (PASSED, FAILED):
        print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
    return done.returncode


def plant(tree: Path, fault: Fault) -> str:
    """`caught`, `missed` or `broken`; the tree is as it was afterwards."""
    path = tree / "src" / "isthmus" / fault.file
    whole = path.read_text(encoding="utf-8")
    planted = whole
    for edit in fault.edits:
        if planted.count(edit.text) != 1:
            return "broken"
        planted = planted.replace(edit.text, edit.put)
    path.write_text(planted, encoding="utf-8")
    try:
        return {PASSED: "missed", FAILED: "caught"}.get(run(tree, fault.tests), "broken")
    finally:
        path.write_text(whole, encoding="utf-8")


def main(names: Sequence[str]) -> int:
    unknown = sorted(set(names) - {fault.name for fault in FAULTS})
    if unknown:
        print(f"There is no fault {unknown[0]}.")
        return 2
    chosen = [fault for fault in FAULTS if not names or fault.name in names]
    with tempfile.TemporaryDirectory(prefix="isthmus-faults-") as directory:
        tree = Path(directory)
        copy_tree(tree)
        if run(tree, sorted({test for fault in chosen for test in fault.tests})) != PASSED:
            print("The tests do not pass without a fault.")
            return 2
        outcomes: list[str] = []
        for fault in chosen:
            started = time.monotonic()
            outcomes.append(plant(tree, fault))
            print(f"{outcomes[-1]:7} {fault.name} ({time.monotonic() - started:.0f} s)", flush=True)
    caught = outcomes.count("caught")
    print(f"{caught} of {len(chosen)} faults caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
