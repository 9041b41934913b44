"""What explains a difference to the vendor's own benchmark, in one sentence."""

import pytest

from harness.measure import make_plan, order_of
from harness.measure.arm_evidence import exactly
from harness.measure.cross_check import cross_check
from harness.records.board import Trial
from harness.records.cross_check import VendorBenchmark
from harness.records.settings import Settings
from harness.testing import make_artifact, make_runner

OURS = [exactly("latency_p50", 200e-6)]


def vendor(median_s: float, p5_s: float | None = None, p95_s: float | None = None) -> VendorBenchmark:
    return VendorBenchmark(
        median_s=median_s,
        avg_s=median_s,
        min_s=median_s,
        max_s=median_s,
        p5_s=median_s if p5_s is None else p5_s,
        p95_s=median_s if p95_s is None else p95_s,
        num_runs=50,
        warmup_runs=5,
    )


def told(one: VendorBenchmark | None, died: str | None = None) -> list[Trial]:
    return [Trial(index=9, block=9, arm="candidate", kind="cross_check", n=50, vendor=one, died=died)]


@pytest.mark.parametrize(
    ("one", "runner", "real", "said"),
    [
        (vendor(204e-6), {}, True, "they agree within its rounding to 10 µs"),
        (vendor(240e-6, 190e-6, 300e-6), {}, True, "20 % more, within its own spread in one process"),
        (vendor(100e-6), {"delegate": "none"}, True, "50 % less, as it runs XNNPACK and ours the built-in kernels"),
        (vendor(400e-6), {"delegate": "/opt/npu.so"}, True, "100 % more, as it runs the processor and ours a delegate"),
        (
            vendor(150e-6),
            {},
            True,
            "25 % less, beyond rounding and its own spread: it measures CompiledModel, ours the interpreter, and "
            "random inputs, ours real ones, with equal threads and warm-ups",
        ),
        (vendor(150e-6), {"package": "compiled"}, False, "it measures one process, ours several, with equal threads"),
    ],
)
def test_a_difference_is_explained_in_a_sentence(one: VendorBenchmark, runner: dict[str, str], real: bool, said: str):
    found = cross_check(told(one), OURS, make_runner(**runner), real_inputs=real)
    assert found
    assert said in found.sentence
    assert found.sentence.startswith("litert-benchmark: median ")
    assert "ours 200 µs" in found.sentence


def test_where_it_did_not_run_the_reason_is_the_sentence():
    found = cross_check(
        told(None, "litert-benchmark does not run here: no ml_dtypes"), OURS, make_runner(), real_inputs=True
    )
    assert found
    assert found.vendor is None
    assert found.sentence == "litert-benchmark: not known: litert-benchmark does not run here: no ml_dtypes"


def test_it_runs_only_where_asked_for_once_after_all_trials():
    assert cross_check([], OURS, make_runner(), real_inputs=True) is None
    plain = order_of(make_plan(Settings(), make_artifact(), make_runner()))
    asked = order_of(make_plan(Settings(cross_check=True), make_artifact(), make_runner(), baseline=make_artifact()))
    kinds = [[(trial.kind, trial.arm) for trial in block.trials] for block in asked]
    assert kinds[-1] == [("cross_check", "candidate")]
    assert all(trial.kind != "cross_check" for block in plain for trial in block.trials)


def test_without_a_p50_of_ours_its_figures_stand_alone():
    found = cross_check(told(vendor(1e-3)), [], make_runner(), real_inputs=True)
    assert found
    assert found.sentence == "litert-benchmark: median 1 ms of 50 runs; no p50 of ours to compare"
