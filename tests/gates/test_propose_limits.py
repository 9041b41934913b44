"""Limits made of what was measured: the bad end, a margin, three digits; figures that are not fit are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_results import findings, measured

from harness.gates import judge, load_budgets, parse_limit
from harness.gates.propose_limits import (
    Proposal,
    ProposalRequest,
    Refused,
    figure_text,
    propose_limits,
    room,
    with_margin,
)
from harness.records.entry import Finding, Histogram, TrialSummary
from harness.records.metrics import METRICS
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import parse_quantity
from harness.testing import make_entry

FIGURES = [
    measured("latency_p50", 0.004, spread=0.01),
    measured("model_memory", 38_400_000.0, n=2),
    measured("model_size", 112_700.0, n=1),
    measured("throughput", 250.0, spread=0.01),
]
LINEAGES = {"pi-07": ("pi-07", "rpi4")}


def entry(**changes):
    return make_entry(**{"device": "pi-07", "candidate": "kws", "recipe": "int8", "measurements": FIGURES, **changes})


def texts(found):
    return {one.metric: one.text for one in found if isinstance(one, Proposal)}


def steps(found):
    return {one.metric: one.step for one in found if isinstance(one, Proposal)}


@pytest.fixture
def budgets_of(tmp_path):
    def write(text):
        path = tmp_path / "budgets.toml"
        path.write_text(text)
        return load_budgets(path, rootdir=tmp_path)

    return write


def test_the_bad_end_and_the_margin_make_the_limit():
    found = propose_limits([entry()], None, ProposalRequest(), lineages=LINEAGES)

    assert texts(found) == {"latency_p50": "4.45 ms", "model_memory": "42.3 MB", "model_size": "124 kB"}
    assert set(steps(found).values()) == {"add"}
    assert {(one.device, one.candidate) for one in found} == {("pi-07", "kws/int8")}
    assert [one.measured for one in found] == [
        "4 ms (3.96-4.04 ms, 95 %, 10 trials)",
        "38.4 MB (2 trials)",
        "112.7 kB (exact)",
    ]


def test_a_floor_lies_below_the_lower_end():
    found = propose_limits([entry()], None, ProposalRequest(("throughput",), margin=0.2), lineages=LINEAGES)

    assert texts(found) == {"throughput": "198 /s"}


def test_of_two_entries_the_worse_counts():
    slower = [measured("latency_p50", 0.005, spread=0.01)]
    found = propose_limits(
        [entry(), entry(measurements=slower)], None, ProposalRequest(("latency_p50",)), lineages=LINEAGES
    )

    assert texts(found) == {"latency_p50": "5.56 ms"}


def trials_of(factors, p50_s):
    return [
        TrialSummary(
            arm="candidate",
            block=place // 5,
            n=100,
            batch=1,
            mean_s=p50_s * factor,
            quantiles={"p50": p50_s * factor},
            histogram=Histogram(edges_s=[1.0, 2.0], counts=[1]),
        )
        for place, factor in enumerate(factors)
    ]


@pytest.mark.parametrize("metric", ["latency_p50", "throughput"])
@pytest.mark.parametrize(
    "factors",
    [
        [1.0, 1.001, 0.999, 1.002, 0.998] * 2,
        [1.0, 1.4, 1.0, 1.0, 1.4, 1.4, 1.0, 1.4, 1.0, 1.4],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.4, 1.4, 1.4, 1.4, 1.4],
        [1.0, 3.0, 1.0],
    ],
)
def test_what_is_proposed_holds_for_the_run_that_it_comes_from(metric, factors):
    middle = sorted(factors)[len(factors) // 2]
    figures = [
        measured("latency_p50", 0.004 * middle, spread=0.001),
        measured("throughput", 250.0 / middle, spread=0.001),
    ]
    one = entry(measurements=figures, trials=trials_of(factors, 0.004))
    (found,) = propose_limits([one], None, ProposalRequest((metric,)), lineages=LINEAGES)
    limit = parse_limit(metric, found.text, origin="proposed")
    judged = judge(one, [limit], settings=Settings(), share=0.005 / 40)
    assert judged.status is Status.PASS, judged.reason
    assert limit.value < 40 * 0.004 if metric == "latency_p50" else limit.value > 250.0 / 40


def test_of_a_candidate_measured_twice_the_worse_figure_is_kept():
    twice = [entry(measurements=[measured("model_size", size, n=1)]) for size in (100_000.0, 200_000.0)]
    for order in (twice, twice[::-1]):
        (found,) = propose_limits(order, None, ProposalRequest(("model_size",)), lineages=LINEAGES)
        assert 200_000 <= parse_quantity(found.text, "B") <= 250_000


def test_of_a_candidate_measured_twice_both_verdicts_keep_the_limit():
    factors = ([1.0, 1.001, 0.999, 1.002, 0.998] * 2, [1.0, 1.4, 1.0, 1.0, 1.4, 1.4, 1.0, 1.4, 1.0, 1.4])
    figures = [measured("latency_p50", 0.004, spread=0.001)]
    twice = [entry(measurements=figures, trials=trials_of(one, 0.004)) for one in factors]
    (found,) = propose_limits(twice, None, ProposalRequest(("latency_p50",)), lineages=LINEAGES)
    limit = parse_limit("latency_p50", found.text, origin="proposed")
    assert [judge(one, [limit], settings=Settings()).status for one in twice] == [Status.PASS, Status.PASS]


def test_a_margin_is_widened_only_so_often(monkeypatch):
    one = entry(measurements=[measured("latency_p50", 0.004, spread=0.001)], trials=trials_of([1.0, 3.0, 1.0], 0.004))
    monkeypatch.setattr("harness.gates.propose_limits._MOST_ATTEMPTS", 1)
    (refused,) = propose_limits([one], None, ProposalRequest(("latency_p50",)), lineages=LINEAGES)
    assert "too little to make a limit of, raise --trials" in refused.why


def test_from_a_single_trial_nothing_is_proposed():
    figures = [measured("latency_p50", 0.004, spread=0.001)]
    one = entry(measurements=figures, trials=trials_of([1.0], 0.004))
    (refused,) = propose_limits([one], None, ProposalRequest(("latency_p50",)), lineages=LINEAGES)
    assert "too little to make a limit of, raise --trials" in refused.why


@pytest.mark.parametrize(("bound", "text"), [(0.0046, "5.17 ms"), (0.0052, "5.72 ms"), (None, None)])
def test_a_percentile_s_limit_lies_beyond_its_99_percent_bound(bound, text):
    """A tenth beyond the interval's end, 4.7 ms, or where the bound is not kept so, beyond the bound."""
    trials = [
        trial.model_copy(update={"block": place // 4, "independent": 20, "quantiles": {"p50": 0.004, "p90": p90}})
        for place, trial in enumerate(trials_of([1.0] * 48, 0.004))
        for p90 in [0.0046 * (1.0 + 0.001 * (place % 5))]
    ]
    figure = measured("latency_p90", 0.0046, ci_low=0.0045, ci_high=0.0047, upper_bound=bound, independent=80)
    one = entry(measurements=[figure], trials=trials, most_blocks=12)
    (found,) = propose_limits([one], None, ProposalRequest(("latency_p90",)), lineages=LINEAGES)
    if text is None:
        assert "too little to make a limit of, raise --trials" in found.why
    else:
        assert found.text == text


def test_from_few_trials_the_margin_must_clear_what_they_may_not_have_shown():
    """Three processes leave 63 % of all unseen with a chance of 5 %; were those twice as slow, the mean were 2^0.63
    times as large. A tenth does not clear that, on whatever end it is put."""
    trials = trials_of([1.0, 1.0001, 0.9999], 0.004)
    trials = [trial.model_copy(update={"block": place}) for place, trial in enumerate(trials)]
    one = entry(measurements=[measured("latency_p50", 0.004, spread=0.01)], trials=trials, most_blocks=40)
    (refused,) = propose_limits([one], None, ProposalRequest(("latency_p50",)), lineages=LINEAGES)
    assert "latency_p50 is 4 ms (3.96-4.04 ms, 95 %, 10 trials): too little to make a limit of" in refused.why
    (found,) = propose_limits([one], None, ProposalRequest(("latency_p50",), margin=0.6), lineages=LINEAGES)
    assert found.text == "6.47 ms"


def test_a_metric_that_one_of_two_entries_lacks_is_refused():
    found = propose_limits([entry(), entry(measurements=[])], None, ProposalRequest(), lineages=LINEAGES)
    assert [one.why for one in found] == [
        f"{metric} was not measured" for metric in ("latency_p50", "model_memory", "model_size")
    ]


def test_a_device_without_a_lineage_has_the_limits_of_its_own_name(budgets_of):
    budgets = budgets_of('[pi-07."kws/int8"]\nmodel_size = "124 kB"\n[rpi4."kws/int8"]\nmodel_memory = "42.3 MB"\n')
    found = propose_limits([entry()], budgets, ProposalRequest(("model_size", "model_memory")), lineages={})
    assert steps(found) == {"model_size": "keep", "model_memory": "add"}


@pytest.mark.parametrize(("text", "step"), [("112.7 kB", "keep"), ("112.6 kB", "leave"), ("124.1 kB", "leave")])
def test_a_limit_that_the_figure_reaches_is_not_broken(budgets_of, text, step):
    budgets = budgets_of(f'[rpi4."*"]\nmodel_size = "{text}"\n')
    found = propose_limits([entry()], budgets, ProposalRequest(("model_size",)), lineages=LINEAGES)
    assert steps(found) == {"model_size": step}


@pytest.mark.parametrize(
    ("metric", "value", "margin", "text"),
    [
        ("latency_p50", 0.0012341, 0.0, "1.24 ms"),
        ("throughput", 1234.1, 0.0, "1230 /s"),
        ("latency_p50", 0.004, 0.25, "5 ms"),
        ("throughput", 400.0, 0.25, "300 /s"),
        ("model_memory", 1e6, 0.1, "1.26 MB"),
        ("model_memory", 1e6, 0.0, "1 MB"),
        ("model_memory", 10e6, 0.1, "11 MB"),
    ],
)
def test_a_ceiling_is_rounded_up_and_a_floor_down_to_three_digits(metric, value, margin, text):
    """Of memory the margin is at least 256 kB, where there is to be any."""
    assert with_margin(value, metric=metric, margin=margin) == text


def test_a_small_models_memory_has_room_for_what_processes_differ_by():
    small = [measured("model_memory", 132_000.0, n=2)]
    (found,) = propose_limits([entry(measurements=small)], None, ProposalRequest(("model_memory",)), lineages=LINEAGES)
    assert found.text == "388 kB"


@given(
    metric=st.sampled_from(["latency_p50", "model_size", "energy_per_inference", "throughput", "accuracy"]),
    value=st.floats(1e-6, 400.0),
    margin=st.floats(0, 0.9),
)
def test_a_limit_admits_the_figure_with_its_margin_and_hardly_more(metric, value, margin):
    value = {"accuracy": min(value, 1.0), "model_size": value * 1e9}.get(metric, value)
    limit = parse_quantity(with_margin(value, metric=metric, margin=margin), METRICS[metric].unit)

    if METRICS[metric].better == "higher":
        assert 0.985 * value * (1 - margin) <= limit <= value * (1 - margin) * (1 + 1e-9)
    else:
        assert value * (1 + margin) * (1 - 1e-9) <= limit <= 1.015 * value * (1 + margin)


@pytest.mark.parametrize(
    ("text", "without", "with_update"),
    [
        ('[pi-07."kws/int8"]\nlatency_p50 = "4.45 ms"\n', "keep", "keep"),
        ('[rpi4."*"]\nlatency_p50 = "4.1 ms"\n', "keep", "keep"),
        ('[rpi4."kws/*"]\nlatency_p50 = "9 ms"\n', "leave", "change"),
        ('[pi-07."kws/int8"]\nlatency_p50 = "4.02 ms"\n', "leave", "change"),
        ('[rpi5."kws/int8"]\nlatency_p50 = "9 ms"\n', "add", "add"),
    ],
)
def test_a_limit_that_stands_is_changed_only_on_demand_and_for_a_reason(budgets_of, text, without, with_update):
    budgets = budgets_of(text)

    for update, step in ((False, without), (True, with_update)):
        found = propose_limits([entry()], budgets, ProposalRequest(("latency_p50",), update=update), lineages=LINEAGES)
        assert steps(found) == {"latency_p50": step}


def test_the_source_of_a_modelled_joule_is_told():
    joules = [measured("energy_per_inference", 0.013, spread=0.01, source="model: fit", band=0.15)]
    (found,) = propose_limits(
        [entry(measurements=joules)], None, ProposalRequest(("energy_per_inference",)), lineages=LINEAGES
    )

    assert found.modelled and found.text == "14.5 mJ"


@pytest.mark.parametrize(
    ("changes", "told_why"),
    [
        ({"status": Status.ERROR, "reason": "killed"}, "ERROR: killed"),
        ({"status": Status.INVALID, "reason": "too hot"}, "INVALID: too hot"),
        (
            {
                "status": Status.FAIL,
                "reason": "wrong",
                "findings": [Finding(gate="outputs", metric=None, status=Status.FAIL, reason="wrong")],
            },
            "FAIL: wrong",
        ),
        ({"candidate": "kws\u202e"}, "characters that cannot be seen"),
    ],
)
@pytest.mark.parametrize("update", [True, False])
def test_what_was_not_fit_is_refused_by_name(changes, told_why, update):
    (refused,) = propose_limits(
        [entry(), entry(candidate="kws"), entry(**changes)][-1:],
        None,
        ProposalRequest(update=update),
        lineages=LINEAGES,
    )

    assert isinstance(refused, Refused) and told_why in refused.why


def test_one_unfit_entry_refuses_all_of_its_candidate():
    found = propose_limits(
        [entry(), entry(status=Status.INVALID, reason="hot"), entry(recipe="float32")],
        None,
        ProposalRequest(("model_size",)),
        lineages=LINEAGES,
    )

    assert [(type(one).__name__, one.candidate) for one in found] == [
        ("Refused", "kws/int8"),
        ("Proposal", "kws/float32"),
    ]


def test_a_broken_budget_is_refused_until_update_is_asked_for(budgets_of):
    budgets = budgets_of('[rpi4."kws/*"]\nlatency_p50 = "3 ms"\n')
    broken = entry(status=Status.FAIL, reason="above", findings=findings(Status.FAIL, "above", 0.004))

    (refused,) = propose_limits([broken], budgets, ProposalRequest(("latency_p50",)), lineages=LINEAGES)
    assert refused.why == "FAIL: above; --update would relax what it broke"
    (relaxed,) = propose_limits([broken], budgets, ProposalRequest(("latency_p50",), update=True), lineages=LINEAGES)
    assert (relaxed.step, relaxed.stands.text, relaxed.text) == ("change", "3 ms", "4.45 ms")


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ([], "latency_p50 was not measured"),
        ([measured("latency_p50", None, reason="no trial counted")], "latency_p50 unknown: no trial counted"),
        ([measured("latency_p50", 4000.0, spread=0.01)], "budgets have no unit for it"),
        ([measured("latency_p50", 0.0, ci_low=0.0, ci_high=0.0)], "no limit can be made of it"),
        ([measured("latency_p50", 0.004, n=1)], "without an interval it makes no limit, raise --trials"),
    ],
)
def test_a_figure_that_is_not_known_makes_no_limit(figures, why):
    (refused,) = propose_limits(
        [entry(measurements=figures)], None, ProposalRequest(("latency_p50",)), lineages=LINEAGES
    )

    assert why in refused.why


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (measured("latency_p50", None), "unknown: no reason was given"),
        (measured("latency_p50", 0.001, n=1), "1 ms (1 trial)"),
        (measured("peak_memory", 5e6, n=2, confidence=None), "5 MB (2 trials)"),
        (measured("accuracy", 0.97, ci_low=0.95, ci_high=0.98), "97 % (exact)"),
        (measured("latency_p50", 0.001, spread=0.1, confidence=None, n=3), "1 ms (900 µs to 1.1 ms, 3 trials)"),
        (measured("latency_p50", 0.001, spread=0.01, confidence=0.995), "1 ms (990 µs to 1.01 ms, 99.5 %, 10 trials)"),
    ],
)
def test_a_figure_is_shown_with_what_is_known_of_it(figure, text):
    assert figure_text(figure) == text


