from math import exp, log, log1p, sqrt

import numpy as np
import pytest
from scipy import stats

from harness.records.entry import Histogram, TrialMetrics, TrialSummary
from harness.records.limit_test import LimitTest, RunSpread
from harness.records.metrics import METRICS, metrics_of
from harness.stats.limit_test import run_limit_test
from harness.stats.observations import by_parent, observations
from harness.stats.single_look import unpaired_test
from harness.stats.spending import boundaries

ABBA = ("candidate", "baseline", "baseline", "candidate")
BAAB = ("baseline", "candidate", "candidate", "baseline")


def trial(block, arm, p50, *, void=None):
    return TrialSummary(
        arm=arm,
        block=block,
        n=100,
        batch=1,
        mean_s=p50 * 1.1,
        quantiles={"p50": p50, "p90": p50 * 1.2, "p99": p50 * 2},
        histogram=Histogram(edges_s=[0.0, 1.0], counts=[100]),
        independent=50,
        first_inference_s=p50 * 3,
        void=void,
    )


def measured(ratio, *, blocks=40, spread=0.01, base_s=0.004, seed=0, arms=2):
    rng = np.random.default_rng(seed)
    made = []
    for block in range(blocks):
        order = (ABBA if block % 2 == 0 else BAAB) if arms == 2 else ("candidate",) * 4
        for arm in order:
            made.append(trial(block, arm, base_s * (ratio if arm == "candidate" else 1.0) * rng.lognormal(0.0, spread)))
    return made


def question(metric="latency_p50", *, limit=0.02, relative=True, better="lower", most_blocks=40):
    return LimitTest(
        metric=metric, better=better, limit=limit, relative=relative, alpha=0.001, miss=0.05, most_blocks=most_blocks
    )


@pytest.mark.parametrize(
    "metric",
    sorted({metric.name for metric in metrics_of("latency") if metric.repeats != "exact"} - {"throughput"}),
)
@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "pass"), (1.05, "fail"), (0.8, "pass")])
def test_a_relative_limit_on_every_figure(metric, ratio, verdict):
    found = run_limit_test(question(metric), measured(ratio))
    assert found.verdict == verdict and found.needed is None
    assert found.value == pytest.approx(ratio - 1.0, abs=0.01)
    assert found.low <= found.value <= found.high
    assert found.blocks < 40


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "pass"), (1.06, "fail")])
def test_throughput_is_worse_when_it_falls(ratio, verdict):
    found = run_limit_test(question("throughput", better="higher"), measured(ratio))
    assert found.verdict == verdict
    assert found.value == pytest.approx(1.0 - 1.0 / ratio, abs=0.01)


@pytest.mark.parametrize("arms", [1, 2])
@pytest.mark.parametrize(("limit", "verdict"), [(0.0043, "pass"), (0.0038, "fail")])
def test_an_absolute_limit_with_one_arm_or_two(arms, limit, verdict):
    found = run_limit_test(question(limit=limit, relative=False), measured(1.0, arms=arms))
    assert found.verdict == verdict
    assert found.value == pytest.approx(0.004, rel=0.01)
    assert (found.high <= limit) if verdict == "pass" else (found.low > limit)


def test_a_floor_on_throughput():
    trials = measured(1.0, arms=1)
    assert (
        run_limit_test(question("throughput", better="higher", limit=200.0, relative=False), trials).verdict == "pass"
    )
    assert (
        run_limit_test(question("throughput", better="higher", limit=260.0, relative=False), trials).verdict == "fail"
    )


def test_at_the_limit_it_is_open_and_says_about_how_many_blocks_it_would_take():
    found = run_limit_test(question(), measured(1.0195, spread=0.03, seed=4))
    assert found.verdict == "open" and found.blocks == 40
    assert found.needed is None or found.needed > 40


def test_a_figure_on_its_limit_but_for_the_last_digits_stays_open_without_an_advice():
    # Whatever log(exp(x)) loses makes the distance as small as it can be.
    trials = measured(1.0, blocks=6, arms=1)
    usual = run_limit_test(question(limit=1.0, relative=False), trials).value
    found = run_limit_test(question(limit=usual * (1.0 + 1e-14), relative=False), trials)
    assert (found.verdict, found.needed) == ("open", None)


