"""synthetic: made-up samples in whatever shape a model takes, for architectures whose data is not here."""

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.pipeline.model.dataset import DataRequest, Dataset
from harness.records.errors import BuildError

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

REASON: Final = "synthetic: accuracy not claimed"
_PARTS: Final = (480, 100, 200)
_PARTS_LARGE: Final = (96, 32, 100)
"""Train, calibration, test; of samples above ``_LARGE`` values, a few hundred of which would fill the memory."""
_LARGE: Final = 50_000
_CELLS: Final = 4
"""A class' pattern has so many cells a side."""
_NOISE: Final = 0.08
_FACTORS: Final = 6
"""Dimensions of the manifold that normal samples lie on."""
_APART: Final = 0.8
"""How far anomalous samples lie off it, in standard deviations of a normal one's values."""


def load(wanted: DataRequest, *, seed: int) -> Dataset:
    """Samples in the shape the model wants, for score top1 in 0..1; the same for the same seed. Raises BuildError."""
    shape = wanted.shape
    if shape is None or not all(size > 0 for size in shape):
        raise BuildError("synthetic data is made in a model's shape, and this one has none: name real data")
    rng = np.random.default_rng(seed)
    parts = _PARTS_LARGE if prod(shape) > _LARGE else _PARTS
    return _anomalies(rng, shape, parts, seed) if wanted.score == "auc" else _classes(rng, wanted, parts, seed)


def _classes(rng: np.random.Generator, wanted: DataRequest, parts: tuple[int, ...], seed: int) -> Dataset:
    """Each class has a pattern of its own; its samples are the pattern at some brightness, with noise."""
    shape, classes = wanted.shape or (), wanted.classes
    if classes is None or classes < 2:
        raise BuildError(
            f"synthetic data is made for two classes or more, and this model has {classes}: name real data"
        )
    patterns = np.stack([_pattern(rng, shape) for _ in range(classes)])
    made = [_part(rng, patterns, count) for count in parts]
    (train, train_labels), (calibration, _), (test, test_labels) = made
    return Dataset(
        name=f"synthetic({seed})",
        calibration_inputs=calibration,
        test_inputs=test,
        test_labels=test_labels,
        train_inputs=train,
        train_labels=train_labels,
        accuracy_reason=REASON,
    )


def _pattern(rng: np.random.Generator, shape: tuple[int, ...]) -> "Array":
    """Flat cells of random brightness, in every channel; rows and columns are the first two axes."""
    cells = [min(_CELLS, size) for size in shape[:2]]
    pattern = rng.random((*cells, *shape[2:]), dtype=np.float32)
    for axis, (cell, size) in enumerate(zip(cells, shape[:2], strict=True)):
        pattern = np.take(pattern, np.arange(size) * cell // size, axis=axis)
    return pattern


def _part(rng: np.random.Generator, patterns: "Array", count: int) -> "tuple[Array, Array]":
    labels = rng.permutation(np.arange(count) % len(patterns)).astype(np.int64)
    around = (-1,) + (1,) * (patterns.ndim - 1)
    brightness = rng.uniform(0.8, 1.0, count).astype(np.float32).reshape(around)
    noise = _NOISE * rng.standard_normal((count, *patterns.shape[1:]), dtype=np.float32)
    return np.clip(patterns[labels] * brightness + noise, 0, 1), labels


def _anomalies(rng: np.random.Generator, shape: tuple[int, ...], parts: tuple[int, ...], seed: int) -> Dataset:
    """Normal samples lie on a curved manifold of few dimensions; half of the test part is off it."""
    values = prod(shape)
    mix, bend = (rng.standard_normal((_FACTORS, values), dtype=np.float32) for _ in range(2))

    def normal(count: int) -> "Array":
        factors = rng.standard_normal((count, _FACTORS), dtype=np.float32)
        on = (factors @ mix + np.tanh(factors) @ bend) / np.float32(np.sqrt(2 * _FACTORS))
        return on + _NOISE * rng.standard_normal((count, values), dtype=np.float32)

    train, calibration, test = (normal(count) for count in parts)
    labels = rng.permutation(np.arange(len(test)) % 2).astype(np.int64)
    off = _APART * rng.standard_normal(test.shape, dtype=np.float32)
    test += off * labels[:, np.newaxis].astype(np.float32)
    return Dataset(
        name=f"synthetic({seed})",
        calibration_inputs=calibration.reshape(-1, *shape),
        test_inputs=test.reshape(-1, *shape),
        test_labels=labels,
        train_inputs=train.reshape(-1, *shape),
        score="auc",
        accuracy_reason=REASON,
    )
