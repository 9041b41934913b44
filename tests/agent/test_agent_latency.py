"""How many inferences a clock read takes, and when measuring ends. No clock is judged here, only counts."""

import gc

from edge_agent import latency_trial, timing
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000


@given(st.integers(0, 10 * SECOND), st.integers(0, 1000 * SECOND))
def test_reads_are_few_enough_to_keep(single_ns: int, min_ns: int) -> None:
    batch = timing.batch_for(single_ns, min_ns)
    assert batch >= 1
    assert min_ns // max(batch * single_ns, 1) <= timing.MOST_READS or single_ns == 0


def test_slow_models_are_read_singly() -> None:
    assert timing.batch_for(timing.BATCH_BELOW_NS, SECOND) == 1
    assert timing.batch_for(1_000, SECOND // 10) == timing.SPAN_NS // 1_000


def test_both_minima_are_reached() -> None:
    calls = []
    timings = latency_trial.measure(
        lambda: calls.append(1), SECOND, timing.RunLimits(37, 0, SECOND), latency_trial.Between()
    )
    assert (timings.batch, timings.inferences, len(calls)) == (1, 37, 37)
    assert len(timings.samples_ns) == 37
    assert timings.singles_ns == []


def test_the_maximum_ends_it() -> None:
    timings = latency_trial.measure(lambda: None, SECOND, timing.RunLimits(10**9, 0, 0), latency_trial.Between())
    assert timings.inferences == 1


def test_batched_reads_are_followed_by_single_ones() -> None:
    timings = latency_trial.measure(lambda: None, 10_000, timing.RunLimits(5, 0, SECOND), latency_trial.Between())
    assert timings.batch == 10
    assert len(timings.singles_ns) == latency_trial.LEAST_SINGLES
    assert timings.inferences == 10 * len(timings.samples_ns) + len(timings.singles_ns)


def test_too_many_reads_are_added_up_and_none_is_dropped() -> None:
    runs = 3 * timing.MOST_READS
    # The model was taken for slow and is quick: reads come one by one, far more than can be kept.
    timings = latency_trial.measure(
        lambda: None, SECOND, timing.RunLimits(runs, 0, 60 * SECOND), latency_trial.Between()
    )
    assert len(timings.samples_ns) <= timing.MOST_READS
    assert timings.batch > 1
    assert timings.batch * len(timings.samples_ns) + len(timings.singles_ns) == timings.inferences
    assert timings.inferences >= runs
    assert timings.singles_ns


def test_the_next_sample_is_fed_between_reads() -> None:
    fed: list[int] = []
    latency_trial.measure(
        lambda: None, SECOND, timing.RunLimits(5, 0, SECOND), latency_trial.Between(lambda: fed.append(1))
    )
    assert len(fed) == 4


def test_the_collector_rests_meanwhile_and_goes_on_afterwards() -> None:
    seen: list[bool] = []
    latency_trial.measure(
        lambda: seen.append(gc.isenabled()), SECOND, timing.RunLimits(2, 0, SECOND), latency_trial.Between()
    )
    assert seen == [False, False]
    assert gc.isenabled()


def test_warm_up_runs_as_often_as_asked() -> None:
    calls: list[int] = []
    timing.warm_up(lambda: calls.append(1), 7, SECOND)
    # A quick model is run some more, to tell how quick.
    assert len(calls) == 7 + 20


def test_the_clock_costs_something_whole() -> None:
    assert isinstance(latency_trial.clock_cost_ns(), int)
