"""What a series of a metric and its attempts tell."""

import pytest
from pydantic import ValidationError

from harness.board.preflight import fingerprint
from harness.records.history import Attempt, Series, SeriesPoint, attempts, split_kernel
from harness.records.status import Status
from harness.testing import make_facts


def point(run: str, commit: str | None = "c1", status: str = "PASS", value: float | None = 1.0) -> SeriesPoint:
    return SeriesPoint(run_id=run, created_at="2026-11-01T00:00:00Z", commit=commit, status=status, value=value)


def test_a_series_is_named_by_its_candidate_and_recipe() -> None:
    series = Series(
        device="pi", candidate="kws", recipe="int8", metric="latency_p50", unit="s", better="lower", fingerprint=None
    )
    assert series.subject == "kws/int8"
    assert series.model_copy(update={"recipe": None}).subject == "kws"
    assert (series.repeat, series.points, series.test) == (1, (), "")


def test_another_kernel_is_a_break_where_both_are_known() -> None:
    kernels = ("6.1", None, "6.1", "6.6", "6.6")
    points = tuple(
        point(f"r{place}").model_copy(update={"kernel": kernel, "created_at": f"2026-11-0{place + 1}T00:00:00Z"})
        for place, kernel in enumerate(kernels)
    )
    series = Series(
        device="pi", candidate="kws", recipe=None, metric="latency_p50", unit="s", better="lower", fingerprint=None
    )
    (found,) = series.model_copy(update={"points": points}).breaks
    assert (found.at, found.before, found.after) == (3, "6.1", "6.6")
    assert found.sentence == "pi: kernel 6.1 -> 6.6 on 2026-11-04: figures before and after are not compared"


def test_a_fingerprint_s_kernel_is_set_apart() -> None:
    assert split_kernel(None) == (None, None)
    assert split_kernel("another form") == ("another form", None)
    whole = fingerprint(make_facts(kernel="6.1.0-rpi7"))
    other = fingerprint(make_facts(kernel="6.6.20"))
    assert split_kernel(whole)[1] == "6.1.0-rpi7" and split_kernel(other)[1] == "6.6.20"
    assert split_kernel(whole)[0] == split_kernel(other)[0] != whole


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
