"""--plan-only: how many trials and minutes a run would take."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates import Limit, is_asked
from harness.measure import expected_extent
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
    lines, low_s, high_s = [], 0.0, 0.0
    for entry in entries:
        asked = [limit for limit in entry.limits if is_asked(limit, paired=arms == 2)]
        relative = all(limit.kind == "regression" for limit in asked)
        extent = expected_extent(settings, [limit.metric for limit in asked], arms=arms, relative=relative)
        low_s, high_s = low_s + extent.least_s, high_s + extent.most_s
        trials = _range(extent.least_trials, extent.most_trials)
        minutes = _range(f"{extent.least_s / 60:.1f}", f"{extent.most_s / 60:.1f}")
        lines.append(f"{entry.device}: {entry.candidate}: {trials} trials, {minutes} min")
    total = _range(f"{low_s / 60:.1f}", f"{high_s / 60:.1f}")
    counted = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
    beside = "without building, sending and connecting"
    return "\n".join([*lines, f"{counted}, {total} min of measuring {beside}; no board was touched"]) + "\n"


def _range(low: object, high: object) -> str:
    return str(low) if str(low) == str(high) else f"{low} to {high}"