def test_a_block_with_a_void_trial_is_left_out():
    trials = measured(1.0, blocks=10)
    spoilt = [t.model_copy(update={"void": "throttled"}) if (t.block, t.arm) == (3, "candidate") else t for t in trials]
    assert (
        run_limit_test(question(), spoilt).blocks == run_limit_test(question(), trials).blocks
        or run_limit_test(question(), spoilt).blocks == 9
    )


def test_half_a_block_and_swapped_arms_do_not_enter():
    trials = measured(1.0, blocks=8)
    shuffled = [t.model_copy(update={"arm": "candidate"}) if t.block == 2 else t for t in trials]
    assert run_limit_test(question(), [*trials, trial(99, "candidate", 1.0)]) == run_limit_test(question(), trials)
    assert run_limit_test(question(), shuffled) == run_limit_test(question(), [t for t in trials if t.block != 2])


@pytest.mark.parametrize("trials", [[], measured(1.0, blocks=5), measured(1.0, blocks=12, arms=1)])
def test_too_little_is_open_without_a_figure(trials):
    found = run_limit_test(question(), trials)
    assert (found.verdict, found.value, found.low) == ("open", None, None)


@pytest.mark.parametrize("blocks", [2, 3, 5])
@pytest.mark.parametrize(("limit", "verdict"), [(0.0001, "fail"), (1.0, "pass"), (0.004, "open")])
def test_at_the_end_of_measuring_what_no_look_was_due_for_is_looked_at_once(blocks, limit, verdict):
    trials = measured(1.0, blocks=blocks, arms=1)
    asked = question(limit=limit, relative=False)
    assert run_limit_test(asked, trials).value is None
    found = run_limit_test(asked, trials, final=True)
    assert (found.verdict, found.blocks) == (verdict, blocks)
    assert found.low < found.value < found.high


def test_the_last_look_takes_half_of_alpha_and_none_where_looks_were_possible():
    trials = measured(1.0, blocks=5)
    alone = question().model_copy(update={"most_blocks": None, "alpha": 0.0005})
    assert run_limit_test(question(), trials, final=True).low == run_limit_test(alone, trials).low
    many = measured(1.0, blocks=12)
    assert run_limit_test(question(), many, final=True) == run_limit_test(question(), many)


@pytest.mark.parametrize(("metric", "better"), [("latency_p50", "lower"), ("throughput", "higher")])
def test_bounds_of_two_restless_blocks_stay_within_what_a_record_holds(metric, better):
    trials = [trial(number // 4, "candidate", 1.0 if number < 4 else 30.0) for number in range(8)]
    asked = question(metric, limit=1e-3, relative=False, better=better).model_copy(update={"alpha": 1e-9})
    found = run_limit_test(asked, trials, final=True)
    assert 0 < found.low < found.value < found.high < 1e30 and found.verdict == "open"


def test_a_percentile_without_its_reads_has_no_last_look():
    asked = question("latency_p99", limit=0.0001, relative=False)
    few = [t.model_copy(update={"independent": 3}) for t in measured(1.0, blocks=5, arms=1)]
    assert run_limit_test(asked, few, final=True).value is None
    assert run_limit_test(asked.model_copy(update={"most_blocks": None}), few).value is None


@pytest.mark.parametrize("wrong", [0.0, -0.004])
def test_times_that_cannot_be_are_left_out(wrong):
    trials = [t.model_copy(update={"quantiles": {"p50": wrong}}) for t in measured(1.0)]
    assert run_limit_test(question(), trials).verdict == "open"


def test_percentiles_that_a_trial_does_not_have_leave_its_block_out():
    trials = [t.model_copy(update={"quantiles": {"p50": 0.004}}) for t in measured(1.0)]
    assert run_limit_test(question("latency_p99"), trials).value is None


def test_the_effect_is_the_mean_ratio_of_blocks():
    trials = measured(1.03, blocks=6, spread=0.002)
    per_block = []
    for block in range(6):
        own = [log(t.quantiles["p50"]) for t in trials if t.block == block and t.arm == "candidate"]
        base = [log(t.quantiles["p50"]) for t in trials if t.block == block and t.arm == "baseline"]
        per_block.append(np.mean(own) - np.mean(base))
    assert run_limit_test(question(), trials).value == pytest.approx(np.exp(np.mean(per_block)) - 1.0)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "pass"), (1.08, "fail"), (0.8, "pass")])
def test_arms_at_different_times_are_compared_trial_by_trial(ratio, verdict):
    own = measured(ratio, blocks=10, arms=1)
    earlier = [t.model_copy(update={"arm": "baseline"}) for t in measured(1.0, blocks=10, arms=1, seed=9)]
    found = unpaired_test(question(), [*own, *earlier])
    assert found.verdict == verdict
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(ratio - 1.0, abs=0.01)


