"""In the worker: from an exported model and a recipe to a .tflite file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.pipeline.building.jobs import CALIBRATION, SAVED_MODEL, BuildJob
from harness.pipeline.recipes import parse_recipe
from harness.pipeline.steps import STEPS, FormatStep
from harness.pipeline.steps.step import Conversion
from harness.pipeline.training.making import one_line
from harness.records.errors import BuildError


def convert(job: BuildJob, prepared: Path) -> None:
    """Write the .tflite file of a recipe to the job's output. Raises BuildError."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(prepared / SAVED_MODEL))
    # tflite-runtime 2.14 knows per-channel Dense weights in no dynamic-range model.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    conversion = Conversion(tf, converter, lambda: _calibration(prepared))
    for call in parse_recipe(job.recipe).steps:
        step = STEPS[call.name]
        if isinstance(step, FormatStep):
            step.configure(conversion)
    try:
        content = converter.convert()
    except Exception as error:
        raise BuildError(f"{job.model.label}/{job.recipe} cannot be converted: {one_line(error)}") from error
    Path(job.output).write_bytes(content)


def _calibration(prepared: Path) -> Iterator[dict[str, Any]]:
    """One sample after another, each input a batch of one."""
    with np.load(prepared / CALIBRATION, allow_pickle=False) as parts:
        arrays = dict(parts)
    for index in range(len(next(iter(arrays.values())))):
        yield {name: array[index : index + 1] for name, array in arrays.items()}
