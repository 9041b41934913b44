"""What a TensorFlow Lite file says of itself, read without running it; the file is not trusted."""

import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.inspection.flatbuffer import DamagedError, Table, root
from harness.records.artifact import TensorInfo
from harness.records.errors import ModelFileError

_IDENTIFIER = b"TFL3"
_NAME_LIMIT = 128
_CUSTOM = 32
"""BuiltinOperator.CUSTOM in the TensorFlow Lite schema."""
_KNOWN_CUSTOM = frozenset({"TFLite_Detection_PostProcess", "Mfcc", "AudioSpectrogram"})
"""Custom operators that LiteRT and tflite-runtime carry themselves."""
_DTYPES: Final = (
    "float32",
    "float16",
    "int32",
    "uint8",
    "int64",
    "string",
    "bool",
    "int16",
    "complex64",
    "int8",
    "float64",
    "complex128",
    "uint64",
    "resource",
    "variant",
    "uint32",
    "uint16",
    "int4",
    "bfloat16",
    "int2",
)
"""TensorType in the TensorFlow Lite schema, as numpy spells it where numpy has it."""


@dataclass(frozen=True)
class ModelInfo:
    """A model file's inputs and outputs (of its first subgraph), operators and size."""

    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: int
    custom_operators: tuple[str, ...]


def inspect_file(path: str | Path) -> ModelInfo:
    """What the file says of itself.

    Raises ModelFileError, in one line, for anything that is no whole TensorFlow Lite model. Operators are
    reported, not judged: ``refuse_unknown_operators`` does that.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size == 0:
            raise ModelFileError(f"{file} is empty (0 bytes): a TensorFlow Lite model was expected; copy it again")
        with (
            file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
            memoryview(content) as view,
        ):
            return _inspect(file, view)
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror or error}") from error


def refuse_unknown_operators(path: str | Path, info: ModelInfo) -> None:
    """Raise ModelFileError where the model needs operators that no interpreter here carries."""
    unknown = [name for name in info.custom_operators if name not in _KNOWN_CUSTOM]
    if not unknown:
        return
    name = unknown[0]
    if name.startswith("Flex"):
        kind, remedy = "the TensorFlow (Flex) operator", "convert it with TensorFlow Lite built-ins only"
    elif name == "edgetpu-custom-op":
        kind, remedy = "the Edge TPU operator", "give the file from before the Edge TPU compiler"
    else:
        kind, remedy = "the custom operator", "replace it by built-in ones"
    raise ModelFileError(f'{path} needs {kind} "{name}", which no runtime here has: {remedy}')


def _inspect(file: Path, view: memoryview) -> ModelInfo:
    _check_identifier(file, view)
    try:
        model = root(view)
        first = next(model.tables(2), None)
        if first is None:
            raise ModelFileError(f"{file} holds no subgraph, so there is nothing to run: convert the model again")
        _check_buffers(model, len(view))
        return ModelInfo(
            size_bytes=len(view),
            inputs=_tensors(first, 1),
            outputs=_tensors(first, 2),
            operators=first.vector(3, element_bytes=4).length,
            custom_operators=_custom_operators(model),
        )
    except DamagedError as damage:
        raise ModelFileError(
            f"{file} is cut off or damaged: it points to {damage}, but has {len(view):,} bytes; copy it again"
        ) from damage


def _check_identifier(file: Path, view: memoryview) -> None:
    found = bytes(view[4:8])
    if found == _IDENTIFIER:
        return
    raise ModelFileError(
        f"{file} is no TensorFlow Lite model: it {_looks_like(bytes(view[:64]))}, "
        f'where bytes 4 to 7 should say "{_IDENTIFIER.decode()}"; give a .tflite file'
    )


def _looks_like(head: bytes) -> str:
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "looks like a web page (a download that failed?)"
    if not head.strip(b"\0"):
        return "starts with zero bytes"
    kinds = {
        b"\x89hdf": "looks like a Keras .h5 file",
        b"pk\x03\x04": "looks like a zip (a .keras or PyTorch file?)",
        b"version https://git-lfs": "is a Git LFS pointer (run git lfs pull)",
    }
    for magic, kind in kinds.items():
        if start.startswith(magic):
            return kind
    said = head[4:8]
    return f'says "{said.decode()}"' if said.isascii() and said.decode().isprintable() and said else "does not say so"


def _check_buffers(model: Table, size: int) -> None:
    """Every buffer's data lies within the file, whether inside the FlatBuffer or appended to it."""
    for buffer in model.tables(4):
        buffer.vector(0, element_bytes=1)
        offset, length = buffer.scalar(1, "Q"), buffer.scalar(2, "Q")
        if offset > 1 and offset + length > size:
            raise DamagedError(f"data up to byte {offset + length:,}")


def _custom_operators(model: Table) -> tuple[str, ...]:
    """Names of the custom operators that some subgraph uses, in the order of the file's list."""
    used = {operator.scalar(0, "I") for subgraph in model.tables(2) for operator in subgraph.tables(3)}
    return tuple(
        code.text(1, limit=_NAME_LIMIT) or "unnamed"
        for index, code in enumerate(model.tables(1))
        if index in used and max(code.scalar(0, "b"), code.scalar(3, "i")) == _CUSTOM
    )


def _tensors(subgraph: Table, field: int) -> tuple[TensorInfo, ...]:
    indices = subgraph.numbers(field, "i")
    tensors = list(subgraph.tables(0)) if indices else []
    for index in indices:
        if not 0 <= index < len(tensors):
            raise DamagedError(f"tensor {index} of {len(tensors)}")
    return tuple(_tensor(tensors[int(index)]) for index in indices)


def _tensor(tensor: Table) -> TensorInfo:
    code = tensor.scalar(1, "b")
    scale, zero_point = _quantization(tensor.table(4))
    return TensorInfo(
        name=tensor.text(3, limit=_NAME_LIMIT),
        shape=tuple(int(size) for size in tensor.numbers(0, "i")),
        dtype=_DTYPES[code] if 0 <= code < len(_DTYPES) else f"type {code}",
        scale=scale,
        zero_point=zero_point,
    )


def _quantization(parameters: Table | None) -> tuple[float, int]:
    """Scale and zero point of the whole tensor; (0, 0) where there are none or one per channel."""
    if parameters is None:
        return 0.0, 0
    scales, zero_points = parameters.numbers(2, "f"), parameters.numbers(3, "q")
    if len(scales) != 1 or not math.isfinite(scales[0]):
        return 0.0, 0
    return float(scales[0]), int(zero_points[0]) if zero_points else 0
