from support.sample_results import results

from harness.plugin.properties import entry_properties
from harness.records.entry import Finding
from harness.records.status import Status


def entry_with(*findings):
    return results().entries[5].model_copy(update={"findings": list(findings)})


def test_an_entry_names_itself_and_its_status():
    assert entry_properties(entry_with()) == [
        ("harness_device", "rpi4"),
        ("harness_candidate", "digits_cnn/float32"),
        ("harness_status", "FAIL"),
    ]


def test_a_budget_has_value_interval_and_limit_with_the_unit():
    assert entry_properties(results().entries[5])[3:] == [
        ("harness_latency_p50", "0.00425 s"),
        ("harness_latency_p50_interval", "0.004233 s to 0.004267 s"),
        ("harness_latency_p50_limit", "0.004 s"),
    ]


def test_regressions_and_drops_are_shares_under_their_own_keys():
    made = entry_with(
        Finding(gate="regression", metric="latency_p50", status=Status.PASS, reason="", limit=0.02, value=0.01),
        Finding(gate="accuracy_drop", metric="accuracy", status=Status.PASS, reason="", limit=0.01, value=0.002),
    )
    assert entry_properties(made)[3:] == [
        ("harness_latency_p50_regression", "0.01"),
        ("harness_latency_p50_regression_limit", "0.02"),
        ("harness_accuracy_drop", "0.002"),
        ("harness_accuracy_drop_limit", "0.01"),
    ]


def test_what_was_not_judged_has_its_limit_alone():
    made = entry_with(
        Finding(gate="budget", metric="energy_per_inference", status=Status.INVALID, reason="no sensor", limit=0.01),
        Finding(gate="outputs", metric=None, status=Status.PASS, reason="equal"),
    )
    assert entry_properties(made)[3:] == [("harness_energy_per_inference_limit", "0.01 J")]
