"""Markers that give a benchmark an operating point of its own: merged, the nearest first, and refused in one line."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.plugin.tuning_marker import check_tuning_markers, marked_tuning
from harness.records.device import ClockTuning, Tuning
from harness.records.errors import UsageError


def item(*markers: tuple[tuple[Any, ...], dict[str, Any]], bench: bool = True) -> Any:
    marks = [SimpleNamespace(name="tuning", args=args, kwargs=kwargs) for args, kwargs in markers]
    return SimpleNamespace(
        nodeid="test_a.py::test_a",
        fixturenames=["bench", "harness_device"] if bench else [],
        iter_markers=lambda name: marks if name == "tuning" else [],
    )


def test_the_nearest_marker_goes_first_and_the_profile_fills_the_rest() -> None:
    own = Tuning(governor="performance", cpus="0-3", policies={"big": ClockTuning(max_freq="max")})
    near, far = ((), {"max_freq": "1 GHz"}), ((), {"max_freq": "2 GHz", "cpus": "big"})
    assert marked_tuning(item(near, far), own) == Tuning(
        governor="performance", max_freq="1 GHz", cpus="big", policies={"big": ClockTuning(max_freq="max")}
    )
    assert marked_tuning(item(), own) is None


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (((), {}), '@pytest.mark.tuning sets nothing: write e.g. @pytest.mark.tuning(max_freq="1 GHz")'),
        ((("1 GHz",), {}), "@pytest.mark.tuning takes keywords: write e.g. "),
        (((), {"max_frq": "1 GHz"}), "@pytest.mark.tuning has no max_frq: did you mean max_freq?"),
        (((), {"zzz": 1}), "@pytest.mark.tuning has no zzz: expected one of governor, "),
        (((), {"max_freq": 1000}), "@pytest.mark.tuning: max_freq: "),
        (((), {"devices": {"dmc": {"max": "1 GHz"}}}), "@pytest.mark.tuning: devices.dmc.max: "),
    ],
)
def test_what_sets_nothing_is_refused_in_one_line(marker: tuple[tuple[Any, ...], dict[str, Any]], said: str) -> None:
    with pytest.raises(UsageError, match=r"test_a\.py::test_a") as caught:
        check_tuning_markers([item(marker)])
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_marker_of_that_name_on_a_test_that_is_no_benchmark_is_left_alone() -> None:
    check_tuning_markers([item(((), {}), bench=False)])
