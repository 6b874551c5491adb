"""The written pages: links lead somewhere, commands exist, decisions are whole, and the code's promises are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from isthmus.broker.access import RIGHTS
from isthmus.catalog.definition import problems
from isthmus.cli.commands import HOMES, load
from isthmus.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted(ROOT.glob("docs/decisions/*.md"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    text = text_of(path)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        if path.is_dir():
            waiting.extend(path.glob("*.md"))
        elif path.suffix == ".md":
            links = re.findall(r"\]\(([^)#\s]+)", text_of(path))
            waiting.extend((path.parent / link).resolve() for link in links if "://" not in link)
    assert [path for path in PAGES if path not in seen] == []


def test_every_page_that_the_code_names_exists() -> None:
    named = {name for path in SOURCES for name in re.findall(r"docs/[a-z\-/]+\.md", text_of(path))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", DECISIONS, ids=[path.stem for path in DECISIONS])
def test_a_decision_is_whole(path: Path) -> None:
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    title, *sections = text_of(path).split("\n## ")
    assert title.startswith(f"# {path.stem[:4]} ")
    assert [section.split("\n")[0] for section in sections] == ["Context", "Choice", "Price", "What would reverse it"]
    assert all(len(section.split("\n", 1)[1].strip()) > 40 for section in sections)


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.stem[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    assert len(DECISIONS) >= 5


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_in_a_page_exists(path: Path) -> None:
    for block in re.findall(r"```sh\n(.*?)```|`(isthmus [^`]+)`", text_of(path), re.S):
        for line in re.findall(r"(?:^|\| |`|/)isthmus ([a-z][^\n]*)", "\n".join(block), re.M):
            words = line.split()
            assert words[0] in HOMES, line
            command = load(words[0])
            nested = getattr(command, "commands", None)
            if nested and len(words) > 1:
                assert words[1] in nested, line
                command = nested[words[1]]
            known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
            for option in re.findall(r"(?:^| )(--?[a-z][a-z-]*)", line.split("#")[0]):
                assert option in known or option == "--help", f"{line}: {option}"


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_setting_in_a_page_exists(path: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.__dataclass_fields__} | {PREFIX + "CONFIG", PREFIX + "KEY"}
    assert set(re.findall(r"\bISTHMUS_[A-Z_]+", text_of(path))) <= known


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_service_in_a_page_is_one(path: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", text_of(path), re.S):
        content = yaml.safe_load(re.sub(r"^ {3}", "", block, flags=re.M) if block.startswith("   ") else block)
        for service in content.get("services", []):
            if "auth_type" in service:
                written = {key: value for key, value in service.items() if key != "client_secret"}
                assert problems(written) == [], service["link_name"]


def test_every_dependency_has_its_reason() -> None:
    listed = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["dependencies"]
    reasons = text_of(ROOT / "docs" / "dependencies.md").lower()
    names = [re.split(r"[\[>=<~!]", name)[0].lower() for name in listed]
    assert [name for name in names if name not in reasons] == []


def test_every_right_has_a_role_in_the_published_table() -> None:
    """A new right needs a row in docs/security.md; then it is added here too."""
    assert set(RIGHTS) == {
        "services.read",
        "services.manage",
        "connections.read",
        "connections.use",
        "connections.manage",
        "connections.inspect",
        "connections.authorize_others",
        "functions.read",
        "functions.execute",
        "functions.manage",
        "functions.run_as_owner",
        "activity.read",
        "clients.register",
    }


def test_the_readme_is_two_screens() -> None:
    text = text_of(ROOT / "README.md")
    assert len(text.splitlines()) <= 120
    assert "make demo" in text
    assert "make test" in text
    assert "![" not in text, "no badges"


def test_the_licence_is_whole() -> None:
    text = text_of(ROOT / "LICENSE")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
