"""The four networks of MLPerf Tiny on made-up data, in seven recipes: what each recipe costs and gains on a board.

Training all of them takes minutes, so that `pytest benchmarks/` leaves them out: name this file, or say -m slow.
The integer files' limits, the sizes that MLPerf Tiny publishes, stand in budgets.toml.
"""

from collections.abc import Callable

import pytest

from harness import Candidate, candidates

NETWORKS = ["ic_resnet8", "kws_ds_cnn", "vww_mobilenet_v1", "ad_autoencoder"]
RECIPES = [
    "float32",
    "float16",
    "dynamic_int8",
    "int8",
    "int16x8",
    "prune(0.8)+int8",
    "distill(width=0.5)+int8",
]


@pytest.mark.slow
@pytest.mark.parametrize("candidate", candidates(*NETWORKS, recipes=RECIPES), ids=str)
@pytest.mark.budget(model_size="1.1 MB")
def test_mlperf_tiny(bench: Callable[[Candidate], object], candidate: Candidate) -> None:
    bench(candidate)
