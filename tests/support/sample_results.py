"""A run made of record constructors: two devices, five recipes, every status, and hostile names."""

import math
from collections.abc import Sequence

from harness.records.artifact import AccuracyResult, TensorInfo, Verification
from harness.records.board import BoardFacts, RuntimeFound, TrialMemory, TrialTelemetry
from harness.records.device import Connection, DeviceProfile, Hardware
from harness.records.entry import ArtifactRecord, Entry, Finding, Histogram, Measurement, TrialSummary
from harness.records.limit_test import JUDGING_RULE
from harness.records.metrics import ESTIMATOR, METRICS
from harness.records.results import DeviceRecord, Results, Run
from harness.records.status import Status

HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m\u202e"
SIZES = {"float32": 412_000, "float16": 208_500, "dynamic_int8": 121_300, "int8": 112_700, None: 501_000}
SPEED = {"float32": 1.0, "float16": 1.04, "dynamic_int8": 0.61, "int8": 0.34, None: 2.4}


def facts(model: str, arch: str, *, simulated: str | None = None) -> BoardFacts:
    return BoardFacts(
        hostname="board",
        model=model,
        arch=arch,
        kernel="6.12.34+rpt-rpi-v8",
        os="Debian GNU/Linux 12 (bookworm)",
        libc="glibc 2.36",
        python="3.11.2",
        cpu="Cortex-A72",
        cpu_count=4,
        max_freq_khz=1_500_000,
        governor="performance",
        governors=("ondemand", "performance"),
        memory_bytes=3_978_000_000,
        storage="microSD",
        disk_free_bytes=21_500_000_000,
        temp_c=48.2,
        throttled=0,
        runtimes=(
            RuntimeFound(
                package="litert",
                version="2.3.0",
                python="/usr/bin/python3",
                site="/home/pi/.cache/edge-harness/envs/litert/site",
                numpy="2.2.6",
            ),
        ),
        sensors=(),
        cache_dir="/home/pi/.cache/edge-harness",
        simulated=simulated,
    )


def devices() -> dict[str, DeviceRecord]:
    rpi4 = DeviceProfile(
        name="rpi4",
        lineage=("rpi4",),
        description="Raspberry Pi 4 Model B, 4 GB",
        connection=Connection(host="rpi4.local", user="pi"),
        hardware=Hardware(arch="aarch64", cpu="4x Cortex-A72 @ 1.5 GHz", memory="4 GB", storage="microSD"),
    )
    local = DeviceProfile(
        name="local", lineage=("local",), description="this machine", connection=Connection(transport="local")
    )
    return {
        "local": DeviceRecord(
            profile=local,
            facts=facts(f"KVM {HOSTILE}", "x86_64"),
            fingerprint="9f31c2d4a5b6",
            label="this machine, no edge board",
        ),
        "rpi4": DeviceRecord(
            profile=rpi4,
            facts=facts("Raspberry Pi 4 Model B Rev 1.4", "aarch64", simulated="sysfs under a made-up root"),
            fingerprint="1c2d3e4f5a6b",
            differences=["max frequency: profile says 1.5 GHz, the board says 1.8 GHz"],
            label="simulated board",
        ),
    }


def histogram(p50_s: float, trial: int) -> Histogram:
    """A right-skewed shape around p50, with a few slow inferences far out."""
    low, width = p50_s * 0.94, p50_s * 0.004
    edges = [low + width * step for step in range(81)]
    peak = 15 + trial % 3
    counts = [round(40 * math.exp(-(((step - peak) / (6 if step < peak else 14)) ** 2))) for step in range(80)]
    counts[-1] += 1
    return Histogram(edges_s=edges, counts=counts)


