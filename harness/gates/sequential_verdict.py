"""What the trials' test says of a limit, made into a finding with its sentence."""

from dataclasses import dataclass
from math import ceil, floor

from harness.gates.evidence import Evidence
from harness.gates.limit_tests import limit_test_of
from harness.gates.limits import Limit
from harness.gates.sentences import JudgedFigure, inconclusive_sentence, name_limit, share_text, verdict_sentence
from harness.records.entry import Finding, Measurement
from harness.records.limit_test import FIRST_LOOK, LimitTestResult, bounded_by_parents, fewest_draws
from harness.records.settings import MOST_PAIRS
from harness.records.status import Status
from harness.records.units import format_interval, format_quantity

_STATUS = {"pass": Status.PASS, "fail": Status.FAIL, "open": Status.INCONCLUSIVE}
_ROUNDING = 0.005
"""By so much the ratio of two values may lie outside the interval that is shown beside them."""
_HARDLY_POSSIBLE = 1000
"""Blocks beyond which the advice is another limit."""


@dataclass(frozen=True)
class Compared:
    """What a worsening is told with: the baseline's name, both values, what they would make of it, and how measured."""

    against: str
    change: str
    worsening: float
    basis: str


def judge_by_trials(limit: Limit, evidence: Evidence, *, gate: str, compared: Compared | None = None) -> Finding | None:
    """PASS, FAIL or INCONCLUSIVE by what the trials answer; None where none has a figure of the metric.

    Rates, blocks and what would have been detected stand in the finding. ``compared`` is there for a regression.
    """
    entry, settings = evidence.entry, evidence.settings
    question = limit_test_of(
        limit,
        share=evidence.share,
        miss=settings.miss,
        most_blocks=entry.most_blocks,
        most_windows=entry.most_windows,
    )
    if question is None or not (entry.trials or entry.figures):
        return None
    from harness.stats.limit_test import run_limit_test
    from harness.stats.observations import observations
    from harness.stats.single_look import unpaired_test

    if not observations(limit.metric, entry.trials, entry.figures):
        return None
    if _apart(limit, evidence):
        between = entry.baseline.run_spread.get(limit.metric) if entry.baseline is not None else None
        found = unpaired_test(question, entry.trials, entry.figures, between=between)
    else:
        within = None if limit.definition.by_windows else blocks_in_time(evidence)
        found = run_limit_test(question, entry.trials, entry.figures, within=within, final=True)
    shown = _shown_figure(limit, evidence, found)
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=_STATUS[found.verdict],
        reason=_sentence(limit, evidence, found, judged=_judged_figure(limit, evidence, found, shown, compared)),
        detail=_support(found, evidence, limit, compared),
        limit=limit.value,
        value=shown.value if shown else None,
        ci_low=None if found.exact or shown is None else shown.low,
        ci_high=None if found.exact or shown is None else shown.high,
        bound_low=None if found.exact else found.low,
        bound_high=None if found.exact else found.high,
        alpha=None if found.exact else evidence.share,
        miss=None if found.exact else settings.miss,
        blocks=found.blocks,
        needed=found.needed,
        detectable=found.detectable,
    )


@dataclass(frozen=True)
class _Shown:
    """The figure that tables show of what a limit is on, with its own interval, which is not the one that is judged."""

    value: float
    low: float | None
    high: float | None


def _shown_figure(limit: Limit, evidence: Evidence, found: LimitTestResult) -> _Shown | None:
    """The measurement, or of a regression the share by which its ratio to the baseline is worse; None before a look."""
    if found.value is None:
        return None
    if limit.kind == "absolute":
        own = evidence.measured(limit.metric)
        return None if own is None or own.value is None else _Shown(own.value, own.ci_low, own.ci_high)
    ratio = _ratio(limit, evidence)
    if ratio is None:  # a trial that counts has no positive figure, and is left out of what was judged
        return _Shown(found.value, found.low, found.high)
    ends = sorted(_worsening(end, limit) for end in (ratio.low, ratio.high) if end is not None)
    return _Shown(_worsening(ratio.value, limit), *(ends or (None, None)))


