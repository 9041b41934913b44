"""A metric is added by one entry in the table of metrics: it is measured, limited, judged and shown."""

import pytest
from support.sample_results import results

from harness.gates import is_asked, judge, limit_tests_of, parse_limits
from harness.measure import execute, make_plan, most_blocks
from harness.records.candidate import Candidate
from harness.records.entry import Entry, Measurement
from harness.records.metrics import METRICS, Metric
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_quantity
from harness.report.page import page
from harness.report.summary import summary
from harness.report.terminal import table
from harness.stats.estimates import figure_of
from harness.testing import SimulatedBoard, SimulatedModel, make_artifact, make_runner

NEW = Metric("latency_p95", "s", "lower", "latency p95", "a median of 95th percentiles", percentile=0.95, short="p95")
SETTINGS = Settings(time_limit_s=600.0)


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, NEW.name, NEW)


def judged(limit: str) -> Entry:
    limits = parse_limits({"latency_p95": limit}, origin="marker")
    assert is_asked(limits[0], paired=False)
    blocks = most_blocks(SETTINGS, arms=1)
    questions = limit_tests_of(limits, share=0.001, miss=SETTINGS.miss, most_blocks=blocks, paired=False)
    artifact = make_artifact()
    board = SimulatedBoard(model=SimulatedModel(latency_s=0.004, within_sd=0.02), seed=3)
    entry = execute(
        board,
        make_plan(SETTINGS, artifact, make_runner(), questions=questions),
        artifact,
        candidate=Candidate("model", "tflite", "/model.tflite"),
        now=board.now,
        sleep=board.sleep,
    )
    return judge(entry, limits, settings=SETTINGS, share=0.001)


def of(entry: Entry) -> Measurement:
    return entry["latency_p95"]


@pytest.mark.parametrize(("limit", "status"), [("4.6 ms", Status.PASS), ("4 ms", Status.FAIL)])
def test_it_is_measured_and_judged_by_its_budget(limit: str, status: Status) -> None:
    entry = judged(limit)
    found = of(entry)
    assert found.value == pytest.approx(0.004 * 1.0334, rel=0.02)
    assert found.ci_low is not None
    assert (found.upper_bound is not None) == (status is Status.PASS)  # what fails early has too few for a bound
    kept = figure_of(NEW.name, entry.trials, entry.figures)
    assert kept is not None and (kept.trials, kept.value) == (found.n, found.value)
    assert (entry.status, entry.findings[-1].metric) == (status, "latency_p95")
    assert entry.reason.startswith("latency_p95: 4.")


def test_it_has_a_column_in_every_table() -> None:
    run = results().model_copy(update={"entries": [judged("4.6 ms")]})
    value = format_quantity(of(run.entries[0]).value or 0.0, "s")
    told = {"screen": table(run, 120), "summary": summary(run).replace("\u00a0", " "), "report": page(run, [])}
    assert " p95\n" in told["screen"]
    assert "| latency p95 |" in told["summary"]
    assert '<th scope="col" class="number">p95</th>' in told["report"]
    assert {name for name, text in told.items() if value in text} == set(told)