def test_arms_at_different_times_fail_at_their_limit_as_rarely_as_alpha_says():
    alpha, alarms, runs = 0.05, 0, 1500
    asked = question().model_copy(update={"alpha": alpha})
    for seed in range(runs):
        own = measured(1.02, blocks=4, arms=1, seed=2 * seed)
        earlier = [t.model_copy(update={"arm": "baseline"}) for t in measured(1.0, blocks=4, arms=1, seed=2 * seed + 1)]
        alarms += unpaired_test(asked, [*own, *earlier]).verdict == "fail"
    assert 0.2 * alpha < alarms / runs < 1.2 * alpha


@pytest.mark.parametrize("still", ["candidate", "baseline"])
def test_an_arm_that_never_varies_was_not_measured_and_arms_apart_are_not_compared(still):
    own = measured(1.5, blocks=4, arms=1)
    earlier = [t.model_copy(update={"arm": "baseline"}) for t in measured(1.0, blocks=4, arms=1, seed=9)]
    told = [trial(t.block, t.arm, 0.004) if t.arm == still else t for t in (*own, *earlier)]
    found = unpaired_test(question(), told)
    assert (found.verdict, found.value, found.blocks) == ("open", None, 4)


@pytest.mark.parametrize("within", [20, 30])
def test_what_would_be_detected_is_told_for_the_blocks_that_the_time_limit_has_room_for(within):
    """Beyond the limit it is a boundary and the reserve for a miss, in standard errors of so many blocks."""
    trials = measured(1.0)
    assert run_limit_test(question(), trials).blocks < within
    bounds = boundaries(0.001, 0.05, 40, processes=2, lost=2)

    def reach(room):
        return log1p(run_limit_test(question(), trials, within=room).detectable) - log1p(0.02)

    errors = {room: bounds.fail[room - bounds.first] + bounds.reserve for room in (within, 40)}
    assert reach(within) / reach(None) == pytest.approx(errors[within] / errors[40] * sqrt(40 / within))
    assert reach(None) == pytest.approx(reach(40)) == pytest.approx(reach(1000))


@pytest.mark.parametrize("outlier", [1.0, 1.2])
def test_what_would_be_detected_allows_for_a_spread_and_tails_that_few_blocks_show_badly(outlier):
    """chi-squared at 98 %, its degrees of freedom divided by 1 + half the excess kurtosis."""
    trials = measured(1.0, blocks=40)
    late = {(t.block, t.arm): outlier if t.block == 3 and t.arm == "candidate" else 1.0 for t in trials}
    trials = [t.model_copy(update={"quantiles": {"p50": t.quantiles["p50"] * late[t.block, t.arm]}}) for t in trials]
    asked = question()
    found = run_limit_test(asked, trials)
    bounds = boundaries(asked.alpha, asked.miss, asked.most_blocks, processes=2, lost=2)
    seen = [t for t in trials if t.block < found.blocks]
    arms = {arm: [log(t.quantiles["p50"]) for t in seen if t.arm == arm] for arm in ("candidate", "baseline")}
    effects = np.subtract(*(np.reshape(arms[arm], (-1, 2)).mean(axis=1) for arm in ("candidate", "baseline")))
    first_of = [next(t.arm for t in seen if t.block == block) for block in range(found.blocks)]
    turns = np.where(np.array(first_of) == "candidate", 1.0, -1.0)
    fitted = np.polynomial.Polynomial.fit(turns, effects, 1)
    left = effects - fitted(turns)
    balance = 1.0 - np.mean(turns) ** 2
    excess = max(0.0, stats.kurtosis(effects, bias=False))
    assert (excess > 5.0) == (outlier > 1.0)
    degrees = (found.blocks - 1) / (1.0 + excess / 2.0)
    widest = sqrt(degrees / stats.chi2.isf(0.98, degrees))
    error = sqrt((left @ left) / (found.blocks - 2) / found.blocks / balance) * widest
    reach = (bounds.fail[-1] + bounds.reserve) * error * sqrt(found.blocks / bounds.last)
    signs = stats.beta.ppf(0.9, bounds.beyond[-1], bounds.last - bounds.beyond[-1] + 1.0)
    by_signs = stats.norm.ppf(signs) * error * sqrt(found.blocks)
    assert log1p(found.detectable) - log1p(asked.limit) == pytest.approx(max(reach, by_signs))