def _ratio(limit: Limit, evidence: Evidence) -> _Shown | None:
    """Candidate over baseline: the one that stands beside the baseline, else that of both arms' figures, if known."""
    from harness.stats.estimates import figure_of, ratio_apart, ratio_of

    entry = evidence.entry
    told = entry.baseline.ratios if entry.baseline else ()
    known = next((one for one in told if one.metric == limit.metric), None)
    if known is not None:
        return _Shown(known.ratio, known.ci_low, known.ci_high)
    together = None if _apart(limit, evidence) else ratio_of(limit.metric, entry.trials, entry.figures)
    if together is not None:
        return _Shown(together.value, together.low, together.high)
    own, base = (figure_of(limit.metric, entry.trials, entry.figures, arm) for arm in ("candidate", "baseline"))
    if own is None or base is None:
        return None
    apart = ratio_apart(own, base)
    return _Shown(apart.value, apart.low, apart.high)


def _worsening(ratio: float, limit: Limit) -> float:
    return ratio - 1.0 if limit.definition.better == "lower" else 1.0 - ratio


def _apart(limit: Limit, evidence: Evidence) -> bool:
    """Whether what the limit compares with are an earlier run's figures."""
    base = evidence.entry.baseline
    return limit.kind == "regression" and base is not None and base.state == "stored"


def hold_to_bound(finding: Finding, measurement: Measurement, limit: Limit, evidence: Evidence) -> Finding:
    """The finding; of a percentile that seems within its limit INCONCLUSIVE where its 99 % bound is not."""
    if finding.status is not Status.PASS or limit.definition.percentile is None:
        return finding
    bound, unit = measurement.upper_bound, measurement.unit
    if bound is not None and bound <= limit.value:
        return finding.model_copy(update={"bound_high": bound})
    percentile = limit.definition.percentile
    what = "blocks" if bounded_by_parents(percentile) else "processes"
    draws = "its reads" if measurement.independent is None else f"{measurement.independent} {what}"
    told = (
        f"give no bound with 99 %, which takes {fewest_draws(percentile)} {what}"
        if bound is None
        else f"bound it with 99 % by {format_quantity(bound, unit)} only"
    )
    value = finding.value or 0.0
    low, high = (value if end is None else end for end in (finding.ci_low, finding.ci_high))
    judged = JudgedFigure(name=limit.metric, unit=unit, value=value, low=low, high=high, basis="")
    return finding.model_copy(
        update={
            "status": Status.INCONCLUSIVE,
            "bound_high": bound,
            "reason": inconclusive_sentence(judged, limit, advice=f"{draws} {told}; give a longer --time-limit"),
        }
    )


def blocks_in_time(evidence: Evidence) -> int | None:
    """About how many blocks the time limit had room for; None where the entry does not say how long it took."""
    entry = evidence.entry
    measured = _measured_blocks(evidence)
    spent = entry.seconds.get("measure", 0.0)
    return max(measured, floor(measured * evidence.settings.time_limit_s / spent)) if spent > 0.0 and measured else None


def _judged_figure(
    limit: Limit, evidence: Evidence, found: LimitTestResult, shown: "_Shown | None", compared: Compared | None
) -> JudgedFigure | None:
    """The figure that is shown; None before a look. Both arms' values stand in it where they do not contradict it."""
    if shown is None:
        return None
    low, high = (shown.value if end is None else end for end in (shown.low, shown.high))
    agrees = compared is not None and low - _ROUNDING <= compared.worsening <= high + _ROUNDING
    return JudgedFigure(
        name=limit.metric,
        unit="1" if limit.kind == "regression" else limit.definition.unit,
        value=shown.value,
        low=low,
        high=high,
        basis=_support(found, evidence, limit, compared),
        against=compared.against if compared else "",
        change=compared.change if compared and agrees else "",
    )


def _sentence(limit: Limit, evidence: Evidence, found: LimitTestResult, *, judged: JudgedFigure | None) -> str:
    if judged is None:
        return _too_little(limit, evidence, found, said=f"{limit.metric}: ")
    if found.verdict != "open":
        return verdict_sentence(judged, limit, status=_STATUS[found.verdict])
    if _measured_blocks(evidence) < FIRST_LOOK and not (found.windows or _apart(limit, evidence)):
        return _too_little(limit, evidence, found, said=f"{judged.text}, ")
    return inconclusive_sentence(judged, limit, advice=_advice(found, evidence, limit))


def _too_little(limit: Limit, evidence: Evidence, found: LimitTestResult, *, said: str) -> str:
    """That measuring ended before the limit could be judged: nothing is close, there is little of it."""
    blocks = _measured_blocks(evidence)
    there = f"{blocks} block{'' if blocks == 1 else 's'} of trials"
    advice = _advice(found, evidence, limit)
    if found.windows:
        there = f"{found.blocks} window{'' if found.blocks == 1 else 's'} of the sensor an arm"
    elif blocks >= FIRST_LOOK:
        of_reads = limit.definition.percentile is not None
        there += " with too few independent reads" if of_reads else ", of which too few count"
        advice = "give a longer --time-limit"
    return f"{said}measured too little for {name_limit(limit)}: {there}; {advice}"


