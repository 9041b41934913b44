"""The constants of a model: how many parameters, in how many bytes, of what kind, and how many of them are zero."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.pipeline.check.inspection.flatbuffer import DamagedError
from harness.pipeline.check.inspection.graph import Graph, Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KERNELS: Final = {
    "CONV_2D": (1,),
    "DEPTHWISE_CONV_2D": (1,),
    "FULLY_CONNECTED": (1,),
    "TRANSPOSE_CONV": (1,),
    "CONV_3D": (1,),
    "CONV_3D_TRANSPOSE": (1,),
    "BATCH_MATMUL": (0, 1),
}
"""Convolutions and dense layers, and which of their inputs may be weights."""
_FLOATS: Final = frozenset({"float32", "float16", "bfloat16", "float64", "float8_e4m3fn", "float8_e5m2"})
_NARROW: Final = frozenset({"int4", "int2", "uint4"})
_WORDS: Final = (1, 2, 4, 8)
"""Sizes in bytes for which numpy has an integer; complex128 has none."""
_CHUNK_BYTES = 2**22


@dataclass(frozen=True)
class WeightKind:
    """Parameters stored one way; ``quantised`` says with how many scales: "no", "tensor", "channel" or "block"."""

    dtype: str
    quantised: str
    sparse: bool
    tensors: int
    elements: int
    size_bytes: int


def parameters(graphs: Iterable[Graph]) -> tuple[Tensor, ...]:
    """Weights and biases that operators of these graphs use: constants that are floating or quantised, each once."""
    found: dict[int, Tensor] = {}
    for tensor in _constants(graphs, None):
        if tensor.data is not None and _is_parameter(tensor):
            found.setdefault(tensor.data.start, tensor)
    return tuple(found.values())


def weight_kinds(tensors: Iterable[Tensor]) -> tuple[WeightKind, ...]:
    """The tensors by how they are stored, most bytes first."""
    kinds: dict[tuple[str, str, bool], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, _quantization(tensor), tensor.sparse), []).append(tensor)
    told = [
        WeightKind(*kind, len(same), sum(tensor.elements for tensor in same), sum(map(_stored_bytes, same)))
        for kind, same in kinds.items()
    ]
    return tuple(sorted(told, key=lambda kind: -kind.size_bytes))


def zero_share(graphs: Iterable[Graph], content: memoryview) -> float | None:
    """The share of zeros, 0..1, among weights of convolutions and dense layers, biases excluded; None without any.

    A quantised weight is zero where it equals the zero point. What sparse storage leaves out is zero.
    """
    kernels: dict[int, Tensor] = {}
    for tensor in _constants(graphs, _KERNELS):
        if tensor.data is not None and tensor.data.length and _is_parameter(tensor):
            kernels.setdefault(tensor.data.start, tensor)
    if sum(map(_stored_bytes, kernels.values())) > len(content):
        raise DamagedError("hold weights that lie over each other")
    zeros = total = 0
    for tensor in kernels.values():
        stored, others = _nonzero(tensor, content)
        elements = tensor.elements if tensor.sparse else min(tensor.elements, stored)
        zeros += max(0, elements - others)
        total += elements
    return zeros / total if total else None


def _constants(graphs: Iterable[Graph], kinds: dict[str, tuple[int, ...]] | None) -> Iterator[Tensor]:
    """The stored tensors that operators read, or only those at some operators' places for weights."""
    for graph in graphs:
        for operator in graph.operators:
            places = range(len(operator.inputs)) if kinds is None else kinds.get(operator.name, ())
            for number in (operator.inputs[place] for place in places if place < len(operator.inputs)):
                constant = graph.constant(number) if kinds is None or not operator.custom else None
                if constant is not None:
                    yield graph.tensors[constant]


def _is_parameter(tensor: Tensor) -> bool:
    return tensor.dtype in _FLOATS or tensor.dtype in _NARROW or tensor.scales > 0 or tensor.blockwise


def _quantization(tensor: Tensor) -> str:
    if tensor.blockwise:
        return "block"
    return "no" if not tensor.scales else "tensor" if tensor.scales == 1 else "channel"


def _stored_bytes(tensor: Tensor) -> int:
    return tensor.data.length if tensor.data is not None else 0


def _nonzero(tensor: Tensor, content: memoryview) -> tuple[int, int]:
    """How many elements are stored, and how many of them are not zero."""
    import numpy as np

    if tensor.data is None or not tensor.bits:
        return 0, 0
    data = np.frombuffer(content, np.uint8, tensor.data.length, tensor.data.start)
    chunks = (data[start : start + _CHUNK_BYTES] for start in range(0, len(data), _CHUNK_BYTES))
    count = _nonzero_packed if tensor.bits < 8 else _nonzero_whole
    return len(data) * 8 // tensor.bits, sum(count(tensor, chunk) for chunk in chunks)


def _nonzero_packed(tensor: Tensor, data: "NDArray[np.uint8]") -> int:
    """Two or four elements share a byte."""
    import numpy as np

    mask = (1 << tensor.bits) - 1
    places = range(0, 8, tensor.bits)
    return sum(int(np.count_nonzero((data >> place) & mask != tensor.zero_point & mask)) for place in places)


def _nonzero_whole(tensor: Tensor, data: "NDArray[np.uint8]") -> int:
    """Elements of whole bytes; a floating number is zero with either sign, so all bits but its sign count."""
    import numpy as np

    size = tensor.bits // 8
    whole = data[: len(data) // size * size]
    if size not in _WORDS:
        return int(np.count_nonzero(whole.reshape(-1, size).any(axis=1)))
    values = whole.view(f"u{size}")
    zero = 0 if tensor.dtype in _FLOATS else tensor.zero_point & ((1 << tensor.bits) - 1)
    if tensor.dtype in _FLOATS:
        values = values & values.dtype.type((1 << (tensor.bits - 1)) - 1)
    return int(np.count_nonzero(values if zero == 0 else values != zero))
