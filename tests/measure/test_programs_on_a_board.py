"""From an opaque file and stored outputs to an entry, by a program of one's own; LiteRT's other path by its name."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.made_graphs import equal_layers
from support.tiny_model import write

from harness.board import LiveBoard, choose_runner, open_board
from harness.measure import execute, make_plan
from harness.pipeline import Builder, candidates_from_paths
from harness.records.device import Connection, Runtime
from harness.records.entry import Entry
from harness.records.errors import CandidateSpecError, ModelFileError, ProfileError
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_profile

PROGRAM = Path(__file__).parents[1] / "support" / "dense_runner.py"
QUICK = Settings(trials=2, num_runs=5, min_secs=0.01, warmup_runs=1)


@contextmanager
def board(runtime: Runtime) -> Iterator[LiveBoard]:
    """This machine under a lease of its own: no time is judged here."""
    profile = make_profile("desk", connection=Connection(transport="local"), runtime=runtime)
    with open_board(profile, lease=f"programs-{secrets.token_hex(8)}") as opened:
        yield opened


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An opaque model, with samples and the outputs to expect beside it."""
    drawn = np.random.default_rng(2)
    weights, inputs = drawn.normal(size=(16, 8)).astype("f"), drawn.normal(size=(6, 1, 16)).astype("f")
    with (tmp_path / "dense.model").open("wb") as file:
        np.savez(file, w=weights)
    np.savez(tmp_path / "golden.npz", i0=inputs, o0=np.tanh(inputs @ weights))
    return tmp_path / "dense.model"


def measured(path: Path, runtime: Runtime, samples: Path | None = None) -> Entry:
    (candidate,) = candidates_from_paths([path], samples=samples)
    with Builder(cache_dir=path.parent / "cache") as builder:
        artifact = builder.build(candidate)
    with board(runtime) as opened:
        plan = make_plan(QUICK, artifact, choose_runner(opened.profile, opened.facts))
        return execute(opened, plan, artifact, candidate=candidate)


def program(bad: str = "") -> Runtime:
    return Runtime(package="command", command=[sys.executable, str(PROGRAM), "{model}", bad])


def test_an_opaque_file_is_measured_and_its_outputs_held_against_stored_ones(model: Path) -> None:
    entry = measured(model, program(), model.parent / "golden.npz")
    assert (entry.status, entry.reason) == (Status.MEASURED, "2 trials")
    assert entry["latency_p50"].value
    assert "with the outputs stored in golden.npz" in entry.outputs
    assert entry.runtime == f"command {Path(sys.executable).name}"
    assert entry["peak_memory"].value is None
    assert entry["delegated_operators"].reason == "the board's runtime does not list the model's operators"


def test_wrong_outputs_of_a_program_fail(model: Path) -> None:
    entry = measured(model, program("wrong"), model.parent / "golden.npz")
    assert entry.status is Status.FAIL
    assert entry.reason.startswith("wrong output on the board")


def test_a_program_that_dies_is_an_error_of_that_entry(model: Path) -> None:
    entry = measured(model, program("dies"), model.parent / "golden.npz")
    assert entry.status is Status.ERROR
    assert "was killed by SIGABRT" in entry.reason


def test_without_stored_outputs_they_are_unchecked_and_the_way_is_told(model: Path) -> None:
    entry = measured(model, program())
    assert entry.status is Status.MEASURED
    assert entry.outputs.startswith("outputs unchecked: no outputs are stored: give samples")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"i0": np.zeros((2, 4))}, "has no arrays o0, o1..."),
        ({"i0": np.zeros((2, 4)), "o0": np.zeros((3, 4))}, "its arrays hold 2, 3 samples"),
        ({"i0": np.zeros((2, 4)), "o1": np.zeros((2, 4))}, "has no arrays o0, o1..."),
        ({"i0": np.zeros(()), "o0": np.zeros(())}, "its arrays hold 0 samples"),
    ],
)
def test_stored_samples_that_do_not_fit_are_refused(model: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(model.parent / "odd.npz", **arrays)
    (candidate,) = candidates_from_paths([model], samples=model.parent / "odd.npz")
    with Builder(cache_dir=model.parent / "cache") as builder, pytest.raises(ModelFileError) as refused:
        builder.build(candidate)
    assert said in str(refused.value)


def test_several_are_built_in_order_and_an_empty_one_is_an_error(model: Path) -> None:
    empty = write(model.parent / "empty.onnx", b"")
    with Builder(cache_dir=model.parent / "cache") as builder:
        builder.prefetch(candidates_from_paths([model, empty]))
        found = builder.build_all(candidates_from_paths([model, empty]))
    assert getattr(found[0], "size_bytes", None) == model.stat().st_size
    assert isinstance(found[1], ModelFileError)


@pytest.mark.parametrize("given", [{"recipes": ["int8"]}, {"data": "digits"}, {"signature": "main"}])
def test_recipes_and_data_do_not_go_with_an_opaque_file(model: Path, given: dict[str, object]) -> None:
    with pytest.raises(CandidateSpecError, match=r"read by a program on the board alone|goes? with"):
        candidates_from_paths([model], **given)


def test_compiled_model_is_a_runtime_of_its_own_name(tmp_path: Path) -> None:
    entry = measured(write(tmp_path / "layers.tflite", equal_layers(3, 16)), Runtime(package="compiled"))
    assert entry.status is Status.MEASURED
    assert (entry.runtime or "").startswith("compiled 2.")
    assert "bit-equal" in entry.outputs
    assert entry["peak_memory"].value


def test_compiled_model_takes_no_library(tmp_path: Path) -> None:
    with board(Runtime(package="compiled", delegate="/opt/npu.so")) as opened, pytest.raises(ProfileError) as refused:
        choose_runner(opened.profile, opened.facts)
    assert "takes no delegate's library" in str(refused.value)
