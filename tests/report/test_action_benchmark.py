import json

import pytest
from support.sample_results import HOSTILE, results

from harness.records.entry import Finding
from harness.records.metrics import METRICS
from harness.records.status import Status
from harness.report.action_benchmark import action_benchmark


@pytest.fixture(scope="module")
def items():
    return json.loads(action_benchmark(results()))


def named(items, name):
    (found,) = [item for item in items if item["name"] == name]
    return found


def test_a_latency_has_its_unit_interval_and_setting(items):
    assert named(items, "rpi4 (simulated board): digits_cnn/int8: latency p50") == {
        "name": "rpi4 (simulated board): digits_cnn/int8: latency p50",
        "unit": "ms",
        "value": 1.45,
        "range": "1.444-1.456 ms (95 %)",
        "extra": "n 10, litert 2.3.0, xnnpack, threads 1, passed",
    }


def test_a_modelled_energy_says_so(items):
    energy = named(items, "rpi4 (simulated board): digits_cnn/int8: energy per inference")
    assert (energy["unit"], energy["value"]) == ("mJ", 4.495)
    assert "PowerJoular" in energy["extra"]
    assert "±40 %" in energy["extra"]


def test_every_item_is_smaller_is_better_and_named_once(items):
    names = [item["name"] for item in items]
    assert len(names) == len(set(names))
    higher = [metric.title for metric in METRICS.values() if metric.better == "higher"]
    assert [name for name in names if name.rsplit(": ", 1)[1] in higher] == []
    assert {item["unit"] for item in items} == {"ms", "kB", "mJ"}


def test_stand_ins_are_labelled_and_names_are_one_line_of_text(items):
    assert all(item["name"].startswith(("rpi4 (simulated board)", "local (this machine")) for item in items)
    text = "".join(item["name"] + item["extra"] for item in items)
    assert HOSTILE not in text
    assert not set(text) & set("\x1b\u202e\n")


def test_what_was_not_measured_well_is_left_out(items):
    assert not [item for item in items if "rpi4 (simulated board): digits_cnn/dynamic_int8" in item["name"]]
    made = results()
    wrong = Finding(gate="outputs", metric=None, status=Status.FAIL, reason="wrong outputs")
    entries = [one.model_copy(update={"findings": [wrong]}) for one in made.entries]
    assert json.loads(action_benchmark(made.model_copy(update={"entries": entries}))) == []
