"""In a limited process: every labelled sample's score, side by side and yet always the same.

Samples are cut into slices of a fixed size, each run by an interpreter of its own, so that the number of threads
changes neither which samples share an interpreter nor any result. LiteRT lets other threads run while it computes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.verification.running import Array, Model, real
from harness.pipeline.verification.samples import LABELS, Samples

SLICE: Final = 256
RIGHT: Final = "right"
ERRORS: Final = "errors"


class NoScoreError(Exception):
    """What the model gives says nothing of the labels; the message says why."""


def score_all(path: str, samples: Samples, *, score: str, threads: int) -> dict[str, Array]:
    """``right``, whether each sample's top output is its label; or ``errors``, each sample's reconstruction error.

    top1: the first of the largest outputs counts. auc: the mean of squared differences between output and input,
    both as floats, with ``labels`` (1: anomalous). Raises NoScoreError and RefusedError.
    """
    if samples.labels is None:
        raise NoScoreError("its samples have no labels")
    judge = {"top1": _right, "auc": _reconstruction_error}[score]
    slices = [range(start, min(start + SLICE, len(samples))) for start in range(0, len(samples), SLICE)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        parts = list(pool.map(lambda part: _slice(path, samples, part, judge), slices))
    found = np.concatenate(parts)
    if score == "top1":
        return {RIGHT: found.astype(bool)}
    return {ERRORS: found, LABELS: samples.labels.astype(np.int64)}


Judge = Callable[[Model, Samples, int, list[Array]], float]


def _slice(path: str, samples: Samples, part: range, judge: Judge) -> NDArray[np.float64]:
    model = Model(path)
    return np.array([judge(model, samples, index, _alone(model, samples.sample(index))) for index in part])


def _alone(model: Model, sample: list[Array]) -> list[Array]:
    """The outputs for a sample whose score is nothing that the one before it decides."""
    model.reset()
    return model.run(sample)


def _right(_model: Model, samples: Samples, index: int, outputs: list[Array]) -> float:
    if len(outputs) != 1:
        raise NoScoreError(f"the model has {len(outputs)} outputs, and which of them names the class is not known")
    if outputs[0].size < 2:
        raise NoScoreError("its output is one number, which names no class")
    return float(int(outputs[0].argmax()) == int(_labels(samples)[index]))


def _reconstruction_error(model: Model, samples: Samples, index: int, outputs: list[Array]) -> float:
    given = samples.given[0][index] if samples.given else None
    if len(outputs) != 1 or given is None or outputs[0].shape != given.shape:
        raise NoScoreError("its output is no reconstruction of its input")
    error = float(np.mean((real(outputs[0], model.outputs[0]) - real(given, model.inputs[0])) ** 2))
    if not np.isfinite(error):
        raise NoScoreError(f"its reconstruction of sample {index} is NaN or infinite")
    return error


def _labels(samples: Samples) -> Any:  # noqa: ANN401 - an array, known to be there
    return samples.labels
