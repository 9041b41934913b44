"""Whether the first trials had a trend: then the board had not warmed up, or cooled down, to a steady state."""

from collections.abc import Sequence
from statistics import median

from harness.measure.trial_summary import trial_median_s
from harness.records.board import Trial
from harness.records.comparable import FLOOR
from harness.records.conditions import WarmUp
from harness.stats import trend_of

MOST_TRIALS = 10
"""The first two blocks of a run with one arm."""
FEWEST_TRIALS = 5
"""Of fewer no order is unlikely enough."""
P = 0.02
"""Two-sided: of fifty runs without a trend one is told to have one, if it also moved by more than medians do."""


def warm_up_of(trials: Sequence[Trial]) -> WarmUp:
    """What the first trials that time inferences say, each against its arm's median over all of them."""
    timed = [(trial, value) for trial in trials if (value := trial_median_s(trial)) is not None]
    by_arm: dict[tuple[str, str], list[float]] = {}
    for trial, value in timed:
        by_arm.setdefault((trial.kind, trial.arm), []).append(value)
    kinds = {kind for kind, _ in by_arm}
    # Slices where there are any: all blocks have them.
    kind = "slices" if "slices" in kinds else "latency"
    first = sorted((one for one in timed if one[0].kind == kind), key=lambda one: one[0].index)[:MOST_TRIALS]
    if len(first) < FEWEST_TRIALS:
        return WarmUp(
            trials=len(first),
            sentence=f"whether latency was steady from the first trial is not known: {FEWEST_TRIALS} trials tell",
        )
    found = trend_of([value / median(by_arm[trial.kind, trial.arm]) for trial, value in first])
    change = found.slope * (len(first) - 1)
    steady = found.p > P or abs(change) <= FLOOR
    test = f"Kendall's tau {found.tau:.2f}, p = {found.p:.2g}"
    moved = f"{'fell' if change < 0.0 else 'rose'} by {100 * abs(change):.1f} % over the first {len(first)} trials"
    return WarmUp(
        trials=len(first),
        tau=found.tau,
        p=found.p,
        change=change,
        steady=steady,
        sentence=f"latency was steady from the first trial: no trend over {len(first)} of them ({test})"
        if steady
        else f"steady state was not reached at once: latency {moved} ({test})",
    )
