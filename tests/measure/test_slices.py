"""Relative limits measured by turns in slices: what is planned, what is refused, and what comes of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.measure import execute, make_plan
from harness.measure.block_order import order_of, parts_of
from harness.measure.build_entry import _with_figures
from harness.measure.validate_trials import validate_trials
from harness.records.board import NO_TURNS, Slice, Trial, Turns
from harness.records.candidate import Candidate
from harness.records.entry import Entry
from harness.records.limit_test import LimitTest
from harness.records.plan import BlockSpec, Plan
from harness.records.settings import Settings
from harness.report.baseline_changes import changes
from harness.testing import SimulatedBoard, SimulatedModel, made_up_sha256, make_artifact, make_runner
from harness.testing.builders import make_telemetry, make_trial
from harness.testing.models import BoardState

BY_TURNS = Settings()
CANDIDATE, BASELINE = make_artifact(), make_artifact(sha256=made_up_sha256("b"))
TWO_SPEEDS = tuple(BoardState(from_s=0.04 * at, slowdown=1.4 if at * 7919 % 5 < 2 else 1.0) for at in range(3000))


def question(metric: str = "latency_p50", *, relative: bool = True, limit: float = 0.02) -> LimitTest:
    return LimitTest(
        metric=metric, better="lower", limit=limit, relative=relative, alpha=0.005, miss=0.05, most_blocks=130
    )


def plan(*questions: LimitTest, settings: Settings = BY_TURNS, **changes: object) -> Plan:
    asked = questions or (question(),)
    return make_plan(settings, CANDIDATE, make_runner(**changes), baseline=BASELINE, questions=asked)


def kinds(block: BlockSpec) -> list[str]:
    return [trial.kind for trial in block.trials]


def measured(
    slower: float = 1.0,
    *,
    deaths: dict[int | str, str] | None = None,
    asked: tuple[LimitTest, ...] = (),
    states: tuple[BoardState, ...] = TWO_SPEEDS,
    board: SimulatedBoard | None = None,
) -> tuple[Entry, SimulatedBoard]:
    baseline = SimulatedModel(latency_s=0.001)
    candidate = replace(baseline, latency_s=0.001 * slower, deaths=deaths or {})
    board = board or SimulatedBoard(models={CANDIDATE.sha256: candidate, BASELINE.sha256: baseline}, states=states)
    entry = execute(
        board,
        plan(*asked),
        CANDIDATE,
        candidate=Candidate("model", "tflite", "/model.tflite"),
        baseline=BASELINE,
        now=board.now,
        sleep=board.sleep,
    )
    return entry, board


def test_whole_trials_are_in_the_first_blocks_alone_and_slices_in_all() -> None:
    first, second, third, *_, last = order_of(plan())
    assert kinds(first) == [*["latency"] * 4, "memory", "memory", *["slices"] * 4]
    assert kinds(second) == ["memory", "memory", *["slices"] * 4]
    assert kinds(third) == kinds(last) == ["slices"] * 4
    assert {(trial.slice_s, trial.min_secs) for trial in last.trials} == {(0.02, 0.15)}


def test_other_limits_keep_their_whole_trials_in_every_block() -> None:
    asked = plan(question(), question(relative=False, limit=0.01), question("latency_p90"))
    *_, last = order_of(asked)
    assert kinds(last) == [*["latency"] * 4, *["slices"] * 4]
    *_, last = order_of(plan(question("latency_p90")))
    assert kinds(last) == ["latency"] * 4


def test_a_limit_on_energy_keeps_the_whole_trials_that_were_asked_for() -> None:
    limited = replace(plan(), energy_limited=True)
    assert [kinds(block).count("latency") for block in order_of(limited)[:6]] == [4, 4, 4, 4, 4, 0]


def test_slices_have_a_parent_of_their_own() -> None:
    by_turns = plan()
    first = order_of(by_turns)[0]
    assert [kinds(part) for part in parts_of(by_turns, first)] == [
        [*["latency"] * 4, "memory"],
        ["memory"],
        ["slices"] * 4,
    ]


def test_what_cannot_take_turns_is_measured_by_whole_trials_and_says_why() -> None:
    exec_only = plan(start="exec")
    assert exec_only.slices is None
    assert exec_only.whole_trials.startswith("every trial is a process started anew here")
    other = make_plan(
        BY_TURNS,
        CANDIDATE,
        make_runner(),
        baseline=BASELINE,
        baseline_runner=make_runner(version="1.4.0"),
        questions=(question(),),
    )
    assert (other.slices, other.whole_trials) == (None, "the baseline is run by another runtime")
    assert plan(settings=Settings(design="trials")).slices is None
    assert plan(settings=Settings(design="trials")).whole_trials == ""
    of_memory = plan(question("peak_memory"), question("latency_p90"), question("latency_p50", relative=False))
    assert (of_memory.slices, of_memory.whole_trials) == (None, "slices do not tell peak memory and latency p90")


def test_a_slowdown_is_seen_through_two_speeds_of_the_board() -> None:
    entry, _ = measured(1.05)
    assert entry.baseline is not None
    (ratio,) = [one for one in entry.baseline.ratios if one.metric == "latency_p50"]
    assert 1.03 < ratio.ratio < 1.07
    assert ratio.blocks < 20
    assert entry.baseline.measured_by == (
        "p50 and mean by turns in slices of 20 ms, at equal clock; absolute values come from separate trials"
    )
    assert ratio.by_turns
    assert "latency p50 ratio (by turns)" in [change.title for change in changes([entry])]
    assert {one.arm for one in entry.baseline.carry_over} == {"candidate", "baseline"}
    assert len([one for one in entry.trials if one.arm == "candidate"]) == 2
    assert len([one for one in entry.figures if one.kind == "slices"]) == 4 * ratio.blocks


def test_what_slices_do_not_tell_is_said_beside_what_they_do() -> None:
    entry, _ = measured(1.0, asked=(question(), question("latency_p90", limit=0.5)))
    assert entry.baseline is not None
    assert entry.baseline.measured_by.endswith("; latency p90 by whole trials, which slices do not tell")
    assert {name for told in entry.figures if told.kind == "slices" for name in told.values} == {
        "latency_p50",
        "latency_mean",
        "throughput",
    }


def test_whole_trials_that_contradict_the_turns_are_told() -> None:
    entry, _ = measured(1.2, asked=(question(), question("latency_p90")), states=(BoardState(),))
    assert entry.baseline is not None
    assert "alone is" not in entry.baseline.measured_by
    faster = [
        one.model_copy(update={"quantiles": {**one.quantiles, "p50": 0.7 * one.quantiles["p50"]}})
        if one.arm == "candidate"
        else one
        for one in entry.trials
    ]
    told = _with_figures(entry.baseline, faster, entry.figures).measured_by
    assert "latency p50 alone is 0.84" in told
    assert "1.2" in told.partition("by whole trials, ")[2].partition(" by turns")[0]


def test_the_worst_memory_of_both_arms_goes_with_the_slices() -> None:
    _, board = measured()
    by_turns = [trial for block in board.blocks for trial in block.trials if trial.kind == "slices"]
    assert {trial.room_bytes for trial in by_turns} == {2 * 36_000_000}


def test_arms_that_cannot_take_turns_go_on_in_whole_trials() -> None:
    entry, board = measured(deaths={"slices": NO_TURNS + "both at once need 125 MB of memory, 99 MB are there"})
    assert entry.baseline is not None
    assert entry.baseline.measured_by == (
        "whole trials: the arms cannot take turns: both at once need 125 MB of memory, 99 MB are there"
    )
    assert [one for one in entry.figures if one.kind == "slices"] == []
    assert kinds(board.blocks[-1]) == ["latency"] * 4
    assert entry.findings == []


class CarryingBoard(SimulatedBoard):
    """The baseline is 5 % slower after the candidate, in slices shorter than ``until_s``."""

    until_s = 0.0

    def run_block(self, block: BlockSpec) -> Iterator[Trial]:
        for trial in super().run_block(block):
            carries = trial.turns is not None and trial.arm == "baseline" and block.trials[0].slice_s < self.until_s
            yield trial.model_copy(update={"turns": _carried(trial.turns)}) if carries and trial.turns else trial


def _carried(turns: Turns) -> Turns:
    slices = [
        one.model_copy(update={"median_ns": one.median_ns * 1.05}) if one.after == "candidate" else one
        for one in turns.slices
    ]
    return turns.model_copy(update={"slices": tuple(slices)})


@pytest.mark.parametrize(("until_s", "slice_ms"), [(0.03, 40), (0.06, 80), (1.0, 80)])
def test_slices_are_lengthened_and_begun_anew_where_one_depends_on_the_other(until_s: float, slice_ms: int) -> None:
    board = CarryingBoard(model=SimulatedModel(latency_s=0.001, within_sd=0.001))
    board.until_s = until_s
    entry, _ = measured(board=board)
    assert entry.baseline is not None
    lengths = [trial.slice_s for block in board.blocks for trial in block.trials if trial.kind == "slices"]
    assert sorted(set(lengths)) == [0.02 * 2**at for at in range(len(set(lengths)))]
    assert lengths.count(0.02) == 8
    assert max(lengths) == slice_ms / 1000
    (ratio,) = [one for one in entry.baseline.ratios if one.metric == "latency_p50"]
    assert 4 * ratio.blocks == lengths.count(slice_ms / 1000)
    said = f"slices of {slice_ms} ms, lengthened as arms depended on the other's slice before, at equal clock"
    assert said in entry.baseline.measured_by
    assert ("the ratio by turns is off by" in entry.baseline.measured_by) == (until_s == 1.0)


def told(**changes: object) -> Trial:
    """A trial of kind slices with two slices of ten inferences of 1 ms."""
    same = {"n": 10, "sum_ns": 10_000_000, "median_ns": 1e6, "waiting_cpu_ns": 0}
    slices = (Slice(order=0, after=None, **same), Slice(order=3, after="baseline", **same))
    turns = Turns(p50_ns=1e6, mean_ns=1e6, slices=slices).model_copy(update=changes)
    return make_trial(kind="slices", samples_ns=(), n=20, turns=turns, telemetry=make_telemetry())


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (told(), None),
        (told().model_copy(update={"turns": None}), "slices without turns"),
        (told(slices=()), "0 slices, expected 1 to 64"),
        (told(slices=told().turns.slices[::-1]), "slices out of their order"),  # type: ignore[union-attr]
        (told(p50_ns=2e6), "p50 of 2e+06 ns, slices' medians of 1e+06 to 1e+06 ns"),
        (told(mean_ns=2e6), "a mean of 2e+06 ns of 20 inferences; slices hold 20 in 20000000 ns"),
    ],
)
def test_turns_that_cannot_be_are_a_death(trial: Trial, why: str | None) -> None:
    spec = order_of(plan())[-1].trials[0].model_copy(update={"index": 0, "arm": "candidate"})
    block = BlockSpec(index=0, runner=make_runner(), trials=(spec,))
    (found,) = validate_trials(block, [trial])
    assert found.died == (None if why is None else f"the board's answer makes no sense: {why}")
