"""In the worker: weights of least magnitude set to zero step by step, while the others are trained further.

The share of zeros rises along a cubic, 1 - (1 - t)^3 of what is wanted (M. Zhu and S. Gupta, "To prune, or not to
prune", arXiv:1710.01878, eq. 1), over the first two thirds of the training; the rest heals.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from harness.pipeline.dataset import Dataset
from harness.pipeline.steps.step import Made, Subject
from harness.pipeline.training.fitting import fit
from harness.records.artifact import Training
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_RISING: Final = 2.0 / 3.0
_RATE_SHARE: Final = 0.5
"""Of the schedule's learning rate: the weights are trained already."""
_MASKS_A_TRAINING: Final = 100
"""New masks are chosen about so often."""
_MOST: Final = 0.99
"""Of a layer's weights."""


@dataclass
class _Pruned:
    """A kernel with its mask; ``share`` is the share of zeros it ends with."""

    variable: Any
    share: float
    block: tuple[int, int]
    mask: Array

    def choose(self, progress: float) -> None:
        """A new mask for the share of zeros that is due; ``progress`` 1 is the end of the rise."""
        due = self.share * (1.0 - (1.0 - min(progress, 1.0)) ** 3)
        weights = np.asarray(self.variable)
        self.mask = _mask(weights, due, self.block).astype(weights.dtype)

    def apply(self) -> None:
        """Set to zero what the mask says."""
        self.variable.assign(np.asarray(self.variable) * self.mask)


def prune(model: Any, subject: Subject, *, sparsity: float, block: tuple[int, int], what: str) -> Training:  # noqa: ANN401
    """Prune a trained model in place; the share holds over all kernels of convolutions and dense layers.

    Depthwise kernels are few and each weight of theirs serves a whole channel: they stay whole, and the others lose a
    little more in their place. Raises BuildError where the others cannot.
    """
    made = subject.previous()
    dataset = _dataset(made, subject)
    kernels = _kernels(model, sparsity, block, label=subject.label)
    schedule = made.schedule
    training = fit(
        model,
        dataset,
        schedule,
        seed=subject.seed,
        say=lambda message: subject.say(f"pruning, {message}"),
        epochs=schedule.finetune_epochs,
        learning_rate=schedule.learning_rate * _RATE_SHARE,
        callbacks=[_callback(kernels, steps=_steps(dataset, made))],
        keep_best=False,
    )
    zeros = sum(int(np.sum(kernel.mask == 0)) for kernel in kernels)
    whole = sum(kernel.mask.size for kernel in kernels)
    note = f"{zeros} of {whole} weights in {len(kernels)} layers are zero; depthwise kernels and biases are left whole"
    return training.model_copy(update={"what": what, "notes": (note, *training.notes)})


def _dataset(made: Made, subject: Subject) -> Dataset:
    if made.dataset is None:
        raise BuildError(f"{subject.label} trains the model further, and there is no data: {made.accuracy_reason}")
    return made.dataset


def _steps(dataset: Dataset, made: Made) -> int:
    """Steps of the whole training, as fit takes them."""
    learned = len(np.asarray(dataset.train_inputs)) * (1.0 - made.schedule.validation_share)
    return max(1, int(learned) // made.schedule.batch_size) * made.schedule.finetune_epochs


def _kernels(model: Any, sparsity: float, block: tuple[int, int], *, label: str) -> list[_Pruned]:  # noqa: ANN401
    import keras

    taken: list[Any] = []
    depthwise = 0
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D):
            depthwise += int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D | keras.layers.Dense):
            taken.append(layer.kernel)
    whole = sum(int(np.prod(kernel.shape)) for kernel in taken)
    if not whole:
        raise BuildError(f"{label}: the model has no convolution or dense layer to prune")
    share = sparsity * (whole + depthwise) / whole
    if share > _MOST:
        raise BuildError(
            f"{label}: a sparsity of {sparsity:g} cannot be had: {depthwise} of {whole + depthwise} weights are in "
            f"depthwise kernels, which stay whole; at most {_MOST * whole / (whole + depthwise):.2f} can"
        )
    return [_Pruned(kernel, share, block, np.ones(kernel.shape)) for kernel in taken]


def _callback(kernels: list[_Pruned], *, steps: int) -> Any:  # noqa: ANN401
    """Masks that grow while training goes on, applied after every step."""
    import keras

    every = max(1, steps // _MASKS_A_TRAINING)
    rise = max(1.0, steps * _RISING)
    done = 0

    def after(batch: int, logs: Any = None) -> None:  # noqa: ANN401
        nonlocal done
        done += 1
        for kernel in kernels:
            if done <= rise + every and (done % every == 0 or done >= rise):
                kernel.choose(done / rise)
            kernel.apply()

    def at_the_end(logs: Any = None) -> None:  # noqa: ANN401
        for kernel in kernels:
            if done < rise:
                kernel.choose(1.0)
            kernel.apply()

    return keras.callbacks.LambdaCallback(on_train_batch_end=after, on_train_end=at_the_end)


def _mask(weights: Array, share: float, block: tuple[int, int]) -> Array:
    """Ones and zeros in the kernel's shape: zero where blocks have the least mean magnitude."""
    matrix = np.abs(np.moveaxis(weights, -1, 0).reshape(weights.shape[-1], -1))
    magnitudes = _block_means(matrix, block)
    zeros = round(share * magnitudes.size)
    order = np.argsort(magnitudes, axis=None, kind="stable")
    kept = np.ones(magnitudes.size, dtype=bool)
    kept[order[:zeros]] = False
    spread = np.repeat(np.repeat(kept.reshape(magnitudes.shape), block[0], axis=0), block[1], axis=1)
    spread = spread[: matrix.shape[0], : matrix.shape[1]]
    return np.moveaxis(spread.reshape(weights.shape[-1], *weights.shape[:-1]), 0, -1)


def _block_means(matrix: Array, block: tuple[int, int]) -> Array:
    """The mean of each block; blocks that stick out count what lies inside."""
    rows, columns = (-(-size // step) for size, step in zip(matrix.shape, block, strict=True))
    padded = np.full((rows * block[0], columns * block[1]), np.nan)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    means: Array = np.nanmean(padded.reshape(rows, block[0], columns, block[1]), axis=(1, 3))
    return means
