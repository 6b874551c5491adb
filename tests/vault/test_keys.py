from __future__ import annotations

import base64
import multiprocessing
import os
import stat
import traceback
from pathlib import Path

import pytest

from isthmus.errors import KeyUnavailable
from isthmus.settings import Settings
from isthmus.vault import EnvironmentKey, FileKey, key_provider

KEY = bytes(range(1, 33))
ENCODED = base64.b64encode(KEY).decode()


def write(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def assert_silent(problem: BaseException) -> None:
    """Nothing of the key travels with the error, its traceback or its attributes."""
    text = "".join(traceback.format_exception(problem)) + repr(problem) + repr(vars(problem))
    for form in (ENCODED, ENCODED[:12], KEY.hex(), repr(KEY)):
        assert form not in text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660, 0o777])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "master.key", ENCODED, mode)
    with pytest.raises(KeyUnavailable) as caught:
        FileKey(path)
    assert str(path) in caught.value.message
    assert f"chmod 600 {path}" in caught.value.hint
    assert_silent(caught.value)
    assert path.read_text() == ENCODED


@pytest.mark.parametrize(
    "content", ["", "\n", "short", ENCODED[:-4], ENCODED + "AAAA", ENCODED[:-1] + "!", "ä" * 44, KEY.hex(), "A" * 9000]
)
def test_what_is_not_a_key_is_refused_without_being_shown(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "master.key", content)
    for make in (lambda: FileKey(path), lambda: EnvironmentKey(content)):
        with pytest.raises(KeyUnavailable) as caught:
            make()
        assert len(content) < 5 or content not in f"{caught.value} {caught.value.hint}"
        assert_silent(caught.value)
    assert path.read_text() == content


def test_a_directory_or_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir(mode=0o700)
    for name in ("directory", "missing"):
        with pytest.raises(KeyUnavailable) as caught:
            FileKey(tmp_path / name)
        assert name in caught.value.message


def test_a_missing_file_is_not_made_where_there_is_data(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        key_provider(Settings(data_dir=tmp_path), allow_create=False, expected="0123456789abcdef")
    assert "0123456789abcdef" in caught.value.message
    assert str(tmp_path / "master.key") in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyUnavailable) as caught:
        key_provider(Settings(data_dir=tmp_path / "file" / "data"), allow_create=True)
    assert "ISTHMUS_DATA_DIR" in caught.value.hint


def test_another_key_context_or_any_damage_does_not_unwrap() -> None:
    provider = EnvironmentKey(ENCODED)
    wrapped = provider.wrap(b"data key", b"context")
    other = EnvironmentKey(base64.b64encode(bytes(32)).decode())
    attempts = [(other, wrapped, b"context"), (provider, wrapped, b"other")]
    attempts += [(provider, wrapped[:cut], b"context") for cut in range(len(wrapped))]
    attempts += [(provider, flip(wrapped, place), b"context") for place in range(len(wrapped))]
    for key, damaged, context in attempts:
        with pytest.raises(KeyUnavailable) as caught:
            key.unwrap(damaged, context)
        assert key.key_id in caught.value.message
        assert_silent(caught.value)


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    old = os.umask(0)
    try:
        first = key_provider(settings, allow_create=True)
    finally:
        os.umask(old)
    path = tmp_path / "data" / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(base64.b64decode(path.read_text())) == 32
    content = path.read_bytes()
    assert key_provider(settings, allow_create=True).key_id == first.key_id
    assert key_provider(settings, allow_create=False).key_id == first.key_id
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def make(directory: str, results: multiprocessing.Queue[str]) -> None:
    results.put(key_provider(Settings(data_dir=Path(directory)), allow_create=True).key_id)


def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for round_ in range(5):
        results: multiprocessing.Queue[str] = context.Queue()
        directory = str(tmp_path / f"{round_}")
        processes = [context.Process(target=make, args=(directory, results)) for _ in range(4)]
        for process in processes:
            process.start()
        ids = {results.get(timeout=20) for _ in processes}
        for process in processes:
            process.join(20)
        assert len(ids) == 1
        assert os.listdir(directory) == ["master.key"]


def test_the_same_key_has_the_same_name_from_file_and_environment(tmp_path: Path) -> None:
    from_file = FileKey(write(tmp_path / "master.key", ENCODED + "\n"))
    from_environment = key_provider(Settings(data_dir=tmp_path / "none", master_key=ENCODED), allow_create=False)
    assert from_file.key_id == from_environment.key_id
    assert from_environment.key_id != EnvironmentKey(base64.b64encode(bytes(32)).decode()).key_id
    assert from_environment.unwrap(from_file.wrap(b"x", b"c"), b"c") == b"x"
    assert not (tmp_path / "none").exists()


def test_the_environment_wins_over_a_file(tmp_path: Path) -> None:
    key_provider(Settings(data_dir=tmp_path), allow_create=True)
    given = key_provider(Settings(data_dir=tmp_path, master_key=ENCODED), allow_create=True)
    assert given.key_id == EnvironmentKey(ENCODED).key_id


def test_the_key_is_never_shown() -> None:
    provider = EnvironmentKey(ENCODED)
    for text in (repr(provider), str(provider), f"{provider}", repr(vars(provider)), provider.key_id):
        assert ENCODED not in text
        assert KEY.hex() not in text
        assert repr(KEY) not in text
    assert provider.key_id in repr(provider)
    assert provider.key_id not in KEY.hex()
