"""What people read of a verdict: value with interval, limit, board and where the limit stands."""

from dataclasses import dataclass

from harness.gates.limits import Limit
from harness.records.metrics import is_exact
from harness.records.results import Entry, Finding, Measurement
from harness.records.status import Status
from harness.records.units import QuantityUnit, format_interval, format_quantity


@dataclass(frozen=True)
class JudgedFigure:
    """A number under a limit: what it is called, its unit, value and interval, and what stands behind it."""

    name: str
    unit: QuantityUnit
    value: float
    low: float
    high: float
    basis: str
    """e.g. "95 %, 10 trials" or "exact"."""

    @property
    def interval(self) -> str:
        """The ends with one unit, "4.28-4.35 ms", or the value alone where the interval is a point."""
        if self.low == self.high:
            return format_quantity(self.value, self.unit)
        return format_interval(self.low, self.high, self.unit)

    @property
    def text(self) -> str:
        """The value and what stands behind it: "4.31 ms (4.28-4.35 ms, 95 %, 10 trials)"."""
        behind = self.basis if self.low == self.high else f"{self.interval}, {self.basis}"
        return f"{format_quantity(self.value, self.unit)} ({behind})"


def share_text(share: float) -> str:
    """A probability for eyes: "0.005 %"."""
    return f"{share * 100:.2g} %"


def basis_of(measurement: Measurement) -> str:
    """What stands behind a measurement: the interval's level, the trials, the source where it is modelled."""
    if is_exact(measurement.metric):
        return "exact"
    parts = []
    if measurement.confidence is not None and measurement.ci_low is not None:
        parts.append(f"{measurement.confidence * 100:.4g} %")
    parts.append(f"{measurement.n} trial" + ("" if measurement.n == 1 else "s"))
    if measurement.source is not None and measurement.band is not None:
        parts.append(f"from {measurement.source}, itself +-{measurement.band * 100:.2g} %")
    return ", ".join(parts)


def verdict_sentence(judged: JudgedFigure, limit: Limit, entry: Entry, *, status: Status) -> str:
    """The sentence of a PASS or a FAIL."""
    side = {
        (Status.PASS, False): "is within the limit of",
        (Status.PASS, True): "keeps the floor of",
        (Status.FAIL, False): "is above the limit of",
        (Status.FAIL, True): "is below the floor of",
    }[status, limit.is_floor]
    value = format_quantity(judged.value, judged.unit)
    bound = format_quantity(limit.value, judged.unit)
    margin = f" by {format_quantity(abs(judged.value - limit.value), judged.unit)}" if value == bound else ""
    return f"{judged.name} {judged.text} {side} {bound}{margin} on {entry.device} ({limit.origin})"


def inconclusive_sentence(judged: JudgedFigure, limit: Limit, entry: Entry, *, advice: str, figure: str = "") -> str:
    """The sentence of an INCONCLUSIVE; ``figure`` stands in it, else the interval, which is what was judged."""
    bound = format_quantity(limit.value, judged.unit)
    return (
        f"{judged.name} too close to call: {figure or judged.interval} against {bound} on {entry.device}; "
        f"{advice} ({limit.origin})"
    )


def no_interval_sentence(judged: JudgedFigure, limit: Limit, entry: Entry) -> str:
    """The sentence of an INCONCLUSIVE for want of trials, however far the value lies from the limit."""
    value, bound = (format_quantity(number, judged.unit) for number in (judged.value, limit.value))
    return (
        f"{judged.name} {value} has no interval to hold against {bound} on {entry.device}: "
        f"{judged.basis} only, raise --trials ({limit.origin})"
    )


def not_judged(limit: Limit, *, gate: str, because: str) -> Finding:
    """An INVALID finding: this budget was not judged, and why."""
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=Status.INVALID,
        reason=f"not judged: {because} ({limit.origin})",
        limit=limit.value,
    )
