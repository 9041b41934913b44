"""A made-up run of `--baseline`: interleaved arms over 30 blocks, every state of a baseline, a waiver, a history."""

import math

import numpy as np

from harness.records.entry import BaselineRecord, Entry, Finding, Ratio, TrialMetrics, TrialSummary
from harness.records.history import Series, SeriesPoint
from harness.records.results import DeviceRecord, Gate, Results, SelfTests
from harness.records.status import Status
from harness.store.history import with_changes
from harness.testing import make_entry, make_facts, make_profile
from support.sample_results import HOSTILE, histogram, measured, results

BLOCKS = 30
SD = 0.012
"""Of one block's ratio."""
MISS = 0.05
WAIVER = f"limit 2 % waived to 8 % until 2026-12-01 (#123: the new decoder {HOSTILE})"
PROMISE = "false alarm at most 1 session in 200; would have caught a slowdown of 3.1 % with 95 %"


def ratios_by_block(shift: float, seed: int, *, sd: float = SD) -> list[float]:
    chance = np.random.default_rng(seed)
    return [round(shift * math.exp(noise), 6) for noise in chance.normal(0.0, sd, size=BLOCKS)]


def ratio(metric: str, shift: float, seed: int, *, better: str = "lower", sd: float = SD) -> Ratio:
    blocks = ratios_by_block(shift, seed, sd=sd)
    logs = [math.log(value) for value in blocks]
    mean = sum(logs) / BLOCKS
    half = 3.6 * math.sqrt(sum((log - mean) ** 2 for log in logs) / (BLOCKS - 1) / BLOCKS)
    return Ratio.model_validate(
        {
            "metric": metric,
            "better": better,
            "ratio": math.exp(mean),
            "ci_low": math.exp(mean - half),
            "ci_high": math.exp(mean + half),
            "confidence": 0.999,
            "blocks": BLOCKS,
            "by_block": blocks,
        }
    )


def trials(p50_s: float, shift: float, seed: int) -> list[TrialSummary]:
    """Two trials of each arm a block, in ABBA order and then BAAB."""
    found = []
    for block, ratio_here in enumerate(ratios_by_block(shift, seed)):
        drift = 1 + 0.01 * math.sin(block / 5)
        order = ("candidate", "baseline", "baseline", "candidate")
        for number, arm in enumerate(order if block % 2 == 0 else order[1::-1] + order[:1:-1]):
            own = p50_s * drift * (ratio_here if arm == "candidate" else 1.0)
            found.append(
                TrialSummary(
                    arm=arm,
                    block=block,
                    n=100,
                    batch=1,
                    mean_s=own * 1.01,
                    quantiles={"p50": own, "p90": own * 1.06, "p99": own * 1.2},
                    histogram=histogram(own, number),
                    first_inference_s=own * 1.6,
                )
            )
    return found


def regression(found: Ratio, status: Status, reason: str, *, limit: float = 0.02, waiver: str | None = None) -> Finding:
    return Finding(
        gate="regression",
        metric=found.metric,
        status=status,
        reason=reason,
        limit=limit,
        value=found.ratio - 1,
        ci_low=(found.ci_low or 1) - 1,
        ci_high=(found.ci_high or 1) - 1,
        alpha=0.0008,
        miss=MISS,
        blocks=BLOCKS,
        detectable=0.031,
        waiver=waiver,
    )


def arm(p50_s: float) -> list:
    return [
        measured("latency_p50", p50_s, spread=0.004, n=2 * BLOCKS),
        measured("peak_memory", 38_400_000.0, spread=0.001, n=BLOCKS),
        measured("throughput", 1 / p50_s, spread=0.004, n=2 * BLOCKS),
        measured("model_size", 112_700.0, n=1, confidence=None),
    ]


def ab_entry(recipe: str, shift: float, status: Status, seed: int, *, waiver: str | None = None) -> Entry:
    p50_s = 0.0041
    latency = ratio("latency_p50", shift, seed)
    memory = ratio("peak_memory", 1.0, seed + 100, sd=0.0004)
    throughput = ratio("throughput", 1 / shift, seed + 200, better="higher")
    words = {Status.FAIL: "is worse than 2 %", Status.PASS: "is within 2 %", Status.INCONCLUSIVE: "too close to call"}
    reason = f"latency p50 {latency.ratio * 100 - 100:+.1f} % against the baseline {words[status]} (budgets.toml:4)"
    return make_entry(
        device="rpi4-07",
        candidate="kws_ds_cnn",
        recipe=recipe,
        status=status,
        reason=reason,
        artifact=results().entries[0].artifact,
        findings=[
            regression(latency, status, reason, limit=0.08 if waiver else 0.02, waiver=waiver),
            regression(memory, Status.PASS, "peak memory +0.0 % against the baseline is within 1 %", limit=0.01),
        ],
        measurements=arm(p50_s * shift),
        trials=trials(p50_s, shift, seed),
        figures=[
            TrialMetrics(
                kind="memory", arm=which, block=block, values={"peak_memory": 38_400_000.0 + 4096 * (block % 3)}
            )
            for block in range(BLOCKS)
            for which in ("candidate", "baseline")
        ],
        most_blocks=40,
        baseline=BaselineRecord(
            given="origin/main",
            state="measured",
            sentence="commit 1a2b3c4d, the merge base with origin/main",
            commit="1a2b3c4d" * 5,
            runtime="litert 2.3.0",
            delegate="xnnpack",
            num_threads=1,
            measurements=arm(p50_s),
            ratios=[throughput, latency, memory],
        ),
    )


