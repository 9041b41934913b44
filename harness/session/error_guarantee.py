"""What a session's verdicts promise, worked out from its entries and settings."""

from collections.abc import Sequence
from math import floor

from harness.records.results import Entry, Finding, Gate
from harness.records.settings import Settings
from harness.records.units import format_quantity


def error_guarantee(entries: Sequence[Entry], settings: Settings) -> Gate | None:
    """The error rates of the session and what it would have caught; None where no limit left anything to chance.

    What would have been caught is the worst of all regression limits: the others would have caught less.
    """
    findings = [finding for entry in entries for finding in entry.findings]
    judged = [finding for finding in findings if finding.alpha is not None]
    if not judged:
        return None
    return Gate(
        alpha=settings.alpha,
        miss=settings.miss,
        budgeted_metrics=len(judged),
        sentence=f"{_false_alarm(settings.alpha)}; {_caught(judged, settings.miss)}",
        waivers=list(dict.fromkeys(finding.waiver for finding in findings if finding.waiver)),
    )


def _false_alarm(alpha: float) -> str:
    return f"false alarm at most 1 session in {floor(1.0 / alpha + 1e-9)}"


def _caught(judged: Sequence[Finding], miss: float) -> str:
    chance = f"{(1.0 - miss) * 100:.4g} %"
    slowdowns = [f.detectable for f in judged if f.gate == "regression" and f.detectable is not None]
    if slowdowns:
        return f"would have caught a slowdown of {format_quantity(max(slowdowns), '1')} with {chance}"
    return f"a metric beyond its limit passes with at most {miss * 100:.4g} %"
