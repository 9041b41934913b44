"""The digits model with what surrounds it on a device: three stages, and their sum from scan to answer."""

from collections.abc import Callable

import pytest

from harness import Candidate, candidates

CANDIDATES = candidates("digits_cnn", recipes=["float32", "int8"], stages="digits_stages.py")


@pytest.mark.parametrize("candidate", CANDIDATES, ids=str)
@pytest.mark.budget(accuracy="97 %", end_to_end="20 ms")
def test_digits_from_scan_to_answer(bench: Callable[[Candidate], object], candidate: Candidate) -> None:
    bench(candidate)
