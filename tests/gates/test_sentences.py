"""A verdict is a line with the figures first; what stands behind them is another."""

import pytest
from gates.judged_entries import limit

from harness.gates.sentences import JudgedFigure, baseline_name, verdict_sentence
from harness.records.entry import BaselineRecord
from harness.records.metrics import change_word
from harness.records.status import Status


def worsening(name: str, value: float, low: float, high: float, *, unit: str = "1", change: str = "") -> str:
    return JudgedFigure(
        name=name, unit=unit, value=value, low=low, high=high, basis="", against="main", change=change
    ).text


def test_a_slowdown_has_both_values_its_size_its_interval_and_the_limit():
    slower = JudgedFigure(
        name="latency_p50",
        unit="1",
        value=0.988,
        low=0.61,
        high=1.08,
        basis="",
        against="main",
        change="5.73 -> 11.39 µs",
    )
    assert verdict_sentence(slower, limit("latency_p50_regression", "5 %"), status=Status.FAIL) == (
        "latency_p50: 5.73 -> 11.39 µs, 99 % slower than main (61 to 108 %), limit 5 %"
    )


@pytest.mark.parametrize(
    ("name", "value", "low", "high", "text"),
    [
        ("latency_p50", -0.02, -0.04, 0.01, "2.0 % faster than main (-1.0 to 4.0 %)"),
        ("throughput", 0.02, -0.01, 0.04, "2.0 % slower than main (-1.0 to 4.0 %)"),
        ("throughput", -0.02, -0.04, -0.01, "2.0 % faster than main (1.0 to 4.0 %)"),
        ("peak_memory", 0.5, 0.5, 0.5, "50 % larger than main"),
        ("energy_per_inference", 0.5, 0.5, 0.5, "50 % more than main"),
        ("latency_p50", 0.0, -0.01, 0.02, "no different from main (-1.0 to 2.0 %)"),
        ("latency_p50", -0.00001, -0.01, 0.02, "no different from main (-2.0 to 1.0 %)"),
        ("peak_memory", 0.0, 0.0, 0.0, "the same as main"),
    ],
)
def test_the_interval_is_told_in_the_direction_of_the_word(name, value, low, high, text):
    assert worsening(name, value, low, high) == f"{name}: {text}"


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.0213, 0.0213, 0.0213, "2.13 pt lost against main"),
        (-0.01, -0.02, 0.0, "1 pt gained against main (0 to 2 pt)"),
    ],
)
def test_points_are_lost_or_gained(value, low, high, text):
    assert worsening("accuracy", value, low, high, unit="pt") == f"accuracy: {text}"


@pytest.mark.parametrize(
    ("given", "state", "name"),
    [
        ("origin/main", "measured", "main"),
        ("feature/faster", "measured", "feature/faster"),
        ("0123456789abcdef0123456789abcdef01234567", "identical", "01234567"),
        ("reports/20261129T140244Z-00c79c/", "stored", "20261129T140244Z-00c79c"),
        ("models/old.tflite", "measured", "old.tflite"),
        ("origin/" + "x" * 60, "new", "x" * 13 + " ... " + "x" * 14),
        ("  ", "measured", "the baseline"),
    ],
)
def test_a_baseline_s_name_is_short(given, state, name):
    assert baseline_name(BaselineRecord(given=given, state=state, sentence="")) == name


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("4 ms", 0.0043, "x: 4.3 ms, 7.5 % above limit 4 ms"),
        ("4 ms", 0.039, "x: 39 ms, 875 % above limit 4 ms"),
        ("4 ms", 0.04, "x: 40 ms, 10 times limit 4 ms"),
        ("0 ms", 0.04, "x: 40 ms, 40 ms above limit 0 s"),
        ("4 ms", 0.00400004, "x: 4 ms, 40 ns above limit 4 ms"),
    ],
)
def test_by_how_much_a_limit_is_broken(text, value, said):
    figure = JudgedFigure(name="x", unit="s", value=value, low=value, high=value, basis="")
    assert verdict_sentence(figure, limit("latency_p50", text), status=Status.FAIL) == said


def test_a_lost_accuracy_is_told_in_points():
    figure = JudgedFigure(name="accuracy", unit="1", value=0.96, low=0.96, high=0.96, basis="")
    said = verdict_sentence(figure, limit("accuracy", "97 %"), status=Status.FAIL)
    assert said == "accuracy: 96 %, 1 pt below floor 97 %"


def test_what_is_no_metric_is_more_or_less():
    assert (change_word("of_tomorrow", more=True), change_word("of_tomorrow", more=False)) == ("more", "less")