def by_parents(*means, arm="candidate", each=4):
    """Trials within a thousandth of the mean logarithm of their parent."""
    return [
        trial(block, arm, 0.004 * exp(mean + 0.0005 * (1.0 if at % 2 else -1.0)))
        for block, mean in enumerate(means)
        for at in range(each)
    ]


def test_arms_apart_are_compared_parent_by_parent_however_many_trials_a_parent_has():
    base, own = (0.0, 0.04, 0.0, 0.0, 0.04), (0.02, 0.05, 0.02, 0.02, 0.06)
    few, many = (
        unpaired_test(question(), [*by_parents(*own, each=each), *by_parents(*base, arm="baseline", each=each)])
        for each in (2, 20)
    )
    assert few.blocks == many.blocks == 5
    assert (few.low, few.value, few.high) == pytest.approx((many.low, many.value, many.high))


def test_how_far_runs_differ_by_themselves_widens_what_is_said_of_arms_apart():
    own, base = by_parents(*(0.05, 0.06, 0.05, 0.06) * 3), by_parents(*(0.0, 0.01) * 6, arm="baseline")
    unknown = unpaired_test(question(), [*own, *base])
    known, sharp = (
        unpaired_test(question(), [*own, *base], between=RunSpread(sd=sd, degrees=1_000_000)) for sd in (0.01, 1e-6)
    )
    assert unknown.verdict == "fail"
    assert known.verdict == "open"
    assert (sharp.low, sharp.high) == pytest.approx((unknown.low, unknown.high), rel=1e-3)


