"""Entries with made-up measurements, and the verdict on them."""

from harness.gates import judge, parse_limit
from harness.records.artifact import AccuracyDrop, AccuracyResult, Verification
from harness.records.entry import ArtifactRecord, BaselineRecord, Entry, Measurement
from harness.records.metrics import METRICS
from harness.records.settings import Settings
from harness.records.status import Status

SETTINGS = Settings()


def measured(metric, value, low=None, high=None, *, n=10, **more):
    definition = METRICS[metric]
    return Measurement(
        metric=metric,
        unit=definition.unit,
        better=definition.better,
        value=value,
        ci_low=low,
        ci_high=high,
        confidence=None if low is None else 0.95,
        n=n,
        **more,
    )


def accuracy(correct, n=360, dataset="digits"):
    return AccuracyResult(value=correct / n, correct=correct, n=n, dataset=dataset, obtained="test set")


def lost(before, after, n=360, low=-0.001, high=0.03, **more):
    counts = {"lost": max(before - after, 0), "gained": max(after - before, 0), "p_value": 0.5, "obtained": "paired"}
    return AccuracyDrop(value=(before - after) / n, ci_low=low, ci_high=high, confidence=0.95, n=n, **(counts | more))


def entry(
    *measurements,
    status=Status.MEASURED,
    reason="measured",
    findings=(),
    accuracy=None,
    recipe="int8",
    **checks,
):
    artifact = ArtifactRecord(
        path="x.tflite",
        sha256="0" * 64,
        size_bytes=60_012,
        inputs=[],
        outputs=[],
        verification=Verification(accuracy=accuracy, **checks),
    )
    return Entry(
        device="rpi4",
        test="test_x",
        candidate="x",
        recipe=recipe,
        artifact=artifact,
        runtime="litert 2.3.0",
        delegate="xnnpack",
        num_threads=1,
        status=status,
        reason=reason,
        findings=list(findings),
        measurements=list(measurements),
    )


def limit(key, value, origin="marker"):
    return parse_limit(key, value, origin=origin)


def verdict(judged_entry, *limits, baseline=None):
    if baseline is not None:
        told = BaselineRecord(given="old.json", state="stored", sentence="an earlier run", measurements=baseline)
        judged_entry = judged_entry.model_copy(update={"baseline": told})
    return judge(judged_entry, limits, settings=SETTINGS)
