"""In the worker: from an exported model and a recipe to a .tflite file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.check.inspection.layer_names import operators_in_floats, operators_named
from harness.pipeline.model.conversion.converter_errors import (
    describe_failure,
    loops_with_lists,
    operators_without_format,
)
from harness.pipeline.model.job import CALIBRATION, SAVED_MODEL, BuildJob
from harness.pipeline.recipes.number_formats import FLOAT32, MOST_CALIBRATED
from harness.pipeline.recipes.recipe import parse_recipe
from harness.pipeline.recipes.step import NumberFormat
from harness.records.errors import BuildError

_CONVERSIONS: Final = 4
"""TensorFlow's converter goes through operators in the order of their addresses: of an unrolled LSTM one conversion in
six left an operator in floats that the others made of integers."""


def convert(job: BuildJob, prepared: Path) -> None:
    """Write the .tflite file of a recipe to the job's output. Raises BuildError."""
    number_format = parse_recipe(job.recipe).number_format
    label = f"{job.model.label}/{job.recipe}"
    if number_format.calibrated and (loops := loops_with_lists(prepared / SAVED_MODEL)):
        raise BuildError(
            f"{label}: TensorFlow's converter cannot calibrate the loop of {_quote(loops)}: a recurrent layer of Keras "
            f"can be made with unroll=True; float16, dynamic_int8 and float32 take it as it is"
        )
    for _ in range(_CONVERSIONS):
        try:
            content = _convert(prepared, number_format, label=label)
        except (MemoryError, BuildError):
            raise
        except Exception as error:
            raise BuildError(f"{label}: {_reason(error, prepared, label=label)}") from error
        left = operators_in_floats(content) if number_format.whole else ""
        if not left:
            break
    if left:
        raise BuildError(
            f"{label}: TensorFlow Lite computes {left} with floats only, and {number_format.name} is integers "
            "throughout: replace it, or choose int8_float_io, which leaves it as it is"
        )
    Path(job.output).write_bytes(content)


def _quote(layers: Sequence[str]) -> str:
    return ("layer " if len(layers) == 1 else "layers ") + ", ".join(f'"{layer}"' for layer in layers)


def _convert(prepared: Path, number_format: NumberFormat, *, label: str) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(prepared / SAVED_MODEL))
    # tflite-runtime 2.14 knows per-channel Dense weights in no dynamic-range model.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    _configure(converter, number_format)
    if number_format.calibrated:
        converter.representative_dataset = lambda: _calibration(prepared, label)
    return bytes(converter.convert())


def _configure(converter: Any, number_format: NumberFormat) -> None:  # noqa: ANN401 - tensorflow is not typed
    """Set a TensorFlow Lite converter as a row of the table says."""
    import tensorflow as tf

    if number_format.optimized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if number_format.weights:
        converter.target_spec.supported_types = [getattr(tf, number_format.weights)]
    if number_format.operators:
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, number_format.operators)]
    if number_format.ports:
        converter.inference_input_type = converter.inference_output_type = getattr(tf, number_format.ports)


def _reason(error: Exception, prepared: Path, *, label: str) -> str:
    """Why a conversion failed; operators that lack a number format are looked up in the model as floats."""
    lacking = operators_without_format(error)
    if not lacking:
        return describe_failure(error)
    found = operators_named(_convert(prepared, FLOAT32, label=label), lacking) or ", ".join(lacking)
    return f"TensorFlow Lite has no such integer form of {found}: replace it, or choose another number format"


def _calibration(prepared: Path, label: str) -> Iterator[dict[str, Any]]:
    """One sample after another, each input a batch of one; spread over the whole part where it is large.

    Raises BuildError where there is none: the converter would take ranges of nothing without a word.
    """
    with np.load(prepared / CALIBRATION, allow_pickle=False) as parts:
        arrays = dict(parts)
    count = len(next(iter(arrays.values())))
    if not count:
        raise BuildError(f"{label}: its data set has no calibration data, which integer recipes need")
    for index in np.unique(np.linspace(0, count - 1, min(count, MOST_CALIBRATED)).astype(np.int64)):
        yield {name: array[index : index + 1] for name, array in arrays.items()}
