"""Entries against their baseline, in words: what changed beyond noise, and each ratio with its finding.

What is shown as a change holds at an error rate that all ratios of the run share. Accuracy and size are compared
exactly and told in any case.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.artifact import AccuracyResult
from harness.records.entry import BaselineRecord, Entry, Finding, Measurement, Ratio
from harness.records.metrics import METRICS, change_word, is_exact
from harness.records.status import Status
from harness.records.units import format_quantity, format_share
from harness.report.numbers import format_value, known_measurement, lost_text, number_of

_WITH_FIGURES = ("measured", "stored", "identical")
SIZE = "model_size"
ACCURACY = "accuracy"
EXACT = (ACCURACY, SIZE)
"""Compared without an interval, and always told, changed or not: a faster model that is wrong is no good news."""
Kind = Literal["worse", "better", "unknown", "identical"]
_ORDER: tuple[Kind, ...] = ("worse", "better", "unknown", "identical")
REGRESSION = "regression"
"""The gate that judges against the baseline."""


@dataclass(frozen=True)
class BaselineChange:
    """One metric of one entry against its baseline; texts, and whether it got worse."""

    entry: Entry
    metric: str
    title: str
    kind: Kind
    amount: str
    """``▲ 5.1 % slower``, "identical", or why it is not known."""
    now: str
    was: str
    size: float
    """How far the ratio is from 1; of an accuracy the share gained or lost."""
    ratio_only: bool = False
    """``now`` is a ratio to the baseline, which has no figures of its own."""
    interval: str = "exact"
    """``+3.9 to +6.3 %``, with its confidence where that is known; "exact" for what is counted."""
    blocks: int | None = None


def changes(entries: Iterable[Entry]) -> list[BaselineChange]:
    """Every metric that changed beyond noise, and every accuracy and size: what got worse first, the largest first.

    An accuracy lost stands before all others; what is identical comes last.
    """
    found = [change for entry in entries if entry.baseline is not None for change in _of_entry(entry, entry.baseline)]
    return sorted(found, key=_rank)


def exact_changes(entry: Entry) -> list[BaselineChange]:
    """The entry's accuracy and size against its baseline, as far as either arm has them."""
    if entry.baseline is None:
        return []
    return [change for change in (_accuracy(entry, entry.baseline), _size(entry, entry.baseline)) if change is not None]


def sampled_ratios(entries: Iterable[Entry]) -> list[Ratio]:
    """The ratios of all metrics that were held against a baseline by trials."""
    return [ratio for entry in entries if entry.baseline is not None for ratio in _ratios(entry.baseline)]


def _of_entry(entry: Entry, base: BaselineRecord) -> Iterator[BaselineChange]:
    for ratio in _ratios(base):
        if ratio.ci_low is not None and ratio.ci_high is not None and is_change(ratio, entry):
            told = _interval(ratio.ci_low, ratio.ci_high, ratio.confidence)
            found = replace(_change(entry, base, ratio.metric, ratio.ratio), interval=told, blocks=ratio.blocks)
            yield _by_turns(found, ratio) if ratio.by_turns else found
    yield from exact_changes(entry)


def is_change(ratio: Ratio, entry: Entry) -> bool:
    """Whether a metric changed beyond noise, of which an arrow tells: at the rate that all of the run share.

    A change is also what a limit against the baseline failed by. In runs of an earlier harness, which did not ask, it
    is what its own interval leaves 1 out of.
    """
    if ratio.ci_low is None or ratio.ci_high is None or ratio.ci_low <= 1 <= ratio.ci_high:
        return False
    own = (finding for finding in entry.findings if finding.gate == REGRESSION and finding.metric == ratio.metric)
    return ratio.changed is not False or any(finding.status is Status.FAIL for finding in own)


def _by_turns(change: BaselineChange, ratio: Ratio) -> BaselineChange:
    """The ratio as a figure of its own: the absolute values beside it are those of other trials."""
    return replace(change, title=_title(ratio), now=f"{ratio.ratio:.4g}", was="1", ratio_only=True)


def _title(ratio: Ratio) -> str:
    """The metric as people call it; a ratio by turns is a figure of its own."""
    known = METRICS.get(ratio.metric)
    title = known.title if known else ratio.metric
    return f"{title} ratio (by turns)" if ratio.by_turns else title


def _rank(change: BaselineChange) -> tuple[bool, int, float]:
    lost_accuracy = change.metric == ACCURACY and change.kind == "worse"
    return not lost_accuracy, _ORDER.index(change.kind), -change.size


def _size(entry: Entry, base: BaselineRecord) -> BaselineChange | None:
    now, was = _value(entry.measurements, SIZE), _value(base.measurements, SIZE)
    if now is None or was is None:  # an arm that was not measured still has its file
        now, was = (float(one.artifact.size_bytes) if one.artifact else None for one in (entry, base))
    if not now or not was:
        return None
    found = replace(_change(entry, base, SIZE, now / was), now=format_value(now, "B"), was=format_value(was, "B"))
    return found if now != was else replace(found, kind="identical", amount="identical")


