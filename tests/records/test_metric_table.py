"""What each metric says of itself, and the filters over the table."""

from dataclasses import dataclass, field

import pytest

from harness.records.metrics import METRICS, is_exact, main_metrics, metrics_of, percentiles


@dataclass(frozen=True)
class Told:
    """A latency trial's summary."""

    mean_s: float = 0.004
    quantiles: dict[str, float] = field(default_factory=lambda: {"p50": 1.0, "p90": 2.0, "p99": 3.0})
    first_inference_s: float | None = 0.5


def names(metrics) -> list[str]:
    return [metric.name for metric in metrics]


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("latency_p50", 1.0),
        ("latency_p90", 2.0),
        ("latency_p99", 3.0),
        ("latency_mean", 0.004),
        ("first_inference", 0.5),
        ("throughput", 250.0),
    ],
)
def test_a_metric_of_latency_trials_has_a_figure_of_its_summary(name: str, figure: float) -> None:
    assert METRICS[name].figure(Told()) == figure


def test_a_trial_that_does_not_tell_has_none() -> None:
    bare = Told(quantiles={}, first_inference_s=None)
    assert [METRICS[name].figure(bare) for name in ("latency_p50", "latency_p90", "first_inference")] == [None] * 3
    assert METRICS["model_memory"].figure(Told()) is None


ENERGY = ["energy_per_inference", "power_mean", "power_idle", "power_at_rate", "inferences_per_wh"]


def test_each_kind_of_trial_has_its_metrics() -> None:
    assert names(metrics_of("memory")) == [
        "init_time",
        "peak_memory",
        "model_memory",
        "load_peak_memory",
        "memory_mean",
    ]
    assert names(metrics_of("energy")) == ENERGY
    assert names(metrics_of("stages")) == ["preprocess", "inference", "postprocess", "end_to_end"]
    assert names(metrics_of(None)) == ["model_size", "accuracy"]
    assert names(metrics_of("latency")) == [
        "latency_p50",
        "latency_p90",
        "latency_p99",
        "latency_mean",
        "first_inference",
        "throughput",
        "delegated_operators",
        "delegated_macs",
    ]


def test_percentiles_are_named_among_a_summary_s_quantiles() -> None:
    assert [(metric.name, metric.quantile, metric.percentile) for metric in percentiles()] == [
        ("latency_p90", "p90", 0.9),
        ("latency_p99", "p99", 0.99),
    ]


def test_the_main_metrics_have_a_column() -> None:
    assert [metric.short for metric in main_metrics()] == ["p50", "p90", "peak memory", "size", "accuracy", "energy"]


LOADS = ["cold_load", "warm_load", "storage_read"]
EXACT = ["model_size", "accuracy", "delegated_operators", "delegated_macs"]


def test_how_a_figure_comes_again_says_how_it_is_judged() -> None:
    assert {name for name in METRICS if is_exact(name)} == {*EXACT}
    assert not is_exact("no metric")
    assert names(one for one in METRICS.values() if not one.by_chance) == EXACT
    others = names(one for one in METRICS.values() if not one.by_trials)
    assert sorted(others) == sorted([*EXACT, *ENERGY, *LOADS])
    assert names(one for one in METRICS.values() if one.by_windows) == ENERGY


def test_which_are_read_in_batches_followed_and_proposed() -> None:
    told = METRICS.values()
    assert names(one for one in told if one.batched) == ["latency_p50", "latency_mean", "throughput"]
    assert names(one for one in told if one.followed) == ["latency_p50", "peak_memory", "model_size", "accuracy"]
    assert names(one for one in told if one.proposed) == ["latency_p50", "model_memory", "model_size"]
    assert {one.name: one.least_margin for one in told if one.least_margin} == {"model_memory": 256_000}
    assert {one.name: one.step for one in told if one.step} == dict.fromkeys(
        ("peak_memory", "model_memory", "load_peak_memory", "memory_mean"), 4096
    )
    assert sorted(names(one for one in told if one.better == "higher")) == [
        "accuracy", "delegated_macs", "delegated_operators", "inferences_per_wh", "storage_read", "throughput",
    ]  # fmt: skip
