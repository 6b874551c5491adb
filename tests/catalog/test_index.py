"""The compiled index: the same services as their files, at a fraction of the time, and never an older state of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.catalog import compiled, index
from isthmus.catalog.compiled import build, load
from isthmus.catalog.definition import document
from isthmus.catalog.files import HERE, definition_files, read_documents
from isthmus.catalog.index import Index, row_of
from isthmus.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def services(tmp_path: Path) -> Path:
    directory = tmp_path / "services"
    directory.mkdir()
    for name in ("slack", "github", "gmail"):
        shutil.copy(HERE / f"{name}.yaml", directory)
    shutil.copytree(HERE / "families", directory / "families")
    return directory


def rename(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def test_what_is_built_is_kept_and_read_again(services: Path, tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    first, second = load(services, kept), load(services, kept)
    assert (first.kept, second.kept) == ("missing", "current")
    assert second.index.rows == first.index.rows
    assert [document(one) for one in second.index.services()] == [document(one) for one in first.index.services()]


@pytest.mark.parametrize("same_times", [False, True])
def test_a_changed_definition_is_served_as_it_is_now(services: Path, tmp_path: Path, same_times: bool) -> None:
    """Also where the file has the size and the time that it had: `Slack` and `Slick` are equally long."""
    kept = tmp_path / "index.json"
    load(services, kept)
    file = services / "slack.yaml"
    before = file.stat()
    rename(file, "name: Slack", "name: Slick")
    if same_times:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = load(services, kept)
    assert found.kept == "stale"
    assert found.index.rows["slack"].name == "Slick"
    assert load(services, kept).kept == "current"


def test_a_removed_an_added_and_a_family_s_file_count_as_changes(services: Path, tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    load(services, kept)
    (services / "github.yaml").unlink()
    assert "github" not in load(services, kept).index.rows
    shutil.copy(HERE / "zoom.yaml", services)
    assert "zoom" in load(services, kept).index.rows
    with (services / "families" / "google.yaml").open("a") as family:
        family.write("notes: [A note of the family.]\n")
    gmail = load(services, kept).index.get("gmail")
    assert gmail is not None
    assert gmail.notes == ("A note of the family.",)


def test_other_times_alone_build_nothing_again(services: Path, tmp_path: Path) -> None:
    """As after an installation: the content decides, and is noted for the next start."""
    kept = tmp_path / "index.json"
    build(services, kept, stamped=False)
    assert load(services, kept).kept == "current"
    os.utime(services / "slack.yaml")
    assert load(services, kept).kept == "current"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"rows": [], "documents": []}', '{"rows": [[1]], "documents": []}']
)
def test_a_kept_file_that_is_broken_is_built_again(services: Path, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "index.json"
    kept.write_text(content)
    found = load(services, kept)
    assert found.kept == "missing"
    assert "slack" in found.index.rows
    assert json.loads(kept.read_text())["rows"]


def test_where_nothing_can_be_written_the_services_are_right_all_the_same(services: Path, tmp_path: Path) -> None:
    kept = tmp_path / "nowhere" / "index.json"
    assert load(services, kept).kept == "missing"
    rename(services / "slack.yaml", "name: Slack", "name: Slick")
    assert load(services, kept).index.rows["slack"].name == "Slick"
    with pytest.raises(FileNotFoundError):
        build(services, kept)


def test_a_malformed_definition_is_named_and_nothing_is_kept(services: Path, tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    rename(services / "slack.yaml", "name: Slack", "nonsense: Slack")
    with pytest.raises(InputError, match=r"slack\.yaml"):
        load(services, kept)
    assert not kept.exists()


def test_the_index_says_what_the_files_say() -> None:
    """Every service of the product, row and definition, compared with its file."""
    found = load().index
    seen = []
    for path in definition_files(HERE):
        for given in read_documents(path):
            assert isinstance(given, dict)
            assert found.document(given["link_name"]) == json.loads(json.dumps(given))
            seen.append(given["link_name"])
    assert sorted(seen) == sorted(found.rows)
    for service in found.services():
        assert found.rows[service.link_name] == row_of(service)


@pytest.mark.parametrize("planted", ["row", "document", "missing"])
def test_an_index_that_says_something_else_is_found_by_the_check(planted: str) -> None:
    whole = load().index
    rows, documents = dict(whole.rows), {name: json.dumps(whole.document(name)) for name in whole.rows}
    assert whole.says(whole.document("slack"))
    if planted == "row":
        rows["slack"] = replace(rows["slack"], name="Slick")
    elif planted == "document":
        documents["slack"] = documents["slack"].replace("Slack", "Slick")
    else:
        del rows["slack"], documents["slack"]
    assert not Index(rows, documents).says(whole.document("slack"))


def test_few_definitions_stay_revived() -> None:
    found = load().index
    for link_name in found.rows:
        assert found.get(link_name) is not None
    assert found._revive.cache_info().currsize == index.REVIVED
    assert found.get("nobody") is None


def test_a_later_part_replaces_by_link_name(services: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(HERE / "slack.yaml", own)
    rename(own / "slack.yaml", "name: Slack", "name: Ours")
    joined = Index.joined([index.read_directory(services), index.read_directory(own)])
    service = joined.get("slack")
    assert service is not None
    assert (service.name, joined.rows["slack"].name) == ("Ours", "Ours")
    assert joined.get("github") is not None


@pytest.mark.slow
def test_a_wheel_brings_the_index_and_notices_a_changed_file(tmp_path: Path) -> None:
    building = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(building, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    assert _kept_of(installed) == "current"
    rename(installed / "isthmus/catalog/services/slack.yaml", "name: Slack", "name: Slick")
    assert _kept_of(installed) == "stale"
    assert _kept_of(installed) == "current"


def _kept_of(installed: Path) -> str:
    program = "from isthmus.catalog import compiled; print(compiled.__file__, compiled.load().kept)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    file, kept = done.stdout.split()
    assert file.startswith(str(installed))
    return kept


def test_the_kept_file_stands_beside_the_definitions() -> None:
    assert compiled.KEPT.parent == HERE.parent
