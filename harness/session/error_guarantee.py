"""What a session's verdicts promise, worked out from its entries and settings."""

from collections.abc import Iterator, Sequence
from math import floor

from harness.records.entry import Entry, Finding
from harness.records.results import Gate
from harness.records.settings import Settings
from harness.records.units import format_quantity


def error_guarantee(entries: Sequence[Entry], settings: Settings) -> Gate | None:
    """The error rates of the session and what it would have caught; None where no limit left anything to chance.

    The rates are those of limits on a baseline that was measured by turns, or on a stored one where it is known by
    how much runs differ by themselves. Others are told apart, with what must be so for the rates to hold: a board
    that changes its state breaks them. What would have been caught is the worst of all regression limits in the
    rates: the others would have caught less.
    """
    findings = [(entry, finding) for entry in entries for finding in entry.findings]
    judged = [(entry, finding) for entry, finding in findings if finding.alpha is not None]
    if not judged:
        return None
    inside = [
        finding for entry, finding in judged if finding.gate == "regression" and not _of_unknown_runs(entry, finding)
    ]
    absolute = sum(finding.gate == "budget" for _, finding in judged)
    stored = len(judged) - len(inside) - absolute
    return Gate(
        alpha=settings.alpha,
        miss=settings.miss,
        budgeted_metrics=len(judged),
        sentence="; ".join(_sentences(inside, settings, absolute=absolute, stored=stored)),
        waivers=list(dict.fromkeys(finding.waiver for _, finding in findings if finding.waiver)),
    )


def _of_unknown_runs(entry: Entry, finding: Finding) -> bool:
    """Whether the finding is about an earlier run, and nothing tells how far two runs differ by themselves."""
    base = entry.baseline
    return base is not None and base.state == "stored" and finding.metric not in base.run_spread


def _sentences(inside: Sequence[Finding], settings: Settings, *, absolute: int, stored: int) -> Iterator[str]:
    alarm = f"false alarm at most 1 session in {floor(1.0 / settings.alpha + 1e-9)}"
    if inside:
        yield f"{alarm}; {_caught(inside, settings.miss)}"
    for number, what, holds in (
        (absolute, "absolute limit", "while the board keeps its state"),
        (stored, "stored figure", "if the board was then as it is now"),
    ):
        if number:
            told = f"{number} {what}{'' if number == 1 else 's'}"
            rates = "outside this, so only" if inside else f"{alarm}, a miss at most {settings.miss * 100:.4g} %"
            yield f"{told}: {rates} {holds}"


def _caught(judged: Sequence[Finding], miss: float) -> str:
    chance = f"{(1.0 - miss) * 100:.4g} %"
    slowdowns = [finding.detectable for finding in judged if finding.detectable is not None]
    if slowdowns:
        return f"would have caught a slowdown of {format_quantity(max(slowdowns), '1')} with {chance}"
    return f"a metric beyond its limit passes with at most {miss * 100:.4g} %"
