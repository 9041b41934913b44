"""ResNet-8 on Fashion-MNIST: clothes told apart at 28x28, as floats and as integers.

The data is found where Debian's package dataset-fashion-mnist puts it, or downloaded into the cache.
"""

from collections.abc import Callable

import pytest

from harness import Candidate, candidates


@pytest.mark.slow
@pytest.mark.parametrize(
    "candidate", candidates("ic_resnet8(data=fashion_mnist)", recipes=["float32", "int8"]), ids=str
)
@pytest.mark.budget(accuracy="90 %", accuracy_drop="1 pt")
def test_fashion_mnist(bench: Callable[[Candidate], object], candidate: Candidate) -> None:
    bench(candidate)
