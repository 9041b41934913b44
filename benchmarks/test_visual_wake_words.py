"""MobileNetV1 0.25 at 96x96, a person detector's network on made-up data: what it costs as floats and as integers."""

from collections.abc import Callable

import pytest

from harness import Candidate, candidates


@pytest.mark.parametrize("candidate", candidates("vww_mobilenet_v1", recipes=["float32", "int8"]), ids=str)
@pytest.mark.budget(model_size="1 MB")
def test_visual_wake_words(bench: Callable[[Candidate], object], candidate: Candidate) -> None:
    bench(candidate)
