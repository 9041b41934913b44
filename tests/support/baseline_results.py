"""The made-up run compared with a baseline: what got slower, faster and smaller, what is new or the same, a waiver."""

from harness.records.entry import BaselineRecord, Entry, Ratio
from harness.records.results import Gate, Results, SelfTests
from support.sample_results import HOSTILE, measured, results

BASE = "commit 1a2b3c4d, the merge base with origin/main"
PROMISE = "false alarm at most 1 session in 200; would have caught a slowdown of 3.1 % with 95 %"
WAIVER = f"limit 2 % waived to 8 % until 2026-12-01 (#123: waits for the new compiler {HOSTILE})"
SELF_TEST = "rpi4: 0 false alarms in 212 self-tests; would have caught 3 %"
UNLIKE = "run 3f9a1c of another board: kernel 6.1 there, 6.12 here"
NOT_COMPARED = "latency_p99: fewer than 64 single reads at the base"


def ratio(metric: str, value: float, half: float | None = 0.012) -> Ratio:
    """A ratio whose interval is ``half`` to each side; none where it is None."""
    better = measured(metric, 1.0).better
    low, high = (None, None) if half is None else (value - half, value + half)
    by_block = [value + 0.002 * (number % 5 - 2) for number in range(30)]
    return Ratio(
        metric=metric,
        better=better,
        ratio=value,
        ci_low=low,
        ci_high=high,
        confidence=0.95,
        blocks=30,
        by_block=by_block,
    )


def measured_against(
    entry: Entry, *ratios: Ratio, not_compared: tuple[str, ...] = (), was: dict[str, float] | None = None
) -> Entry:
    """The entry with a baseline measured beside it; ``was`` are the baseline's figures that have no ratio."""
    now = {measurement.metric: measurement.value for measurement in entry.measurements}
    figures = {one.metric: (now.get(one.metric) or 1.0) / one.ratio for one in ratios} | (was or {})
    base = BaselineRecord(
        given="origin/main",
        state="measured",
        sentence=BASE,
        commit="1a2b3c4d",
        measurements=[measured(metric, value) for metric, value in figures.items()],
        ratios=list(ratios),
        not_compared=list(not_compared),
    )
    return entry.model_copy(update={"baseline": base})


def without_comparison(entry: Entry, state: str, sentence: str) -> Entry:
    """The entry with a baseline that was not measured."""
    base = BaselineRecord.model_validate({"given": "origin/main", "state": state, "sentence": sentence})
    return entry.model_copy(update={"baseline": base})


def waived(entry: Entry) -> Entry:
    """The entry, its findings under a waiver."""
    findings = [finding.model_copy(update={"waiver": WAIVER}) for finding in entry.findings]
    return entry.model_copy(update={"findings": findings})


def baseline_results() -> Results:
    made = results()
    entries = list(made.entries)
    entries[0] = measured_against(
        entries[0], ratio("latency_p50", 1.051), ratio("peak_memory", 0.98), ratio("throughput", 1.001)
    )
    entries[1] = measured_against(entries[1], ratio("latency_p50", 0.9), not_compared=(NOT_COMPARED,))
    entries[2] = measured_against(entries[2], ratio("latency_p50", 1.3, half=None))
    entries[3] = without_comparison(entries[3], "identical", "the same file, runtime and threads")
    entries[5] = measured_against(entries[5], ratio("latency_p50", 1.2), ratio("energy_per_inference", 1.19))
    entries[6] = without_comparison(entries[6], "unlike", UNLIKE)
    entries[8] = waived(entries[8])
    entries[9] = without_comparison(entries[9], "new", "no such candidate at 1a2b3c4d")
    selftests = SelfTests(
        runs=212, false_alarms=0, inconclusive=3, last_failed=False, detectable=0.03, sentence=SELF_TEST
    )
    rpi4 = made.devices["rpi4"].model_copy(update={"selftests": selftests})
    gate = Gate(alpha=0.005, miss=0.05, budgeted_metrics=7, sentence=PROMISE, waivers=[WAIVER])
    return made.model_copy(
        update={
            "run": made.run.model_copy(update={"gate": gate}),
            "devices": {**made.devices, "rpi4": rpi4},
            "entries": entries,
        }
    )
