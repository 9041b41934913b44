"""One entry has one p50 with one interval, wherever it is shown; the verdict's sentence says what was judged."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from support.ab_results import ab_results
from support.commands import run_here
from support.sample_results import measured

from harness.gates import judge, parse_limit
from harness.measure.arm_evidence import restate, restate_run
from harness.measure.build_entry import ratios_of
from harness.measure.compare_runs import compare_results
from harness.plugin.properties import entry_properties
from harness.plugin.pytest_benchmark import make_metadata
from harness.records.entry import BaselineRecord, Entry, Finding, Histogram, TrialSummary
from harness.records.metrics import ESTIMATOR
from harness.records.results import Results
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_interval, format_quantity, format_share_interval, parse_quantity
from harness.report.action_benchmark import action_benchmark
from harness.report.baseline_changes import changes, sampled_ratios
from harness.report.charts.distribution import arms_distribution, distribution
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import groups
from harness.report.numbers import number
from harness.report.page import page
from harness.report.summary import summary
from harness.report.terminal import table
from harness.stats.estimates import median_over_trials
from harness.store.results_file import save_results

LIMIT = "2 ms"
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
    found = [distribution(group), arms_distribution(run.entries[0])]
    assert all(found)
    return "\n".join(line for one in found if one for lane in one.lanes for line in lane.title(on_one_line=True))


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
    "terminal": Surface(table, "1.454 ms ±0.45 %"),
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
    assert times(text) <= {SHOWN, INTERVAL, BASE_SHOWN, LIMIT}


def test_history_and_compare_show_the_same_figure(run: Results, tmp_path: Path) -> None:
    for day, name in enumerate(("a1b2c3", "d4e5f6"), 1):
        own = run.run.model_copy(update={"id": name, "created_at": f"2026-01-0{day}T00:00:00Z"})
        folder = tmp_path / "reports" / f"2026010{day}T000000Z-{name}"
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


MINORITY = 0.3
SLOWER = 1.1
"""Of the candidate's processes so many are so much slower: their median is 7 % off their mean's own figure."""


def minority_trials() -> list[TrialSummary]:
    """30 blocks in turns drawn in pairs, 3 % slower in the first place of a block, with noise of 0.3 %."""
    drawn = np.random.default_rng(7)
    found = []
    for block in range(30):
        outer = "candidate" if (block % 2 == 0) == (block % 4 < 2) else "baseline"
        inner = "baseline" if outer == "candidate" else "candidate"
        for place, arm in enumerate((outer, inner, inner, outer)):
            slow = arm == "candidate" and drawn.random() < MINORITY
            p50 = (
                0.0041 * (SLOWER if slow else 1.0) * (1.03 if place == 0 else 1.0) * math.exp(drawn.normal(0.0, 0.003))
            )
            quantiles = {"p50": p50, "p90": 1.05 * p50, "p99": 1.2 * p50}
            shape = Histogram(edges_s=[0.9 * p50, 1.3 * p50], counts=[100])
            found.append(
                TrialSummary(
                    arm=arm, block=block, n=100, batch=1, mean_s=1.01 * p50, quantiles=quantiles, histogram=shape
                )
            )
    return found


@pytest.fixture(scope="module")
def judged() -> Results:
    """An entry whose figures, ratios and verdicts come from its trials, as in a session."""
    whole = ab_results()
    trials = minority_trials()
    asked = [measured("latency_p50", 1.0), measured("latency_mean", 1.0)]
    base = BaselineRecord(
        given="origin/main",
        state="measured",
        sentence="commit 1a2b3c4d",
        measurements=restate(asked, "baseline", trials, []),
        ratios=ratios_of(trials, []),
    )
    entry = whole.entries[0].model_copy(
        update={
            "status": Status.MEASURED,
            "reason": "60 trials",
            "findings": [],
            "figures": [],
            "trials": trials,
            "most_blocks": 130,
            "measurements": restate(asked, "candidate", trials, []),
            "baseline": base,
        }
    )
    limits = [parse_limit(key, text, origin="budgets.toml") for key, text in LIMITS.items()]
    settings = Settings(baseline="origin/main")
    entry = judge(entry, limits, settings=settings)
    devices = {entry.device: whole.devices[entry.device]}
    untimed = whole.run.model_copy(update={"seconds": {}, "estimator": ESTIMATOR})
    return whole.model_copy(update={"run": untimed, "entries": [entry], "history": [], "devices": devices})


LIMITS = {"latency_p50": "5 ms", "latency_p50_regression": "0.1 %", "latency_mean": "4.2 ms"}


def finding_on(run: Results, gate: str, metric: str) -> Finding:
    (found,) = [one for one in run.entries[0].findings if (one.gate, one.metric) == (gate, metric)]
    return found


def test_on_this_noise_a_median_over_trials_is_visibly_another_figure(judged: Results) -> None:
    (entry,) = judged.entries
    median = median_over_trials("latency_p50", entry.trials, [])
    assert median is not None and entry["latency_p50"].value is not None
    assert entry["latency_p50"].value / median > 1.015


@pytest.mark.parametrize("metric", ["latency_p50", "latency_mean"])
def test_the_sentence_on_a_budget_begins_with_the_figure_of_the_tables(judged: Results, metric: str) -> None:
    found, shown = finding_on(judged, "budget", metric), number(judged.entries[0], metric)
    assert shown is not None
    assert found.reason.startswith(f"{metric}: {shown.value} ({shown.interval}), ")
    assert (found.value, found.ci_low, found.ci_high) == tuple(
        getattr(judged.entries[0][metric], name) for name in ("value", "ci_low", "ci_high")
    )
    for text in (summary(judged).replace("\u00a0", " "), of_page(judged), of_junit_limit(judged, metric)):
        assert shown.value in text and shown.interval in text


def of_junit_limit(run: Results, metric: str) -> str:
    told = dict(entry_properties(run.entries[0]))
    value = format_quantity(parse_quantity(told[f"harness_{metric}"], "s"), "s")
    low, high = (parse_quantity(end, "s") for end in told[f"harness_{metric}_interval"].split(" to "))
    return f"{value} {format_interval(low, high, 's')}"


def test_the_sentence_on_a_regression_begins_with_the_ratio_of_the_tables(judged: Results) -> None:
    found = finding_on(judged, "regression", "latency_p50")
    (ratio,) = [one for one in sampled_ratios(judged.entries) if one.metric == "latency_p50"]
    assert (found.value, found.ci_low, found.ci_high) == (ratio.ratio - 1, ratio.ci_low - 1, ratio.ci_high - 1)
    (change,) = [one for one in changes(judged.entries) if one.metric == "latency_p50"]
    interval = format_share_interval(found.ci_low, found.ci_high)
    told = (
        f"{change.was.removesuffix(' ms')} -> {change.now}, {change.amount.removeprefix('▲ ')} than main ({interval})"
    )
    assert found.reason == f"latency_p50: {told}, limit 0.1 %"
    assert found.detail.startswith("at least ")


def digits_of(text: str) -> tuple[float, float]:
    """Between what a figure lies that is shown so."""
    number_text = text.split(maxsplit=1)[0]
    half = 0.5 * 10.0 ** -len(number_text.partition(".")[2])
    return float(number_text) - half, float(number_text) + half


def test_before_after_and_change_of_a_line_agree_to_the_digits_shown(judged: Results) -> None:
    lines = [one for one in changes(judged.entries) if one.blocks is not None and one.now != "–"]
    assert {one.metric for one in lines} >= {"latency_p50", "latency_mean"}
    for line in lines:
        (was_low, was_high), (now_low, now_high) = digits_of(line.was), digits_of(line.now)
        low, high = digits_of(line.amount.split()[1])
        sign = 1 if "▲" in line.amount else -1
        ends = sorted((1 + sign * low / 100, 1 + sign * high / 100))
        assert now_low / was_high <= ends[1] and ends[0] <= now_high / was_low, line
        assert line.metric != "latency_p50" or " ".join(line.amount.split()[:3]) in table(judged)


def test_two_runs_are_compared_by_the_figures_that_are_shown(judged: Results, tmp_path: Path) -> None:
    slower = [
        one.model_copy(update={"quantiles": {"p50": 1.3 * one.quantiles["p50"]}}) for one in judged.entries[0].trials
    ]
    other = judged.entries[0].model_copy(
        update={"trials": slower, "measurements": restate([measured("latency_p50", 1.0)], "candidate", slower, [])}
    )
    found = compare_results(judged, judged.model_copy(update={"entries": [other]}))
    pair = next(one for one in found.pairs[0].metrics if one.metric == "latency_p50")
    assert pair.ratio == pytest.approx(pair.b.value / pair.a.value, rel=1e-12) and pair.ratio == pytest.approx(1.3)


def test_of_an_earlier_estimator_s_run_today_s_figures_are_made_of_its_trials(judged: Results) -> None:
    (entry,) = judged.entries
    median = median_over_trials("latency_p50", entry.trials, [])
    old = [
        one.model_copy(update={"value": median, "obtained": "median over trials; a note"}) for one in entry.measurements
    ]
    earlier = judged.model_copy(
        update={
            "run": judged.run.model_copy(update={"estimator": 1}),
            "entries": [entry.model_copy(update={"measurements": old})],
        }
    )
    again = restate_run(earlier).entries[0]["latency_p50"]
    assert again.value == entry["latency_p50"].value and again.obtained.endswith("median inference; a note")
    assert restate_run(judged) is judged
    pair = next(one for one in compare_results(earlier, judged).pairs[0].metrics if one.metric == "latency_p50")
    assert (pair.ratio, pair.a.value) == (1.0, pair.b.value)
