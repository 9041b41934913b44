"""In the worker: weights that matter least set to zero step by step, while the others are trained further.

The share of zeros rises along a cubic, 1 - (1 - t)^3 of what is wanted (M. Zhu and S. Gupta, "To prune, or not to
prune", arXiv:1710.01878, eq. 1), over the first two thirds of the training; the rest heals. Which weights go is told by
their magnitude against those of their own layer that are larger (J. Lee et al., "Layer-adaptive sparsity for the
magnitude-based pruning", arXiv:2010.07611, eq. 3): one ranking over all layers, in which small layers keep more.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.training.fit import fit
from harness.pipeline.model.training.step_trainer import LoadedModel, StepContext, StepOutcome
from harness.pipeline.recipes.prune import block_of, sparsity_of
from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

_RISING: Final = 2.0 / 3.0
_RATE_SHARE: Final = 0.5
"""Of the schedule's learning rate: the weights are trained already."""
_MASKS_A_TRAINING: Final = 100
"""New masks are chosen about so often."""


@dataclass
class _Kernels:
    """The kernels that are pruned, each with its mask of ones and zeros; blocks are (rows, columns)."""

    variables: list[Any]
    block: tuple[int, int]
    masks: list[Array]

    def choose(self, share: float) -> None:
        """New masks with this share of zeros over all kernels."""
        matrices = [_matrix(np.asarray(variable)) for variable in self.variables]
        squares = [_block_means(np.square(matrix), self.block) for matrix in matrices]
        scores = np.concatenate([_scores(means).ravel() for means in squares])
        order = np.argsort(scores, kind="stable")
        kept = np.ones(scores.size, dtype=bool)
        kept[order[: round(share * scores.size)]] = False
        parts = np.split(kept, np.cumsum([means.size for means in squares])[:-1])
        self.masks = [
            _spread(part.reshape(means.shape), matrix.shape, self.block, np.asarray(variable))
            for part, means, matrix, variable in zip(parts, squares, matrices, self.variables, strict=True)
        ]

    def apply(self) -> None:
        """Set to zero what the masks say."""
        for variable, mask in zip(self.variables, self.masks, strict=True):
            variable.assign(np.asarray(variable) * mask)

    @property
    def zeros(self) -> int:
        """Weights that are zero."""
        return sum(int(np.sum(mask == 0)) for mask in self.masks)

    @property
    def size(self) -> int:
        """All weights."""
        return sum(mask.size for mask in self.masks)


def architecture(context: StepContext, _call: Call) -> Any:  # noqa: ANN401 - keras is not typed
    """The model of the training before, whose weights are pruned."""
    return context.previous().model


def train(model: Any, context: StepContext, call: Call) -> StepOutcome:  # noqa: ANN401
    """Prune a trained model in place; the share holds over all kernels of convolutions and dense layers together.

    Biases and normalisations stay whole. Raises BuildError for a model without such layers, or without data.
    """
    made = context.previous()
    dataset = _dataset(made, context)
    kernels = _kernels(model, block_of(call), label=context.label)
    schedule = made.schedule
    training = fit(
        model,
        dataset,
        schedule,
        seed=context.seed,
        say=lambda message: context.say(f"pruning, {message}"),
        epochs=schedule.finetune_epochs,
        learning_rate=schedule.learning_rate * _RATE_SHARE,
        callbacks=[_callback(kernels, sparsity_of(call), steps=_steps(dataset, made))],
        keep_best=False,
    )
    note = f"{kernels.zeros} of {kernels.size} weights in {len(kernels.masks)} layers are zero; biases are left whole"
    return StepOutcome(training.model_copy(update={"what": str(call), "notes": (note, *training.notes)}))


def _dataset(made: LoadedModel, context: StepContext) -> Dataset:
    if made.dataset is None:
        raise BuildError(f"{context.label} trains the model further, and there is no data: {made.accuracy_reason}")
    return made.dataset


def _steps(dataset: Dataset, made: LoadedModel) -> int:
    """Steps of the whole training, as fit takes them."""
    learned = len(np.asarray(dataset.train_inputs)) * (1.0 - made.schedule.validation_share)
    return max(1, int(learned) // made.schedule.batch_size) * made.schedule.finetune_epochs


def _kernels(model: Any, block: tuple[int, int], *, label: str) -> _Kernels:  # noqa: ANN401
    import keras

    layers = keras.layers
    kinds = layers.Conv1D | layers.Conv2D | layers.DepthwiseConv1D | layers.DepthwiseConv2D | layers.Dense
    found = [layer.kernel for layer in model._flatten_layers() if isinstance(layer, kinds)]
    if not found:
        raise BuildError(f"{label}: the model has no convolution or dense layer to prune")
    return _Kernels(found, block, [np.ones(kernel.shape, dtype=np.float32) for kernel in found])


def _callback(kernels: _Kernels, sparsity: float, *, steps: int) -> Any:  # noqa: ANN401
    """Masks with more and more zeros while training goes on, applied after every step."""
    import keras

    every = max(1, steps // _MASKS_A_TRAINING)
    rise = max(1, round(steps * _RISING))
    done = 0

    def after(batch: int, logs: Any = None) -> None:  # noqa: ANN401
        nonlocal done
        done += 1
        if done == rise or (done < rise and done % every == 0):
            kernels.choose(sparsity * (1.0 - (1.0 - done / rise) ** 3))
        kernels.apply()

    return keras.callbacks.LambdaCallback(on_train_batch_end=after)


def _matrix(kernel: Array) -> Array:
    """A kernel as TensorFlow Lite has it: a row for each output."""
    return np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)


def _scores(squares: Array) -> Array:
    """Each square over the sum of those in its layer that are as large or larger."""
    order = np.argsort(squares, axis=None, kind="stable")
    ascending = squares.ravel()[order]
    remaining = np.cumsum(ascending[::-1])[::-1]
    scores = np.empty_like(ascending)
    scores[order] = ascending / np.maximum(remaining, np.finfo(ascending.dtype).tiny)
    return scores.reshape(squares.shape)


def _spread(kept: Array, shape: tuple[int, ...], block: tuple[int, int], kernel: Array) -> Array:
    """A mask in the kernel's shape from what is kept of its blocks."""
    whole = np.repeat(np.repeat(kept, block[0], axis=0), block[1], axis=1)[: shape[0], : shape[1]]
    mask = np.moveaxis(whole.reshape(kernel.shape[-1], *kernel.shape[:-1]), 0, -1)
    return mask.astype(kernel.dtype)


def _block_means(matrix: Array, block: tuple[int, int]) -> Array:
    """The mean of each block; blocks that stick out count what lies inside."""
    rows, columns = (-(-size // step) for size, step in zip(matrix.shape, block, strict=True))
    padded = np.full((rows * block[0], columns * block[1]), np.nan)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    means: Array = np.nanmean(padded.reshape(rows, block[0], columns, block[1]), axis=(1, 3))
    return means
