"""What the steps of a recipe gained in latency, from the entries of one run."""

import pytest

from harness.measure.recipe_gains import Steps, with_comparisons
from harness.records.comparable import FLOOR
from harness.records.entry import Finding, Histogram, TrialSummary
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.finish_run import RunStart, close_run
from harness.stats.estimates import geometric_mean, ratio_apart
from harness.store import RunFolder, load_results
from harness.testing.builders import make_entry

STEPS = {
    "float32": Steps(()),
    "int8": Steps((), "int8"),
    "prune(0.8)": Steps(("prune(0.8)",)),
    "prune(0.8)+int8": Steps(("prune(0.8)",), "int8"),
    "distill(width=0.5)+prune(0.8)+int8": Steps(("distill(width=0.5)", "prune(0.8)"), "int8"),
    "distill(width=0.5)+int8": Steps(("distill(width=0.5)",), "int8"),
}


def trial(p50_s, *, arm="candidate", void=None):
    return TrialSummary(
        arm=arm,
        block=0,
        n=100,
        batch=1,
        mean_s=p50_s,
        quantiles={"p50": p50_s},
        histogram=Histogram(edges_s=[p50_s * 0.9, p50_s * 1.1], counts=[100]),
        void=void,
    )


def entry(recipe, p50_s=0.001, *, wobble=0.002, count=10, **changes):
    trials = [trial(p50_s * (1 + wobble * (number % 3 - 1))) for number in range(count)]
    return make_entry(candidate="net", recipe=recipe, **{"trials": trials, **changes})


def compared(*entries):
    return [one.comparisons for one in with_comparisons(entries, STEPS.get)]


def only(*entries):
    """The one comparison of the last entry."""
    (found,) = compared(*entries)[-1]
    return found


def test_a_pruned_model_is_held_against_the_same_without_pruning():
    found = only(entry("int8"), entry("prune(0.8)+int8"))
    assert found.against == "net/int8"
    assert found.metric == "latency_p50" and found.confidence == 0.95
    assert found.ratio == pytest.approx(1.0)
    assert found.sentence.startswith(
        "no speed gained by prune(0.8), as fast within 0.16 %: 1.000 of int8's latency (0.99"
    )


def test_a_number_format_is_held_against_float32():
    found = only(entry("float32", 0.001), entry("int8", 0.0004))
    assert found.against == "net/float32"
    assert found.sentence.startswith("faster by int8: 0.400 of float32's latency (0.3")
    assert found.ci_low < 0.4 < found.ci_high < 0.41


def test_slower_is_said():
    found = only(entry("float32", 0.001), entry("int8", 0.00123))
    assert found.sentence.startswith("no speed gained by int8, slower: 1.230 of float32's latency (1.2")


def test_every_step_is_left_out_once():
    whole = entry("distill(width=0.5)+prune(0.8)+int8")
    found = compared(entry("prune(0.8)+int8"), entry("distill(width=0.5)+int8"), entry("float32"), whole)[-1]
    assert [one.against for one in found] == ["net/prune(0.8)+int8", "net/distill(width=0.5)+int8"]
    assert ["distill(width=0.5)" in found[0].sentence, "prune(0.8)" in found[1].sentence] == [True, True]


def test_a_recipe_without_a_number_format_is_in_float32():
    assert only(entry("float32"), entry("prune(0.8)")).against == "net/float32"
    assert only(entry("prune(0.8)"), entry("prune(0.8)+int8")).against == "net/prune(0.8)"


def test_without_a_float32_entry_the_file_as_given_will_do():
    found = only(entry(None), entry("int8"))
    assert found.against == "net" and "of the file as given's latency" in found.sentence


def test_float32_itself_and_files_as_given_are_held_against_nothing():
    assert compared(entry("float32"), entry("int8"), entry(None))[::2] == [(), ()]


@pytest.mark.parametrize(
    "other",
    [{"device": "rpi5"}, {"runtime": "litert 2.2.0"}, {"delegate": "none"}, {"num_threads": 4}, {"candidate": "b"}],
    ids=lambda other: next(iter(other)),
)
def test_only_the_same_setting_is_compared(other):
    elsewhere = entry("float32").model_copy(update=other)
    assert compared(elsewhere, entry("int8")) == [(), ()]


def test_the_entry_of_the_same_test_is_preferred():
    other = entry("float32", 0.002, test="other.py::test")
    found = only(other, entry("float32", 0.001), entry("int8", 0.001))
    assert found.ratio == pytest.approx(1.0)


