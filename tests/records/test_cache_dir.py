"""The host's cache: made where it is not there, and one line with the ways out where it cannot be."""

from pathlib import Path

import pytest

from harness.pipeline import Builder
from harness.pipeline.candidates.make_candidates import candidates
from harness.records.cache_dir import default_cache_dir, writable_cache
from harness.records.errors import UsageError
from harness.records.settings import Settings
from harness.session.session_builder import check_build_folders


@pytest.fixture
def barred(tmp_path: Path) -> Path:
    """A folder that nobody can make, root included: a file stands in its way."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "cache"


def refused(error: pytest.ExceptionInfo[UsageError], folder: Path) -> bool:
    said = str(error.value)
    ways = ("Not a directory", "--cache-dir", "XDG_CACHE_HOME")
    return said.startswith(f"the cache folder {folder} cannot be written") and all(way in said for way in ways)


def test_it_is_made_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writable_cache(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert writable_cache(None) == default_cache_dir() == tmp_path / "edge-harness"
    with pytest.raises(UsageError, match="cannot be written"):
        writable_cache(Path("a\0b"))


def test_a_session_says_so_before_any_board_is_touched(barred: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_build_folders(Settings(cache_dir=barred))
    assert refused(caught, barred)
    check_build_folders(Settings(cache_dir=barred, plan_only=True))


def test_a_builder_says_so_at_its_first_candidate(barred: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"any")
    (one,) = candidates(str(tmp_path / "m.tflite"))
    with Builder(cache_dir=barred) as builder, pytest.raises(UsageError) as caught:
        builder.build_all([one])
    assert refused(caught, barred)
