"""Entries that were measured against a baseline: what stands in the A/B view of each."""

from dataclasses import dataclass

from harness.records.metrics import METRICS
from harness.records.results import BaselineRecord, Entry, Finding, Measurement, Ratio
from harness.records.units import format_quantity

REGRESSION = "regression"
"""The gate that judges against the baseline."""


@dataclass(frozen=True)
class Compared:
    """One metric against the baseline: the ratio as it was measured, and the finding that judged it, if one did."""

    ratio: Ratio
    finding: Finding | None

    @property
    def title(self) -> str:
        """The metric as people call it."""
        known = METRICS.get(self.ratio.metric)
        return known.title if known else self.ratio.metric

    @property
    def limit(self) -> float | None:
        """The largest ratio that keeps the budget, for metrics where higher is better the smallest; None: no budget."""
        share = self.finding.limit if self.finding else None
        if share is None:
            return None
        return 1.0 + share if self.ratio.better == "lower" else 1.0 - share

    @property
    def limit_text(self) -> str:
        """The budget in words, "at most 2 % worse"."""
        share = self.finding.limit if self.finding else None
        return "" if share is None else f"at most {format_quantity(share, '1')} worse"

    @property
    def detectable_text(self) -> str:
        """What a worsening would have had to be to be found, with which chance."""
        found = self.finding
        if found is None or found.detectable is None:
            return ""
        chance = "" if found.miss is None else f", with {format_quantity(1.0 - found.miss, '1')}"
        return f"{format_quantity(found.detectable, '1')} worse would have been found{chance}"

    @property
    def change_text(self) -> str:
        """The ratio as a change in words: "2.1 % slower", "alike" inside the interval."""
        low, high = self.ratio.ci_low, self.ratio.ci_high
        if low is not None and high is not None and low <= 1.0 <= high:
            return "no difference seen"
        share = self.ratio.ratio - 1.0
        worse = (share > 0) == (self.ratio.better == "lower")
        sure = "" if low is not None else ", how sure is not known"
        return f"{abs(share) * 100:.3g} % {'worse' if worse else 'better'}{sure}"


def compared(entry: Entry) -> list[Compared]:
    """The entry's metrics against its baseline, those that were judged first."""
    baseline = entry.baseline
    if baseline is None:
        return []
    judged = {finding.metric: finding for finding in entry.findings if finding.gate == REGRESSION}
    found = [Compared(ratio, judged.get(ratio.metric)) for ratio in baseline.ratios]
    return sorted(found, key=lambda one: one.finding is None)


def arm_value(measurements: list[Measurement], metric: str) -> Measurement | None:
    """A metric among an arm's measurements where its value is known."""
    return next((m for m in measurements if m.metric == metric and m.value is not None), None)


def is_interleaved(baseline: BaselineRecord | None) -> bool:
    """Whether both arms were measured in the same blocks."""
    return baseline is not None and baseline.state == "measured"
