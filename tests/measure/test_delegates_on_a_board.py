"""A delegate library that is compiled here, on a real agent: what it took, that falling back and lying are found."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.dense_delegate import WRONG, compile_delegate
from support.made_graphs import equal_layers
from support.tiny_model import add_model, write

from harness.board import LiveBoard, choose_runner, open_board
from harness.gates import judge, parse_limits
from harness.measure import execute, make_plan, order_of
from harness.measure.output_check import check_outputs
from harness.pipeline import Builder, candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.board import Trial
from harness.records.candidate import Candidate
from harness.records.device import Connection, Runtime
from harness.records.entry import Entry
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_profile

LAYERS = 5
QUICK = Settings(trials=1, num_runs=2, min_secs=0.001, warmup_runs=0)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_delegate(tmp_path_factory.mktemp("delegate"))


def built(tmp_path: Path, content: bytes) -> tuple[Candidate, Artifact]:
    (candidate,) = candidates_from_paths([write(tmp_path / "layers.tflite", content)])
    with Builder(cache_dir=tmp_path / "cache") as builder:
        return candidate, builder.build(candidate)


@contextmanager
def board(delegate: Path | str, env: dict[str, str] | None = None, **options: str) -> Iterator[LiveBoard]:
    """This machine under a lease of its own: no time is judged here."""
    runtime = Runtime(delegate=str(delegate), delegate_options=options, env=env or {})
    profile = make_profile("desk", connection=Connection(transport="local"), runtime=runtime)
    with open_board(profile, lease=f"delegates-{secrets.token_hex(8)}") as opened:
        yield opened


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))


def measured(
    tmp_path: Path, content: bytes, delegate: Path | str, env: dict[str, str] | None = None, **options: str
) -> Entry:
    candidate, artifact = built(tmp_path, content)
    with board(delegate, env, **options) as opened:
        plan = make_plan(QUICK, artifact, choose_runner(opened.profile, opened.facts))
        return execute(opened, plan, artifact, candidate=candidate)


def test_what_a_delegate_took_is_measured_and_every_trial_has_a_process_of_its_own(
    library: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    entry = measured(tmp_path, equal_layers(LAYERS, 16), library, {"DENSE_DELEGATE_LOG": str(log)})
    assert (entry.status, entry.reason) == (Status.MEASURED, "1 trial")
    assert entry["delegated_operators"].value == 1.0
    assert entry["delegated_operators"].obtained.endswith("; 5 of 5 operators, in 1 part")
    assert entry["delegated_macs"].value == 1.0
    assert "SQNR" in entry.outputs or "bit-equal" in entry.outputs or "top-1" in entry.outputs
    # A check, a latency and a memory trial.
    assert log.read_text().split() == ["made"] * 3


def test_what_a_delegate_compiles_stays_in_our_cache(library: Path, tmp_path: Path) -> None:
    entry = measured(tmp_path, equal_layers(LAYERS, 16), library, cache="{cache}/{model}.bin")
    assert entry.status is Status.MEASURED
    assert entry.artifact is not None
    (kept,) = (tmp_path / "board-cache").rglob("delegates/libdense_delegate.so/*")
    assert kept.name == f"{entry.artifact.sha256}.bin"
    assert len(kept.read_text().split()) == 3


def test_what_is_left_to_the_processor_is_told_and_a_floor_on_it_fails(library: Path, tmp_path: Path) -> None:
    entry = measured(tmp_path, equal_layers(LAYERS, 16), library, most="4")
    assert entry["delegated_operators"].value == pytest.approx(0.8)
    assert entry["delegated_macs"].value == pytest.approx(0.8)
    assert entry["delegated_macs"].obtained.endswith("; 1,024 of 1,280")
    limits = parse_limits({"delegated_operators": "95 %", "delegated_macs": "75 %"}, origin="a test")
    judged = judge(entry, limits, settings=QUICK)
    told = {finding.metric: (finding.status, finding.reason) for finding in judged.findings}
    assert told["delegated_operators"][0] is Status.FAIL
    assert told["delegated_macs"][0] is Status.PASS


def test_a_delegate_that_takes_nothing_is_an_error_and_no_fast_result(library: Path, tmp_path: Path) -> None:
    entry = measured(tmp_path, add_model(), library)
    assert entry.status is Status.ERROR
    said = f"the delegate {library} took none of the model's 1 operators, which the processor would run in its place"
    assert said in entry.reason
    assert entry["latency_p50"].value is None


def test_without_a_delegate_or_with_xnnpack_the_shares_are_told_too(tmp_path: Path) -> None:
    entry = measured(tmp_path, equal_layers(LAYERS, 16), "none")
    assert entry["delegated_operators"].value == 0.0
    assert entry["delegated_macs"].value == 0.0
    entry = measured(tmp_path, equal_layers(LAYERS, 16), "xnnpack")
    assert entry["delegated_operators"].value == 1.0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [("libabsent.so", {}, "libabsent.so cannot be loaded"), (None, {"fast": "1"}, "cannot be loaded")],
)
def test_a_delegate_that_cannot_be_loaded_is_named(
    library: Path, tmp_path: Path, name: str | None, options: dict[str, str], said: str
) -> None:
    entry = measured(tmp_path, equal_layers(LAYERS, 16), name or library, **options)
    assert entry.status is Status.ERROR
    assert said in entry.reason


def test_a_delegate_that_computes_falsely_fails_as_wrong_output(library: Path, tmp_path: Path) -> None:
    entry = measured(tmp_path, equal_layers(LAYERS, 16), library, wrong="offset")
    assert entry.status is Status.FAIL
    assert entry.reason.startswith("wrong output on the board")


@pytest.mark.parametrize("most", ["1", "256"])
def test_planted_wrong_outputs_fail_ten_of_ten(library: Path, tmp_path: Path, most: str) -> None:
    """Each way of being wrong, in one layer and in all: twenty of twenty."""
    _, artifact = built(tmp_path, equal_layers(LAYERS, 16))
    golden = artifact.verification.golden
    assert golden is not None
    with board(library) as opened:
        opened.ship(artifact.local_path, artifact.sha256)
        for path, sha256 in golden.files.items():
            opened.ship(Path(path), sha256)
        told = {wrong: checked(opened, artifact, {"wrong": wrong, "most": most}) for wrong in WRONG}
    assert [wrong for wrong, trial in told.items() if trial.died or trial.check is None] == []
    verdicts = {
        wrong: check_outputs(trial.check, golden, max_output_error=0.0).finding
        for wrong, trial in told.items()
        if trial.check is not None
    }
    assert {wrong: finding.status for wrong, finding in verdicts.items() if finding} == dict.fromkeys(
        WRONG, Status.FAIL
    )


def checked(opened: LiveBoard, artifact: Artifact, options: dict[str, str]) -> Trial:
    """The check trial of the plan's first block, alone, with these options of the delegate."""
    runner = choose_runner(opened.profile, opened.facts).model_copy(update={"delegate_options": options})
    block = order_of(make_plan(QUICK, artifact, runner))[0]
    (trial,) = opened.run_block(block.model_copy(update={"trials": block.trials[:1]}))
    return trial