def other_states() -> list[Entry]:
    told = {
        "identical": "the same file as at commit 1a2b3c4d: nothing to measure",
        "new": f"there is no kws_ds_cnn/prune(0.8) {HOSTILE} at commit 1a2b3c4d",
        "missing": "commit 1a2b3c4d has this candidate, but it could not be built there: ValueError",
        "stored": "run 3f9a1c of 2026-11-20, measured earlier and not by turns",
    }
    return [
        make_entry(
            device="rpi4-07",
            candidate="kws_ds_cnn",
            recipe=f"{state}_recipe",
            status=Status.INVALID if state == "missing" else Status.PASS,
            reason=sentence,
            measurements=arm(0.0033),
            baseline=BaselineRecord(
                given="origin/main",
                state=state,
                sentence=sentence,
                measurements=arm(0.0033) if state == "stored" else [],
                ratios=[ratio("latency_p50", 1.0, 5).model_copy(update={"by_block": [], "blocks": 0})]
                if state == "stored"
                else [],
                not_compared=[f"requirements.txt was not installed anew {HOSTILE}"] if state == "new" else [],
            ),
        )
        for state, sentence in told.items()
    ]


def series(recipe: str, metric: str, values: list[float], *, candidate: str = "kws_ds_cnn") -> Series:
    """A run a day, the last one this run."""
    units = {"latency_p50": "s", "model_size": "B"}
    points = [
        SeriesPoint(
            run_id=f"r{day}",
            created_at=f"2026-{10 + day // 30:02d}-{day % 30 + 1:02d}T05:45:00Z",
            commit=f"{day:08x}" * 5,
            status="PASS",
            value=value,
            ci_low=value * 0.996,
            ci_high=value * 1.004,
        )
        for day, value in enumerate(values)
    ]
    found = Series(
        device="rpi4-07",
        candidate=candidate,
        recipe=recipe,
        metric=metric,
        unit=units[metric],
        better="lower",
        fingerprint="1c2d3e4f (Raspberry Pi 4 Model B Rev 1.4, 1.5 GHz)",
        runtime="litert 2.3.0",
        delegate="xnnpack",
        num_threads=1,
        points=tuple(points),
    )
    return with_changes(found)


def history() -> list[Series]:
    steady = [0.0041 * math.exp(noise) for noise in np.random.default_rng(4).normal(0.0, 0.004, size=40)]
    stepped = [value * (1.12 if day >= 28 else 1.0) for day, value in enumerate(steady)]
    stepped[12] *= 1.3
    return [
        series("int8", "latency_p50", stepped),
        series("float32", "latency_p50", [value * 1.6 for value in steady]),
        series("int8", "model_size", [112_700.0] * 40),
    ]


def ab_results() -> Results:
    entries = [
        ab_entry("int8", 1.045, Status.FAIL, 1),
        ab_entry("float32", 1.002, Status.PASS, 2),
        ab_entry("int16x8", 1.05, Status.PASS, 3, waiver=WAIVER),
        *other_states(),
    ]
    record = DeviceRecord(
        profile=make_profile("rpi4-07"),
        facts=make_facts(),
        fingerprint="1c2d3e4f (Raspberry Pi 4 Model B Rev 1.4, 1.5 GHz)",
        label="simulated board",
        selftests=SelfTests(
            runs=212,
            false_alarms=0,
            inconclusive=3,
            last_failed=False,
            detectable=0.03,
            sentence="rpi4-07: 0 false alarms in 212 self-tests; would have caught 3 %",
        ),
    )
    gate = Gate(alpha=0.005, miss=MISS, budgeted_metrics=6, sentence=PROMISE, waivers=[WAIVER])
    run = results().run.model_copy(update={"status": Status.FAIL, "exit_code": 1, "gate": gate})
    return Results(run=run, devices={"rpi4-07": record}, entries=entries, history=history())
