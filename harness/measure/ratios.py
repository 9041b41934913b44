"""The candidate against its baseline, metric by metric and block by block."""

from collections.abc import Sequence
from math import exp

from harness.records.metrics import METRICS, Metric
from harness.records.results import Ratio, TrialMetrics, TrialSummary
from harness.stats import t_quantile
from harness.stats.observations import interleaved, observations

CONFIDENCE = 0.95


def ratios_of(trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]) -> list[Ratio]:
    """One for each metric of which both arms have figures in the same blocks.

    The interval is Student's, over the blocks' logarithms: as a ratio of geometric means.
    """
    return [
        ratio
        for metric in METRICS.values()
        if metric.by_trials and (ratio := _ratio(metric, trials, figures)) is not None
    ]


def _ratio(metric: Metric, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]) -> Ratio | None:
    effects = interleaved(observations(metric.name, trials, figures)).effects[0]
    if effects.size == 0:
        return None
    mean = float(effects.mean())
    half = None
    if effects.size > 1:
        half = t_quantile(CONFIDENCE, int(effects.size) - 1) * float(effects.std(ddof=1)) / effects.size**0.5
    return Ratio(
        metric=metric.name,
        better=metric.better,
        ratio=exp(mean),
        ci_low=None if half is None else exp(mean - half),
        ci_high=None if half is None else exp(mean + half),
        confidence=None if half is None else CONFIDENCE,
        blocks=int(effects.size),
        by_block=[exp(float(effect)) for effect in effects],
    )
