"""Opening, using and leaving a board: the real agent, on this machine and behind a real sshd."""

import hashlib
import os
import platform
import re
import stat
import sys
import threading
from pathlib import Path

import pytest
from board.board_watch import awaited, commands_with, has_no_holder
from support.needs import need_shared

from harness.board import choose_runner, open_board
from harness.records.errors import BoardUnfitError, HarnessError, LeaseHeldError
from harness.records.plan import BlockSpec, TrialSpec

MODEL = "models/kws_ds_cnn_int8.tflite"


def a_file(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "file"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def a_model() -> tuple[Path, str]:
    models = sorted(need_shared("models").glob("*.tflite"), key=lambda path: path.stat().st_size)
    return models[0], hashlib.sha256(models[0].read_bytes()).hexdigest()


def latency(index: int, model: str, **changes: object) -> TrialSpec:
    words: dict[str, object] = {
        "index": index,
        "arm": "candidate",
        "kind": "latency",
        "model": model,
        "warmup_runs": 1,
        "num_runs": 5,
        "min_secs": 0.01,
        "max_secs": 1.0,
        "deadline_s": 30.0,
    }
    return TrialSpec.model_validate(words | changes)


def test_an_open_board_says_what_it_is_and_where_the_time_went(place):
    with open_board(place.profile, lease=place.lease) as board:
        assert board.facts.arch == platform.machine()
        assert board.facts.cpu_count == os.cpu_count()
        assert board.facts.cache_dir == str(place.cache)
        assert board.facts.simulated is None
        assert any(runtime.package == "litert" for runtime in board.facts.runtimes)
    assert {"connect", "boot", "probe", "release"} <= set(board.seconds)
    assert board.release_problem is None


def test_the_agent_is_sent_once(here):
    with open_board(here.profile, lease=here.lease) as board:
        assert board.bytes_sent > 0
    with open_board(here.profile, lease=here.lease) as board:
        assert board.bytes_sent == 0


def test_a_file_is_never_sent_twice(place, tmp_path):
    path, sha256 = a_file(tmp_path, os.urandom(300_000))
    with open_board(place.profile, lease=place.lease) as board:
        before = board.bytes_sent
        board.ship(path, sha256)
        board.ship(path, sha256)
        assert board.bytes_sent - before == 300_000
    assert (place.cache / "store" / sha256).read_bytes() == path.read_bytes()
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
        assert board.bytes_sent == 0
        assert board.seconds["ship"] > 0


def test_a_damaged_file_in_the_store_is_sent_again(place, tmp_path):
    path, sha256 = a_file(tmp_path, os.urandom(1000))
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
    (place.cache / "store" / sha256).write_bytes(b"damaged")
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
        assert board.bytes_sent == 1000
    assert (place.cache / "store" / sha256).read_bytes() == path.read_bytes()


def test_a_file_of_another_hash_is_not_admitted(place, tmp_path):
    path, _ = a_file(tmp_path, b"content")
    other = "0" * 64
    with (
        open_board(place.profile, lease=place.lease) as board,
        pytest.raises(HarnessError, match=r"pi: .*sha256") as caught,
    ):
        board.ship(path, other)
    assert "\n" not in str(caught.value)
    assert not (place.cache / "store" / other).exists()
    assert list((place.cache / "incoming").iterdir()) == []


def test_a_block_of_trials_on_a_real_model(place):
    path, sha256 = a_model()
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
        runner = choose_runner(board.profile, board.facts)
        block = BlockSpec(
            index=4,
            runner=runner,
            trials=(latency(7, sha256), latency(8, sha256, arm="baseline"), latency(9, sha256, kind="memory")),
        )
        trials = list(board.run_block(block))
    assert [(trial.index, trial.arm, trial.kind, trial.block) for trial in trials] == [
        (7, "candidate", "latency", 4),
        (8, "baseline", "latency", 4),
        (9, "candidate", "memory", 4),
    ]
    assert all(trial.died is None for trial in trials)
    assert len(trials[0].samples_ns) >= 1
    assert trials[2].memory is not None
    assert board.seconds["measure"] > 0


def test_a_block_nobody_finished_reading_leaves_the_board_usable(place):
    path, sha256 = a_model()
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
        runner = choose_runner(board.profile, board.facts)
        for trial in board.run_block(
            BlockSpec(index=0, runner=runner, trials=tuple(latency(i, sha256) for i in range(3)))
        ):
            assert trial.index == 0
            break
        assert board.probe().hostname == board.facts.hostname
        again = BlockSpec(index=1, runner=runner, trials=(latency(0, sha256),))
        assert [trial.block for trial in board.run_block(again)] == [1]


def test_leaving_amid_a_block_frees_the_board_at_once(place):
    path, sha256 = a_model()
    with open_board(place.profile, lease=place.lease) as board:
        board.ship(path, sha256)
        runner = choose_runner(board.profile, board.facts)
        slow = latency(1, sha256, min_secs=300.0, max_secs=300.0, deadline_s=400.0)
        running = board.run_block(BlockSpec(index=0, runner=runner, trials=(latency(0, sha256), slow)))
        assert next(running).index == 0
    assert board.release_problem is None
    assert awaited(lambda: not commands_with(place.lease))


def test_a_model_that_is_not_in_the_store_is_said_in_one_line(place):
    with open_board(place.profile, lease=place.lease) as board:
        runner = choose_runner(board.profile, board.facts)
        block = BlockSpec(index=0, runner=runner, trials=(latency(0, "ab" * 32),))
        with pytest.raises(BoardUnfitError, match=r"pi: no file abab") as caught:
            list(board.run_block(block))
    assert "\n" not in str(caught.value)


def test_a_held_board_says_who_has_it_and_since_when(place):
    with open_board(place.profile, lease=place.lease, holder="ada@lab, nightly"):
        with (
            pytest.raises(LeaseHeldError, match=r"pi: .*held by ada@lab, nightly since \d{4}-") as caught,
            open_board(place.profile, lease=place.lease),
        ):
            pass
        assert "\n" not in str(caught.value)
    with open_board(place.profile, lease=place.lease) as board:
        assert board.facts.hostname


def test_who_waits_for_a_held_board_is_told_and_has_it_next(place):
    heard, opened = [], []

    def wait():
        with open_board(place.profile, lease=place.lease, wait_s=60.0, say=heard.append) as board:
            opened.append(board.seconds["wait"])

    waiting = threading.Thread(target=wait)
    with open_board(place.profile, lease=place.lease, holder="ada@lab, nightly"):
        waiting.start()
        assert awaited(lambda: heard)
        assert re.fullmatch(r"waits for the board: held by ada@lab, nightly since [\dT:+-]+", heard[0])
        assert opened == []
    waiting.join(60)
    assert len(opened) == 1 and opened[0] > 0


def test_a_wait_in_vain_says_who_still_has_the_board(place):
    with (
        open_board(place.profile, lease=place.lease, holder="ada@lab, nightly"),
        pytest.raises(LeaseHeldError, match=r"held by ada@lab, nightly since \S+; waited \d+ s for it$"),
        open_board(place.profile, lease=place.lease, wait_s=0.5),
    ):
        pass


def test_nothing_is_left_on_the_board_but_the_cache_folder(place):
    home = place.cache.parent.parent
    before = {path for path in home.rglob("*") if place.cache not in (path, *path.parents)}
    with open_board(place.profile, lease=place.lease):
        assert commands_with(place.lease)
    assert awaited(lambda: not commands_with(place.lease))
    assert has_no_holder(place.lease)
    after = {path for path in home.rglob("*") if place.cache not in (path, *path.parents)}
    assert after - before <= {place.cache.parent}
    if place.server is not None:
        assert awaited(lambda: not place.server.processes())


def test_the_board_is_released_when_the_body_raises(place):
    with pytest.raises(ZeroDivisionError), open_board(place.profile, lease=place.lease):
        _ = 1 / 0
    assert awaited(lambda: not commands_with(place.lease))
    assert has_no_holder(place.lease)


def test_no_python_on_the_board(place, change):
    with (
        pytest.raises(BoardUnfitError, match=r"pi: .*absent/python3") as caught,
        open_board(change(place, "/absent/python3").profile, lease=place.lease),
    ):
        pass
    assert "\n" not in str(caught.value)


def script(folder: Path, text: str) -> str:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(path)


def test_an_old_python_on_the_board(place, change, tmp_path):
    old = script(tmp_path, """echo '{"python": [3, 6, 9], "cache": "/c", "agent": false, "error": null}'""")
    with (
        pytest.raises(BoardUnfitError, match=r"pi: .* is Python 3\.6\.9; expected 3\.7 or later"),
        open_board(change(place, old).profile, lease=place.lease),
    ):
        pass


@pytest.mark.parametrize(
    "text",
    ["echo Welcome to your board", "echo '{}'", 'echo \'{"python": [3, 11, 2], "cache": "relative"}\''],
)
def test_a_login_that_prints_something_of_its_own(place, change, tmp_path, text):
    with (
        pytest.raises(BoardUnfitError, match=r"pi: .*one JSON line was expected") as caught,
        open_board(change(place, script(tmp_path, text)).profile, lease=place.lease),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_python_that_fails(place, change, tmp_path):
    broken = script(tmp_path, "echo 'libpython is missing' >&2; exit 4")
    with (
        pytest.raises(BoardUnfitError, match=r"pi: .*exit status 4: libpython is missing"),
        open_board(change(place, broken).profile, lease=place.lease),
    ):
        pass


@pytest.mark.parametrize("version", ["2.7", "3.6"])
def test_a_real_python_that_is_too_old(here, change, version):
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
    if not found:
        pytest.skip(f"no Python {version} on this machine")
    with (
        pytest.raises(BoardUnfitError, match=rf"pi: .* is Python {version}\.\d+; expected 3\.7 or later"),
        open_board(change(here, str(found[0])).profile, lease=here.lease),
    ):
        pass


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.13"])
def test_the_agent_starts_under_other_pythons(here, change, version):
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
    if not found:
        pytest.skip(f"no Python {version} on this machine")
    with open_board(change(here, str(found[0])).profile, lease=here.lease) as board:
        assert board.facts.python.startswith(version)


def test_a_cache_folder_that_cannot_be_made(here, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with (
        pytest.raises(BoardUnfitError, match=r"pi: the cache folder .*file/edge-harness .*cannot be used \(.*\): let"),
        open_board(here.profile, lease=here.lease),
    ):
        pass


def test_the_local_board_uses_this_interpreter(here):
    with open_board(here.profile, lease=here.lease) as board:
        assert {runtime.python for runtime in board.facts.runtimes if runtime.site is None} == {sys.executable}
