"""What an exported model is, and the proof that it gives what the original gives, before anything is converted.

It has named inputs and outputs of known sizes. It is loaded back and held against what it was made from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.model.error_text import describe_exception
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]
SERVING = "serving_default"
"""The signature that is exported, and looked for first in a SavedModel of the user's."""
COMPARED: Final = 4
"""Samples on which the two must agree."""
_MADE_UP: Final = "since no data was named: name real samples, such as its tokens, with data="
_TOLERANCE: Final = 1e-4
"""Largest difference allowed between floats, as a share of the largest output (at least of 1)."""
_COARSE: Final = ("float16", "bfloat16")
_STEPS: Final = 8
"""Or so many of the number format's own steps, where it is coarser (float16)."""


@dataclass(frozen=True)
class Port:
    """One input or output of an exported model; ``shape`` has the batch of one in front, ``dtype`` is numpy's name."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    entries: int | None = None
    """Of an input of indices: how many entries the table has that it looks up in; None: not known."""

    @property
    def kind(self) -> str:
        """The letter numpy has for its kind of values: f i u b, or another for what cannot be computed with."""
        import numpy as np

        return "S" if self.dtype == "string" else np.dtype(self.dtype).kind


@dataclass(frozen=True)
class ExportedModel:
    """A SavedModel with a batch of one. ``original`` runs what it was made from: inputs by name to outputs by name.

    ``original_eps`` is the step at 1 of the numbers the original computes in, where they are coarser than its outputs.
    ``notes`` are sentences on what was changed.
    """

    folder: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    original: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    original_eps: float = 0.0
    notes: tuple[str, ...] = ()


def compare_with_original(exported: ExportedModel, samples: Mapping[str, Array], label: str, *, made_up: bool) -> None:
    """Run both on samples, one by one. Raises BuildError where they differ, or where an output is NaN or infinite.

    ``samples`` are arrays by input name with the sample as the first axis; the first ``COMPARED`` are used.
    """
    import tensorflow as tf

    serve = tf.saved_model.load(str(exported.folder)).signatures[SERVING]
    for index in range(min(COMPARED, len(next(iter(samples.values()))))):
        one = {name: array[index : index + 1] for name, array in samples.items()}
        try:
            wanted = exported.original(one)
            given = serve(**{name: tf.constant(array) for name, array in one.items()})
        except Exception as error:
            which = f"a sample that was made up for it, {_MADE_UP}" if made_up else f"sample {index} of its data"
            raise BuildError(f"{label} cannot be run on {which}: {describe_exception(error)}") from error
        got = {name: value.numpy() for name, value in given.items()}
        if wanted.keys() != got.keys():
            raise BuildError(
                f"{label}: the exported model gives {_list_names(got)}, where {_list_names(wanted)} was expected"
            )
        for port in exported.outputs:
            _compare_output(got[port.name], np.asarray(wanted[port.name]), port, label, exported.original_eps)


def _compare_output(got: Array, wanted: Array, port: Port, label: str, eps: float) -> None:
    name = port.name
    if eps and wanted.dtype.name in _COARSE:
        wanted = wanted.astype(port.dtype)
    if got.shape != wanted.shape or got.shape != port.shape or got.dtype != wanted.dtype:
        raise BuildError(
            f'{label}: output "{name}" of the exported model is {got.dtype} {got.shape}, '
            f"where {wanted.dtype} {port.shape} was expected"
        )
    if wanted.dtype.kind != "f":
        if not np.array_equal(got, wanted):
            raise BuildError(f'{label}: the exported model differs from the original in output "{name}"')
        return
    if not np.isfinite(wanted).all():
        raise BuildError(f'{label}: output "{name}" is NaN or infinite on its own data: train it anew')
    worst = float(np.max(np.abs(got.astype(np.float64) - wanted), initial=0.0))
    share = max(_TOLERANCE, _STEPS * eps, _STEPS * float(np.finfo(wanted.dtype).eps))
    if not worst <= share * max(1.0, float(np.max(np.abs(wanted), initial=0.0))):
        raise BuildError(f'{label}: the exported model differs from the original by {worst:.3g} in output "{name}"')


def _list_names(outputs: Mapping[str, object]) -> str:
    return ", ".join(sorted(outputs)) or "nothing"