def _accuracy(entry: Entry, base: BaselineRecord) -> BaselineChange | None:
    """In points; not known where one arm has none, or they were scored on unlike test sets. None where neither has."""
    own, before = (one.artifact.verification.accuracy if one.artifact else None for one in (entry, base))
    now, was = _value(entry.measurements, ACCURACY), _value(base.measurements, ACCURACY)
    now, was = own.value if own else now, before.value if before else was
    if (now is None and was is None) or base.state not in _WITH_FIGURES:
        return None
    lost, why = _lost(own, before, now=now, was=was)
    accuracy = own or before
    unit = accuracy.unit if accuracy else "1"
    found = BaselineChange(
        entry=entry,
        metric=ACCURACY,
        title=accuracy.title if accuracy else METRICS[ACCURACY].title,
        kind="unknown",
        amount=f"not compared: {why}",
        now="–" if now is None else format_value(now, unit),
        was="–" if was is None else format_value(was, unit),
        size=abs(lost or 0.0),
        interval="",
    )
    if lost is None:
        return found
    samples = f"exact, {own.n} samples" if own else "exact"
    if lost == 0:
        return replace(found, kind="identical", amount="identical", interval=samples)
    amount = f"{'▼' if lost > 0 else '▲'} {lost_text(lost, unit)} {'lost' if lost > 0 else 'gained'}"
    return replace(found, kind="worse" if lost > 0 else "better", amount=amount, interval=samples)


def _lost(
    own: AccuracyResult | None, before: AccuracyResult | None, *, now: float | None, was: float | None
) -> tuple[float | None, str]:
    """The share lost, and if that is not known, why."""
    if now is None or was is None:
        return None, f"{'the candidate' if now is None else 'the baseline'} has none"
    if own is None or before is None:
        return was - now, ""
    return own.lost_against(
        before
    ), f"scored {'by another metric' if own.metric != before.metric else 'on another test set'}"


def _ratios(base: BaselineRecord) -> list[Ratio]:
    return [ratio for ratio in base.ratios if not is_exact(ratio.metric)]


def _change(entry: Entry, base: BaselineRecord, metric: str, ratio: float) -> BaselineChange:
    known = METRICS.get(metric)
    more = ratio > 1
    return BaselineChange(
        entry=entry,
        metric=metric,
        title=known.title if known else metric,
        kind="worse" if more == (known is None or known.better == "lower") else "better",
        amount=f"{'▲' if more else '▼'} {format_share(ratio - 1)} {change_word(metric, more=more)}",
        now=_show_value(entry.measurements, metric),
        was=_show_value(base.measurements, metric),
        size=abs(ratio - 1),
    )


def _interval(low: float, high: float, confidence: float | None) -> str:
    ends = [low - 1, high - 1]
    digits = _digits(max(map(abs, ends)))
    said = " to ".join(f"{'+' if end >= 0 else '−'}{100 * abs(end):.{digits}f}" for end in ends)
    return f"{said} %" if confidence is None else f"{said} % ({100 * confidence:.4g} %)"


def _digits(share: float) -> int:
    """After the point, in per cent: two below 1 %, one below 100 %, else none."""
    return 2 if share < 0.00995 else 1 if share < 0.9995 else 0


def _value(measurements: Iterable[Measurement], metric: str) -> float | None:
    found = known_measurement(measurements, metric)
    return found.value if found else None


def _show_value(measurements: Iterable[Measurement], metric: str) -> str:
    found = known_measurement(measurements, metric)
    return number_of(found).value if found else "–"


@dataclass(frozen=True)
class JudgedRatio:
    """One metric against the baseline: the ratio as it was measured, and the finding that judged it, if one did."""

    ratio: Ratio
    finding: Finding | None

    @property
    def title(self) -> str:
        """The metric as people call it."""
        return _title(self.ratio)

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
    def percent_text(self) -> str:
        """The ratio as a change with its interval: "+4.4 % (+3.7 to +6.0 %)"."""
        share, low, high = self.ratio.ratio - 1.0, self.ratio.ci_low, self.ratio.ci_high
        change = f"{'+' if share >= 0 else '−'}{format_share(share)}"
        return change if low is None or high is None else f"{change} ({_interval(low, high, None)})"

    @property
    def change_text(self) -> str:
        """The ratio as a change in words, "2.1 % slower"; inside the interval "no difference seen"."""
        low, high = self.ratio.ci_low, self.ratio.ci_high
        if low is not None and high is not None and low <= 1.0 <= high:
            return "no difference seen"
        share = self.ratio.ratio - 1.0
        sure = "" if low is not None else ", how sure is not known"
        return f"{format_share(share)} {change_word(self.ratio.metric, more=share > 0)}{sure}"


def judged_ratios(entry: Entry) -> list[JudgedRatio]:
    """The entry's metrics against its baseline, those that were judged first, and of these the worst verdict."""
    baseline = entry.baseline
    if baseline is None:
        return []
    judged = {finding.metric: finding for finding in entry.findings if finding.gate == REGRESSION}
    found = [JudgedRatio(ratio, judged.get(ratio.metric)) for ratio in baseline.ratios]
    return sorted(found, key=lambda one: -1 if one.finding is None else one.finding.status.severity, reverse=True)


def is_interleaved(baseline: BaselineRecord | None) -> bool:
    """Whether both arms were measured in the same blocks."""
    return baseline is not None and baseline.state == "measured"
