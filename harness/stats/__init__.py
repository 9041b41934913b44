"""Pure functions on arrays: quantiles, intervals over trials, ratios of arms, histograms, losses, changes of level.

Whoever imports this room loads numpy; scipy only where a distribution is asked for.
"""

from harness.stats.changepoints import Changepoint, changepoints
from harness.stats.classification import (
    PairedLoss,
    area_loss,
    area_under_curve,
    classes_by_chance,
    orders_by_chance,
    proportion_loss,
)
from harness.stats.estimates import run_spread
from harness.stats.histograms import MAX_BINS, histogram
from harness.stats.intervals import Interval, mean_interval, t_quantile
from harness.stats.percentile_bound import PercentileBound, percentile_bound
from harness.stats.quantiles import independent_samples, needed_samples, quantile, smallest_trial
from harness.stats.trend import Trend, trend_of
from harness.stats.two_speeds import two_speeds

__all__ = [
    "MAX_BINS",
    "Changepoint",
    "Interval",
    "PairedLoss",
    "PercentileBound",
    "Trend",
    "area_loss",
    "area_under_curve",
    "changepoints",
    "classes_by_chance",
    "histogram",
    "independent_samples",
    "mean_interval",
    "needed_samples",
    "orders_by_chance",
    "percentile_bound",
    "proportion_loss",
    "quantile",
    "run_spread",
    "smallest_trial",
    "t_quantile",
    "trend_of",
    "two_speeds",
]
