"""Limits with too much room, waivers that run out, stored entries without their verdicts."""

from datetime import date

import pytest
from support.sample_results import measured

from harness.gates import judge, load_budgets, parse_limits
from harness.gates.judge import stored_limits, without_verdicts
from harness.gates.lint_budgets import expiring_sentences, slack_limits
from harness.records.entry import Finding
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry

FIGURES = [
    measured("latency_p50", 0.004, spread=0.01),
    measured("throughput", 250.0, spread=0.01),
    measured("model_size", 100_000.0, n=1),
]
BUDGETS = """
[rpi4."kws/*"]
latency_p50 = "8 ms"
throughput = "150 /s"
model_size = "120 kB"
accuracy_drop = "50 pt"
latency_p50_regression = "90 %"
"""
WAIVER = """
[[waiver]]
device = "rpi4"
candidate = "kws/*"
metric = "model_size"
limit = "130 kB"
until = 2026-12-01
issue = "#7"
reason = "wider"
"""


@pytest.fixture
def budgets(tmp_path):
    path = tmp_path / "budgets.toml"
    path.write_text(BUDGETS + WAIVER)
    return load_budgets(path, rootdir=tmp_path)


def entry(**changes):
    return make_entry(**{"device": "pi-07", "candidate": "kws", "recipe": "int8", "measurements": FIGURES, **changes})


def slack(entries, budgets):
    return slack_limits(entries, lambda _test: budgets, lineages={"pi-07": ("pi-07", "rpi4")})


def test_slack_limits_are_told_with_their_room_and_what_would_take_it_up(budgets):
    ceiling, floor = slack([entry()], budgets)

    assert ceiling.room == pytest.approx(1 - 0.00404 / 0.008)
    assert ceiling.sentence == (
        'budgets.toml [rpi4."kws/*"] latency_p50: 8 ms leaves 49.5 % room: kws/int8 on pi-07 measured '
        "4 ms (3.96-4.04 ms, 95 %, 10 trials); 4.45 ms would leave 10 %"
    )
    assert (floor.limit.key, floor.proposed) == ("throughput", "222 /s")


def test_one_figure_that_comes_near_keeps_a_limit_from_being_slack(budgets):
    slow = [measured("latency_p50", 0.0075, spread=0.01), measured("throughput", 500.0, spread=0.01)]

    assert [one.limit.key for one in slack([entry(), entry(recipe="float32", measurements=slow)], budgets)] == [
        "throughput"
    ]


def test_nothing_is_said_of_figures_that_are_not_known(budgets):
    unknown = [measured("latency_p50", None, reason="died"), *FIGURES[1:]]

    assert [one.limit.key for one in slack([entry(), entry(measurements=unknown)], budgets)] == ["throughput"]
    nothing = [measured("latency_p50", 0.0, spread=0.0), *FIGURES[1:]]
    assert [one.limit.key for one in slack([entry(measurements=nothing)], budgets)] == ["throughput"]
    assert slack([entry(status=Status.ERROR), entry(status=Status.INVALID), entry(candidate="vww")], budgets) == []
    assert slack([entry()], None) == []


@pytest.mark.parametrize(("size", "told"), [(90_000.0, []), (89_999.0, ["model_size"])])
def test_a_quarter_of_room_is_not_yet_slack(budgets, size, told):
    sizes = [measured("model_size", size, n=1)]
    assert [one.limit.key for one in slack([entry(measurements=sizes)], budgets)] == told


def test_the_figure_that_comes_nearest_is_told(budgets):
    sizes = [entry(recipe=f"r{size}", measurements=[measured("model_size", size, n=1)]) for size in (7e4, 8e4, 6e4)]
    (found,) = slack(sizes, budgets)
    assert (found.candidate, found.measured, found.proposed) == ("kws/r80000.0", "80 kB (exact)", "88 kB")
    assert found.room == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 11, 16), None),
        (date(2026, 11, 17), "expires in 14 days, 2026-12-01 (#7: wider)"),
        (date(2026, 11, 30), "expires in 1 day, 2026-12-01"),
        (date(2026, 12, 1), "expires today, 2026-12-01"),
        (date(2026, 12, 2), None),
    ],
)
def test_a_waiver_that_runs_out_is_told_for_fourteen_days(budgets, today, told):
    assert [told in sentence for sentence in expiring_sentences(budgets.waivers, today)] == ([True] if told else [])


def test_an_entry_without_its_verdict_is_as_measuring_left_it():
    limits = parse_limits({"model_size": "1 kB"}, origin="marker of t")
    plain = entry()
    wrong = entry(
        status=Status.FAIL,
        reason="wrong outputs",
        findings=[Finding(gate="outputs", metric=None, status=Status.FAIL, reason="wrong outputs")],
    )

    for before in (plain, wrong):
        judged = judge(before, limits, settings=Settings())
        assert judged.findings != before.findings
        after = without_verdicts(judged)
        assert (after.status, after.findings) == (before.status, before.findings)
    assert without_verdicts(plain) is plain and without_verdicts(wrong) is wrong


def finding(metric, limit, **more):
    return Finding(gate="budget", metric=metric, status=Status.PASS, reason="held", limit=limit, **more)


def test_markers_are_remembered_and_the_budgets_file_s_limits_are_not():
    stored = entry(
        findings=[
            finding("latency_p50", 0.005, origin="marker of test_kws latency_p50"),
            finding("model_size", 9e4, origin='budgets.toml [rpi4."kws/*"] model_size'),
            finding("peak_memory", 9e7, origin="marker of test_kws peak_memory", waiver="limit 80 MB waived to 90 MB"),
            finding("throughput", 100.0),
            finding("model_memory", 100.0, origin="the stored run"),
            finding("no_metric", 1.0),
            Finding(gate="fitness", metric=None, status=Status.PASS, reason="fit"),
        ]
    )

    markers, others = stored_limits(stored)

    assert [(one.key, one.value, one.waiver) for one in markers] == [("latency_p50", 0.005, None)]
    assert [(one.key, one.origin) for one in others] == [
        ("peak_memory", "marker of test_kws peak_memory"),
        ("throughput", "the stored run"),
        ("model_memory", "the stored run"),
    ]
    assert others[0].waiver == "limit 80 MB waived to 90 MB"


@pytest.mark.parametrize(
    ("asked", "source", "remembered"),
    [
        ({"max": "20 mJ", "source": "model"}, "model: fit", "model"),
        ({"max": "20 mJ", "source": "model"}, "hwmon:ina226", None),
        ("20 mJ", "hwmon:ina226", None),
        ("20 mJ", "model: fit", None),
    ],
)
def test_a_marker_that_let_a_model_be_judged_is_remembered_as_one_that_does(asked, source, remembered):
    """One that did not left its joule unjudged."""
    joules = entry(measurements=[measured("energy_per_inference", 0.015, spread=0.01, source=source)])
    limits = parse_limits({"energy_per_inference": asked}, origin="marker of t")

    markers, _ = stored_limits(judge(joules, limits, settings=Settings()))

    assert [(one.value, one.source) for one in markers] == [(pytest.approx(0.02), remembered)]


def test_a_marker_s_limit_of_nothing_is_remembered_as_that():
    limits = parse_limits({"accuracy_drop": "0 pt", "latency_p50_regression": "0 %"}, origin="marker of t")
    markers, _ = stored_limits(judge(entry(), limits, settings=Settings()))
    assert {one.key: (one.kind, one.value) for one in markers} == {
        "accuracy_drop": ("accuracy_drop", 0.0),
        "latency_p50_regression": ("regression", 0.0),
    }
