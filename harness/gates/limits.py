"""One limit on one metric: its text in a marker or budgets.toml parsed, what must hold, and how near it stands."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from harness.records.errors import BudgetsError
from harness.records.metrics import METRICS, Metric
from harness.records.nearest import did_you_mean
from harness.records.units import QuantityError, QuantityUnit, format_quantity, parse_amount, parse_quantity

LimitKind = Literal["absolute", "regression", "accuracy_drop"]

ACCURACY = "accuracy"
ACCURACY_DROP = "accuracy_drop"
REGRESSION_SUFFIX = "_regression"
Rank = tuple[int, bool, int]
"""The greater stands nearer: nearness of the device, exact name before glob, literal characters of the glob."""


@dataclass(frozen=True)
class Limit:
    """A limit in the metric's SI base unit; a share (0.02 for 2 %) for regressions and accuracy drops.

    An absolute limit on a metric where higher is better is a floor; every other limit is a ceiling.
    ``origin`` says where it stands, e.g. 'benchmarks/budgets.toml [rpi4."x/int8"] latency_p50' or "marker".
    ``source`` "model" lets a modelled energy be judged; without it only a sensor's is.
    ``waiver`` says what the limit was before a waiver relaxed it, until when and why; None: not waived.
    ``expired`` names the waiver that relaxed it until its last day had passed; None: there was none.
    ``unit`` is that of a metric of the user's own where it is no fraction; ``ceiling`` marks a limit that was written
    as { max = ... } on a metric where higher is better: of a user's own less may be better.
    """

    metric: str
    kind: LimitKind
    value: float
    origin: str
    source: Literal["model"] | None = None
    waiver: str | None = None
    expired: str | None = None
    unit: str | None = None
    ceiling: bool = False

    @property
    def key(self) -> str:
        """The key as a budget writes it: "latency_p50", "latency_p50_regression", "accuracy_drop"."""
        if self.kind == "accuracy_drop":
            return ACCURACY_DROP
        return f"{self.metric}{REGRESSION_SUFFIX}" if self.kind == "regression" else self.metric

    @property
    def definition(self) -> Metric:
        """The metric this is a limit on."""
        return METRICS[self.metric]

    @property
    def is_floor(self) -> bool:
        """True where the value has to stay above the limit."""
        return self.kind == "absolute" and self.definition.better == "higher" and not self.ceiling

    @property
    def text(self) -> str:
        """The value with its unit, e.g. "4 ms"."""
        return format_quantity(self.value, self.unit or unit_of(self.metric, self.kind))

    @property
    def strictness(self) -> tuple[float, bool]:
        """Of two limits on one key the greater is the stricter; without a source beats with one."""
        return (self.value if self.is_floor else -self.value, self.source is None)


def unit_of(metric: str, kind: LimitKind) -> QuantityUnit:
    """The unit a limit of a kind is written in: points for what is lost of accuracy, a share for other regressions."""
    if kind == "accuracy_drop" or (kind == "regression" and metric == "accuracy"):
        return "pt"
    return "1" if kind == "regression" else METRICS[metric].unit


def stricter(first: Limit, second: Limit) -> Limit:
    """The limit that admits less; the first of two equal ones."""
    return second if second.strictness > first.strictness else first


def reading_order(limit: Limit) -> tuple[int, str, float, str]:
    """Sort key: metrics in the order of METRICS, so that verdicts do not depend on the order of writing."""
    return (list(METRICS).index(limit.metric), limit.kind, limit.value, limit.origin)


def parse_limit(key: str, value: object, *, origin: str) -> Limit:
    """The limit that ``key = value`` states.

    A value is text with a unit ("4 ms", "60 kB", "2 %", "1 pt"), or a table {max = "15 mJ", source = "model"},
    with min in place of max where higher is better. Of accuracy it may have a unit of the user's own ("30 dB"), and
    {max = ...} is a ceiling. Raises BudgetsError, one line, naming ``origin``.
    """
    metric, kind = _metric_and_kind(key, origin)
    text, source = _text_and_source(value, metric=metric, kind=kind, origin=origin)
    number, unit = _quantity(text, metric=metric, kind=kind, origin=origin)
    if number < 0:
        raise refusal(origin, f"{text!r} is negative; write a limit of zero or more")
    ceiling = metric == ACCURACY and kind == "absolute" and isinstance(value, Mapping) and "max" in value
    return Limit(metric=metric, kind=kind, value=number, origin=origin, source=source, unit=unit, ceiling=ceiling)


def parse_limits(table: Mapping[str, object], *, origin: str) -> tuple[Limit, ...]:
    """The limits of a whole table or marker; ``origin`` gets each key appended.

    Raises BudgetsError with every problem at once, in one line.
    """
    limits, problems = collect_limits(table, origin=origin)
    if problems:
        raise BudgetsError("; ".join(problems))
    return limits


def collect_limits(table: Mapping[str, object], *, origin: str) -> tuple[tuple[Limit, ...], list[str]]:
    """The limits that could be read, and one sentence for each that could not."""
    limits: list[Limit] = []
    problems: list[str] = []
    for key, value in table.items():
        try:
            limits.append(parse_limit(key, value, origin=f"{origin} {key}"))
        except BudgetsError as error:
            problems.append(str(error))
    return tuple(limits), problems


def refusal(place: str, why: str) -> BudgetsError:
    """A budget's error in one line, whatever the user's keys and values contain."""
    return BudgetsError(" ".join(f"{place}: {why}".split()))


def _keys() -> tuple[str, ...]:
    return (*METRICS, *(f"{name}{REGRESSION_SUFFIX}" for name in METRICS), ACCURACY_DROP)


def _metric_and_kind(key: str, origin: str) -> tuple[str, LimitKind]:
    if key == ACCURACY_DROP:
        return "accuracy", "accuracy_drop"
    if key in METRICS:
        return key, "absolute"
    metric = key.removesuffix(REGRESSION_SUFFIX)
    if metric != key and metric in METRICS:
        return metric, "regression"
    hint = did_you_mean(key, _keys(), before="; ") or f"; metrics are {', '.join(METRICS)}"
    raise refusal(origin, f"no metric is called {key!r}{hint}")


def _text_and_source(
    value: object, *, metric: str, kind: LimitKind, origin: str
) -> tuple[str, Literal["model"] | None]:
    """The quantity's text, and "model" where the table asks for it."""
    if isinstance(value, str):
        return value, None
    if not isinstance(value, Mapping):
        raise refusal(origin, f'{value!r} is no text with a unit; write it in quotes, like "4 ms" or "1 pt"')
    bound = "min" if kind == "absolute" and METRICS[metric].better == "higher" else "max"
    if metric == ACCURACY and "max" in value and "min" not in value:
        bound = "max"
    unknown = [str(name) for name in value if name not in (bound, "source")]
    if unknown or not isinstance(value.get(bound), str):
        found = f"unknown {unknown[0]!r}" if unknown else f"no text under {bound!r}"
        raise refusal(origin, f'{found} in the table; write {{ {bound} = "...", source = "model" }}')
    return str(value[bound]), _source(value, metric=metric, origin=origin)


