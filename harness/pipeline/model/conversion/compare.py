"""The exported model is loaded back and held against what it was made from, before anything is converted."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from harness.pipeline.model.conversion.exported import SERVING, Exported, Port
from harness.pipeline.model.training.foreign import one_line
from harness.records.errors import BuildError

Array = np.ndarray[Any, np.dtype[Any]]

COMPARED: Final = 4
"""Samples on which the two must agree."""
_MADE_UP: Final = "since no data was named: name real samples, such as its tokens, with data="
_TOLERANCE: Final = 1e-4
"""Largest difference allowed between floats, as a share of the largest output (at least of 1)."""
_COARSE: Final = ("float16", "bfloat16")
_STEPS: Final = 8
"""Or so many of the number format's own steps, where it is coarser (float16)."""


def compare(exported: Exported, samples: Mapping[str, Array], label: str, *, made_up: bool) -> None:
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
            raise BuildError(f"{label} cannot be run on {which}: {one_line(error)}") from error
        got = {name: value.numpy() for name, value in given.items()}
        if wanted.keys() != got.keys():
            raise BuildError(f"{label}: the exported model gives {_listed(got)}, where {_listed(wanted)} was expected")
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


def _listed(outputs: Mapping[str, object]) -> str:
    return ", ".join(sorted(outputs)) or "nothing"