def test_wrong_outputs_beside_a_broken_budget_are_not_relaxed():
    wrong = Finding(gate="outputs", metric=None, status=Status.FAIL, reason="wrong")
    both = entry(status=Status.FAIL, reason="above", findings=[*findings(Status.FAIL, "above", 0.004), wrong])
    (refused,) = propose_limits([both], None, ProposalRequest(update=True), lineages=LINEAGES)
    assert refused.why == "FAIL: above"


def test_an_interval_over_a_prefix_names_both_units():
    assert figure_text(measured("latency_p50", 0.001, ci_low=0.0009, ci_high=0.0011)).startswith(
        "1 ms (900 µs to 1.1 ms,"
    )


def test_the_room_under_ceilings_and_above_floors(budgets_of):
    budgets = budgets_of('[d."x"]\nlatency_p50 = "4 ms"\nthroughput = "100 /s"\nmodel_size = "0 B"\n')
    ceiling, floor, nothing = budgets.tables[0].limits

    assert room(ceiling, 0.003) == pytest.approx(0.25)
    assert room(ceiling, 0.005) == pytest.approx(-0.25)
    assert room(floor, 200) == pytest.approx(0.5)
    assert room(floor, 80) == pytest.approx(-0.25)
    assert (room(nothing, 5), room(nothing, 0), room(floor, 0)) == (-1.0, 0.0, -1.0)
