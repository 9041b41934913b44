"""Verdicts: what holds for all entries and limits."""

import json
from itertools import pairwise

from gates.judged_entries import entry, measured, verdict
from hypothesis import given
from hypothesis import strategies as st

from harness.gates.compare_interval import more_trials
from harness.gates.limits import Limit
from harness.records.entry import Entry
from harness.records.status import Status

seconds = st.floats(min_value=1e-6, max_value=10, allow_nan=False)


@st.composite
def intervals(draw):
    low, value, high = sorted(draw(st.lists(seconds, min_size=3, max_size=3)))
    return (value, low, high) if draw(st.booleans()) else (value, None, None)


@st.composite
def limits(draw):
    kind = draw(st.sampled_from(["absolute", "regression"]))
    metric = draw(st.sampled_from(["latency_p50", "throughput", "peak_memory", "model_size"]))
    return Limit(metric=metric, kind=kind, value=draw(seconds), origin=draw(st.sampled_from(["marker", "file"])))


@st.composite
def cases(draw):
    names = ["latency_p50", "throughput", "peak_memory", "model_size"]
    taken = [measured(name, *draw(intervals()), n=draw(st.integers(1, 50))) for name in names]
    base = [measured(name, *draw(intervals())) for name in names]
    return entry(*taken), base if draw(st.booleans()) else None


@given(case=cases(), one=limits(), values=st.lists(seconds, min_size=2, max_size=6))
def test_tightening_a_limit_never_improves_the_verdict(case, one, values):
    judged_entry, base = case
    loose_to_tight = sorted(
        (Limit(metric=one.metric, kind=one.kind, value=value, origin="marker") for value in values),
        key=lambda limit: limit.strictness,
    )

    severities = [verdict(judged_entry, limit, baseline=base).status.severity for limit in loose_to_tight]

    assert all(loose <= tight for loose, tight in pairwise(severities))


@given(case=cases(), data=st.data(), some=st.lists(limits(), max_size=6))
def test_the_order_of_limits_is_irrelevant(case, data, some):
    judged_entry, base = case

    shuffled = data.draw(st.permutations(some))

    assert verdict(judged_entry, *shuffled, baseline=base) == verdict(judged_entry, *some, baseline=base)


@given(case=cases(), some=st.lists(limits(), min_size=1, max_size=4), status=st.sampled_from(list(Status)))
def test_a_stored_entry_is_judged_again_to_the_same_verdict(case, some, status):
    judged_entry, base = case
    first = verdict(judged_entry.model_copy(update={"status": status}), *some, baseline=base)

    stored = Entry.model_validate_json(json.dumps(first.model_dump(mode="json")))

    assert verdict(stored, *some, baseline=base) == first


@given(n=st.integers(2, 100), half=st.floats(0.001, 1.0), distance=st.floats(0.0005, 1.0), above=st.booleans())
def test_the_trials_asked_for_would_shrink_the_interval_off_the_limit(n, half, distance, above):
    limit_at = 10 + distance if above else 10 - distance

    more = more_trials(10.0, 10 - half, 10 + half, limit=limit_at, n=n)

    assert more is not None
    assert half * (n / (n + more)) ** 0.5 <= distance * (1 + 1e-6)
