"""A small CNN on scikit-learn's digits, in the four recipes: what each costs in accuracy, size and time."""

from collections.abc import Callable

import pytest

from harness import Candidate, candidates

RECIPES = ["float32", "float16", "dynamic_int8", "int8"]


@pytest.mark.parametrize("candidate", candidates("digits_cnn", recipes=RECIPES), ids=str)
@pytest.mark.budget(accuracy="97 %", model_size="40 kB")
def test_digits(bench: Callable[[Candidate], object], candidate: Candidate) -> None:
    bench(candidate)
