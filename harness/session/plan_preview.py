"""--plan-only: how many trials and minutes a run would take."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates import Limit, is_asked, is_sampled, window_tests_of
from harness.measure import energy_extent, expected_extent
from harness.records.limit_test import FIRST_LOOK
from harness.records.settings import Settings


@dataclass(frozen=True)
class PlannedEntry:
    """One candidate on one device, and the limits on it."""

    device: str
    candidate: str
    limits: tuple[Limit, ...]


def plan_text(entries: Sequence[PlannedEntry], settings: Settings) -> str:
    """A line an entry and their sum, for a terminal of 80 columns.

    With limits on sampled metrics measuring ends when they are answered, so that the figures are ranges.
    """
    arms = 1 if settings.baseline is None else 2
    sampled = sum(is_sampled(limit, paired=arms == 2) for entry in entries for limit in entry.limits)
    share = settings.alpha / max(1, sampled)
    lines, low_s, high_s = [], 0.0, 0.0
    for entry in entries:
        asked = [limit for limit in entry.limits if is_asked(limit, paired=arms == 2)]
        relative = all(limit.kind == "regression" for limit in asked)
        extent = expected_extent(settings, [limit.metric for limit in asked], arms=arms, relative=relative)
        low_s, high_s = low_s + extent.least_s, high_s + extent.most_s
        trials = _range(extent.least_trials, extent.most_trials)
        minutes = _range(f"{extent.least_s / 60:.1f}", f"{extent.most_s / 60:.1f}")
        lines.append(f"{entry.device}: {entry.candidate}: {trials} trials, {minutes} min")
        windows = window_tests_of(
            entry.limits, share=share, miss=settings.miss, most_windows=settings.energy_pairs, paired=arms == 2
        )
        if windows:
            most = max(question.most_blocks or 1 for question in windows)
            least_s, most_s = energy_extent(settings, most, arms=arms)
            low_s, high_s = low_s + least_s, high_s + most_s
            minutes = _range(f"{least_s / 60:.1f}", f"{most_s / 60:.1f}")
            counted = f"{_range(min(FIRST_LOOK, most), most)} windows of {settings.energy_window_s:g} s an arm"
            lines.append(f"  energy: {counted}, {minutes} min more, with a sensor")
    total = _range(f"{low_s / 60:.1f}", f"{high_s / 60:.1f}")
    counted = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
    beside = "without building, sending and connecting"
    return "\n".join([*lines, f"{counted}, {total} min of measuring {beside}; no board was touched"]) + "\n"


def _range(low: object, high: object) -> str:
    return str(low) if str(low) == str(high) else f"{low} to {high}"
