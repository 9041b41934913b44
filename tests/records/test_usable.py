import pytest
from support.sample_results import results

from harness.records.comparable import is_usable, trial_medians
from harness.records.entry import Finding
from harness.records.status import Status


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.MEASURED, True),
        (Status.PASS, True),
        (Status.INCONCLUSIVE, True),
        (Status.FAIL, True),
        (Status.INVALID, False),
        (Status.ERROR, False),
    ],
)
def test_figures_of_a_fit_board_may_be_compared(status, expected):
    entry = results().entries[0].model_copy(update={"status": status})
    assert is_usable(entry) is expected


def test_wrong_outputs_make_figures_worthless():
    wrong = Finding(gate="outputs", metric=None, status=Status.FAIL, reason="wrong outputs")
    assert not is_usable(results().entries[0].model_copy(update={"status": Status.FAIL, "findings": [wrong]}))


def test_a_budget_beyond_its_limit_leaves_figures_that_right_outputs_belong_to():
    right = Finding(gate="outputs", metric=None, status=Status.PASS, reason="bit-equal")
    slow = Finding(gate="budget", metric="latency_p50", status=Status.FAIL, reason="slow")
    assert is_usable(results().entries[0].model_copy(update={"status": Status.FAIL, "findings": [right, slow]}))


def test_a_trial_without_a_median_or_with_none_that_can_be_has_no_part_in_them():
    entry = results().entries[0]
    odd = [
        trial.model_copy(update={"quantiles": quantiles})
        for trial, quantiles in zip(entry.trials, ({}, {"p50": 0.0}, {"p50": 1e-9}), strict=False)
    ]
    assert trial_medians(entry.model_copy(update={"trials": odd})) == [1e-9]


def test_medians_leave_out_void_trials_and_the_baseline_s():
    entry = results().entries[0]
    assert len(entry.trials) == 10
    assert len(trial_medians(entry)) == 9
    assert trial_medians(entry)[0] == entry.trials[0].quantiles["p50"]
    other = [trial.model_copy(update={"arm": "baseline"}) for trial in entry.trials]
    assert trial_medians(entry.model_copy(update={"trials": other})) == []
