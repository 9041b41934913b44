"""Two arms on a simulated board, measured until the questions of their limits are answered."""

import pytest

from harness.gates import judge, limit_tests_of, parse_limits
from harness.measure import execute, make_plan, most_blocks
from harness.records.candidate import Candidate
from harness.records.entry import BaselineRecord
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import (
    BoardState,
    SimulatedBoard,
    SimulatedModel,
    made_up_sha256,
    make_artifact,
    make_profile,
    make_runner,
)

OURS = make_artifact(sha256=made_up_sha256("a"))
BASE = make_artifact("old", sha256=made_up_sha256("b"))
SHARE = 0.005 / 100
WHOLE = Settings(time_limit_s=600.0, design="trials")


def board_of(slowdown=1.0, *, memory=1.0, latency_s=0.004, **noise):
    base = SimulatedModel(latency_s=latency_s, **noise)
    ours = SimulatedModel(latency_s=latency_s * slowdown, memory_bytes=int(2_000_000 * memory), **noise)
    return SimulatedBoard(models={OURS.sha256: ours, BASE.sha256: base}, seed=5)


def compared(board, *, settings=None, baseline=BASE, **budgets):
    settings = settings or Settings(time_limit_s=600.0)
    limits = parse_limits(budgets, origin="marker")
    arms = 1 if baseline is None else 2
    questions = limit_tests_of(
        limits, share=SHARE, miss=settings.miss, most_blocks=most_blocks(settings, arms=arms), paired=arms == 2
    )
    energy = any(limit.definition.kind == "energy" for limit in limits)
    plan = make_plan(
        settings, OURS, make_runner(), baseline=baseline, questions=questions, energy_limited=energy
    )  # fmt: skip
    entry = execute(
        board, plan, OURS, candidate=Candidate("model", "tflite", "/model.tflite"), baseline=baseline,
        now=board.now, sleep=board.sleep,
    )  # fmt: skip
    return judge(entry, limits, settings=settings, share=SHARE), plan


@pytest.mark.parametrize("design", ["trials", "slices"])
@pytest.mark.parametrize(
    ("slowdown", "status"), [(1.0, Status.PASS), (0.9, Status.PASS), (1.05, Status.FAIL), (1.3, Status.FAIL)]
)
def test_measuring_ends_as_soon_as_the_question_is_answered(slowdown, status, design):
    settings = Settings(time_limit_s=600.0, design=design)
    entry, plan = compared(board_of(slowdown), settings=settings, latency_p50_regression="2 %")
    (finding,) = entry.findings
    assert finding.status is entry.status is status
    assert finding.blocks is not None and 5 <= finding.blocks < plan.most_blocks
    assert finding.value == pytest.approx(slowdown - 1.0, abs=0.01)
    assert finding.ci_low <= finding.value <= finding.ci_high
    assert (finding.alpha, finding.miss) == (SHARE, 0.05)
    assert finding.detectable > 0.02
    measured = entry.trials if design == "trials" else [told for told in entry.figures if told.kind == "slices"]
    assert len({trial.block for trial in measured}) == max(5, finding.blocks)


def test_the_arms_take_turns_and_the_baseline_is_told():
    entry, _ = compared(board_of(1.05), settings=WHOLE, latency_p50_regression="2 %")
    arms = "".join(trial.arm[0] for trial in entry.trials[:8])
    assert arms in ("cbbcbccb", "bccbcbbc")
    base = entry.baseline
    assert base.state == "measured" and base.artifact.sha256 == BASE.sha256
    ratio = next(one for one in base.ratios if one.metric == "latency_p50")
    assert ratio.ratio == pytest.approx(1.05, abs=0.01) and len(ratio.by_block) == ratio.blocks
    assert next(m for m in base.measurements if m.metric == "latency_p50").value == pytest.approx(0.004, rel=0.02)


def test_at_the_limit_time_runs_out_and_it_says_how_many_blocks_more():
    entry, _ = compared(
        board_of(1.02, between_sd=0.03), settings=Settings(time_limit_s=20.0), latency_p50_regression="2 %"
    )
    (finding,) = entry.findings
    assert finding.status is Status.INCONCLUSIVE
    assert "too close to limit 2 %: " in finding.reason
    assert "more block" in finding.reason or "would not settle it" in finding.reason


def test_absolute_limits_are_answered_by_the_candidates_own_blocks():
    for limit, status in (("4.2 ms", Status.PASS), ("3.8 ms", Status.FAIL)):
        entry, _ = compared(board_of(), baseline=None, latency_p50=limit)
        assert entry.status is status
        assert {trial.arm for trial in entry.trials} == {"candidate"}
        assert [trial.block for trial in entry.trials[:4]] == [0, 0, 0, 0]


@pytest.mark.parametrize(("memory", "status"), [(1.0, Status.PASS), (1.02, Status.PASS), (3.0, Status.FAIL)])
def test_memory_that_never_varies_is_compared_exactly(memory, status):
    entry, _ = compared(board_of(memory=memory), peak_memory_regression="2 %")
    (finding,) = entry.findings
    assert finding.status is status
    assert finding.alpha is None and finding.ci_low is None
    assert finding.value == pytest.approx((34e6 + 2e6 * memory) / 36e6 - 1.0)
    assert "the same in every process" in finding.detail


