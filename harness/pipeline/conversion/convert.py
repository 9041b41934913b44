"""In the worker: from an exported model and a recipe to a .tflite file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.building.jobs import CALIBRATION, SAVED_MODEL, BuildJob
from harness.pipeline.conversion.converter_words import why_not_converted
from harness.pipeline.recipes import parse_recipe
from harness.pipeline.steps import STEPS, FormatStep
from harness.pipeline.steps.step import Conversion
from harness.records.errors import BuildError

MOST_CALIBRATED: Final = 500
"""Samples that set the ranges of integer recipes: more of them moved no range in trials, and cost time."""


def convert(job: BuildJob, prepared: Path) -> None:
    """Write the .tflite file of a recipe to the job's output. Raises BuildError."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(prepared / SAVED_MODEL))
    # tflite-runtime 2.14 knows per-channel Dense weights in no dynamic-range model.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    conversion = Conversion(tf, converter, lambda: _calibration(prepared, f"{job.model.label}/{job.recipe}"))
    for call in parse_recipe(job.recipe).steps:
        step = STEPS[call.name]
        if isinstance(step, FormatStep):
            step.configure(conversion)
    try:
        content = converter.convert()
    except (MemoryError, BuildError):
        raise
    except Exception as error:
        raise BuildError(f"{job.model.label}/{job.recipe}: {why_not_converted(error)}") from error
    Path(job.output).write_bytes(content)


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
