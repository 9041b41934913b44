"""The budget marker: its limits, and markers that look like it but would limit nothing."""

from collections.abc import Iterable

import pytest

from harness.gates import Limit, parse_limits
from harness.plugin.expecting import is_benchmark
from harness.records.errors import BudgetsError
from harness.records.metrics import METRICS
from harness.records.nearest import nearest

NAME = "budget"
_LIKENESS = 0.75
"""From which on a marker's name is taken for a misspelt one: "budgets" and "buget" are, "widget" is not."""
_EXAMPLE = "budget(latency_p50='4 ms')"


def marked_limits(item: pytest.Item) -> list[Limit]:
    """The limits of a test's markers. Raises BudgetsError for one that names none."""
    limits: list[Limit] = []
    for marker in item.iter_markers(NAME):
        if marker.args or not marker.kwargs:
            said = "takes keywords" if marker.args else "limits nothing"
            raise BudgetsError(f"{item.nodeid}: @pytest.mark.budget {said}: write e.g. {_EXAMPLE}")
        limits += parse_limits(marker.kwargs, origin=f"marker of {item.nodeid}")
    return limits


def check_markers(items: Iterable[pytest.Item]) -> None:
    """Refuse markers by which somebody means a limit that would hold nothing. Raises BudgetsError.

    That are a budget without a limit, one on a test, class or file in which nothing takes ``bench``, and markers of
    another name with the keys of budgets or with a name almost like it.
    """
    useful: set[int] = set()
    useless: dict[int, pytest.Item] = {}
    for item in items:
        benchmark = is_benchmark(item)
        for marker in item.iter_markers():
            if marker.name != NAME:
                _refuse_lookalike(item, marker, benchmark=benchmark)
            elif benchmark:
                useful.add(id(marker))  # one object for all tests of the class or file it stands at
            else:
                useless.setdefault(id(marker), item)
        if benchmark:
            marked_limits(item)
    for marker_id, item in useless.items():
        if marker_id not in useful:
            raise BudgetsError(f"{item.nodeid}: has a budget, but no test it stands for takes bench: nothing is held")


def _refuse_lookalike(item: pytest.Item, marker: pytest.Mark, *, benchmark: bool) -> None:
    keys = [key for key in marker.kwargs if key == "accuracy_drop" or key.removesuffix("_regression") in METRICS]
    registered = {line.partition(":")[0].partition("(")[0].strip() for line in item.config.getini("markers")}
    alike = nearest(marker.name, [NAME], least=_LIKENESS) is not None
    if keys or (benchmark and alike and marker.name not in registered):
        raise BudgetsError(f"{item.nodeid}: @pytest.mark.{marker.name} limits nothing: did you mean {_EXAMPLE}?")