def test_drift_does_not_pass_for_a_regression():
    entry, _ = compared(board_of(drift=0.002), latency_p50_regression="2 %")
    assert entry.status is Status.PASS


def test_a_trial_is_as_long_as_processes_differ():
    settled = compared(board_of(between_sd=0.03, within_sd=0.01), settings=WHOLE, latency_p50_regression="2 %")[0]
    lengths = [trial.n for trial in settled.trials]
    assert min(lengths[:8]) > 2 * max(lengths[8:])
    steady = compared(board_of(between_sd=0.0001, within_sd=0.2), settings=WHOLE, latency_p50_regression="2 %")[0]
    assert min(trial.n for trial in steady.trials) == max(trial.n for trial in steady.trials)


def test_lengths_that_were_asked_for_are_kept():
    settings = Settings(time_limit_s=600.0, min_secs=0.5, fixed_length=True)
    entry, _ = compared(board_of(between_sd=0.03, within_sd=0.01), settings=settings, latency_p50_regression="2 %")
    assert min(trial.n * trial.mean_s for trial in entry.trials) > 0.45


def test_a_throttled_board_leaves_the_change_unjudged():
    board = board_of()
    board.states = (BoardState(), BoardState(from_s=1.0, throttled=4, slowdown=1.4))
    entry, _ = compared(board, latency_p50_regression="2 %")
    assert entry.status is Status.INVALID
    assert all(finding.status is Status.INVALID for finding in entry.findings)


@pytest.mark.parametrize("metric", ["latency_p90", "latency_p99", "first_inference", "throughput", "init_time"])
def test_other_metrics_have_their_own_questions(metric):
    entry, _ = compared(board_of(1.2), settings=Settings(time_limit_s=3000.0), **{f"{metric}_regression": "2 %"})
    (finding,) = entry.findings
    if metric == "init_time":  # the same in both arms, and without any spread: nothing was measured
        assert finding.status is Status.INCONCLUSIVE
    else:
        assert finding.status is Status.FAIL


def test_a_percentile_waits_for_the_reads_that_it_needs():
    settings = Settings(time_limit_s=3000.0, num_runs=110, min_secs=0.0, max_secs=1.0, fixed_length=True)
    entry, _ = compared(board_of(1.3), settings=settings, latency_p99_regression="2 %")
    reads = sum(trial.independent for trial in entry.trials if trial.arm == "baseline")
    assert entry.status is Status.FAIL and reads >= 662


@pytest.mark.parametrize(
    ("state", "status"),
    [("identical", Status.PASS), ("new", Status.MEASURED), ("missing", Status.ERROR), ("unlike", Status.INVALID)],
)
def test_what_is_not_measured_against_a_base_says_why(state, status):
    entry, _ = compared(board_of(), baseline=None, settings=Settings(time_limit_s=60.0))
    told = BaselineRecord.model_validate({"given": "main", "state": state, "sentence": "because"})
    judged = judge(
        entry.model_copy(update={"baseline": told}),
        parse_limits({"latency_p50_regression": "2 %"}, origin="marker"),
        settings=Settings(),
    )
    assert judged.findings[-1].status is status and "because" in judged.findings[-1].reason


def test_a_stored_entry_is_judged_again_to_the_same_finding():
    entry, _ = compared(board_of(1.05), latency_p50_regression="2 %", latency_p50="4.1 ms")
    stored = type(entry).model_validate_json(entry.model_dump_json())
    limits = parse_limits({"latency_p50_regression": "2 %", "latency_p50": "4.1 ms"}, origin="marker")
    assert judge(stored, limits, settings=Settings(time_limit_s=600.0), share=SHARE) == entry


MODEL = {"idle_w": 2.0, "full_w": 6.0, "bands": [(0.0, 0.4)], "source": "made up"}


@pytest.mark.parametrize(("slowdown", "status"), [(0.8, Status.PASS), (1.2, Status.FAIL)])
def test_energy_is_judged_at_the_sessions_rate_in_one_look(slowdown, status):
    board = board_of(slowdown)
    board.profile = make_profile(power={"model": MODEL})
    entry, _ = compared(
        board,
        latency_p50_regression="50 %",
        energy_per_inference_regression={"max": "2 %", "source": "model"},
    )
    finding = next(one for one in entry.findings if one.metric == "energy_per_inference")
    assert finding.status is status
    assert finding.alpha == SHARE
    assert finding.value == pytest.approx(slowdown - 1.0, abs=0.02)


def test_an_energy_near_its_limit_is_not_failed_by_a_narrow_interval():
    """A 95 % interval would lie above a limit one time in forty; the session promises far less."""
    failed = 0
    for seed in range(60):
        board = board_of(between_sd=0.02)
        board.seed, board.profile = seed, make_profile(power={"model": MODEL})
        entry, _ = compared(board, baseline=None, energy_per_inference={"max": "12 mJ", "source": "model"})
        failed += entry.status is Status.FAIL
    assert failed == 0
