"""A percentile passes only where its 99 % bound over all processes does; which limits chance has a part in."""

import pytest

from harness.gates import is_asked, is_sampled, judge, parse_limit
from harness.gates.evidence import Evidence
from harness.gates.sequential_verdict import hold_to_bound
from harness.records.entry import Finding, Histogram, Measurement, TrialSummary
from harness.records.metrics import METRICS
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_entry

EVIDENCE = Evidence(make_entry(device="rpi4"), Settings(), share=0.001)
LIMIT = parse_limit("latency_p90", "5 ms", origin="marker")
PASSED = Finding(
    gate="budget", metric="latency_p90", status=Status.PASS, reason="held", value=0.0046, bound_high=0.0047
)


def measured(bound: float | None, independent: int | None = 80, metric: str = "latency_p90") -> Measurement:
    return Measurement(
        metric=metric, unit="s", better="lower", value=0.0046, upper_bound=bound, independent=independent
    )


def test_a_bound_within_the_limit_leaves_the_pass_and_stands_in_it() -> None:
    for bound in (0.0049, 0.005):
        found = hold_to_bound(PASSED, measured(bound), LIMIT, EVIDENCE)
        assert (found.status, found.reason, found.bound_high) == (Status.PASS, "held", bound)


def test_a_pass_whose_bound_is_above_the_limit_is_too_close_to_call() -> None:
    found = hold_to_bound(PASSED, measured(0.0052), LIMIT, EVIDENCE)
    assert (found.status, found.bound_high) == (Status.INCONCLUSIVE, 0.0052)
    assert found.reason == (
        "latency_p90: 4.6 ms, too close to limit 5 ms: 80 blocks bound it with 99 % by 5.2 ms only; "
        "give a longer --time-limit"
    )


def test_too_few_reads_for_any_bound_never_pass() -> None:
    found = hold_to_bound(PASSED, measured(None, 12), LIMIT, EVIDENCE)
    assert (found.status, found.bound_high) == (Status.INCONCLUSIVE, None)
    assert ": 12 blocks give no bound with 99 %, which takes 56 blocks; give" in found.reason
    untold = hold_to_bound(PASSED, measured(None, None), LIMIT, EVIDENCE)
    assert "its reads give no bound" in untold.reason
    p99 = hold_to_bound(
        PASSED.model_copy(update={"metric": "latency_p99"}),
        measured(None, 96, metric="latency_p99"),
        parse_limit("latency_p99", "5 ms", origin="marker"),
        EVIDENCE,
    )
    assert "96 processes give no bound with 99 %, which takes 469 processes" in p99.reason


@pytest.mark.parametrize("status", [Status.FAIL, Status.INCONCLUSIVE, Status.INVALID])
def test_what_did_not_pass_stays_as_it_was_judged(status: Status) -> None:
    finding = PASSED.model_copy(update={"status": status})
    assert hold_to_bound(finding, measured(0.0052), LIMIT, EVIDENCE) == finding


def test_metrics_that_are_no_percentile_of_reads_need_no_bound() -> None:
    limit = parse_limit("latency_p50", "5 ms", origin="marker")
    finding = PASSED.model_copy(update={"metric": "latency_p50"})
    assert hold_to_bound(finding, measured(None, metric="latency_p50"), limit, EVIDENCE) == finding


def trials(p90_s: float) -> list[TrialSummary]:
    """Twelve blocks of four trials, a tenth of a percent apart."""
    return [
        TrialSummary(
            arm="candidate",
            block=at // 4,
            n=50,
            batch=1,
            mean_s=p90_s,
            quantiles={"p50": p90_s, "p90": p90_s * (1.0 + 0.001 * (at % 5))},
            histogram=Histogram(edges_s=[0.0, 1.0], counts=[50]),
            independent=20,
        )
        for at in range(48)
    ]


@pytest.mark.parametrize(
    ("bound", "status"), [(0.0049, Status.PASS), (0.0052, Status.INCONCLUSIVE), (None, Status.INCONCLUSIVE)]
)
def test_an_entry_whose_trials_are_all_within_the_limit_passes_only_with_its_bound(
    bound: float | None, status: Status
) -> None:
    entry = make_entry(trials=trials(0.0046), measurements=[measured(bound)], most_blocks=12, device="rpi4")
    assert judge(entry, [LIMIT], settings=Settings()).status is status


@pytest.mark.parametrize(
    ("key", "value", "sampled", "asked"),
    [
        ("latency_p50", "4 ms", True, True),
        ("latency_p50_regression", "3 %", True, True),
        ("peak_memory", "1 MB", True, True),
        ("init_time", "1 s", True, True),
        ("throughput", "10 /s", True, True),
        ("energy_per_inference", "1 mJ", True, False),
        ("energy_per_inference_regression", "3 %", True, False),
        ("model_size", "60 kB", False, False),
        ("model_size_regression", "1 %", False, False),
        ("accuracy", "90 %", False, False),
        ("accuracy_drop", "2 pt", False, False),
    ],
)
def test_chance_has_a_part_in_what_is_sampled_and_in_nothing_else(
    key: str, value: str, sampled: bool, asked: bool
) -> None:
    limit = parse_limit(key, value, origin="marker")
    assert (is_sampled(limit, paired=True), is_asked(limit, paired=True)) == (sampled, asked)
    alone = (sampled, asked) if limit.kind == "absolute" else (False, False)
    assert (is_sampled(limit, paired=False), is_asked(limit, paired=False)) == alone


def test_whatever_has_samples_of_a_run_takes_a_share() -> None:
    exact = {"model_size", "accuracy", "delegated_operators", "delegated_macs"}
    units = {
        "s": "1 s",
        "B": "1 MB",
        "1/s": "1 /s",
        "J": "1 J",
        "W": "1 W",
        "1/Wh": "1 /Wh",
        "B/s": "1 MB/s",
        "1": "1 %",
    }
    for name, definition in METRICS.items():
        limit = parse_limit(name, units[definition.unit], origin="marker")
        assert is_sampled(limit, paired=False) == (name not in exact), name