def trials(p50_s: float, count: int) -> list[TrialSummary]:
    return [
        TrialSummary(
            arm="candidate",
            block=number // 5,
            n=sum(histogram(p50_s, number).counts),
            batch=1,
            mean_s=p50_s * 1.01,
            quantiles={"p50": p50_s * (1 + 0.003 * (number % 3)), "p90": p50_s * 1.07, "p99": p50_s * 1.2},
            histogram=histogram(p50_s * (1 + 0.003 * (number % 3)), number),
            init_s=0.0021,
            first_inference_s=p50_s * 1.6,
            memory=TrialMemory(hwm_before_bytes=31_000_000, hwm_bytes=38_400_000, rss_bytes=38_000_000),
            telemetry=TrialTelemetry(
                temp_before_c=48.0,
                temp_after_c=49.5,
                freq_before_khz=1_500_000,
                freq_after_khz=1_500_000,
                throttled=0,
                involuntary_switches=3,
                runqueue_wait_s=0.0004,
                cpu_s=0.51,
                wall_s=0.52,
                utilisation=0.26,
            ),
            void="hotter than 75 C" if number == 7 else None,
        )
        for number in range(count)
    ]


def measured(metric: str, value: float | None, *, spread: float = 0.0, **more: object) -> Measurement:
    known = METRICS[metric]
    interval = {"ci_low": value * (1 - spread), "ci_high": value * (1 + spread)} if value and spread else {}
    given = {"confidence": 0.95, "n": 10, "obtained": known.obtained, **interval, **more}
    return Measurement.model_validate(
        {"metric": metric, "unit": known.unit, "better": known.better, "value": value, **given}
    )


def measurements(p50_s: float, size: int, accuracy: float | None) -> list[Measurement]:
    known_accuracy = (
        measured("accuracy", accuracy, n=450, ci_low=accuracy - 0.01, ci_high=min(1.0, accuracy + 0.01))
        if accuracy
        else measured("accuracy", None, n=0, reason="synthetic data: accuracy not claimed")
    )
    energy = {"source": "PowerJoular, Pi 4B rev 1.2, 64-bit", "band": 0.4, "idle_share": 0.61}
    return [
        measured("latency_p50", p50_s, spread=0.004),
        measured("latency_p90", p50_s * 1.07, spread=0.01),
        measured("latency_p99", p50_s * 1.2, spread=0.05),
        measured("latency_mean", p50_s * 1.01, spread=0.004),
        measured("first_inference", p50_s * 1.6, spread=0.06),
        measured("init_time", 0.0021, spread=0.02),
        measured("throughput", 1 / p50_s, spread=0.004),
        measured("peak_memory", 38_400_000.0, n=2, confidence=None),
        measured("model_memory", 7_400_000.0, n=2, confidence=None),
        measured("model_size", float(size), n=1, confidence=None),
        known_accuracy,
        measured("energy_per_inference", 0.0031 * p50_s * 1000, spread=0.01, **energy),
    ]


def changed_artifact(artifact: ArtifactRecord, **update: object) -> ArtifactRecord:
    """The record with other fields, those of its verification among them."""
    checks = {name: update.pop(name) for name in Verification.model_fields if name in update}
    return artifact.model_copy(update={**update, "verification": artifact.verification.model_copy(update=checks)})


def entry(
    device: str, candidate: str, recipe: str | None, status: Status, *, reason: str, p50_s: float | None
) -> Entry:
    has_accuracy = candidate.startswith("digits")
    accuracy = {"float32": 0.9822, "float16": 0.9822, "dynamic_int8": 0.98, "int8": 0.9711}.get(recipe or "")
    size = SIZES[recipe]
    tensor = TensorInfo(name="input", shape=(1, 8, 8, 1), dtype="float32")
    artifact = ArtifactRecord(
        path=f"/home/me/.cache/edge-harness/{candidate[:10]}.tflite",
        sha256="ab" * 32,
        size_bytes=size,
        inputs=[tensor],
        outputs=[tensor],
        verification=Verification(
            accuracy=AccuracyResult(value=accuracy, correct=442, n=450, dataset="digits", obtained="LiteRT on the host")
            if has_accuracy and accuracy
            else None,
            accuracy_reason=None if has_accuracy else "synthetic data: accuracy not claimed",
        ),
        versions={"tensorflow": "2.21.0"},
    )
    return Entry(
        device=device,
        test="benchmarks/test_models.py::test_model",
        candidate=candidate,
        recipe=recipe,
        artifact=artifact if p50_s else None,
        runtime="litert 2.3.0" if p50_s else None,
        delegate="xnnpack" if p50_s else None,
        num_threads=1 if p50_s else None,
        status=status,
        reason=reason,
        findings=findings(status, reason, p50_s),
        measurements=measurements(p50_s, size, accuracy if has_accuracy else None) if p50_s else [],
        trials=trials(p50_s, 10) if p50_s else [],
        outputs="bit-equal with LiteRT 2.3.0 on the host, 100 samples" if p50_s else "outputs unchecked",
        seconds={"build": 0.0, "measure": 11.2},
    )


