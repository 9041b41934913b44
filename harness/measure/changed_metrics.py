"""Which ratios to a baseline changed beyond noise, at an error rate that all of a run's share.

Each ratio has a 95 % interval of its own, so that of a run with hundreds of them, in which nothing changed, dozens
leave 1 out. What a reader is shown as a change holds over all of them together.
"""

from collections.abc import Iterator, Sequence

from harness.records.entry import Entry, Ratio
from harness.records.limit_test import CHANGE_ALPHA, LimitTest
from harness.records.metrics import METRICS
from harness.stats.limit_test import run_limit_test


def with_changes(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, each ratio of arms that were measured by turns with whether it changed beyond noise.

    Asked as limits are judged, looks and all (``run_limit_test``): once whether it is more than its baseline at all,
    once whether it is less. Each question has CHANGE_ALPHA divided by the number of questions of the run, so that
    the chance of one false change or more in the whole run is at most that (Bonferroni).
    """
    count = sum(1 for entry in entries for _ in _ratios(entry))
    if count == 0:
        return list(entries)
    share = CHANGE_ALPHA / (2 * count)
    return [_with_changes(entry, share) if any(_ratios(entry)) else entry for entry in entries]


def _ratios(entry: Entry) -> Iterator[Ratio]:
    if entry.baseline is not None and entry.baseline.state == "measured":
        yield from (ratio for ratio in entry.baseline.ratios if ratio.metric in METRICS)


def _with_changes(entry: Entry, share: float) -> Entry:
    if entry.baseline is None:
        return entry
    ratios = [
        ratio.model_copy(update={"changed": _changed(ratio, entry, share)}) if ratio.metric in METRICS else ratio
        for ratio in entry.baseline.ratios
    ]
    return entry.model_copy(update={"baseline": entry.baseline.model_copy(update={"ratios": ratios})})


def _changed(ratio: Ratio, entry: Entry, share: float) -> bool:
    """Whether it is surely on one side of 1; the interval of its own, which is narrower, is asked first."""
    if ratio.ci_low is None or ratio.ci_high is None or ratio.ci_low <= 1.0 <= ratio.ci_high:
        return False
    question = LimitTest(
        metric=ratio.metric,
        better="lower" if ratio.ratio > 1.0 else "higher",
        limit=0.0,
        relative=True,
        alpha=share,
        miss=share,
        most_blocks=entry.most_windows if METRICS[ratio.metric].by_windows else entry.most_blocks,
    )
    return run_limit_test(question, entry.trials, entry.figures, final=True).verdict == "fail"
