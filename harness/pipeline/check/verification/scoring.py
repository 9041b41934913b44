"""In a limited process: every labelled sample's score, side by side and yet always the same.

Samples are cut into slices of a fixed size, each run by an interpreter of its own, so that the number of threads
changes neither which samples share an interpreter nor any result. LiteRT lets other threads run while it computes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.verification.litert import Array, LiteRTModel, dequantize
from harness.pipeline.check.verification.samples import LABELS, Samples
from harness.records.artifact import TensorInfo

SLICE: Final = 256
RIGHT: Final = "right"
ERRORS: Final = "errors"
RULE: Final = "rule"
MOST_OUTPUT_BYTES: Final = 2**30
"""Of a whole test set, for the user's own metric."""


class NoScoreError(Exception):
    """What the model gives says nothing of the labels; the message says why."""


def score_all(path: str, samples: Samples, *, score: str, threads: int) -> dict[str, Array]:
    """``right``, whether each sample was told rightly, with the ``rule``; or ``errors``; and the ``labels``.

    top1: the first of the largest outputs is the class. One output tells class 1 from class 0, and where a sample has
    as many labels as the model has outputs, all of them must be right: an output counts as 1 from 0.5 on, or from 0
    on where any goes beyond 0..1, as logits do. auc: the mean of squared differences between output and input, both
    as floats, with ``labels`` (1: anomalous). Raises NoScoreError and RefusedError.
    """
    if samples.labels is None:
        raise NoScoreError("its samples have no labels")
    labels = samples.labels.astype(np.int64)
    judge = _judge_of(score, labels)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        parts = list(pool.map(lambda part: _slice(path, samples, part, judge), _slices(samples)))
    return _scores(np.concatenate(parts), labels, score)


def all_outputs(path: str, samples: Samples, *, threads: int) -> list[Array]:
    """Every sample's outputs, in the tensors' own types: an array an output, shape (samples, *tensor shape).

    Raises NoScoreError for more bytes than are kept and for shapes that change, and RefusedError.
    """
    first = _run_afresh(LiteRTModel(path), samples.sample(0))
    size = len(samples) * sum(output.nbytes for output in first)
    if size > MOST_OUTPUT_BYTES:
        raise NoScoreError(
            f"the outputs for {len(samples):,} samples are {size / 1e9:.3g} GB, and at most "
            f"{MOST_OUTPUT_BYTES / 1e9:.2g} GB are kept: give fewer samples"
        )
    found = [np.empty((len(samples), *output.shape), output.dtype) for output in first]

    def fill(part: range) -> None:
        model = LiteRTModel(path)
        for index in part:
            for kept, output in zip(found, _run_afresh(model, samples.sample(index)), strict=True):
                if output.shape != kept.shape[1:]:
                    raise NoScoreError("its outputs change their shape from sample to sample")
                kept[index] = output

    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(fill, _slices(samples)))
    return found


def _slices(samples: Samples) -> list[range]:
    return [range(start, min(start + SLICE, len(samples))) for start in range(0, len(samples), SLICE)]


class Tensors(Protocol):
    """What scoring asks of a model: how its inputs and outputs are quantised."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Its inputs."""

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Its outputs."""


@dataclass(frozen=True)
class _Told:
    """Of a model that ran elsewhere."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


Judge = Callable[[Tensors, Samples, int, list[Array]], Sequence[float]]


def score_outputs(
    outputs: Sequence[Array],
    samples: Samples,
    inputs: tuple[TensorInfo, ...],
    tensors: tuple[TensorInfo, ...],
    *,
    score: str,
) -> dict[str, Array]:
    """As ``score_all``, of outputs that are there: an array an output, samples first. Raises NoScoreError."""
    if samples.labels is None:
        raise NoScoreError("its samples have no labels")
    if len(outputs[0]) != len(samples):
        raise NoScoreError(f"there are outputs of {len(outputs[0])} samples, not of all {len(samples)}")
    labels = samples.labels.astype(np.int64)
    judge = _judge_of(score, labels)
    told = _Told(inputs, tensors)
    rows = [judge(told, samples, index, [one[index] for one in outputs]) for index in range(len(samples))]
    return _scores(np.array(rows, np.float64), labels, score)


def _judge_of(score: str, labels: Array) -> "Judge":
    return _reconstruction_error if score == "auc" else _values if labels.ndim == 2 else _class_or_value


def _scores(found: NDArray[np.float64], labels: Array, score: str) -> dict[str, Array]:
    if score == "auc":
        return {ERRORS: found[:, 0], LABELS: labels}
    right, rule = _score_right(found, labels)
    return {RIGHT: right, LABELS: labels, RULE: np.array(rule)}


def _slice(path: str, samples: Samples, part: range, judge: Judge) -> NDArray[np.float64]:
    model = LiteRTModel(path)
    rows = [judge(model, samples, index, _run_afresh(model, samples.sample(index))) for index in part]
    return np.array(rows, np.float64)


def _run_afresh(model: LiteRTModel, sample: list[Array]) -> list[Array]:
    """The outputs for a sample whose score is nothing that the one before it decides."""
    model.reset()
    return model.run(sample)


def _class_or_value(model: Tensors, samples: Samples, index: int, outputs: list[Array]) -> Sequence[float]:
    """The class, or what the one output gives, and whether it is a class."""
    if len(outputs) != 1:
        raise NoScoreError(f"the model has {len(outputs)} outputs, and which of them names the class is not known")
    if outputs[0].size > 1:
        return (float(outputs[0].argmax()), 1.0)
    if samples.labels is not None and not np.isin(samples.labels, (0, 1)).all():
        raise NoScoreError("its output is one number, and labels beyond 0 and 1 are no two classes")
    return (*_values(model, samples, index, outputs), 0.0)


def _values(model: Tensors, samples: Samples, _index: int, outputs: list[Array]) -> Sequence[float]:
    wanted = 1 if samples.labels is None or samples.labels.ndim == 1 else samples.labels.shape[1]
    if len(outputs) != 1 or outputs[0].size != wanted:
        raise NoScoreError(f"the model's outputs are not the {wanted} that samples have labels for")
    values = dequantize(outputs[0], model.outputs[0]).reshape(-1)
    if not np.isfinite(values).all():
        raise NoScoreError("its outputs are NaN or infinite")
    return values.tolist()


def _score_right(found: NDArray[np.float64], labels: Array) -> tuple[Array, str]:
    """Whether each sample was told rightly, and by which rule."""
    if labels.ndim == 1 and found[0, 1]:
        return found[:, 0] == labels, "top-1"
    values = found if labels.ndim == 2 else found[:, :1]
    logits = bool(values.min() < 0 or values.max() > 1)
    from_where = "0, of logits," if logits else "0.5"
    right = ((values >= (0.0 if logits else 0.5)) == labels.reshape(len(labels), -1)).all(axis=1)
    if labels.ndim == 1:
        return right, f"class 1 from {from_where} on"
    return right, f"all {labels.shape[1]} labels right, each given from {from_where} on"


def _reconstruction_error(model: Tensors, samples: Samples, index: int, outputs: list[Array]) -> Sequence[float]:
    given = samples.given[0][index] if samples.given else None
    if len(outputs) != 1 or given is None or outputs[0].shape != given.shape:
        raise NoScoreError("its output is no reconstruction of its input")
    error = float(np.mean((dequantize(outputs[0], model.outputs[0]) - dequantize(given, model.inputs[0])) ** 2))
    if not np.isfinite(error):
        raise NoScoreError(f"its reconstruction of sample {index} is NaN or infinite")
    return (error,)
