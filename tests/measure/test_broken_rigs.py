"""Ways to break a rig: each ends in an error or a verdict that is not green, none in a pass."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.gates import judge, limit_tests_of, limits_for, load_budgets, parse_limits
from harness.measure import execute, make_plan, most_blocks
from harness.records.board import TrialMemory
from harness.records.candidate import Candidate
from harness.records.device import Limits
from harness.records.entry import BaselineRecord
from harness.records.errors import ConnectionLostError, HarnessError
from harness.records.settings import Settings
from harness.records.status import Status, exit_code
from harness.session.baselines import check_baseline
from harness.store import load_results
from harness.store.history import History
from harness.testing import (
    BoardState,
    SimulatedBoard,
    SimulatedModel,
    made_up_sha256,
    make_artifact,
    make_golden,
    make_profile,
    make_runner,
)

OURS = make_artifact(sha256=made_up_sha256("a"), golden=make_golden())
BASE = make_artifact("old", sha256=made_up_sha256("b"))
LIMITS = parse_limits({"latency_p50_regression": "2 %", "peak_memory_regression": "2 %"}, origin="marker")
SETTINGS = Settings(time_limit_s=120.0)


def measured(board, *, settings=SETTINGS, limits=LIMITS, baseline=BASE):
    arms = 1 if baseline is None else 2
    questions = limit_tests_of(
        limits, share=0.001, miss=0.05, most_blocks=most_blocks(settings, arms=arms), paired=arms == 2
    )
    plan = make_plan(settings, OURS, make_runner(), baseline=baseline, questions=questions)
    entry = execute(
        board, plan, OURS, candidate=Candidate("model", "tflite", "/model.tflite"), baseline=baseline,
        now=board.now, sleep=board.sleep,
    )  # fmt: skip
    return judge(entry, limits, settings=settings, share=0.001)


class Tampered(SimulatedBoard):
    """A board whose latency trials (or those of another kind) are changed on their way."""

    def __init__(self, change, *, kind="latency", **more):
        super().__init__(**more)
        self.change, self.kind = change, kind

    def run_block(self, block):
        for trial in super().run_block(block):
            yield self.change(trial) if trial.kind == self.kind else trial


def changed(**fields):
    return lambda trial: trial.model_copy(update=fields)


def telemetry(**fields):
    return lambda trial: trial.model_copy(update={"telemetry": trial.telemetry.model_copy(update=fields)})


def swapped(trial):
    return trial.model_copy(update={"arm": "baseline" if trial.arm == "candidate" else "candidate"})


def model(**fields):
    return SimulatedBoard(models={OURS.sha256: SimulatedModel(**fields)})


RIGS = {
    "no samples": lambda: Tampered(changed(samples_ns=(), n=0)),
    "clock stuck": lambda: Tampered(changed(samples_ns=(4_000_000,) * 60, n=60)),
    "negative times": lambda: Tampered(changed(samples_ns=(-4_000_000,) * 60, n=60)),
    "zero times": lambda: Tampered(changed(samples_ns=(0,) * 60, n=60)),
    "fewer inferences than reads": lambda: Tampered(changed(n=1)),
    "batch of none": lambda: Tampered(changed(batch=0)),
    "swapped arms": lambda: Tampered(swapped),
    "another trial's answer": lambda: Tampered(changed(index=9_999)),
    "another block's answer": lambda: Tampered(changed(block=77)),
    "memory that shrinks": lambda: Tampered(
        changed(memory=TrialMemory(hwm_before_bytes=2, hwm_bytes=1, rss_bytes=1)), kind="memory"
    ),
    "memory untold": lambda: Tampered(
        changed(memory=TrialMemory(hwm_before_bytes=0, hwm_bytes=0, rss_bytes=0)), kind="memory"
    ),
    "negative wall clock": lambda: Tampered(telemetry(wall_s=-1.0)),
    "utilisation of NaN": lambda: Tampered(telemetry(utilisation=float("nan"))),
    "wrong outputs": lambda: model(outputs="wrong"),
    "NaN outputs": lambda: model(outputs="nan"),
    "every trial dies": lambda: model(deaths={"latency": "signal 11"}),
    "the check dies": lambda: model(deaths={"check": "signal 9"}),
    "memory trials die": lambda: model(deaths={"memory": "signal 9"}),
    "throttled": lambda: SimulatedBoard(states=(BoardState(throttled=4),)),
    "too hot": lambda: SimulatedBoard(
        profile=make_profile(limits=Limits(max_temp_c=70.0)), states=(BoardState(temp_c=90.0),)
    ),
    "another frequency": lambda: SimulatedBoard(states=(BoardState(), BoardState(from_s=0.5, freq_khz=600_000))),
}


@pytest.mark.parametrize("rig", RIGS)
def test_a_broken_rig_is_never_green(rig):
    entry = measured(RIGS[rig]())
    assert entry.status in (Status.ERROR, Status.INVALID, Status.FAIL)
    assert exit_code([entry.status]) != 0
    assert "\n" not in entry.reason and entry.reason


def test_the_same_rig_unbroken_is_green():
    assert measured(SimulatedBoard()).status is Status.PASS


def test_a_board_that_goes_away_is_no_verdict():
    with pytest.raises(ConnectionLostError):
        measured(SimulatedBoard(lost=ConnectionLostError("gone"), lost_after=9))


@pytest.mark.parametrize("baseline", [None, BaselineRecord(given="x", state="missing", sentence="does not build")])
def test_a_missing_baseline_is_no_pass(baseline):
    entry = measured(SimulatedBoard(), baseline=None)
    judged = judge(entry.model_copy(update={"baseline": baseline}), LIMITS, settings=replace(SETTINGS, baseline="x"))
    assert judged.status in (Status.INVALID, Status.ERROR)


@pytest.mark.parametrize("named", ["nothing.tflite", "nothing.json", "no-such-branch", "rev:0000000"])
def test_a_baseline_that_is_not_there_is_refused(named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match="--baseline"):
        check_baseline(Settings(baseline=named))


def test_an_empty_selection_is_not_green():
    assert exit_code([]) == 5


def test_inconclusive_is_not_green_by_default():
    assert exit_code([Status.INCONCLUSIVE]) == 10


def test_no_time_is_no_pass():
    entry = measured(SimulatedBoard(), settings=replace(SETTINGS, time_limit_s=0.3))
    assert max(finding.blocks or 0 for finding in entry.findings) < 3
    assert entry.status is Status.INCONCLUSIVE


def test_an_expired_waiver_does_not_relax(tmp_path):
    place = tmp_path / "budgets.toml"
    place.write_text(
        '[rpi4."x"]\nlatency_p50_regression = "2 %"\n[[waiver]]\ndevice = "rpi4"\ncandidate = "x"\n'
        'metric = "latency_p50_regression"\nlimit = "50 %"\nuntil = 2026-01-01\nissue = "#1"\nreason = "old"\n'
    )
    (limit,) = limits_for(load_budgets(place), ["rpi4"], "x", today=date(2026, 1, 2))
    assert limit.value == 0.02 and limit.waiver is None


def test_an_unreadable_history_is_an_error(tmp_path):
    place = tmp_path / "history.db"
    place.write_bytes(b"no database" * 100)
    with pytest.raises(HarnessError, match=r"history\.db"):
        History.open(str(place))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema_version": 99}', b"\xff\xfe", b"[1, 2"])
def test_an_unreadable_run_is_an_error(content, tmp_path: Path):
    place = tmp_path / "results.json"
    place.write_bytes(content)
    with pytest.raises(HarnessError, match=r"results\.json"):
        load_results(place)
