"""One limit on one metric: what must hold, and where it was written."""

from dataclasses import dataclass
from typing import Literal

from harness.records.metrics import METRICS, Metric
from harness.records.units import QuantityUnit, format_quantity

LimitKind = Literal["absolute", "regression", "accuracy_drop"]

ACCURACY_DROP = "accuracy_drop"
REGRESSION_SUFFIX = "_regression"


@dataclass(frozen=True)
class Limit:
    """A limit in the metric's SI base unit; a share (0.02 for 2 %) for regressions and accuracy drops.

    An absolute limit on a metric where higher is better is a floor; every other limit is a ceiling.
    ``origin`` says where it stands, e.g. 'benchmarks/budgets.toml [rpi4."x/int8"] latency_p50' or "marker".
    ``source`` "model" lets a modelled energy be judged; without it only a sensor's is.
    ``waiver`` says what the limit was before a waiver relaxed it, until when and why; None: not waived.
    ``expired`` names the waiver that relaxed it until its last day had passed; None: there was none.
    """

    metric: str
    kind: LimitKind
    value: float
    origin: str
    source: Literal["model"] | None = None
    waiver: str | None = None
    expired: str | None = None

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
        return self.kind == "absolute" and self.definition.better == "higher"

    @property
    def text(self) -> str:
        """The value with its unit, e.g. "4 ms"."""
        return format_quantity(self.value, unit_of(self.metric, self.kind))

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
