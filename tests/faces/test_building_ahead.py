"""While a remote board measures, the next candidates are built; while this machine measures, nothing is.

The factories write down what the run had recorded when they were called: the order of those records, not a clock,
tells whether building and measuring overlapped.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import needs
from support.sshd import Sshd, loopback_sshd

if TYPE_CHECKING:
    from support.user_folder import Place

MODELS = '''
"""Two models; the second one's factory waits for a first trial, and tells what was recorded by then."""
import json
import time
from pathlib import Path
import keras

HERE = Path(__file__).parent
PATIENCE_S = 120

def _lines(name):
    return [line for file in HERE.glob(f"reports/*/{name}") for line in file.read_text().splitlines()]

def _recorded():
    return {"trials": len(_lines("trials.jsonl")), "entries": len(_lines("journal/entries.jsonl"))}

def _dense():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])

def first():
    return _dense()

def second():
    until = time.monotonic() + PATIENCE_S
    while not _recorded()["trials"] and time.monotonic() < until:
        time.sleep(0.01)
    (HERE / "at_second.json").write_text(json.dumps(_recorded()))
    return _dense()
'''
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models:first", "models:second"), ids=str)
def test_models(bench, candidate):
    bench(candidate)
"""
LONG = ("--trials=8", "--min-secs=0.5", "--num-runs=5")
"""Four seconds of measuring: time enough for a factory that waits for the first trial."""


@pytest.fixture
def board(tmp_path_factory: pytest.TempPathFactory, leased: None) -> Iterator[Sshd]:
    needs.need("sshd")
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def models(place: "Place") -> "Place":
    pytest.importorskip("tensorflow")
    place.write("models.py", MODELS)
    place.write("test_bench.py", BENCHMARK)
    return place


def at_second(place: "Place") -> dict[str, Any]:
    """What the run had recorded when the second model's factory went on."""
    return dict(json.loads((place.folder / "at_second.json").read_text(encoding="utf-8")))


def test_a_remote_board_measures_while_the_next_is_built(models: "Place", board: Sshd) -> None:
    models.write("lab/board.toml", board.profile_text("board"))
    said = models.pytest("--device=board", "--devices-dir=lab", *LONG, quick=False)
    assert said.code == 0, said.text
    seen = at_second(models)
    assert seen["trials"] > 0 and seen["entries"] == 0, seen
    assert [entry["candidate"] for entry in models.results()["entries"]] == ["models:first", "models:second"]


def test_this_machine_builds_nothing_while_it_measures(models: "Place") -> None:
    said = models.pytest("--device=local")
    assert said.code == 0, said.text
    assert at_second(models)["entries"] == 1


def test_a_run_that_also_measures_this_machine_builds_nothing_ahead(models: "Place", board: Sshd) -> None:
    models.write("lab/board.toml", board.profile_text("board"))
    said = models.pytest("--device=board", "--device=local", "--devices-dir=lab")
    assert said.code == 0, said.text
    assert at_second(models)["entries"] == 1
    assert len(models.results()["entries"]) == 4


def test_workers_build_and_measure_this_machine_in_turn(models: "Place", board: Sshd) -> None:
    models.write("lab/board.toml", board.profile_text("board"))
    said = models.pytest("--device=board", "--device=local", "--devices-dir=lab", "-n2")
    assert said.code == 0, said.text
    assert sorted(entry["device"] for entry in models.results()["entries"]) == ["board", "board", "local", "local"]


def test_files_are_built_ahead_too(models: "Place", board: Sshd) -> None:
    models.write("lab/board.toml", board.profile_text("board"))
    said = models.harness("run", "models:first", "models:second", "--device=board", "--devices-dir=lab", *LONG)
    assert said.code == 0, said.text
    assert at_second(models)["entries"] == 0


def test_stopping_early_leaves_no_half_made_model(models: "Place", board: Sshd) -> None:
    models.write("lab/board.toml", board.profile_text("board"))
    models.write("test_bench.py", BENCHMARK.replace("ids=str)", 'ids=str)\n@pytest.mark.budget(model_size="1 B")'))
    said = models.pytest("--device=board", "--devices-dir=lab", "-x", TESTS_FORKS="")
    assert said.code == 1, said.text
    assert not list((models.folder / "cache" / "edge-harness").glob("*/*.partial"))
    assert building_processes(models) == []


def building_processes(place: "Place") -> list[str]:
    """Processes that still build in the place's cache."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"harness.pipeline.worker.worker_main" in words and str(place.folder).encode() in environment:
            found.append(words.replace(b"\0", b" ").decode())
    return found
