"""A .tflite file quantised without its sources and without TensorFlow, by litert-quantizer in a limited process."""

import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.model.conversion.quantize_job import QuantizeAnswer, QuantizeJob
from harness.pipeline.model.conversion.quantize_rules import refuse_loops, refuse_quantised, refuse_unfinished
from harness.pipeline.recipes.recipe import parse_recipe
from harness.records.errors import BuildError

CALIBRATED: Final = frozenset({"int8", "int8_float_io", "int16x8"})
"""Number formats that need to see inputs."""
FORMATS: Final = ("float32", "float16", "dynamic_int8", *sorted(CALIBRATED))
_MADE_UP = 100
_MOST_SAMPLES = 500
_MAIN: Final = "harness.pipeline.model.conversion.quantize_process"
_WHO: Final = "the process that quantises it"
_LIMITS: Final = sandbox.Limits(deadline_s=600.0)


def quantize_file(  # noqa: PLR0913 - by keyword
    source: Path,
    recipe: str,
    output: Path,
    *,
    samples: Path | None,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Write ``source``, a float32 .tflite file, to ``output`` in the recipe's number format.

    ``samples`` (i0, i1... or an .npy file) calibrate integer formats; without, random inputs by ``seed`` do, which is
    said. Raises BuildError, in one line, for a file that is quantised already or cannot be quantised wholly.
    """
    number_format = _number_format(source, recipe)
    if number_format == "float32":
        shutil.copyfile(source, output)
        return
    if find_spec("litert_quantizer") is None:
        raise BuildError(
            "quantising a .tflite file needs litert-quantizer, which is not installed: "
            "pip install 'edge-harness[quantize]'"
        )
    refuse_quantised(source)
    if number_format in CALIBRATED:
        refuse_loops(source, number_format)
    if number_format in CALIBRATED and samples is None:
        say(f"calibrating with {_MADE_UP} random inputs in [0, 1), since no samples were given")
    with tempfile.TemporaryDirectory(prefix=".quantising-", dir=output.parent) as beside:
        made = Path(beside) / "model.tflite"
        job = QuantizeJob(
            source=str(source),
            number_format=number_format,
            output=str(made),
            samples=str(samples) if samples else None,
            made_up=_MADE_UP,
            most_samples=_MOST_SAMPLES,
            seed=seed,
        )
        _quantise(job, source)
        left = refuse_unfinished(made, source, number_format)
        if left is not None:
            say(left)
        made.replace(output)


def _number_format(source: Path, recipe: str) -> str:
    parsed = parse_recipe(recipe)
    training = parsed.model_steps()
    if training:
        raise BuildError(
            f"{source}: {training[0]} trains a model, and a .tflite file cannot be trained: "
            "give a factory as module:function, or a .keras file"
        )
    name = parsed.steps[-1].name
    if name not in FORMATS:
        raise BuildError(f"{source}: {name} is not made from a .tflite file: choose {', '.join(FORMATS)}")
    return name


def _quantise(job: QuantizeJob, source: Path) -> None:
    reply = sandbox.run(_MAIN, job, _LIMITS)
    answer = reply.first(QuantizeAnswer)
    if answer is None:
        raise BuildError(f"{source} cannot be made {job.number_format}: {reply.failure(_WHO)}")
    if answer.refused is not None:
        raise BuildError(f"{source} cannot be made {job.number_format}: {answer.refused}")
