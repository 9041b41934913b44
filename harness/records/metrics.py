"""The vocabulary of metrics: one table, in which each metric says all that rooms need to know of it.

What a room asks of metrics in general is a filter over ``METRICS``, asked when it is needed and never kept as a list
beside it. So a metric made of what ``LatencySummary`` tells is added by one entry here: it is measured, may be limited
by a budget, is judged and shown. A further datum of latency trials goes into ``LatencySummary`` and what is made for
it, in ``harness.measure.trial_summary`` and ``harness.measure.arm_metrics``. A figure of memory is in the former too,
of an artifact in the latter, of energy in ``harness.measure.energy``; one of a stage is a field NAME_ns of
``harness.records.board.StageTimes``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Better = Literal["lower", "higher"]
TrialKind = Literal[
    "check", "latency", "memory", "energy", "stages", "slices", "operators", "cross_check", "test_set", "load"
]
Unit = Literal["s", "B", "J", "W", "1/s", "B/s", "1/Wh", "1"]
Repeats = Literal["varies", "identical", "windows", "once", "exact"]
"""How a figure comes again when it is measured again.

- varies: from trial to trial, so that it is judged by an interval, block by block.
- identical: to the byte in most runs, so that one process is enough where there is no interval.
- windows: from one window of a power sensor to the next, which have a time of their own after all other trials and
  are judged pair by pair; of a model, from trial to trial, judged in one look when measuring has ended.
- once: from trial to trial too, but known only when measuring has ended: judged in one look at all trials.
- exact: not sampled; a file has one size, and a test set is classified the same way each time.
"""


class LatencySummary(Protocol):
    """What a latency trial's summary tells a metric: seconds of one inference."""

    @property
    def mean_s(self) -> float:
        """The mean."""

    @property
    def quantiles(self) -> Mapping[str, float]:
        """By name, "p50" among them; those of single clock reads where the trial has enough of them."""

    @property
    def first_inference_s(self) -> float | None:
        """The first invoke of a new interpreter, None where the trial does not tell."""


@dataclass(frozen=True)
class Metric:
    """One metric. ``unit`` is its SI base unit in files ("1" is a fraction), ``better`` says which way is better."""

    name: str
    unit: Unit
    better: Better
    title: str
    """As people read it, e.g. "latency p50"."""
    obtained: str
    """How it is obtained, for the report."""
    kind: TrialKind | None = "latency"
    """The kind of trial that has a figure of it; None: it is the artifact's, and known without a trial."""
    repeats: Repeats = "varies"
    percentile: float | None = None
    """Of a percentile of single inferences: which, e.g. 0.90. It is claimed only where enough single reads tell it."""
    of_summary: Callable[[LatencySummary], float | None] = lambda _: None
    """Of a latency metric that is no percentile: its figure, from a trial's summary."""
    batched: bool = False
    """Whether its reads may be of several inferences at a time, where one is too short for the clock."""
    short: str = ""
    """The heading of its column in the tables that show the main metrics; empty: it is none of them."""
    followed: bool = False
    """Whether every results file keeps its way through earlier runs; of other metrics those that a budget limits."""
    proposed: bool = False
    """Whether ``harness budgets propose`` writes a limit on it unless asked for others."""
    step: float = 0.0
    """What its instrument counts in, in the metric's unit, where that is known: of memory a page."""
    least_margin: float = 0.0
    """The least that a proposed limit leaves beside the figure: what processes differ by, however small it is."""

    @property
    def by_trials(self) -> bool:
        """Whether each trial of its kind has a figure of its own while measuring goes on, which may answer a limit."""
        return self.repeats in ("varies", "identical")

    @property
    def by_windows(self) -> bool:
        """Whether a power sensor's windows have figures of it, which answer a limit in a time of their own."""
        return self.repeats == "windows"

    @property
    def by_chance(self) -> bool:
        """Whether chance has a part in its figure, so that a limit on it takes a share of alpha."""
        return self.repeats != "exact"

    @property
    def quantile(self) -> str:
        """Of a percentile: its name among a summary's quantiles, e.g. "p90"."""
        return f"p{100 * (self.percentile or 0.0):g}"

    def figure(self, summary: LatencySummary) -> float | None:
        """A latency trial's own figure in the SI base unit; None where the trial has none."""
        return self.of_summary(summary) if self.percentile is None else summary.quantiles.get(self.quantile)