def _measured_blocks(evidence: Evidence) -> int:
    entry = evidence.entry
    blocks = [(trial.arm, trial.block) for trial in entry.trials]
    blocks += [(told.arm, told.block) for told in entry.figures]
    return len({block for arm, block in blocks if arm == "candidate"})


def _support(found: LimitTestResult, evidence: Evidence, limit: Limit, compared: Compared | None) -> str:
    """What stands behind a verdict: the end of the interval that decided, blocks, error rates, seed; at most a line."""
    if found.value is None:
        return ""
    if found.exact:
        return "the same in every process"
    what = "trials" if found.trials else "blocks"
    if found.windows:
        behind = f"{found.blocks} windows an arm"
    elif _apart(limit, evidence):
        behind = f"{found.blocks} blocks or more an arm, at another time, {_between_runs(evidence, limit)}"
    else:
        behind = f"{found.blocks} {what}"
    if compared is not None and compared.basis:
        behind += f" {compared.basis}"
    if found.carry_over is not None:
        apart = "slower" if found.carry_over > 0.0 else "faster"
        behind += (
            f" (what runs after the candidate is {format_quantity(abs(found.carry_over), '1')} {apart}, allowed for)"
        )
    rates = f"false alarm at most {share_text(evidence.share)}, miss at most {share_text(evidence.settings.miss)}"
    return f"{_judged_bound(found, limit)} after {behind}, {rates}, seed {evidence.settings.seed}"


def _judged_bound(found: LimitTestResult, limit: Limit) -> str:
    """What of the interval that was judged decided: the end on the limit's side, or both where neither clears it."""
    low, high, upper = found.low or 0.0, found.high or 0.0, (found.verdict == "pass") != limit.is_floor
    if limit.kind == "regression":
        ends, end = f"{100 * low:.3g} to {100 * high:.3g} % worse", f"{100 * (high if upper else low):.3g} % worse"
    else:
        unit = limit.definition.unit
        ends, end = format_interval(low, high, unit), format_quantity(high if upper else low, unit)
    return ends if found.verdict == "open" else f"at {'most' if upper else 'least'} {end}"


def _between_runs(evidence: Evidence, limit: Limit) -> str:
    """What is known of how far two runs differ by themselves."""
    between = evidence.entry.baseline and evidence.entry.baseline.run_spread.get(limit.metric)
    if not between:
        return "by how much runs differ by themselves not known and not in it"
    return f"runs by themselves {format_quantity(between.sd, '1')} apart, as {between.degrees + 1} or more showed"


def _advice(found: LimitTestResult, evidence: Evidence, limit: Limit) -> str:
    """What would settle it: further blocks, and a longer time limit where they need one."""
    if found.windows:
        return _advice_on_windows(found)
    settings, blocks = evidence.settings, max(1, _measured_blocks(evidence))
    more = max(1, FIRST_LOOK - blocks)
    if found.value is not None:
        a_block = found.blocks / blocks if found.trials else 1.0
        there = blocks if _apart(limit, evidence) else found.blocks
        wanted = None if found.needed is None else ceil((found.needed - there) / a_block)
        if wanted is None and _apart(limit, evidence):
            return "no more blocks would settle it, as the earlier run leaves it open; give a revision to --baseline"
        if wanted is None or wanted > _HARDLY_POSSIBLE:
            return f"more than {_HARDLY_POSSIBLE} blocks would not settle it; move the limit away from the value"
        more = max(more, wanted)
    needed_s = ceil(evidence.entry.seconds.get("measure", 0.0) / blocks * (blocks + more))
    longer = f" (--time-limit {needed_s})" if needed_s > settings.time_limit_s else ""
    return f"about {more} more block{'s' if more > 1 else ''}{longer}"


def _advice_on_windows(found: LimitTestResult) -> str:
    """The number of windows that would settle it."""
    if found.needed is None or found.needed > MOST_PAIRS:
        return "no number of windows would settle it; move the limit away from the value"
    more = max(1, found.needed - found.blocks)
    return f"about {more} more window{'s' if more > 1 else ''} an arm (--energy-pairs {found.blocks + more})"
