"""What stands in the cache, how it goes, and that nothing goes that somebody is at work on."""

import os
from pathlib import Path

import pytest

from harness.pipeline.cache import (
    KINDS,
    REMADE,
    WEIGHTS,
    fill_folder,
    list_cached,
    lock,
    note_name,
    noted_name,
    prune_folders,
    remove_unfinished,
)

DAY_S = 86_400.0
NOW = 2_000_000_000.0


@pytest.fixture
def cache(tmp_path) -> Path:
    for kind in KINDS:
        for name, days in (("old", 10), ("new", 1)):
            folder = tmp_path / kind / name
            folder.mkdir(parents=True)
            (folder / "file").write_bytes(b"x" * 100)
            os.utime(folder, (NOW - days * DAY_S,) * 2)
            (tmp_path / kind / f"{name}.lock").touch()
    (tmp_path / "store").mkdir()
    (tmp_path / "store/of the board").write_bytes(b"x")
    return tmp_path


def test_what_stands_there_is_listed_what_was_used_last_first(cache):
    found = list_cached(cache)
    assert [(entry.kind, entry.key) for entry in found] == [(kind, key) for kind in KINDS for key in ("new", "old")]
    assert {entry.size_bytes for entry in found} == {100}
    assert found[1].days_unused(NOW) == 10


def test_a_folder_says_for_which_model_it_was_used_last_as_long_as_it_is_there(cache, tmp_path):
    folder = cache / "artifacts/new"
    for name in ("kws_ds_cnn/int8", "kws_ds_cnn/float32"):
        note_name(folder, name)
    names = {(entry.kind, entry.key): entry.name for entry in list_cached(cache)}
    assert names.pop(("artifacts", "new")) == "kws_ds_cnn/float32" and set(names.values()) == {None}
    prune_folders(cache, ["artifacts"])
    assert noted_name(folder) is None
    note_name(tmp_path / "first/of/all", "x")
    assert noted_name(tmp_path / "first/of/all") == "x"


def test_an_empty_cache_is_no_error(tmp_path):
    assert list_cached(tmp_path / "nowhere") == [] and prune_folders(tmp_path / "nowhere", KINDS).removed == ()


def test_pruning_takes_what_is_old_and_of_the_kinds_named(cache):
    gone = prune_folders(cache, ["artifacts", "golden"], older_than_days=5, now=NOW).removed
    assert [(entry.kind, entry.key) for entry in gone] == [("artifacts", "old"), ("golden", "old")]
    assert len(list_cached(cache)) == 2 * len(KINDS) - 2


def test_weights_and_what_is_the_board_s_are_no_part_of_what_goes_by_itself(cache):
    prune_folders(cache, REMADE)
    assert {entry.kind for entry in list_cached(cache)} == {WEIGHTS}
    assert (cache / "store/of the board").exists()


def test_what_a_build_holds_stays(cache):
    with lock(cache / "artifacts/old"):
        pruned = prune_folders(cache, ["artifacts"])
    assert [entry.key for entry in pruned.in_use] == ["old"] and [entry.key for entry in pruned.removed] == ["new"]
    assert (cache / "artifacts/old/file").exists()


def test_a_folder_is_made_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "artifacts/key"
    with pytest.raises(RuntimeError), fill_folder(folder) as partial:
        (partial / "file").write_text("half")
        raise RuntimeError
    assert list((tmp_path / "artifacts").iterdir()) == []
    for text in ("first", "second"):
        with fill_folder(folder) as partial:
            (partial / "file").write_text(text)
    assert (folder / "file").read_text() == "second"


def test_what_the_dead_left_half_made_is_swept_and_what_the_living_make_is_not(tmp_path):
    for name in ("dead", "alive"):
        (tmp_path / f"prepared/{name}.partial").mkdir(parents=True)
    with lock(tmp_path / "prepared/alive"):
        remove_unfinished(tmp_path)
    assert [path.name for path in (tmp_path / "prepared").glob("*.partial")] == ["alive.partial"]
