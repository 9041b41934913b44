"""Each metric of the table stands in results.json, report, summary and docs, with unit, method and interval or band."""

import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest
from support.sample_results import changed_artifact, entry, results

from harness.records.artifact import AccuracyResult
from harness.records.candidate import OwnMetric
from harness.records.entry import Measurement
from harness.records.metrics import METRICS
from harness.records.status import Status
from harness.records.units import format_interval, format_quantity
from harness.report import render, table
from harness.report.charts.tradeoff import tradeoffs
from harness.report.groups import groups
from harness.report.summary import summary
from harness.store import load_results, results_schema
from harness.store.results_file import save_results

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
INTERVAL = re.compile(r"Student's t|exact|the same|none")
"""How the docs name an interval, or that there is none."""


def figure(name):
    """A value of each metric that no other metric has, with an interval where it is sampled."""
    metric = METRICS[name]
    value = (0.5 if metric.unit == "1" else 1.0) + 0.001 * (1 + list(METRICS).index(name))
    sampled = metric.repeats != "exact"
    return Measurement(
        metric=name,
        unit=metric.unit,
        better=metric.better,
        value=value,
        ci_low=value * 0.99 if sampled else None,
        ci_high=value * 1.01 if sampled else None,
        confidence=0.95 if sampled else None,
        n=10 if sampled else 0,
        obtained=metric.obtained,
        source="hwmon:ina226" if metric.kind == "energy" else None,
        band=0.07 if metric.kind == "energy" else None,
    )


@cache
def run_of_every_metric():
    one = entry("rpi4", "digits_cnn", "int8", Status.MEASURED, reason="no budget", p50_s=0.004)
    measured = [figure(name) for name in METRICS]
    return results().model_copy(update={"entries": [one.model_copy(update={"measurements": measured})]})


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the run's file, page and summary say, as text."""
    folder = tmp_path_factory.mktemp("run")
    save_results(run_of_every_metric(), folder / "results.json")
    page = unescape(re.sub(r"<[^>]+>", " ", render(folder).read_text(encoding="utf-8")))
    return load_results(folder), " ".join(page.split()), summary(run_of_every_metric())


def expected(name):
    """The value and the interval as people read them."""
    one = figure(name)
    interval = "" if one.ci_low is None else format_interval(one.ci_low, one.ci_high, one.unit)
    return format_quantity(one.value, one.unit), interval


@pytest.mark.parametrize("name", METRICS)
def test_it_is_kept_in_results_with_unit_method_and_interval_or_band(name, shown):
    (kept,) = [one for one in shown[0].entries[0].measurements if one.metric == name]
    assert kept == figure(name)
    assert {"unit", "obtained", "ci_low", "ci_high", "band"} <= set(
        results_schema()["$defs"]["Measurement"]["properties"]
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_report_shows_it_with_interval_and_how_it_was_obtained(name, shown):
    _, page, _ = shown
    value, interval = expected(name)
    assert value in page and interval in page
    assert METRICS[name].obtained.partition("; ")[0] in page, "how each number was obtained"
    if METRICS[name].kind == "energy":
        assert "±7 %" in page and "hwmon:ina226" in page


@pytest.mark.parametrize("name", METRICS)
def test_the_summary_shows_it_with_its_interval(name, shown):
    text = (
        unescape(shown[2]).replace("\\", "").replace("\N{NO-BREAK SPACE}", " ").replace("\N{NON-BREAKING HYPHEN}", "-")
    )
    value, interval = expected(name)
    assert METRICS[name].title in text and value in text
    assert interval in text


@pytest.mark.parametrize("name", METRICS)
def test_the_docs_say_its_unit_direction_method_and_interval(name):
    rows = re.findall(rf"^\| `{name}` \|(.+)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 1
    unit, better, obtained, interval = (cell.strip() for cell in rows[0].split(" | "))
    assert (unit, better) == (METRICS[name].unit, METRICS[name].better)
    assert len(obtained.split()) >= 3 and INTERVAL.search(interval)


def test_a_metric_of_the_user_s_own_is_named_beside_its_figure_and_shares_no_axis_with_another():
    whole = run_of_every_metric()
    one = whole.entries[0]
    own = AccuracyResult(
        value=31.2,
        correct=None,
        n=50,
        dataset="own.npz",
        obtained="PSNR by m:psnr",
        score="own",
        metric=OwnMetric("m:psnr", "PSNR", "dB"),
    )
    figures = [figure("latency_p50"), figure("accuracy").model_copy(update={"value": 31.2, "unit": "dB"})]
    scored = one.model_copy(
        update={"artifact": changed_artifact(one.artifact, accuracy=own), "measurements": figures, "recipe": "float32"}
    )
    text = summary(whole.model_copy(update={"entries": [scored]}))
    assert "31.2 dB PSNR" in unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    assert "31.2 dB PSNR" in table(whole.model_copy(update={"entries": [scored]}), width=120)
    mixed = whole.model_copy(update={"entries": [scored, one]})
    (group,) = groups(mixed)
    assert not [one for one in tradeoffs(group) if one.metric == "accuracy"], "one point of each metric is no picture"