def findings(status: Status, reason: str, p50_s: float | None) -> list[Finding]:
    if p50_s is None:
        return [Finding(gate="measuring", metric=None, status=status, reason=reason)]
    if status is Status.MEASURED:
        return []
    gate = "fitness" if status is Status.INVALID else "budget"
    return [
        Finding(
            gate=gate,
            metric="latency_p50",
            status=status,
            reason=reason,
            limit=0.004,
            value=p50_s,
            ci_low=p50_s * 0.996,
            ci_high=p50_s * 1.004,
        )
    ]


def entries() -> list[Entry]:
    close = "too close to call: 3.9-4.1 ms against 4 ms; about 22 more blocks"
    unfit = "board not fit: under-voltage in 3 of 10 trials; your change was not judged"
    slow = "latency p50 4.25 ms (4.23-4.27) is above 4 ms on rpi4"
    dead = f"killed by SIGABRT while allocating tensors {HOSTILE}"
    held = "all 1 budgets held"
    rows: Sequence[tuple[str, str, str | None, Status, str, float | None]] = (
        ("local", "digits_cnn", "float32", Status.MEASURED, "no budget", 0.000_154),
        ("local", "digits_cnn", "float16", Status.MEASURED, "no budget", 0.000_161),
        ("local", "digits_cnn", "dynamic_int8", Status.PASS, held, 0.000_094),
        ("local", "digits_cnn", "int8", Status.PASS, held, 0.000_052),
        ("local", HOSTILE, None, Status.ERROR, dead, None),
        ("rpi4", "digits_cnn", "float32", Status.FAIL, slow, 0.00425),
        ("rpi4", "digits_cnn", "float16", Status.INCONCLUSIVE, close, 0.00401),
        ("rpi4", "digits_cnn", "dynamic_int8", Status.INVALID, unfit, 0.0026),
        ("rpi4", "digits_cnn", "int8", Status.PASS, held, 0.00145),
        ("rpi4", f"vww_mobilenet_v1{HOSTILE}", None, Status.MEASURED, "no budget", 0.0102),
    )
    return [entry(*row[:4], reason=row[4], p50_s=row[5]) for row in rows]


def run() -> Run:
    return Run(
        judging_rule=JUDGING_RULE,
        estimator=ESTIMATOR,
        id="3f9a1c",
        created_at="2026-11-24T05:45:00Z",
        harness_version="0.1.0",
        commit="9db751a",
        command=f"pytest benchmarks/ --device=local --device=rpi4 {HOSTILE}",
        settings={"trials": 10, "warmup_runs": 5, "num_runs": 50, "min_secs": 0.5, "devices": ["local", "rpi4"]},
        status=Status.ERROR,
        exit_code=1,
        seconds={"connect": 0.31, "build": 0.0, "measure": 104.2, "total": 105.0},
        bytes_sent={"local": 0, "rpi4": 412_000},
        notes=["nothing was converted: every artifact was in the cache"],
    )


def results() -> Results:
    return Results(run=run(), devices=devices(), entries=entries())
