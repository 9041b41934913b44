"""What a results file keeps of a latency trial, made of a figure."""

from collections.abc import Mapping
from typing import Final

from harness.records.entry import Histogram, TrialSummary

READS: Final = 100
"""Single reads of a process: as many as a p99 needs."""
_HISTOGRAM: Final = Histogram(edges_s=[0.0, 1.0], counts=[READS])


def trial_summary(
    arm: str,
    block: int,
    figure: float,
    *,
    quantiles: Mapping[str, float] | None = None,
    independent: int | None = None,
) -> TrialSummary:
    """A trial whose mean and median are ``figure`` seconds; ``quantiles`` are further ones of its READS reads."""
    return TrialSummary(
        arm=arm,
        block=block,
        n=READS,
        batch=1,
        mean_s=figure,
        quantiles={"p50": figure, **(quantiles or {})},
        histogram=_HISTOGRAM,
        independent=independent,
    )
