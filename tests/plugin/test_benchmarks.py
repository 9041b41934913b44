"""What the collected tests are going to measure: by device, in order, each candidate once."""

from types import SimpleNamespace
from typing import Any

from harness.plugin.benchmarks import expected_candidates
from harness.records.candidate import Candidate

ONE, TWO = (Candidate(name, "zoo", name, "int8") for name in ("one", "two"))


def item(*fixtures: str, **parameters: object) -> Any:
    own = ("harness_device",) if "bench" in fixtures else ()
    return SimpleNamespace(fixturenames=(*fixtures, *own), callspec=SimpleNamespace(params=parameters))


def test_candidates_by_device_in_the_order_of_the_tests() -> None:
    items = [
        item("bench", harness_device="a", candidate=TWO),
        item("bench", harness_device="a", candidate=ONE, other=3),
        item("bench", harness_device="a", candidate=TWO),
        item("bench", harness_device="b", first=ONE, second=TWO),
    ]
    assert expected_candidates(items) == {"a": (TWO, ONE), "b": (ONE, TWO)}


def test_other_tests_are_not_benchmarks() -> None:
    doctest = SimpleNamespace(name="a doctest has neither fixtures nor parameters")
    assert expected_candidates([item("tmp_path", candidate=ONE), doctest]) == {}  # type: ignore[list-item]
    assert expected_candidates([item("bench", harness_device="a")]) == {"a": ()}
