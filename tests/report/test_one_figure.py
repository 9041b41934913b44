"""One entry has one p50 with one interval, wherever it is shown; the verdict's sentence says what was judged."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from support.ab_results import ab_results
from support.commands import run_here
from support.sample_results import measured

from harness.plugin.properties import entry_properties
from harness.plugin.pytest_benchmark import make_metadata
from harness.records.results import Entry, Finding, Results
from harness.records.status import Status
from harness.records.units import format_quantity, parse_quantity
from harness.report.action_benchmark import action_benchmark
from harness.report.charts.distribution import arms_distribution, distribution
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import groups
from harness.report.page import page
from harness.report.summary import summary
from harness.report.terminal import table
from harness.store.results_file import save_results

VALUE, LOW, HIGH = 0.0014537, 0.0014481, 0.0014603
BASE = 0.0013912
SHOWN, INTERVAL, BASE_SHOWN = "1.454 ms", "1.448-1.46 ms", "1.391 ms"
JUDGED = "latency_p50 1.471 ms (1.41-1.52 ms, 30 blocks, false alarm at most 0.5 %) is within the limit of 2 ms"
_TIMES = re.compile(r"[\d.]+(?:-[\d.]+)? ms\b")


@pytest.fixture(scope="module")
def run() -> Results:
    """One entry with one sampled metric and a baseline; what was judged is another figure than what is shown."""
    whole = ab_results()
    entry = whole.entries[0]
    p50 = measured("latency_p50", VALUE).model_copy(update={"ci_low": LOW, "ci_high": HIGH})
    assert entry.baseline is not None
    ratios = [one for one in entry.baseline.ratios if one.metric == "latency_p50"]
    base = {"measurements": [measured("latency_p50", BASE, spread=0.0)], "ratios": ratios}
    budget = Finding(
        gate="budget",
        metric="latency_p50",
        status=Status.PASS,
        reason=JUDGED,
        limit=0.002,
        value=0.001471,
        ci_low=0.00141,
        ci_high=0.00152,
    )
    alone = entry.model_copy(
        update={
            "measurements": [p50],
            "findings": [budget],
            "status": Status.PASS,
            "reason": JUDGED,
            "baseline": entry.baseline.model_copy(update=base),
        }
    )
    devices = {alone.device: whole.devices[alone.device]}
    untimed = whole.run.model_copy(update={"seconds": {}})
    return whole.model_copy(update={"run": untimed, "entries": [alone], "history": [], "devices": devices})


def of_page(run: Results) -> str:
    """What the report says; its charts are another surface."""
    text = page(run, [GroupCharts(group, []) for group in groups(run)])
    text = unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(style|script)\b.*?</\1>", "", text)))
    return text.replace("\u00a0", " ")


def of_charts(run: Results) -> str:
    """The lanes' labels of both charts of how latencies are spread."""
    (group,) = groups(run)
    specs = [distribution(group), arms_distribution(run.entries[0])]
    assert all(specs)
    return "\n".join(label for spec in specs if spec for label in spec["facet"]["row"]["sort"])


def of_junit(run: Results) -> str:
    """The entry's own properties in JUnit XML, written as people read them; not the limit."""
    told = dict(entry_properties(run.entries[0]))
    value = parse_quantity(told["harness_latency_p50"], "s")
    ends = [parse_quantity(end, "s") for end in told["harness_latency_p50_interval"].split(" to ")]
    low, high = (format_quantity(end, "s") for end in ends)
    return f"{format_quantity(value, 's')} {low.removesuffix(' ms')}-{high}"


def of_action(run: Results) -> str:
    (item,) = json.loads(action_benchmark(run))
    return f"{format_quantity(item['value'] / 1e3, 's')} {item['range']}"


def of_pytest_benchmark(run: Results) -> str:
    """What it keeps beside the rounds."""
    (metadata,) = make_metadata(run)
    p50 = metadata.fixture.extra_info["latency_p50"]
    low, high = (format_quantity(p50[end], "s") for end in ("ci_low", "ci_high"))
    return f"{format_quantity(p50['value'], 's')} {low.removesuffix(' ms')}-{high}"


def of_python(run: Results) -> str:
    """What a test reads of the entry that bench gave it."""
    return str(run.entries[0]["latency_p50"])


@dataclass(frozen=True)
class Surface:
    """A place that shows the entry, and the interval as it stands there."""

    text: Callable[[Results], str]
    interval: str = INTERVAL


def of_summary(run: Results) -> str:
    """Without what Markdown wants."""
    return summary(run).replace("\u00a0", " ").replace("\\", "")


SURFACES = {
    "terminal": Surface(table, INTERVAL.removesuffix(" ms")),
    "summary": Surface(of_summary),
    "page": Surface(of_page),
    "charts": Surface(of_charts),
    "junit": Surface(of_junit),
    "github-action-benchmark": Surface(of_action),
    "pytest-benchmark": Surface(of_pytest_benchmark),
    "python": Surface(of_python),
}


def times(text: str) -> set[str]:
    """Every time in milliseconds that stands in a text beside the sentence of the verdict."""
    return set(_TIMES.findall(text.replace(JUDGED, "")))


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_shows_the_entry_s_p50_with_its_interval_and_no_other(run: Results, name: str) -> None:
    surface = SURFACES[name]
    text = surface.text(run)
    assert SHOWN in text and surface.interval in text
    assert times(text) <= {SHOWN, INTERVAL, BASE_SHOWN}


def test_history_and_compare_show_the_same_figure(run: Results, tmp_path: Path) -> None:
    for number, name in enumerate(("a1b2c3", "d4e5f6"), 1):
        own = run.run.model_copy(update={"id": name, "created_at": f"2026-01-0{number}T00:00:00Z"})
        folder = tmp_path / "reports" / f"2026010{number}T000000Z-{name}"
        folder.mkdir(parents=True)
        save_results(run.model_copy(update={"run": own}), folder / "results.json")
    told = run_here(["history"], tmp_path).out
    assert told.count(SHOWN) == told.count(INTERVAL) == 2 and times(told) == {SHOWN, INTERVAL}
    compared = run_here(["compare", "a1b2c3", "d4e5f6"], tmp_path).out
    assert compared.count(SHOWN) == 2 and times(compared) == {SHOWN}


def test_a_regression_has_the_figures_that_were_judged(run: Results) -> None:
    """No table shows them, so that nothing could differ."""
    finding = Finding(
        gate="regression", metric="latency_p50", status=Status.PASS, reason="", limit=0.02, value=0.01, ci_high=0.015
    )
    entry: Entry = run.entries[0].model_copy(update={"findings": [finding]})
    told = dict(entry_properties(entry))
    assert told["harness_latency_p50_regression"] == "0.01"
