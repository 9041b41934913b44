"""The run's figures as Prometheus reads them, read by its own parser."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.sample_results import HOSTILE, results

from harness.records.entry import Measurement
from harness.records.metrics import METRICS
from harness.records.text import visible
from harness.report.openmetrics import openmetrics


@pytest.fixture(scope="module")
def families():
    return {family.name: family for family in text_string_to_metric_families(openmetrics(results()))}


def of_entry(family, candidate, recipe):
    return [one for one in family.samples if (one.labels["candidate"], one.labels["recipe"]) == (candidate, recipe)]


def test_a_latency_has_its_value_and_interval_in_seconds(families):
    wanted = ("rpi4", "digits_cnn", "int8")
    (entry,) = [one for one in results().entries if (one.device, one.candidate, one.recipe) == wanted]
    (p50,) = [one for one in entry.measurements if one.metric == "latency_p50"]
    assert p50.ci_low < p50.value == 0.00145 < p50.ci_high
    for suffix, expected in (("", p50.value), ("_ci_low", p50.ci_low), ("_ci_high", p50.ci_high)):
        family = families[f"edge_harness_latency_p50{suffix}_seconds"]
        assert (family.type, family.unit) == ("gauge", "seconds")
        (sample,) = [one for one in of_entry(family, "digits_cnn", "int8") if one.labels["device"] == "rpi4"]
        assert sample.value == expected


def test_a_board_that_stands_in_for_another_is_labelled(families):
    boards = {one.labels["board"] for one in families["edge_harness_latency_p50_seconds"].samples}
    assert all("simulated board" in board or "this machine" in board for board in boards), boards


def test_every_entry_has_one_status_that_holds(families):
    samples = families["edge_harness_status"].samples
    holding = [one for one in samples if one.value]
    assert len(holding) == len(results().entries)
    entries = {(entry.device, entry.candidate, entry.recipe or "", entry.status.value) for entry in results().entries}
    said = {
        (one.labels["device"], one.labels["candidate"], one.labels["recipe"], one.labels["edge_harness_status"])
        for one in holding
    }
    assert len(said) == len(entries)
    assert {status for *_, status in said} == {status for *_, status in entries}


def test_the_run_is_named_with_its_exit_code(families):
    (info,) = families["edge_harness_run"].samples
    assert info.labels["id"] == results().run.id
    assert families["edge_harness_run_exit_code"].samples[0].value == results().run.exit_code


def test_every_metric_of_the_table_has_a_name_and_its_unit():
    """As one entry that has all of them, so that a new metric's unit cannot be forgotten."""
    whole = results()
    entry = next(one for one in whole.entries if one.candidate == "digits_cnn" and one.recipe == "int8")
    all_of_them = [
        Measurement(metric=metric.name, unit=metric.unit, better=metric.better, value=0.5)
        for metric in METRICS.values()
    ]
    whole = whole.model_copy(update={"entries": [entry.model_copy(update={"measurements": all_of_them})]})
    text = openmetrics(whole)
    values = [
        family for family in text_string_to_metric_families(text) if family.samples and family.samples[0].value == 0.5
    ]
    assert len(values) == len(METRICS)


def test_names_from_elsewhere_stay_in_their_labels():
    whole = results()
    named = [entry.model_copy(update={"candidate": f'x"}} 1\n# EOF\n{HOSTILE}'}) for entry in whole.entries]
    text = openmetrics(whole.model_copy(update={"entries": named}))
    lines = text.splitlines()
    assert lines.index("# EOF") == len(lines) - 1
    assert all(line.startswith(("# ", "edge_harness_")) for line in lines)
    families = text_string_to_metric_families(text)
    read = {one.labels["candidate"] for family in families for one in family.samples if "candidate" in one.labels}
    assert read == {visible(named[0].candidate)}
