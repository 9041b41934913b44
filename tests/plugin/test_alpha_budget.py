"""One alpha for the whole session: however many limits and calls there are, they never take more of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gates import Limit, parse_limits
from harness.plugin.collected_budgets import AlphaBudget, CollectedBudgets
from harness.records.candidate import Candidate
from harness.records.entry import BaselineRecord, Entry, Finding
from harness.records.errors import BudgetsError
from harness.records.status import Status
from harness.testing import make_entry, make_profile

ALPHA = 0.005
ONE, TWO = (Candidate(name, "tflite", f"{name}.tflite", None) for name in ("one", "two"))
SAMPLED: Mapping[str, object] = {"latency_p50": "4 ms", "peak_memory": "1 MB"}
EXACT: Mapping[str, object] = {"model_size": "60 kB"}


@given(
    alpha=st.floats(1e-9, 0.5),
    planned=st.integers(0, 500),
    calls=st.lists(st.lists(st.integers(0, 40), max_size=60), min_size=1, max_size=4),
)
def test_planned_limits_and_any_number_of_surprises_never_take_more_than_alpha(
    alpha: float, planned: int, calls: list[list[int]]
) -> None:
    """Each process has an alpha budget of its own and tests of its own; the planned limits are those of all of them."""
    taken = 0.0
    for process in calls:
        budget = AlphaBudget(alpha, planned, unplanned=True, processes=len(calls))
        taken += sum(limits * budget.unplanned_alpha(limits, where="t") for limits in process)
    taken += planned * AlphaBudget(alpha, planned, unplanned=True, processes=len(calls)).planned_alpha()
    assert taken <= alpha * (1.0 + 1e-9)


@given(alpha=st.floats(1e-9, 0.5), planned=st.integers(1, 500))
def test_where_every_test_tells_what_it_measures_the_planned_limits_take_all_of_it(alpha: float, planned: int) -> None:
    budget = AlphaBudget(alpha, planned, unplanned=False)
    assert planned * budget.planned_alpha() == pytest.approx(alpha)


def test_nothing_was_kept_back_for_a_surprise_that_could_not_be() -> None:
    with pytest.raises(BudgetsError, match=r"bench_x\.py::test_x: measures something that its parameters do not name"):
        AlphaBudget(ALPHA, 3, unplanned=False).unplanned_alpha(1, where="bench_x.py::test_x")


def item(name: str, *candidates: Candidate, device: str = "board", **limits: object) -> pytest.Item:
    """As much of a collected benchmark as the budgets look at."""
    params = {f"c{at}": one for at, one in enumerate(candidates)}
    made: Any = SimpleNamespace(
        nodeid=f"test_x.py::{name}",
        path=Path("/nowhere/test_x.py"),
        fixturenames=["bench", "harness_device"],
        callspec=SimpleNamespace(params={"harness_device": device, **params}),
        iter_markers=lambda _: [SimpleNamespace(args=(), kwargs=limits)],
    )
    return made  # type: ignore[no-any-return]


def collected(*items: pytest.Item, devices: tuple[str, ...] = ("board",), paired: bool = True) -> CollectedBudgets:
    profiles = {name: make_profile(name) for name in devices}
    made = CollectedBudgets(Path("/nowhere"), profiles, None, date(2026, 11, 24), paired=paired)
    made.expect(items)
    return made


def limits(**given: object) -> tuple[Limit, ...]:
    return tuple(parse_limits(given, origin="marker"))


def test_alpha_is_divided_over_the_limits_of_all_devices_that_chance_has_a_part_in() -> None:
    items = [item(f"t{n}", ONE, device=device, **SAMPLED, **EXACT) for n, device in enumerate(("a", "b"))]
    kept = collected(*items, devices=("a", "b"))
    shares = [kept.limit_alpha(one, ONE, limits(**SAMPLED, **EXACT), alpha=ALPHA) for one in items]
    assert shares == [ALPHA / 4, ALPHA / 4]


def test_without_a_baseline_limits_on_regressions_take_nothing_and_are_counted() -> None:
    asked = {"latency_p50": "4 ms", "latency_p50_regression": "2 %", "model_size_regression": "1 %"}
    alone, paired = (collected(item("t", ONE, **asked), paired=paired) for paired in (False, True))
    assert alone.limit_alpha(item("t", ONE, **asked), ONE, limits(**asked), alpha=ALPHA) == ALPHA
    assert paired.limit_alpha(item("t", ONE, **asked), ONE, limits(**asked), alpha=ALPHA) == ALPHA / 2
    assert (alone.count_skipped(), paired.count_skipped()) == (2, 0)


def test_a_second_call_with_the_same_candidate_or_another_one_is_refused_where_all_told() -> None:
    test = item("t", ONE, **SAMPLED)
    kept = collected(test)
    assert kept.limit_alpha(test, ONE, limits(**SAMPLED), alpha=ALPHA) == ALPHA / 2
    for again in (ONE, TWO):
        with pytest.raises(BudgetsError, match="call bench once"):
            kept.limit_alpha(test, again, limits(**SAMPLED), alpha=ALPHA)


def test_limits_that_leave_nothing_to_chance_are_free_however_often() -> None:
    test = item("t", ONE, **EXACT)
    kept = collected(test)
    for candidate in (ONE, ONE, TWO):
        kept.limit_alpha(test, candidate, limits(**EXACT), alpha=ALPHA)


def test_tests_that_do_not_tell_take_ever_less_of_the_half_that_was_kept_back() -> None:
    told, silent = item("told", ONE, **SAMPLED), item("silent", **SAMPLED)
    kept = collected(told, silent)
    assert kept.limit_alpha(told, ONE, limits(**SAMPLED), alpha=ALPHA) == ALPHA / 2 / 2
    shares = [kept.limit_alpha(silent, one, limits(**SAMPLED), alpha=ALPHA) for one in (ONE, TWO, ONE)]
    assert shares == pytest.approx([ALPHA / 2 / 2 / 2, ALPHA / 2 / 6 / 2, ALPHA / 2 / 12 / 2])


def entry_of(
    test: str, candidate: Candidate, share: float, *, metrics: Sequence[str] = ("latency_p50", "peak_memory")
) -> tuple[tuple[str, str, str], Entry]:
    """An entry of a run that is resumed; of its limits the first alone was left to chance in the end."""
    told = Finding(gate="budget", metric="model_size", status=Status.PASS, reason="", limit=1.0)
    found = [
        told.model_copy(update={"metric": metric, "alpha": None if at else share}) for at, metric in enumerate(metrics)
    ]
    return ("board", f"test_x.py::{test}", str(candidate)), make_entry(findings=[told, *found])


def test_a_resumed_run_goes_on_with_the_shares_it_had() -> None:
    items = [item("a", ONE, **SAMPLED), item("b", TWO, **SAMPLED)]
    kept = dict([entry_of("a", ONE, ALPHA / 4)])
    left = collected(*items).limit_alpha(items[1], TWO, limits(**SAMPLED), alpha=ALPHA, kept=kept)
    assert left == pytest.approx(ALPHA / 4)


def test_a_resumed_run_of_another_selection_spends_no_alpha_twice() -> None:
    other = item("c", TWO, **SAMPLED)
    kept = dict([entry_of("a", ONE, ALPHA / 4)])
    left = collected(other).limit_alpha(other, TWO, limits(**SAMPLED), alpha=ALPHA, kept=kept)
    assert left == pytest.approx(ALPHA / 4)
    spent = dict([entry_of("a", ONE, ALPHA / 2)])
    with pytest.raises(BudgetsError, match="have spent its --alpha"):
        collected(other).limit_alpha(other, TWO, limits(**SAMPLED), alpha=ALPHA, kept=spent)
    exact = item("c", TWO, **EXACT)
    collected(exact).limit_alpha(exact, TWO, limits(**EXACT), alpha=ALPHA, kept=spent)


def test_entries_that_left_nothing_to_chance_leave_their_share_to_the_rest() -> None:
    items = [item("a", ONE, **SAMPLED), item("b", TWO, **SAMPLED)]
    kept = dict([entry_of("a", ONE, 0.0, metrics=())])
    left = collected(*items).limit_alpha(items[1], TWO, limits(**SAMPLED), alpha=ALPHA, kept=kept)
    assert left == pytest.approx(ALPHA / 2)


REGRESSIONS: Mapping[str, object] = {"latency_p50_regression": "2 %", "peak_memory_regression": "2 %"}


def test_what_identical_artifacts_leave_is_shared_by_the_limits_to_come() -> None:
    tests = [item(name, ONE, **REGRESSIONS) for name in "abc"]
    budgets = collected(*tests, paired=True)
    asked = limits(**REGRESSIONS)
    first = budgets.limit_alpha(tests[0], ONE, asked, alpha=ALPHA)
    same = make_entry(
        test=tests[0].nodeid,
        candidate="one",
        baseline=BaselineRecord(given="main", state="identical", sentence=""),
    )
    budgets.leave_alpha(asked, same, first)
    later = [budgets.limit_alpha(test, ONE, asked, alpha=ALPHA) for test in tests[1:]]
    assert first == pytest.approx(ALPHA / 6)
    assert later == pytest.approx([ALPHA / 4, ALPHA / 4])


def test_an_identical_artifact_of_a_resumed_run_leaves_nothing_a_second_time() -> None:
    tests = [item(name, ONE, **REGRESSIONS) for name in "ab"]
    same = make_entry(
        device="board",
        test=tests[0].nodeid,
        candidate="one",
        baseline=BaselineRecord(given="main", state="identical", sentence=""),
    )
    kept = {("board", tests[0].nodeid, "one"): same}
    budgets = collected(*tests, paired=True)
    asked = limits(**REGRESSIONS)
    share = budgets.limit_alpha(tests[0], ONE, asked, alpha=ALPHA, kept=kept)
    budgets.leave_alpha(asked, same, share)
    assert budgets.limit_alpha(tests[1], ONE, asked, alpha=ALPHA, kept=kept) == pytest.approx(ALPHA / 2)


@pytest.mark.parametrize("state", ["measured", "stored", None])
def test_what_was_measured_leaves_nothing(state: Any) -> None:
    tests = [item(name, ONE, **REGRESSIONS) for name in "ab"]
    budgets = collected(*tests, paired=True)
    asked = limits(**REGRESSIONS)
    share = budgets.limit_alpha(tests[0], ONE, asked, alpha=ALPHA)
    base = None if state is None else BaselineRecord(given="main", state=state, sentence="")
    budgets.leave_alpha(asked, make_entry(test=tests[0].nodeid, candidate="one", baseline=base), share)
    assert budgets.limit_alpha(tests[1], ONE, asked, alpha=ALPHA) == pytest.approx(ALPHA / 4)


@given(planned=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_shares_with_what_was_left_over_never_take_more_than_alpha(planned: list[tuple[int, bool]]) -> None:
    budget = AlphaBudget(ALPHA, sum(count for count, _ in planned), unplanned=False)
    taken = 0.0
    for count, identical in planned:
        share = budget.planned_alpha(count)
        if identical:
            budget.leave(count, share)
        else:
            taken += count * share
    assert taken <= ALPHA * (1.0 + 1e-9)
