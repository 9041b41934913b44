"""What the collected tests are going to measure, as far as their parameters tell."""

from collections.abc import Iterable, Mapping

import pytest

from harness.records.candidate import Candidate
from harness.store import PlannedBenchmark


def expected_candidates(items: Iterable[pytest.Item]) -> Mapping[str, tuple[Candidate, ...]]:
    """The candidates of each device, each once, in the order of the tests."""
    expected: dict[str, dict[Candidate, None]] = {}
    for item in items:
        if is_benchmark(item):
            expected.setdefault(device_of(item), {}).update(dict.fromkeys(candidates_of(item)))
    return {device: tuple(candidates) for device, candidates in expected.items()}


def is_benchmark(test: object) -> bool:
    """Whether a test (an item, or what pytest generates items from) asks for our ``bench``.

    A repository may have a fixture of that name itself; ours asks for ``harness_device``.
    """
    return {"bench", "harness_device"} <= {*getattr(test, "fixturenames", ())}


def planned_benchmarks(items: Iterable[pytest.Item]) -> tuple[PlannedBenchmark, ...]:
    """The benchmarks that are to be measured, each test once on its device."""
    benchmarks = (item for item in items if is_benchmark(item))
    return tuple(PlannedBenchmark(device=device_of(item), test=item.nodeid) for item in benchmarks)


def candidates_of(item: pytest.Item) -> list[Candidate]:
    """The candidates among a test's parameters."""
    return [value for value in parameters_of(item).values() if isinstance(value, Candidate)]


def device_of(item: pytest.Item) -> str:
    """The device that a benchmark runs on; empty where none was named."""
    return str(parameters_of(item).get("harness_device", ""))


def parameters_of(item: pytest.Item) -> Mapping[str, object]:
    """The values that a test was parametrized with, by name."""
    parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters
