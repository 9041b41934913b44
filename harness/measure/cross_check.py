"""litert-benchmark beside our own p50: whether they agree, and what explains a difference, in one sentence."""

from collections.abc import Sequence

from harness.records.board import Trial
from harness.records.cross_check import CrossCheck, VendorBenchmark
from harness.records.entry import Measurement
from harness.records.plan import RunnerSpec
from harness.records.units import format_quantity

ROUNDING_S = 5e-6
"""It tells milliseconds with two decimals: half of the last."""


def cross_check(
    trials: Sequence[Trial], measurements: Sequence[Measurement], runner: RunnerSpec, *, real_inputs: bool
) -> CrossCheck | None:
    """What the cross-check trial told beside ``latency_p50``; None where none was asked for."""
    told = [trial for trial in trials if trial.kind == "cross_check"]
    if not told:
        return None
    vendor = next((trial.vendor for trial in told if trial.died is None and trial.vendor is not None), None)
    if vendor is None:
        died = next((trial.died for trial in told if trial.died), None)
        return CrossCheck(vendor=None, sentence=f"litert-benchmark: not known: {died or 'it gave no figures'}")
    ours = next((one.value for one in measurements if one.metric == "latency_p50"), None)
    if ours is None:
        return CrossCheck(vendor=vendor, sentence=f"litert-benchmark: {_figures(vendor)}; no p50 of ours to compare")
    said = f"litert-benchmark: {_figures(vendor)}, ours {format_quantity(ours, 's')}"
    return CrossCheck(vendor=vendor, sentence=f"{said}: {_explained(vendor, ours, runner, real_inputs=real_inputs)}")


def _figures(vendor: VendorBenchmark) -> str:
    return f"median {format_quantity(vendor.median_s, 's')} of {vendor.num_runs} runs"


def _explained(vendor: VendorBenchmark, ours: float, runner: RunnerSpec, *, real_inputs: bool) -> str:
    """That they agree, or the first of the reasons that holds here, the weightiest first."""
    share = vendor.median_s / ours - 1.0
    apart = f"{format_quantity(round(abs(share), 3), '1')} {'more' if share > 0 else 'less'}"
    if abs(vendor.median_s - ours) <= ROUNDING_S:
        return "they agree within its rounding to 10 µs"
    if runner.delegate == "none":
        return f"{apart}, as it runs XNNPACK and ours the built-in kernels"
    if runner.delegate != "xnnpack":
        return f"{apart}, as it runs the processor and ours a delegate"
    if vendor.p5_s - ROUNDING_S <= ours <= vendor.p95_s + ROUNDING_S:
        spread = f"{format_quantity(vendor.p5_s, 's')} to {format_quantity(vendor.p95_s, 's')}"
        return f"{apart}, within its own spread in one process (p5 to p95: {spread})"
    path = "CompiledModel, ours the interpreter" if runner.package != "compiled" else "one process, ours several"
    inputs = ", and random inputs, ours real ones" if real_inputs else ""
    return f"{apart}, beyond rounding and its own spread: it measures {path}{inputs}, with equal threads and warm-ups"
