"""A .tflite file quantised without its sources and without TensorFlow, by litert-quantizer in a limited process.

What a file must be before it is quantised, and what it must have become, is read without running it.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.flatbuffer import DamagedError, root
from harness.pipeline.check.inspection.graph import Graph, Tensor, read_graphs
from harness.pipeline.check.inspection.layer_names import operators_named
from harness.pipeline.recipes.number_formats import FLOAT32, MOST_CALIBRATED
from harness.pipeline.recipes.recipe import parse_recipe
from harness.pipeline.recipes.step import NumberFormat
from harness.records.base import Record
from harness.records.errors import BuildError, ModelFileError

_BETWEEN_TYPES: Final = frozenset({"QUANTIZE", "DEQUANTIZE"})
_CALLING: Final = frozenset({"WHILE", "IF"})
_FLOATS: Final = frozenset({"float32", "float64"})
_MADE_UP = 100
_MAIN: Final = "harness.pipeline.model.conversion.quantize_main"
_WHO: Final = "the process that quantises it"
_LIMITS: Final = sandbox.ProcessLimits(deadline_s=600.0)


class QuantizeJob(Record):
    """A float32 model file, the number format wanted, and what it is calibrated with."""

    source: str
    number_format: str
    output: str
    samples: str | None
    """npz with i0, i1..., or an .npy file; None: ``made_up`` random inputs by ``seed``."""
    made_up: int
    most_samples: int
    seed: int


class QuantizeAnswer(Record):
    """Done, or in one line why not."""

    refused: str | None = None


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
    if number_format is FLOAT32:
        shutil.copyfile(source, output)
        return
    if find_spec("litert_quantizer") is None:
        raise BuildError(
            "quantising a .tflite file needs litert-quantizer, which is not installed: "
            "pip install 'edge-harness[quantize]'"
        )
    refuse_quantised(source)
    if number_format.calibrated:
        refuse_loops(source, number_format.name)
    if number_format.calibrated and samples is None:
        say(f"calibrating with {_MADE_UP} random inputs in [0, 1), since no samples were given")
    with tempfile.TemporaryDirectory(prefix=".quantising-", dir=output.parent) as beside:
        made = Path(beside) / "model.tflite"
        job = QuantizeJob(
            source=str(source),
            number_format=number_format.name,
            output=str(made),
            samples=str(samples) if samples else None,
            made_up=_MADE_UP,
            most_samples=MOST_CALIBRATED,
            seed=seed,
        )
        _quantize(job, source)
        left = refuse_unfinished(made, source, number_format)
        if left is not None:
            say(left)
        made.replace(output)


def _number_format(source: Path, recipe: str) -> NumberFormat:
    parsed = parse_recipe(recipe)
    training = parsed.model_steps()
    if training:
        raise BuildError(
            f"{source}: {training[0]} trains a model, and a .tflite file cannot be trained: "
            "give a factory as module:function, or a .keras file"
        )
    return parsed.number_format


def _quantize(job: QuantizeJob, source: Path) -> None:
    reply = sandbox.run(_MAIN, job, _LIMITS)
    answer = reply.first(QuantizeAnswer)
    if answer is None:
        raise BuildError(f"{source} cannot be made {job.number_format}: {reply.failure(_WHO)}")
    if answer.refused is not None:
        raise BuildError(f"{source} cannot be made {job.number_format}: {answer.refused}")


def refuse_quantised(source: Path) -> None:
    """Raise BuildError for a file that holds numbers of another format than float32 already."""
    for graph in _graphs(source):
        for tensor in graph.tensors:
            if tensor.scales or (tensor.data is not None and tensor.dtype in ("float16", "bfloat16")):
                raise BuildError(
                    f"{source} is quantised already (it has {tensor.dtype} tensors): give the float32 file it was made "
                    "from, or measure it without a recipe"
                )


def refuse_loops(source: Path, number_format: str) -> None:
    """Raise BuildError for a file whose operators call other graphs, which litert-quantizer does not calibrate."""
    found = operators_named(source.read_bytes(), _CALLING)
    if found:
        raise BuildError(
            f"{source} cannot be made {number_format}: litert-quantizer does not calibrate what {found} calls: choose "
            "dynamic_int8 or float16, or give the model's source with its recurrent layers made with unroll=True"
        )


def refuse_unfinished(made: Path, source: Path, number_format: NumberFormat) -> str | None:
    """A sentence on operators that an integer format with ports of floats leaves in float32, None where there are none.

    Raises BuildError where nothing was made smaller, or where another integer format leaves operators in float32.
    """
    name = number_format.name
    if not has_small_weights(made):
        raise BuildError(f"{source} has no weights that {name} would make smaller: measure it as it is")
    left = Counter(name for graph in _graphs(made) for name in _in_floats(graph))
    if not number_format.calibrated or not left:
        return None
    operators = ", ".join(f"{operator} ({count})" for operator, count in sorted(left.items()))
    shown = f"litert-quantizer leaves {operators} in float32"
    if number_format.whole:
        raise BuildError(
            f"{source} cannot be made {name}: {shown}; choose int8_float_io, which may, or give the model's source"
        )
    return shown


def has_small_weights(made: Path) -> bool:
    """Whether a file holds any constant in int8 or float16."""
    return any(_is_small(tensor) for graph in _graphs(made) for tensor in graph.tensors)


def _graphs(path: Path) -> tuple[Graph, ...]:
    try:
        return read_graphs(root(memoryview(path.read_bytes())))
    except DamagedError as error:
        raise ModelFileError(f"{path} is damaged: its bytes {error}") from error


def _in_floats(graph: Graph) -> list[str]:
    """Operators that still compute floats."""
    return [
        operator.name
        for operator in graph.operators
        if operator.name not in _BETWEEN_TYPES
        and any(graph.tensors[output].dtype in _FLOATS for output in operator.outputs)
    ]


def _is_small(tensor: Tensor) -> bool:
    return tensor.data is not None and (tensor.dtype == "float16" or (tensor.dtype == "int8" and tensor.scales > 0))
