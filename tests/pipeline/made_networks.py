"""Small networks with weights, as .tflite files and as numpy sees them: no TensorFlow, no training."""

from pathlib import Path
from typing import Any

import numpy as np
from support.made_graphs import Graph, Made, Op, constant, model

FEATURES, HIDDEN, CLASSES = 6, 8, 4


class Classifier:
    """input -> hidden (dense, ReLU) -> out (dense), with tensor names as the converter gives them.

    ``spread`` multiplies one hidden unit and divides what reads it: the same function, badly quantised.
    """

    def __init__(self, *, seed: int = 1, spread: float = 1.0, hidden: int = HIDDEN) -> None:
        rng = np.random.default_rng(seed)
        self.first = rng.normal(size=(hidden, FEATURES)).astype(np.float32)
        self.second = rng.normal(size=(CLASSES, hidden)).astype(np.float32)
        self.first[0] *= spread
        self.second[:, 0] /= spread

    def __call__(self, inputs: Any) -> Any:
        """Outputs, shape (n, 4), for inputs, shape (n, 6)."""
        return np.maximum(inputs @ self.first.T, 0) @ self.second.T

    def content(self) -> bytes:
        """The file, float32."""
        return self._file(constant(self.first), constant(self.second))

    def rounded_as_a_whole(self) -> bytes:
        """The file with weights in int8, one scale for each whole tensor, computed in floats while running."""
        return self._file(_whole(self.first), _whole(self.second))

    def _file(self, first: Made, second: Made) -> bytes:
        hidden = len(self.first)
        tensors = {
            "serving_default_x:0": Made((1, FEATURES)),
            "functional_1/hidden_1/MatMul": first,
            "functional_1/out_1/MatMul": second,
            "functional_1/hidden_1/MatMul;functional_1/hidden_1/BiasAdd": Made((1, hidden)),
            "functional_1/hidden_1/Relu": Made((1, hidden)),
            "StatefulPartitionedCall_1:0": Made((1, CLASSES)),
        }
        x, w1, w2, h, relu, y = tensors
        operators = [
            Op("FULLY_CONNECTED", [x, w1, ""], [h]),
            Op("RELU", [h], [relu]),
            Op("FULLY_CONNECTED", [relu, w2, ""], [y]),
        ]
        return model(Graph(tensors, operators, [x], [y]))


def samples_of(network: Classifier, path: Path, *, n: int = 300, noise: float = 0.3, seed: int = 2) -> Path:
    """An .npz of inputs with labels: what the network says of them, seen through noise."""
    rng = np.random.default_rng(seed)
    inputs = rng.random((n, FEATURES), dtype=np.float32)
    labels = network(inputs + rng.normal(size=inputs.shape) * noise).argmax(1)
    np.savez(path, i0=inputs, labels=labels)
    return path


class Autoencoder:
    """input -> 2 -> input, linear: it rebuilds what lies in its plane."""

    def __init__(self, *, seed: int = 3, off: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        plane, _ = np.linalg.qr(rng.normal(size=(FEATURES, 2)))
        self.encode = plane.T.astype(np.float32)
        self.decode = (plane + off * rng.normal(size=plane.shape)).astype(np.float32)

    def __call__(self, inputs: Any) -> Any:
        """Reconstructions, shape (n, 6)."""
        return inputs @ self.encode.T @ self.decode.T

    def content(self) -> bytes:
        """The file, float32."""
        tensors = {
            "x": Made((1, FEATURES)),
            "model/encode/MatMul": constant(self.encode),
            "model/decode/MatMul": constant(self.decode),
            "code": Made((1, 2)),
            "y": Made((1, FEATURES)),
        }
        operators = [
            Op("FULLY_CONNECTED", ["x", "model/encode/MatMul", ""], ["code"]),
            Op("FULLY_CONNECTED", ["code", "model/decode/MatMul", ""], ["y"]),
        ]
        return model(Graph(tensors, operators, ["x"], ["y"]))

    def samples(self, path: Path, *, n: int = 200, seed: int = 4) -> Path:
        """An .npz whose labels say which samples leave the plane."""
        rng = np.random.default_rng(seed)
        labels = rng.random(n) < 0.4
        inputs = rng.normal(size=(n, 2)) @ self.encode + rng.normal(size=(n, FEATURES)) * (0.2 + 0.25 * labels)[:, None]
        np.savez(path, i0=inputs.astype(np.float32), labels=labels.astype(np.int64))
        return path


def _whole(weights: Any) -> Made:
    scale = float(np.abs(weights).max() / 127)
    return constant(np.round(weights / scale).astype(np.int8), scales=[scale])
