"""What makes a trial void: a board that was not fit while it ran, or a block that was measured again.

``run_blocks`` decides what is measured again, and ``build_entry`` gives it the words for it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.board import throttled_causes
from harness.measure.fitness import FitnessRule
from harness.records.board import Trial, TrialTelemetry
from harness.records.results import Finding
from harness.records.status import Status

CLOCK_CHANGE = 0.05
"""Under the performance governor a clock that moves further than this was moved by the firmware."""
MEASURED_AGAIN = "measured again: a trial of its block did not count"
CUT_OFF = "measured again: the link was lost amid its block"
TIMED = ("latency", "stages", "slices")
"""Kinds of trials that time something, and many of them."""


@dataclass(frozen=True)
class Void:
    """Why a trial does not count: the cause, the same words for all trials, and this trial's figures."""

    cause: str
    detail: str


def voids(trial: Trial, rule: FitnessRule) -> tuple[Void, ...]:
    """Every reason why the trial does not count; empty for a fit board and for one that says nothing.

    Check and memory trials always count: outputs and bytes do not depend on heat or clock.
    """
    telemetry = trial.telemetry
    if telemetry is None or trial.kind not in (*TIMED, "energy", "operators"):
        return ()
    return (*_throttling(telemetry), *_heat(telemetry, rule.max_temp_c), *_clock(telemetry, rule))


def void_reason(trial: Trial, rule: FitnessRule) -> str | None:
    """Why the trial does not count, with its figures; None where it counts."""
    return ", ".join(void.detail for void in voids(trial, rule)) or None


def fitness_finding(trials: Sequence[Trial], rule: FitnessRule) -> Finding | None:
    """INVALID with the causes and how many timed trials they struck; None where all of them count."""
    trials = [trial for trial in trials if trial.kind in TIMED]
    causes = Counter(void.cause for trial in trials for void in voids(trial, rule))
    if not causes:
        return None
    struck = ", ".join(f"{cause} in {count} of {len(trials)} trials" for cause, count in causes.most_common())
    return Finding(
        gate="fitness",
        metric=None,
        status=Status.INVALID,
        reason=f"board not fit: {struck}; your change was not judged",
    )


def _throttling(telemetry: TrialTelemetry) -> list[Void]:
    return [Void(word, word) for word in throttled_causes(telemetry.throttled)]


def _heat(telemetry: TrialTelemetry, limit: float | None) -> list[Void]:
    known = [t for t in (telemetry.temp_before_c, telemetry.temp_after_c) if t is not None]
    if limit is None or not known or max(known) <= limit:
        return []
    return [Void(f"hotter than {limit:g} °C", f"{max(known):.1f} °C, over the limit of {limit:g} °C")]


def _clock(telemetry: TrialTelemetry, rule: FitnessRule) -> list[Void]:
    seen = [khz for khz in (telemetry.freq_before_khz, telemetry.freq_after_khz) if khz]
    if not rule.steady_clock or not seen:
        return []
    held = rule.clock_khz or seen[0]
    farthest = max(seen, key=lambda khz: abs(khz - held))
    if abs(farthest - held) <= CLOCK_CHANGE * held:
        return []
    return [Void("another frequency", f"clock went from {held / 1000:.0f} to {farthest / 1000:.0f} MHz")]
