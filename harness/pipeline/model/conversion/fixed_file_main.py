"""The limited process that writes a .tflite file anew: another signature's graph first, open sizes fixed."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.litert import LiteRTModel, RefusedError, describe_refusal
from harness.pipeline.model.conversion.fixed_file_client import FixAnswer, FixJob
from harness.pipeline.model.export.open_sizes import read_inputs
from harness.records.errors import BuildError

_REFERENCES: Final = (
    "condSubgraphIndex",
    "bodySubgraphIndex",
    "thenSubgraphIndex",
    "elseSubgraphIndex",
    "initSubgraphIndex",
    "subgraph",
    "decompositionSubgraphIndex",
    "bodySubgraphIndexes",
)
"""Fields of operators' options that hold a graph's number."""

# The schema's classes are not typed: models, graphs and tensors are Any here.
Untyped = Any


def main(text: str, tell: Tell) -> None:
    """Run one job, a FixJob."""
    job = FixJob.model_validate_json(text)
    try:
        Path(job.output).write_bytes(_fix(job))
        LiteRTModel(job.output)
    except RefusedError as error:
        tell(FixAnswer(refused=str(error)))
    except OSError as error:
        tell(FixAnswer(refused=f"{job.output} cannot be written: {error.strerror or error}"))
    except Exception as error:  # whatever the library raises on a stranger's file is one line for the user
        tell(FixAnswer(refused=f"it cannot be written anew: {type(error).__name__}: {describe_refusal(error)}"))
    else:
        tell(FixAnswer())


def _fix(job: FixJob) -> bytes:
    from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray, read_model_from_bytearray

    model = read_model_from_bytearray(bytearray(Path(job.source).read_bytes()))
    if job.signature is not None:
        _bring_first(model, job.signature)
    if job.samples is not None:
        shapes = [array.shape[1:] for array in _inputs(job.samples)]
        _fix_sizes(model, shapes, lambda: bytes(convert_object_to_bytearray(model)))
    return bytes(convert_object_to_bytearray(model))


def _inputs(path: str) -> list[Untyped]:
    """The inputs that a file holds; the labels of a test part are none."""
    try:
        return read_inputs(Path(path))
    except BuildError as error:
        raise RefusedError(str(error)) from error


def _bring_first(model: Untyped, name: str) -> None:
    """Let a signature's graph and the first one change places, in all that names them."""
    wanted = next(one for one in model.signatureDefs if _text(one.signatureKey) == name)
    number = int(wanted.subgraphIndex)
    graphs = model.subgraphs
    graphs[0], graphs[number] = graphs[number], graphs[0]
    swapped = {0: number, number: 0}
    for one in model.signatureDefs:
        one.subgraphIndex = swapped.get(int(one.subgraphIndex), one.subgraphIndex)
    model.signatureDefs.sort(key=lambda one: one is not wanted)
    for options in _options(graphs):
        for field in _REFERENCES:
            value = getattr(options, field, None)
            if isinstance(value, int | np.integer):
                setattr(options, field, swapped.get(int(value), value))


def _options(graphs: Sequence[Untyped]) -> Iterator[Untyped]:
    for graph in graphs:
        for operator in graph.operators or []:
            for field in ("builtinOptions", "builtinOptions2"):
                options = getattr(operator, field, None)
                if options is not None:
                    yield options


def _fix_sizes(model: Untyped, shapes: Sequence[tuple[int, ...]], content: Callable[[], bytes]) -> None:
    """Give the inputs the samples' sizes, and what is computed from them the sizes that LiteRT then finds."""
    graph = model.subgraphs[0]
    numbers = [int(number) for number in graph.inputs]
    if len(shapes) != len(numbers):
        raise RefusedError(f"the samples hold {len(shapes)} arrays, and it has {len(numbers)} inputs: i0, i1...")
    for number, shape in zip(numbers, shapes, strict=True):
        _fix_input(graph.tensors[number], shape)
    found = _found_shapes(content())
    for number, tensor in enumerate(graph.tensors):
        shape = found.get(number, ())
        if tensor.shape is not None and len(tensor.shape) == len(shape) and all(size > 0 for size in shape):
            tensor.shape = np.array(shape, np.int32)
            tensor.shapeSignature = None


def _fix_input(tensor: Untyped, sample: tuple[int, ...]) -> None:
    """One input's sizes; ``sample`` is the shape of its samples, with or without the batch of one."""
    name, stated = _text(tensor.name), [int(size) for size in tensor.shape]
    signature = stated if tensor.shapeSignature is None else [int(size) for size in tensor.shapeSignature]
    shape = sample if len(sample) == len(signature) else (1, *sample)
    fits = len(shape) == len(signature) and all(
        size == open_or_fixed or open_or_fixed < 0 for size, open_or_fixed in zip(shape, signature, strict=True)
    )
    if not fits:
        expected = ", ".join("?" if size < 0 else str(size) for size in signature)
        raise RefusedError(f'the samples of its input "{name}" have shape {sample}, where ({expected}) was expected')
    tensor.shape, tensor.shapeSignature = np.array(shape, np.int32), None


def _found_shapes(content: bytes) -> dict[int, tuple[int, ...]]:
    """The shape of every tensor of the first graph, once LiteRT has made room for all."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, MemoryError) as error:
        raise RefusedError(
            f"LiteRT on this host refuses it with the samples' sizes: {describe_refusal(error)}"
        ) from error
    details = interpreter.get_tensor_details()
    return {int(one["index"]): tuple(int(size) for size in one["shape"]) for one in details}


def _text(value: Untyped) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
