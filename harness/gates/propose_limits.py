"""Limits proposed from what a run measured: the bad end of each interval, and a margin; they hold for that run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from harness.gates.budgets import Budgets, limits_for
from harness.gates.evidence import interval_of, is_modelled, needs_interval
from harness.gates.judge import judge, without_verdicts
from harness.gates.limits import Limit
from harness.records.entry import Entry, Finding, Measurement
from harness.records.metrics import METRICS, is_exact
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import QuantityError, format_interval, format_quantity, parse_quantity

_DIGITS = 3
_MOST_ATTEMPTS = 8
Step = Literal["add", "change", "leave", "keep"]
"""Written anew; changed; would be changed by --update; fits as it stands."""


def default_metrics() -> tuple[str, ...]:
    """The metrics that get a limit where none are named."""
    return tuple(metric.name for metric in METRICS.values() if metric.proposed)


@dataclass(frozen=True)
class ProposalRequest:
    """What is wanted: metrics, the margin as a share, and whether limits that stand may be changed.

    ``settings`` are the run's, by which the proposals are held against it.
    """

    metrics: tuple[str, ...] = field(default_factory=default_metrics)
    margin: float = 0.1
    update: bool = False
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Proposal:
    """One limit: its table and key, the text proposed, what stands now, and what is to be done."""

    device: str
    candidate: str
    metric: str
    text: str
    step: Step
    measured: str
    """The figure behind it with its interval and trials."""
    stands: Limit | None = None
    modelled: bool = False
    """Whether the table form with source = "model" is needed."""


@dataclass(frozen=True)
class Refused:
    """What could not be proposed, and why."""

    device: str
    candidate: str
    why: str


def propose_limits(
    entries: Iterable[Entry], budgets: Budgets | None, asked: ProposalRequest, *, lineages: Mapping[str, Sequence[str]]
) -> list[Proposal | Refused]:
    """A proposal for each metric of each device and candidate, in the order of the entries.

    Of entries with the same device and candidate the worst figure counts; where one of them was not fit, the
    candidate is refused. ``lineages`` are those of the run's devices.
    """
    together: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        together.setdefault((entry.device, entry.subject), []).append(entry)
    found: list[Proposal | Refused] = []
    for (device, candidate), same in together.items():
        unfit = next(filter(None, (_why_unfit(entry, update=asked.update) for entry in same)), None)
        if unfit:
            found.append(Refused(device, candidate, unfit))
            continue
        lineage = lineages.get(device, (device,))
        standing = {limit.key: limit for limit in limits_for(budgets, lineage, candidate, today=None)}
        found += [_proposed(same, metric, standing.get(metric), asked) for metric in asked.metrics]
    return found


def bad_end(measurement: Measurement) -> float | None:
    """The end of the interval that a limit has to admit; None where the value or its interval is unknown."""
    if measurement.value is None or needs_interval(measurement):
        return None
    low, high = interval_of(measurement.value, measurement)
    return high if measurement.better == "lower" else low


def figure_text(measurement: Measurement) -> str:
    """The figure for eyes: "4.1 ms (4.07-4.13 ms, 95 %, 10 trials)"."""
    if measurement.value is None:
        return f"unknown: {measurement.reason or 'no reason was given'}"
    value = format_quantity(measurement.value, measurement.unit)
    low, high = interval_of(measurement.value, measurement)
    if low == high:
        return f"{value} ({'exact' if is_exact(measurement.metric) else _trials(measurement)})"
    sure = "" if measurement.confidence is None else f", {measurement.confidence * 100:.4g} %"
    return f"{value} ({format_interval(low, high, measurement.unit)}{sure}, {_trials(measurement)})"


def with_margin(value: float, *, metric: str, margin: float) -> str:
    """The limit's text: a ceiling rounded up, or a floor rounded down, to three digits."""
    definition = METRICS[metric]
    floor = definition.better == "higher"
    limit = Decimal(repr(value)) * (1 - Decimal(repr(margin)) if floor else 1 + Decimal(repr(margin)))
    if margin and not floor:
        limit = max(limit, Decimal(repr(value)) + Decimal(definition.least_margin))
    step = Decimal(1).scaleb(limit.adjusted() - _DIGITS + 1)
    rounded = (limit / step).to_integral_value(ROUND_FLOOR if floor else ROUND_CEILING) * step
    return format_quantity(float(rounded), definition.unit)


def _trials(measurement: Measurement) -> str:
    return f"{measurement.n} trial" + ("" if measurement.n == 1 else "s")