_CHANGE_WORDS: Final[Mapping[Unit, tuple[str, str]]] = {
    "s": ("slower", "faster"),
    "B": ("larger", "smaller"),
    "1/s": ("faster", "slower"),
    "B/s": ("faster", "slower"),
}
_MORE_OR_LESS: Final = ("more", "less")


def change_word(name: str, *, more: bool) -> str:
    """What a metric is called that is more, or less, than it was: "slower", "smaller", "less"."""
    words = _CHANGE_WORDS.get(METRICS[name].unit, _MORE_OR_LESS) if name in METRICS else _MORE_OR_LESS
    return words[0] if more else words[1]


ESTIMATES: Final = {1: "median over trials", 2: "geometric mean over trials"}
"""What a figure is of those of trials, by the estimator of its run. Figures of two are no series."""
ESTIMATOR: Final = 2
"""The one of today: the figure that is shown is the one that is judged."""

_PAGE: Final = 4096.0
"""Bytes in which the kernel counts a process' memory, on every board we know of the smallest page."""

_ALL = (
    Metric(
        "latency_p50",
        "s",
        "lower",
        "latency p50",
        "geometric mean over trials of each trial's median inference",
        of_summary=lambda trial: trial.quantiles.get("p50"),
        batched=True,
        short="p50",
        followed=True,
        proposed=True,
    ),
    Metric(
        "latency_p90",
        "s",
        "lower",
        "latency p90",
        "geometric mean over trials of each trial's 90th percentile, clock read singly",
        percentile=0.90,
        short="p90",
    ),
    Metric(
        "latency_p99",
        "s",
        "lower",
        "latency p99",
        "geometric mean over trials of each trial's 99th percentile, clock read singly",
        percentile=0.99,
    ),
    Metric(
        "latency_mean",
        "s",
        "lower",
        "latency mean",
        "geometric mean over trials of each trial's mean inference",
        of_summary=lambda trial: trial.mean_s,
        batched=True,
    ),
    Metric(
        "first_inference",
        "s",
        "lower",
        "first inference",
        "geometric mean over trials of the first invoke of a new interpreter",
        of_summary=lambda trial: trial.first_inference_s,
    ),
    Metric(
        "init_time",
        "s",
        "lower",
        "init time",
        "geometric mean over processes exec'd anew of the time to make an interpreter and allocate tensors",
        kind="memory",
    ),
    Metric(
        "cold_load",
        "s",
        "lower",
        "cold load",
        "geometric mean over processes of the time from an imported runtime to the end of the first inference, the "
        "model's file read from the store's medium",
        kind="load",
        repeats="once",
    ),
    Metric(
        "warm_load",
        "s",
        "lower",
        "warm load",
        "geometric mean over processes of the time from an imported runtime to the end of the first inference, the "
        "model's file in memory",
        kind="load",
        repeats="once",
    ),
    Metric(
        "storage_read",
        "B/s",
        "higher",
        "storage read rate",
        "geometric mean over processes of the rate at which 8.4 MB of the store's medium are read from begin to end",
        kind="load",
        repeats="once",
    ),
    Metric(
        "preprocess",
        "s",
        "lower",
        "preprocess",
        "geometric mean over trials of each trial's median time from a raw sample to the model's inputs",
        kind="stages",
    ),
    Metric(
        "inference",
        "s",
        "lower",
        "inference",
        "geometric mean over trials of each trial's median invoke between the other stages, caches as they leave them",
        kind="stages",
    ),
    Metric(
        "postprocess",
        "s",
        "lower",
        "postprocess",
        "geometric mean over trials of each trial's median time from the model's outputs to the answer",
        kind="stages",
    ),
    Metric(
        "end_to_end",
        "s",
        "lower",
        "end to end",
        "geometric mean over trials of each trial's median time from a raw sample to the answer, timed as a whole",
        kind="stages",
    ),
    Metric(
        "throughput",
        "1/s",
        "higher",
        "throughput",
        "geometric mean over trials of inferences per second of measuring, one after the other, without copying inputs",
        of_summary=lambda trial: 1.0 / trial.mean_s,
        batched=True,
    ),
    Metric(
        "peak_memory",
        "B",
        "lower",
        "peak memory",
        "geometric mean over processes exec'd anew that ran the model of their VmHWM",
        kind="memory",
        repeats="identical",
        step=_PAGE,
        short="peak memory",
        followed=True,
    ),
    Metric(
        "model_memory",
        "B",
        "lower",
        "model memory",
        "geometric mean over processes of the growth of VmHWM from before the model was loaded until after inference, "
        "free heap of imports given back first",
        kind="memory",
        repeats="identical",
        step=_PAGE,
        # Not of peak_memory, most of which is Python and numpy: it hides what a model grows by.
        proposed=True,
        least_margin=256e3,
    ),
    Metric(
        "load_peak_memory",
        "B",
        "lower",
        "peak memory while loading",
        "geometric mean over processes exec'd anew of their VmHWM when the tensors are allocated and nothing has run",
        kind="memory",
        repeats="identical",
        step=_PAGE,
    ),
    Metric(
        "memory_mean",
        "B",
        "lower",
        "mean memory",
        "geometric mean over processes exec'd anew of the mean of VmRSS, read after each of some inferences",
        kind="memory",
        repeats="identical",
        step=_PAGE,
    ),
    Metric(
        "model_size",
        "B",
        "lower",
        "model size",
        "bytes of the .tflite file",
        kind=None,
        repeats="exact",
        short="size",
        followed=True,
        proposed=True,
    ),
    Metric(
        "accuracy",
        "1",
        "higher",
        "accuracy",
        "share of the held-out test set classified rightly, by LiteRT on the host",
        kind=None,
        repeats="exact",
        short="accuracy",
        followed=True,
    ),
    Metric(
        "delegated_operators",
        "1",
        "higher",
        "delegated operators",
        "share of the operators of the file that a delegate took, as the board's runtime lists them",
        repeats="exact",
    ),
    Metric(
        "delegated_macs",
        "1",
        "higher",
        "delegated MACs",
        "share of the file's multiply-accumulates that are in operators which a delegate took",
        repeats="exact",
    ),
    Metric(
        "energy_per_inference",
        "J",
        "lower",
        "energy per inference",
        "geometric mean over a sensor's windows of joules by inferences, idle power in it; of a model over trials",
        kind="energy",
        repeats="windows",
        short="energy",
    ),
    Metric(
        "power_mean",
        "W",
        "lower",
        "mean power",
        "geometric mean over a sensor's windows, or a model's trials, of total power while inferring without a pause",
        kind="energy",
        repeats="windows",
    ),
    Metric(
        "power_idle",
        "W",
        "lower",
        "idle power",
        "geometric mean over windows before the inferences, the model loaded, nothing running",
        kind="energy",
        repeats="windows",
    ),
    Metric(
        "power_at_rate",
        "W",
        "lower",
        "power at the rate",
        "idle power, and above it for the share of time that inferences take at --rate",
        kind="energy",
        repeats="windows",
    ),
    Metric(
        "inferences_per_wh",
        "1/Wh",
        "higher",
        "inferences per watt-hour",
        "3600 J by the energy of an inference, idle power in it",
        kind="energy",
        repeats="windows",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def metrics_of(kind: TrialKind | None) -> tuple[Metric, ...]:
    """The metrics that trials of a kind have figures of, in the order of the table; with None those of the artifact."""
    return tuple(metric for metric in METRICS.values() if metric.kind == kind)


def percentiles() -> tuple[Metric, ...]:
    """The percentiles of single inferences, in the order of the table."""
    return tuple(metric for metric in METRICS.values() if metric.percentile is not None)


def main_metrics() -> tuple[Metric, ...]:
    """Those that tables give a column, in the order of the table."""
    return tuple(metric for metric in METRICS.values() if metric.short)


def is_exact(name: str) -> bool:
    """Whether a metric is not sampled, so that any difference is one; False for a name that is no metric here."""
    return name in METRICS and METRICS[name].repeats == "exact"
