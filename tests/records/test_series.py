"""What a series of a metric and its attempts tell."""

import pytest
from pydantic import ValidationError

from harness.records.history import Attempt, Series, SeriesPoint, attempts
from harness.records.status import Status


def point(run: str, commit: str | None = "c1", status: str = "PASS", value: float | None = 1.0) -> SeriesPoint:
    return SeriesPoint(run_id=run, created_at="2026-11-01T00:00:00Z", commit=commit, status=status, value=value)


def test_a_series_is_named_by_its_candidate_and_recipe() -> None:
    series = Series(
        device="pi", candidate="kws", recipe="int8", metric="latency_p50", unit="s", better="lower", fingerprint=None
    )
    assert series.subject == "kws/int8"
    assert series.model_copy(update={"recipe": None}).subject == "kws"
    assert (series.repeat, series.points, series.test) == (1, (), "")


def test_attempts_are_the_runs_of_one_commit_where_there_are_several() -> None:
    one, two, three = point("r1"), point("r2"), point("r3", commit="c2")
    assert attempts([one, two, three]) == {"c1": [one, two]}
    assert attempts([one, three]) == {}


def test_what_differs_from_its_commit_or_has_none_is_left_out() -> None:
    assert attempts([point("r1", "c1+dirty"), point("r2", "c1+dirty"), point("r3", None), point("r4", None)]) == {}


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_run_that_measured_twice_the_worse_point_stands(order: int) -> None:
    good, bad, other = point("r1"), point("r1", status="FAIL"), point("r2")
    assert attempts([*[good, bad][::order], other]) == {"c1": [bad, other]}


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_one_of_an_entry_s(status: Status) -> None:
    assert point("r1", status=str(status)).status == status


@pytest.mark.parametrize("status", ["GOOD", "PASSED", "NOPASS", "", "pass"])
def test_another_word_is_refused(status: str) -> None:
    with pytest.raises(ValidationError, match="status"):
        point("r1", status=status)
    with pytest.raises(ValidationError, match="status"):
        Attempt(run_id="r", created_at="", device="d", candidate="c", recipe=None, test="", status=status)
