"""The vocabulary of metrics: name, unit, direction and how a number is obtained."""

from dataclasses import dataclass
from typing import Final, Literal

Better = Literal["lower", "higher"]
TrialKind = Literal["check", "latency", "memory", "energy", "stages"]
Unit = Literal["s", "B", "J", "W", "1/s", "1"]


@dataclass(frozen=True)
class Metric:
    """A metric's name, its SI base unit in files ("1" is a fraction), which way is better, and how it is obtained."""

    name: str
    unit: Unit
    better: Better
    title: str
    obtained: str


_ALL = (
    Metric("latency_p50", "s", "lower", "latency p50", "median over trials of each trial's median inference"),
    Metric(
        "latency_p90",
        "s",
        "lower",
        "latency p90",
        "median over trials of each trial's 90th percentile, clock read singly",
    ),
    Metric(
        "latency_p99",
        "s",
        "lower",
        "latency p99",
        "median over trials of each trial's 99th percentile, clock read singly",
    ),
    Metric("latency_mean", "s", "lower", "latency mean", "median over trials of each trial's mean inference"),
    Metric(
        "first_inference",
        "s",
        "lower",
        "first inference",
        "median over trials of the first invoke of a new interpreter",
    ),
    Metric("init_time", "s", "lower", "init time", "interpreter made and tensors allocated, in processes exec'd anew"),
    Metric(
        "preprocess",
        "s",
        "lower",
        "preprocess",
        "median over trials of each trial's median time from a raw sample to the model's inputs",
    ),
    Metric(
        "inference",
        "s",
        "lower",
        "inference",
        "median over trials of each trial's median invoke between the other two stages, caches as they leave them",
    ),
    Metric(
        "postprocess",
        "s",
        "lower",
        "postprocess",
        "median over trials of each trial's median time from the model's outputs to the answer",
    ),
    Metric(
        "end_to_end",
        "s",
        "lower",
        "end to end",
        "median over trials of each trial's median time from a raw sample to the answer, timed as a whole",
    ),
    Metric("throughput", "1/s", "higher", "throughput", "inferences per second of measuring, one after the other"),
    Metric("peak_memory", "B", "lower", "peak memory", "VmHWM of a process exec'd anew that ran the model"),
    Metric(
        "model_memory",
        "B",
        "lower",
        "model memory",
        "growth of VmHWM from before the model was loaded until after inference",
    ),
    Metric("model_size", "B", "lower", "model size", "bytes of the .tflite file"),
    Metric(
        "accuracy",
        "1",
        "higher",
        "accuracy",
        "share of the held-out test set classified rightly, by LiteRT on the host",
    ),
    Metric("energy_per_inference", "J", "lower", "energy per inference", "mean total power times mean latency"),
    Metric("power_mean", "W", "lower", "mean power", "mean total power while inferring"),
)

STAGE_METRICS: Final = ("preprocess", "inference", "postprocess", "end_to_end")
"""Of candidates with pre- and post-processing; other entries have no such measurements."""

SAMPLED: Final = (
    "latency_p50",
    "latency_p90",
    "latency_p99",
    "latency_mean",
    "first_inference",
    "throughput",
    "init_time",
    "peak_memory",
    "model_memory",
    *STAGE_METRICS,
)
"""Metrics of which every trial of a kind has a figure of its own: what a limit can ask of trials while they come."""
PERCENTILES: Final = {"latency_p90": 0.90, "latency_p99": 0.99}
"""Metrics that are percentiles of single inferences, and which."""
_OTHER_KINDS: dict[str, TrialKind] = {
    "peak_memory": "memory",
    "model_memory": "memory",
    "init_time": "memory",
    "energy_per_inference": "energy",
    "power_mean": "energy",
    **dict.fromkeys(STAGE_METRICS, "stages"),
}


def kind_of(metric: str) -> TrialKind:
    """The kind of trial that has a figure of a sampled metric."""
    return _OTHER_KINDS.get(metric, "latency")


METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
