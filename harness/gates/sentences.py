"""What people read of a verdict: one line with the figures first, and a second one with what stands behind them."""

import re
from dataclasses import dataclass

from harness.gates.limits import Limit
from harness.records.entry import BaselineRecord, Finding, Measurement
from harness.records.metrics import METRICS, change_word, is_exact
from harness.records.status import Status
from harness.records.text import shorten
from harness.records.units import (
    ShownUnit,
    format_interval,
    format_quantity,
    format_share,
    format_share_interval,
)

_COMMIT = re.compile(r"[0-9a-f]{12,64}")
_SHOWN_OF_COMMIT = 8
_LONGEST_NAME = 32
_TIMES = 9.0
"""From so many times the limit beyond it on, a figure is told as so many times the limit."""


@dataclass(frozen=True)
class JudgedFigure:
    """A number under a limit: what it is called, its unit, value and interval, and what stands behind it.

    Where ``against`` names something, the value is how much worse the figure is than that one's.
    """

    name: str
    unit: ShownUnit
    value: float
    low: float
    high: float
    basis: str
    """e.g. "95 %, 10 trials" or "exact"."""
    against: str = ""
    """What it is compared with, as briefly as it is known: "main", "float32"."""
    change: str = ""
    """Both values, "5.73 -> 11.39 µs"; empty where they are those of other trials."""
    called: str = ""
    """What a user calls their own metric; empty for ours."""

    @property
    def interval(self) -> str:
        """The ends with one unit, "4.28-4.35 ms", or the value alone where the interval is a point."""
        if self.low == self.high:
            return format_quantity(self.value, self.unit)
        return format_interval(self.low, self.high, self.unit)

    @property
    def text(self) -> str:
        """The figures, "latency_p50: 4.31 ms (4.28-4.35 ms)"; of a worsening what was, what is, and by how much."""
        name = f"{self.name} ({self.called})" if self.called else self.name
        if self.against:
            return f"{name}: {', '.join(filter(None, [self.change, self._difference]))}"
        interval = "" if self.low == self.high else f" ({self.interval})"
        return f"{name}: {format_quantity(self.value, self.unit)}{interval}"

    @property
    def _difference(self) -> str:
        """By how much it is worse or better, "99 % slower than main (61 to 108 %)", the ends in the same direction."""
        if self.value == self.low == self.high == 0.0:
            return f"the same as {self.against}"
        worse = self.value > 0.0 or (self.value == 0.0 and self.high > 0.0)
        low, high = (self.low, self.high) if worse else (-self.high, -self.low)
        if self.unit != "1":
            ends = "" if low == high else f" ({self._amount(low)} to {self._amount(high)} {self.unit})"
            lost = f"{self._amount(abs(self.value))} {self.unit} {'lost' if worse else 'gained'}"
            return f"{lost} against {self.against}{ends}"
        ends = "" if low == high else f" ({format_share_interval(low, high)})"
        if float(format_share(self.value).split()[0]) == 0.0:
            return f"no different from {self.against}{ends}"
        word = change_word(self.name, more=worse == (METRICS[self.name].better == "lower"))
        return f"{format_share(self.value)} {word} than {self.against}{ends}"

    def _amount(self, value: float) -> str:
        """What was lost of an accuracy, in points or in the unit of a user's own metric, without it."""
        return f"{100 * value if self.unit == 'pt' else value:z.3g}"


def share_text(share: float) -> str:
    """A probability for eyes: "0.005 %"."""
    return f"{share * 100:.2g} %"


def baseline_name(baseline: BaselineRecord) -> str:
    """What a baseline is called in a line of figures: its branch, its commit in short, its file or run without folders.

    "origin/main" is "main", "reports/20261129T140244Z-00c79c" is "20261129T140244Z-00c79c".
    """
    given = " ".join(baseline.given.split()).rstrip("/")
    if _COMMIT.fullmatch(given):
        return given[:_SHOWN_OF_COMMIT]
    is_path = baseline.state == "stored" or given.endswith((".tflite", ".json"))
    name = re.split(r"[/\\]", given)[-1] if is_path else given.removeprefix("origin/")
    return shorten(name, _LONGEST_NAME) or "the baseline"


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


def name_limit(limit: Limit) -> str:
    """The limit as a verdict names it: "limit 4 ms", "floor 97 %"."""
    return f"{'floor' if limit.is_floor else 'limit'} {limit.text}"


def verdict_sentence(judged: JudgedFigure, limit: Limit, *, status: Status) -> str:
    """The line of a PASS or a FAIL: figures, then the limit, and of a FAIL by how much it is broken."""
    beyond = "" if status is Status.PASS or judged.against else _beyond(judged, limit)
    return f"{judged.text}, {beyond}{name_limit(limit)}"


def _beyond(judged: JudgedFigure, limit: Limit) -> str:
    """By how much a figure is beyond its limit, in its own unit where a share would say nothing."""
    over = abs(judged.value - limit.value)
    if over >= _TIMES * limit.value > 0.0:
        return f"{judged.value / limit.value:.0f} times "
    if limit.value == 0.0 or format_quantity(judged.value, judged.unit) == limit.text or judged.unit == "1":
        amount = format_quantity(over, "pt" if judged.unit == "1" else judged.unit)
    else:
        amount = format_share(over / limit.value)
    return f"{amount} {'below' if limit.is_floor else 'above'} "


def inconclusive_sentence(judged: JudgedFigure, limit: Limit, *, advice: str) -> str:
    """The line of an INCONCLUSIVE: figures, the limit that lies too close to them, and what would settle it."""
    return f"{judged.text}, too close to {name_limit(limit)}: {advice}"


def no_interval_sentence(judged: JudgedFigure, limit: Limit) -> str:
    """The line of an INCONCLUSIVE for want of trials, however far the value lies from the limit."""
    return f"{judged.text}, no interval to hold against {name_limit(limit)}: {judged.basis} only, raise --trials"


def not_judged(limit: Limit, *, gate: str, because: str) -> Finding:
    """An INVALID finding: this budget was not judged, and why."""
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=Status.INVALID,
        reason=f"{limit.key}: not judged: {because}",
        limit=limit.value,
    )


def skipped(limit: Limit, *, gate: str, because: str) -> Finding:
    """A MEASURED finding: this budget is none of this run's, and why."""
    return Finding(
        gate=gate,
        metric=limit.metric,
        status=Status.MEASURED,
        reason=f"{limit.key}: skipped, {because}",
        limit=limit.value,
    )