def test_an_open_answer_of_arms_apart_tells_how_many_of_the_candidates_blocks_would_settle_it():
    own, base = (0.0, 0.03, -0.02, 0.01, 0.02, -0.03), (0.0, 0.001) * 40
    open_ = unpaired_test(question(), [*by_parents(*own), *by_parents(*base, arm="baseline")])
    assert open_.verdict == "open"
    assert 6 < open_.needed < 60
    more = own * (open_.needed // 6 + 1)
    assert unpaired_test(question(), [*by_parents(*more), *by_parents(*base, arm="baseline")]).verdict == "pass"


def test_no_number_of_blocks_settles_what_the_base_or_the_runs_leave_open():
    own, base = (0.0, 0.001) * 5, (0.0, 0.05, -0.05, 0.03)
    left = unpaired_test(question(), [*by_parents(*own), *by_parents(*base, arm="baseline")])
    assert (left.verdict, left.needed) == ("open", None)
    wide = RunSpread(sd=0.05, degrees=5)
    between = unpaired_test(question(), [*by_parents(*own), *by_parents(*own, arm="baseline")], between=wide)
    assert (between.verdict, between.needed) == ("open", None)


def test_void_trials_and_those_without_a_figure_are_of_no_parent():
    told = [*by_parents(0.0, 0.1), trial(1, "candidate", 9.0).model_copy(update={"void": "hot"})]
    seen = observations("latency_p50", [*told, trial(7, "candidate", -1.0)], ())
    assert by_parent(seen, "candidate") == pytest.approx([log(0.004), log(0.004) + 0.1])
    assert by_parent(seen, "baseline").size == 0


def test_one_trial_an_arm_tells_nothing_of_arms_apart():
    own = measured(1.0, blocks=1, arms=1)[:1]
    assert unpaired_test(question(), [*own, own[0].model_copy(update={"arm": "baseline"})]).value is None


def test_every_sampled_metric_has_figures_of_a_kind_of_trial():
    asked = [metric for metric in METRICS.values() if metric.by_trials]
    one = trial(0, "candidate", 0.004)
    assert all(metric.figure(one) is not None for metric in asked if metric.kind == "latency")
    assert {metric.kind for metric in asked} == {"latency", "memory", "stages"}


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_before_the_first_look_there_is_no_figure_and_it_is_told_how_many_blocks_it_takes(blocks):
    found = run_limit_test(question(), measured(1.0, blocks=blocks))
    assert (found.verdict, found.blocks, found.value, found.needed) == ("open", blocks, None, 6)


def joules(mean, *, blocks=5, arm="candidate", spread=0.002):
    """Of latency trials, four a block of one arm, whose energies share a sensor's watts."""
    return [
        TrialMetrics(
            kind="energy",
            arm=arm,
            block=at // 4,
            values={"energy_per_inference": 0.01 * exp(mean + spread * (1.0 if (at // 4) % 2 else -1.0))},
        )
        for at in range(4 * blocks)
    ]


def watts(*logs, arm="candidate", start=100):
    return [
        TrialMetrics(kind="energy", arm=arm, block=start + at, values={"power_mean": 4.0 * exp(one)})
        for at, one in enumerate(logs)
    ]


ENERGY = question("energy_per_inference", limit=0.0105, relative=False, most_blocks=None)


def test_an_energy_is_as_uncertain_as_its_latency_and_the_windows_of_its_power_together():
    steady, shaky = (run_limit_test(ENERGY, [], [*joules(0.0), *watts(*(0.0, sd) * 8)]) for sd in (0.001, 0.4))
    assert (steady.verdict, steady.windows, steady.blocks) == ("pass", True, 16)
    assert shaky.verdict == "open" and shaky.high > steady.high
    assert 16 < shaky.needed < 1000
    latency, windows = (np.array(one) for one in ([0.002, -0.002] * 2 + [0.002], [0.0, 0.4] * 8))
    assert shaky.value == pytest.approx(0.01 * exp(-0.0004), rel=1e-6)
    errors = [stats.sem(latency), stats.sem(windows)]
    degrees = (errors[0] ** 2 + errors[1] ** 2) ** 2 / (errors[0] ** 4 / 4 + errors[1] ** 4 / 15)
    reach = stats.t.isf(0.05, degrees) * np.hypot(*errors)
    assert log(shaky.high / shaky.value) == pytest.approx(reach, rel=0.05)


def test_a_single_window_or_a_single_trial_says_nothing_of_an_energy():
    one = run_limit_test(ENERGY, [], [*joules(0.0), *watts(0.0)])
    assert (one.verdict, one.value, one.blocks, one.needed, one.windows) == ("open", None, 1, 6, True)
    assert run_limit_test(ENERGY, [], [*joules(0.0, blocks=1)[:1], *watts(0.0, 0.1)]).value is None
    alike = run_limit_test(ENERGY, [], [*joules(0.0, spread=0.0), *watts(0.0, 0.0)])
    assert (alike.verdict, alike.value) == ("open", None)


@pytest.mark.parametrize(("windows", "verdict"), [(9, "open"), (10, "fail")])
def test_fewer_windows_than_a_sign_test_takes_fail_nothing_near(windows, verdict):
    logs = [0.001 * (at % 2) for at in range(windows)]
    assert run_limit_test(ENERGY, [], [*joules(0.2), *watts(*logs)]).verdict == verdict
    assert run_limit_test(ENERGY, [], [*joules(2.0), *watts(*logs)]).verdict == "fail"


@pytest.mark.parametrize(("ratio", "verdict"), [(0.0, "pass"), (0.1, "fail")])
def test_energies_of_two_arms_are_compared_by_pairs_of_windows(ratio, verdict):
    asked = question("energy_per_inference", most_blocks=None)
    told = [
        TrialMetrics(
            kind="energy",
            arm=arm,
            block=block,
            values={"energy_per_inference": 0.01 * exp((arm == "candidate") * ratio + 0.001 * ((block + at) % 3))},
        )
        for block in range(5)
        for at, arm in enumerate(ABBA)
    ]
    heat = np.linspace(0.0, 0.5, 14)
    told += [one for at, log_w in enumerate(heat) for arm in ("candidate", "baseline")
             for one in watts(log_w + 0.001 * (at % 2) * (arm == "baseline"), arm=arm, start=100 + at)]  # fmt: skip
    found = run_limit_test(asked, [], told)
    assert (found.verdict, found.blocks) == (verdict, 14)
    assert found.value == pytest.approx(exp(ratio) - 1.0, abs=0.002)


def test_windows_of_another_day_widen_what_is_said_of_an_energy():
    asked = question("energy_per_inference", limit=0.05, most_blocks=None)
    trials = [*joules(0.0), *joules(0.0, arm="baseline")]
    without = unpaired_test(asked, [], trials)
    wide = unpaired_test(asked, [], [*trials, *watts(*(0.0, 0.1) * 3), *watts(*(0.0, 0.1) * 3, arm="baseline")])
    assert (without.verdict, wide.verdict) == ("pass", "open")
    few = unpaired_test(asked, [], [*trials, *watts(0.0), *watts(0.0, 0.1, arm="baseline")])
    assert (few.verdict, few.value, few.needed) == ("open", None, 6)