def _source(value: Mapping[str, object], *, metric: str, origin: str) -> Literal["model"] | None:
    if "source" not in value:
        return None
    if value["source"] != "model":
        raise refusal(origin, f'source {value["source"]!r} is unknown; "model" is the only one')
    if METRICS[metric].kind != "energy":
        raise refusal(origin, "only energy and power come from a model; leave source out")
    return "model"


def _quantity(text: str, *, metric: str, kind: LimitKind, origin: str) -> tuple[float, str | None]:
    """The text's number in SI base units, or as a share where the limit is one; and a unit of the user's own."""
    try:
        return parse_quantity(text, unit_of(metric, kind)), None
    except QuantityError as error:
        if metric == ACCURACY:
            with suppress(QuantityError):
                return parse_amount(text)
        raise refusal(origin, str(error)) from error


def matches(pattern: str, candidate: str) -> bool:
    """Whether a glob, or a name that may look like one, means the candidate."""
    return pattern == candidate or fnmatchcase(candidate, pattern)


def rank(device: str, pattern: str, *, lineage: Sequence[str], candidate: str) -> Rank | None:
    """The rank of what is written for ``device`` and ``pattern``; None where it does not concern the candidate.

    The nearest device of the lineage wins, on it an exact name beats any glob, and of two globs the one with
    more literal characters.
    """
    if device not in lineage or not matches(pattern, candidate):
        return None
    literal = sum(character not in "*?" for character in pattern)
    return (-list(lineage).index(device), pattern == candidate, literal)
