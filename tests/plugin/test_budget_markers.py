"""Markers by which somebody means a limit: those that would hold nothing are refused, others are left alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugin.collected_budgets import check_markers, marker_limits
from harness.records.errors import BudgetsError


def mark(name: str, *args: Any, **kwargs: Any) -> Any:
    return SimpleNamespace(name=name, args=args, kwargs=kwargs)


LIMIT = mark("budget", latency_p50="4 ms")


def item(*markers: Any, bench: bool = True, registered: tuple[str, ...] = ()) -> Any:
    def named(name: str | None = None) -> list[Any]:
        return [marker for marker in markers if name in (None, marker.name)]

    return SimpleNamespace(
        nodeid="test_a.py::test_a",
        fixturenames=["bench", "harness_device"] if bench else [],
        iter_markers=named,
        config=SimpleNamespace(getini=lambda _: [f"{name}: what it is" for name in registered]),
    )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            item(mark("budgets", latency_p50="4 ms")),
            "@pytest.mark.budgets limits nothing: did you mean budget",
        ),
        (item(mark("Budget", latency_p50="4 ms")), "@pytest.mark.Budget limits nothing"),
        (item(mark("buget")), "@pytest.mark.buget limits nothing"),
        (item(mark("limits", latency_p50_regression="2 %")), "@pytest.mark.limits limits nothing"),
        (item(mark("gate", accuracy_drop="1 pt"), bench=False), "@pytest.mark.gate limits nothing"),
        (item(mark("budget")), "@pytest.mark.budget limits nothing: write e.g. budget(latency_p50='4 ms')"),
        (item(mark("budget", "4 ms")), "@pytest.mark.budget takes keywords"),
        (item(mark("budget", latency="4 ms")), "latency"),
        (item(LIMIT, bench=False), "has a budget, but no test it stands for takes bench"),
    ],
)
def test_what_would_hold_nothing_is_refused_in_one_line(one: Any, said: str) -> None:
    with pytest.raises(BudgetsError, match=r"test_a\.py::test_a") as caught:
        check_markers([one])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_markers_are_left_alone() -> None:
    check_markers(
        [
            item(LIMIT, mark("slow"), mark("widget"), mark("parametrize", "x", [1])),
            item(mark("budgeted", by="us"), registered=("budgeted(by)",)),
            item(mark("budgets"), bench=False),
        ]
    )


def test_a_budget_of_a_whole_class_or_file_needs_one_benchmark_in_it() -> None:
    check_markers([item(LIMIT, bench=False), item(LIMIT)])
    assert [limit.key for limit in marker_limits(item(LIMIT))] == ["latency_p50"]