def _why_unfit(entry: Entry, *, update: bool) -> str | None:
    """Why no limit may be made of this entry; None where its figures are good."""
    if not (entry.device + entry.subject).isprintable():
        return "its name has characters that cannot be seen, and cannot stand in a budgets file"
    if entry.status in (Status.INVALID, Status.ERROR):
        return f"{entry.status}: {entry.reason}"
    if entry.status is not Status.FAIL:
        return None
    gates = {finding.gate for finding in entry.findings if finding.status is Status.FAIL}
    if gates != {"budget"}:
        return f"{entry.status}: {entry.reason}"
    return None if update else f"{entry.status}: {entry.reason}; --update would relax what it broke"


def room(limit: Limit, end: float) -> float:
    """The share by which the bad end of a figure keeps away from a limit; negative where it breaks it."""
    far, near = (end, limit.value) if limit.is_floor else (limit.value, end)
    return 1 - near / far if far > 0 else -float(near > 0)


def _proposed(same: Sequence[Entry], metric: str, stands: Limit | None, asked: ProposalRequest) -> Proposal | Refused:
    device, candidate = same[0].device, same[0].subject
    measured = [m for entry in same for m in entry.measurements if m.metric == metric]
    if len(measured) < len(same):
        return Refused(device, candidate, f"{metric} was not measured")
    ends = [(bad_end(measurement), measurement) for measurement in measured]
    if any(end is None for end, _ in ends):
        unsure = next(measurement for end, measurement in ends if end is None)
        why = "" if unsure.value is None else ": without an interval it makes no limit, raise --trials"
        return Refused(device, candidate, f"{metric} {figure_text(unsure)}{why}")
    worst = max if METRICS[metric].better == "lower" else min
    end, behind = worst(((end or 0.0, m) for end, m in ends), key=lambda pair: pair[0])
    if end <= 0:
        return Refused(device, candidate, f"{metric} is {figure_text(behind)}: no limit can be made of it")
    modelled = any(map(is_modelled, measured))
    text = _holding(same, metric, end, asked, source="model" if modelled else None)
    if text is None:
        return Refused(
            device, candidate, f"{metric} is {figure_text(behind)}: too little to make a limit of, raise --trials"
        )
    if not _is_readable(text, metric):
        return Refused(device, candidate, f"{metric} is {figure_text(behind)}: budgets have no unit for it")
    return Proposal(
        device=device,
        candidate=candidate,
        metric=metric,
        text=text,
        step=_step(stands, end, text, update=asked.update),
        measured=figure_text(behind),
        stands=stands,
        modelled=modelled,
    )


def _holding(
    same: Sequence[Entry], metric: str, end: float, asked: ProposalRequest, *, source: Literal["model"] | None
) -> str | None:
    """The limit with its margin that the run's own verdict finds kept; None where the run tells too little for one.

    A verdict's bound is wider than the interval of a few trials: then the margin is put on that.
    """
    for _ in range(_MOST_ATTEMPTS):
        text = with_margin(end, metric=metric, margin=asked.margin)
        if not _is_readable(text, metric):
            return text
        limit = Limit(metric, "absolute", parse_quantity(text, METRICS[metric].unit), origin="proposed", source=source)
        findings = [_finding(entry, limit, asked.settings) for entry in same]
        if all(finding.status is Status.PASS for finding in findings):
            return text
        bounds = [_judged_end(finding, limit) for finding in findings]
        known = [bound for bound in bounds if bound is not None and math.isfinite(bound) and bound > 0.0]
        further = (min if limit.is_floor else max)([*known, end])
        if further == end:
            return None
        end = further
    return None


def _judged_end(finding: Finding, limit: Limit) -> float | None:
    """What the verdict bounds the figure by on the limit's side: by trials, else the interval's end."""
    bound, end = (finding.bound_low, finding.ci_low) if limit.is_floor else (finding.bound_high, finding.ci_high)
    return end if bound is None else bound


def _finding(entry: Entry, limit: Limit, settings: Settings) -> Finding:
    """What the run's trials say to one limit, whatever else the entry was judged by."""
    return judge(without_verdicts(entry), [limit], settings=settings).findings[-1]


def _is_readable(text: str, metric: str) -> bool:
    """Whether a budget may be written so: figures of nature's wilder ranges get prefixes that it may not have."""
    try:
        parse_quantity(text, METRICS[metric].unit)
    except QuantityError:
        return False
    return True


def _step(stands: Limit | None, end: float, text: str, *, update: bool) -> Step:
    """A limit that stands is changed only where the figure breaks it, or it is slacker than the margin asks."""
    if stands is None:
        return "add"
    proposed = replace(stands, value=parse_quantity(text, stands.definition.unit))
    wanted = room(stands, end) < 0 or stands.strictness < proposed.strictness
    return ("change" if update else "leave") if wanted else "keep"
