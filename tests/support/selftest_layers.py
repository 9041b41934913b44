"""The two networks of ``harness selftest --full``: equal layers, one more in the slower; no kernel rounds outputs."""

import numpy as np

from support.made_graphs import Graph, Made, Op, constant, model

_ROWS, _WIDTH = 16, 256
_STEP = 0.05


def permuting_layers(count: int) -> bytes:
    """So many dense layers in int8 with the same weights, which put each row's values into another order."""
    order = np.random.default_rng(0).permutation(_WIDTH)
    weights = np.zeros((_WIDTH, _WIDTH), np.int8)
    weights[np.arange(_WIDTH), order] = 127
    shapes = {f"x{number}": Made((_ROWS, _WIDTH), "int8", scales=[_STEP]) for number in range(count + 1)}
    layers = [Op("FULLY_CONNECTED", [f"x{at}", "w", ""], [f"x{at + 1}"]) for at in range(count)]
    return model(Graph({"w": constant(weights, scales=[1 / 127]), **shapes}, layers, ["x0"], [f"x{count}"]))