@pytest.mark.parametrize("status", [Status.ERROR, Status.INVALID])
def test_an_unfit_board_compares_nothing(status):
    unfit = entry("float32", status=status)
    assert compared(unfit, entry("int8")) == [(), ()]
    assert compared(entry("float32"), entry("int8", status=status)) == [(), ()]


def test_the_speed_of_wrong_outputs_is_no_gain():
    wrong = Finding(gate="outputs", metric=None, status=Status.FAIL, reason="outputs differ")
    assert compared(entry("float32"), entry("int8", status=Status.FAIL, findings=[wrong])) == [(), ()]


def test_a_missed_budget_does_not_keep_it_from_being_compared():
    over = Finding(gate="budget", metric="latency_p50", status=Status.FAIL, reason="too slow")
    assert len(compared(entry("float32"), entry("int8", status=Status.FAIL, findings=[over]))[-1]) == 1


def test_void_trials_and_the_baseline_do_not_count():
    odd = [trial(9.0, void="hot"), trial(9.0, arm="baseline")]
    hot = entry("int8").model_copy(update={"trials": [*entry("int8").trials, *odd]})
    assert only(entry("float32"), hot).ratio == pytest.approx(1.0)
    assert compared(entry("float32"), entry("int8", trials=odd)) == [(), ()]


def test_one_trial_gives_a_ratio_without_an_interval():
    found = only(entry("float32"), entry("int8", 0.0005, count=1))
    assert (found.ci_low, found.ci_high, found.confidence) == (None, None, None)
    assert "from one trial, so whether it is faster is not known" in found.sentence


def test_a_difference_within_what_processes_wander_is_not_called_one():
    steady = only(entry("float32", wobble=1e-6), entry("int8", 0.001 * (1 - FLOOR / 2), wobble=1e-6))
    assert steady.ci_high < 1.0 and "no speed gained by int8, as fast within 0.5 %: 0.995" in steady.sentence


def test_an_interval_that_tells_neither_is_not_called_a_level():
    wide = only(entry("float32", wobble=0.3), entry("int8", 0.00095, wobble=0.3))
    assert wide.ci_low < 0.9 and wide.sentence.startswith("whether int8 made it faster is not known: 0.9")


def test_recipes_that_cannot_be_read_are_left_alone():
    assert compared(entry("float32"), entry("shrink")) == [(), ()]


def test_nothing_else_of_an_entry_changes():
    given = [entry("float32"), entry("int8")]
    told = with_comparisons(given, STEPS.get)
    assert [one.model_copy(update={"comparisons": ()}) for one in told] == given


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_steps_are_written_as_a_recipe(steps):
    assert STEPS[str(steps)] == steps


def test_unpaired_ratio_is_welchs():
    # Welch on logs by scipy.stats.ttest_ind(equal_var=False).confidence_interval(0.95) for the same numbers.
    from scipy.stats import ttest_ind

    a, b = [1.0, 1.1, 1.3, 0.9], [2.0, 2.2, 1.7]
    import numpy as np

    expected = ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval(0.95)
    found = ratio_apart(geometric_mean(a), geometric_mean(b))
    assert (found.low, found.high) == pytest.approx((np.exp(expected.low), np.exp(expected.high)))
    assert found.trials == 3


def test_unpaired_ratio_of_equal_trials_has_no_width():
    found = ratio_apart(geometric_mean([2.0, 2.0]), geometric_mean([1.0, 1.0]))
    assert (found.low, found.value, found.high, found.error) == (2.0, 2.0, 2.0, 0.0)


@pytest.mark.parametrize("values", [[], [0.0, 1.0], [-1.0]])
def test_unpaired_ratio_refuses_what_has_no_logarithm(values):
    with pytest.raises(ValueError):
        ratio_apart(geometric_mean([1.0, 2.0]), geometric_mean(values))


def test_a_run_that_ends_writes_them_into_its_results(tmp_path):
    folder = RunFolder.create(tmp_path)
    odd = entry("shrink+fold")
    for one in (entry("int8"), entry("prune(0.8)+int8"), entry(None), odd):
        folder.append_entry(one)
    close_run(folder, settings=Settings(), start=RunStart(), seconds={})
    told = {one.recipe: [c.against for c in one.comparisons] for one in load_results(folder.path).entries}
    assert told == {"int8": ["net"], "prune(0.8)+int8": ["net/int8"], None: [], "shrink+fold": []}
