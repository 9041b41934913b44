"""Metrics, each from made-up evidence."""

import numpy as np
import pytest

from harness.measure.arm_evidence import ArmEvidence
from harness.measure.arm_metrics import compute_all
from harness.records.artifact import AccuracyResult
from harness.records.board import StageTimes, TwoSpeeds
from harness.records.metrics import METRICS, metrics_of
from harness.records.storage import TrialLoad
from harness.testing import make_artifact, make_facts, make_memory, make_profile, make_stages, make_trial


def _evidence(*trials, **changes):
    return ArmEvidence(
        **{
            "trials": trials,
            "artifact": make_artifact(),
            "profile": make_profile(),
            "facts": make_facts(),
            **changes,
        }
    )


STAGES = tuple(metric.name for metric in metrics_of("stages"))


def _by_name(measurements):
    return {m.metric: m for m in measurements}


def _latency_trial(index, median_ns, reads=100, **changes):
    samples = tuple(int(median_ns + 1000 * (i - reads // 2)) for i in range(reads))
    return make_trial(index, **{"samples_ns": samples, "n": reads, **changes})


def _memory_trial(index, **changes):
    return make_trial(index, **{"kind": "memory", "samples_ns": (), "memory": make_memory(), **changes})


def _stages_trial(index, *, preprocess_ms, inference_ms=4.0, **changes):
    """Three runs: the second as given, the others 10 % quicker and slower."""
    columns = {}
    for name, ms in (("preprocess", preprocess_ms), ("inference", inference_ms), ("postprocess", 0.5)):
        columns[f"{name}_ns"] = tuple(round(1e6 * ms * factor) for factor in (0.9, 1.0, 1.1))
    whole = tuple(map(sum, zip(*columns.values(), strict=True)))
    times = StageTimes(**columns, end_to_end_ns=whole, answers=())
    return make_trial(index, **{"kind": "stages", "samples_ns": (), "stages": times, **changes})


def test_every_metric_is_there_once_in_the_order_of_the_table():
    staged = make_artifact(stages=make_stages())
    names = [m.metric for m in compute_all(_evidence(make_trial(), artifact=staged))]
    assert names == list(METRICS)


def test_without_stages_their_metrics_are_left_out():
    names = {m.metric for m in compute_all(_evidence(make_trial()))}
    assert names == set(METRICS) - set(STAGES)


def test_stages_are_the_geometric_mean_over_trials_of_each_trials_median():
    trials = [_stages_trial(i, preprocess_ms=ms) for i, ms in enumerate([2.0, 3.0, 9.0])]
    found = _by_name(compute_all(_evidence(*trials, artifact=make_artifact(stages=make_stages()))))
    assert tuple(name for name in found if name in STAGES) == STAGES
    assert {name: found[name].value for name in STAGES} == pytest.approx(
        {
            "preprocess": 0.001 * (2 * 3 * 9) ** (1 / 3),
            "inference": 0.004,
            "postprocess": 0.0005,
            "end_to_end": 0.001 * (6.5 * 7.5 * 13.5) ** (1 / 3),
        }
    )
    assert found["preprocess"].ci_low < 0.003 < found["preprocess"].ci_high
    assert (found["end_to_end"].n, found["end_to_end"].confidence) == (3, 0.75)
    assert found["end_to_end"].obtained.endswith("timed as a whole; 9 runs")


def test_the_models_latency_comes_from_latency_trials_alone():
    trials = [_latency_trial(0, 4e6), _stages_trial(1, preprocess_ms=2.0, inference_ms=9.0)]
    assert _by_name(compute_all(_evidence(*trials)))["latency_p50"].value == pytest.approx(0.004, rel=0.01)


def test_stages_that_died_are_unknown_with_the_reason():
    dead = _stages_trial(0, preprocess_ms=1.0, died="my_stages.py, line 3: preprocess raised KeyError: 'x'")
    found = _by_name(compute_all(_evidence(dead, artifact=make_artifact(stages=make_stages()))))
    assert {found[name].reason for name in STAGES} == {
        "every stages trial died: my_stages.py, line 3: preprocess raised KeyError: 'x'"
    }


def test_every_measurement_has_the_vocabularys_unit_and_says_how_it_was_obtained():
    for m in compute_all(_evidence(make_trial(), _memory_trial(1))):
        assert (m.unit, m.better) == (METRICS[m.metric].unit, METRICS[m.metric].better)
        assert m.obtained.startswith(METRICS[m.metric].obtained)
        assert (m.value is None) == (m.reason is not None)


def test_without_trials_everything_measured_is_unknown_with_the_reason():
    found = _by_name(compute_all(_evidence(make_trial(died="killed by SIGSEGV"))))
    assert found["latency_p50"].reason == "every latency trial died: killed by SIGSEGV"
    assert found["throughput"].reason == "every latency trial died: killed by SIGSEGV"
    assert found["peak_memory"].reason == "no memory trial counts"
    assert found["model_size"].value == 40_000


def test_latency_is_the_geometric_mean_over_trials_of_each_trials_median():
    trials = [_latency_trial(i, ns) for i, ns in enumerate([4e6, 5e6, 9e6])]
    p50 = _by_name(compute_all(_evidence(*trials)))["latency_p50"]
    medians = [np.median(trial.samples_ns) / 1e9 for trial in trials]
    assert p50.value == pytest.approx(np.prod(medians) ** (1 / 3))
    assert p50.ci_low < p50.value < p50.ci_high
    assert (p50.n, p50.confidence) == (3, 0.75)


def test_one_trial_has_no_interval_however_many_samples_it_has():
    p50 = _by_name(compute_all(_evidence(_latency_trial(0, 4e6, reads=2000))))["latency_p50"]
    assert (p50.ci_low, p50.ci_high, p50.confidence, p50.n) == (None, None, None, 1)


def test_the_interval_is_over_trials_and_not_over_samples():
    alike = [_latency_trial(i, 4e6, reads=50) for i in range(10)]
    apart = [_latency_trial(i, 4e6 * (1 + 0.05 * i), reads=5000) for i in range(10)]
    narrow, wide = (_by_name(compute_all(_evidence(*t)))["latency_p50"] for t in (alike, apart))
    assert narrow.ci_high - narrow.ci_low < wide.ci_high - wide.ci_low


def test_batched_reads_count_for_one_inference_each():
    trials = [make_trial(i, batch=20, samples_ns=(20_000, 21_000, 40_000), n=60) for i in range(2)]
    found = _by_name(compute_all(_evidence(*trials)))
    assert found["latency_p50"].value == pytest.approx(1.05e-6)
    assert found["latency_mean"].value == pytest.approx(1.35e-6)
    assert "up to 20 inferences" in found["latency_p50"].obtained


def test_percentiles_of_batched_trials_come_from_the_pass_with_single_reads():
    singles = tuple(range(1000, 2000))
    trials = [
        make_trial(i, batch=20, samples_ns=(20_000,) * 5, n=100, singles_ns=singles, clock_cost_ns=55) for i in range(3)
    ]
    p90 = _by_name(compute_all(_evidence(*trials)))["latency_p90"]
    assert p90.value == pytest.approx(np.quantile(singles, 0.9) / 1e9)
    assert "3000 reads, each with 55 ns of clock in it" in p90.obtained


@pytest.mark.parametrize(
    ("trials", "reads", "p90", "p99"),
    [(1, 63, False, False), (1, 64, True, False), (1, 662, True, True), (10, 50, True, False),
     (10, 6, False, False), (10, 9, False, False), (7, 99, True, False), (7, 100, True, True)],
)  # fmt: skip
def test_percentiles_are_refused_from_too_few_reads(trials, reads, p90, p99):
    found = _by_name(compute_all(_evidence(*[_latency_trial(i, 4e6, reads=reads) for i in range(trials)])))
    assert (found["latency_p90"].value is not None, found["latency_p99"].value is not None) == (p90, p99)
    for metric in ("latency_p90", "latency_p99"):
        assert found[metric].value is not None or "too few single reads" in found[metric].reason


def test_a_board_at_two_speeds_is_told_beside_the_figures():
    fast, slow = [4_000_000] * 70, [5_600_000] * 30
    found = _by_name(compute_all(_evidence(*(make_trial(index=at, samples_ns=(*fast, *slow)) for at in range(3)))))
    assert found["latency_p50"].obtained.endswith(
        "; this board ran at two speeds, x1.40 apart: 4 ms, and 5.6 ms for 38 % of the time"
    )
    assert found["latency_p50"].speeds == found["latency_mean"].speeds
    assert found["latency_p50"].speeds == TwoSpeeds(fast_s=0.004, slow_s=0.0056, slow_share=0.375)
    assert "two speeds" not in found["first_inference"].obtained and found["first_inference"].speeds is None


def test_throughput_is_the_inverse_of_the_mean():
    found = _by_name(compute_all(_evidence(make_trial(samples_ns=(2_000_000, 6_000_000)))))["throughput"]
    assert found.value == pytest.approx(250.0)


def test_startup_takes_init_from_processes_execd_anew():
    trials = [
        make_trial(0, init_s=0.001, first_inference_s=0.02),
        make_trial(1, init_s=0.001, first_inference_s=0.03),
        _memory_trial(2, init_s=0.5),
    ]
    found = _by_name(compute_all(_evidence(*trials)))
    assert (found["init_time"].value, found["init_time"].n) == (0.5, 1)
    assert found["first_inference"].value == pytest.approx(np.sqrt(0.02 * 0.03))


def test_startup_that_no_trial_told():
    found = _by_name(compute_all(_evidence(make_trial(first_inference_s=None))))
    assert found["first_inference"].reason == "no trial told its first inference"
    assert found["init_time"].reason == "no memory trial counts"


def test_memory_comes_from_memory_trials_alone():
    trials = [make_trial(0, memory=make_memory(hwm_bytes=90_000_000)), _memory_trial(1), _memory_trial(2)]
    found = _by_name(compute_all(_evidence(*trials)))
    assert (found["peak_memory"].value, found["model_memory"].value) == (36e6, 2e6)
    assert (found["peak_memory"].ci_low, found["peak_memory"].ci_high) == (36e6, 36e6)
    assert "34.0 MB" in found["peak_memory"].obtained


def test_a_kernel_that_does_not_tell_makes_memory_unknown():
    silent = make_memory(hwm_before_bytes=0, hwm_bytes=0)
    found = _by_name(compute_all(_evidence(_memory_trial(0, memory=silent))))
    both = (found["peak_memory"], found["model_memory"])
    assert {one.reason for one in both} == {"the board's kernel does not tell VmHWM"}


def test_size_is_the_files():
    found = _by_name(compute_all(_evidence(artifact=make_artifact(size_bytes=123))))["model_size"]
    assert (found.value, found.ci_low, found.n) == (123.0, None, 0)


def test_accuracy_says_what_it_was_counted_on():
    result = AccuracyResult(value=0.975, correct=351, n=360, dataset="digits test set", obtained="int8 inputs")
    found = _by_name(compute_all(_evidence(artifact=make_artifact(accuracy=result))))["accuracy"]
    assert found.value == 0.975
    assert "351 of 360 right, digits test set" in found.obtained


@pytest.mark.parametrize("reason", [None, "synthetic data: accuracy not claimed"])
def test_accuracy_is_unknown_with_a_reason(reason):
    found = _by_name(compute_all(_evidence(artifact=make_artifact(accuracy_reason=reason))))["accuracy"]
    assert found.value is None
    assert found.reason == (reason or "no labelled test set comes with the model")


def _load_trial(index, **changes):
    return make_trial(index, kind="load", samples_ns=(), n=1, load=TrialLoad(**{"cold": True, **changes}))


def test_loads_are_cold_or_warm_and_the_medium_is_named():
    cold = {"by": "posix_fadvise", "medium": "microSD", "read_bytes": 8_000_000}
    trials = [
        _load_trial(0, load_s=0.1, read_s=0.2, **cold),
        _load_trial(1, cold=False, load_s=0.02),
        _load_trial(2, load_s=0.4, read_s=0.05, **cold),
    ]
    found = _by_name(compute_all(_evidence(*trials)))
    assert found["cold_load"].value == pytest.approx(0.2)
    assert (found["cold_load"].n, found["warm_load"].n) == (2, 1)
    assert found["warm_load"].value == 0.02
    assert found["storage_read"].value == pytest.approx(80e6)
    assert found["cold_load"].obtained.endswith("; from microSD; out of memory by posix_fadvise, checked by mincore")
    assert found["warm_load"].obtained == METRICS["warm_load"].obtained


def test_what_was_not_cold_is_unknown_with_the_reason():
    trials = [_load_trial(0, not_cold="3 pages stay", unread="9 pages stay"), _load_trial(1, cold=False, load_s=0.02)]
    found = _by_name(compute_all(_evidence(*trials)))
    assert (found["cold_load"].value, found["cold_load"].reason) == (None, "not cold: 3 pages stay")
    assert (found["storage_read"].value, found["storage_read"].reason) == (None, "not cold: 9 pages stay")
    assert found["warm_load"].value == 0.02


def test_a_medium_that_is_not_known_is_said_so():
    found = _by_name(compute_all(_evidence(_load_trial(0, load_s=0.1))))
    assert found["cold_load"].obtained.endswith("; from a medium that the board does not name")
    assert found["warm_load"].reason == "no trial told its warm load"


def test_peaks_of_loading_and_a_mean_are_figures_where_the_board_tells_them():
    memory = make_memory(load_hwm_bytes=35_000_000, mean_rss_bytes=35_500_000.0)
    found = _by_name(compute_all(_evidence(_memory_trial(0, memory=memory))))
    assert (found["load_peak_memory"].value, found["memory_mean"].value) == (35e6, 35.5e6)
    silent = _by_name(compute_all(_evidence(_memory_trial(0))))
    assert silent["load_peak_memory"].reason.startswith("the board's kernel does not begin VmHWM anew")
    assert silent["memory_mean"].reason == "no trial told its mean memory"
