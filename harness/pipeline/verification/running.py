"""In a limited process: a model opened by LiteRT and run; what it refuses is a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.artifact import TensorInfo
from harness.records.shorten import shorten

Array = NDArray[Any]


class RefusedError(Exception):
    """The model cannot be run on this host; the message says why."""


class Model:
    """A model file in an interpreter of its own, one thread; ``every_tensor`` keeps what it computes on the way.

    Then XNNPACK is off, since what it takes is not seen from outside. Raises RefusedError, as all methods do.
    """

    def __init__(self, path: str, *, every_tensor: bool = False) -> None:
        self._interpreter = _opened(path, every_tensor=every_tensor)
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.inputs = tuple(_info(detail) for detail in self._inputs)
        self.outputs = tuple(_info(detail) for detail in self._outputs)
        self.input_numbers = tuple(int(detail["index"]) for detail in self._inputs)

    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs for one sample: an array for each input, in the tensor's own shape and type."""
        try:
            for detail, value in zip(self._inputs, values, strict=True):
                self._interpreter.set_tensor(detail["index"], value)
            self._interpreter.invoke()
            outputs = [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]
        except (ValueError, RuntimeError, MemoryError) as error:
            raise RefusedError(f"LiteRT on this host fails while running it: {one_line(error)}") from error
        for output in outputs:
            if output.dtype.kind not in "fiub":
                raise RefusedError(f"outputs of type {type_name(output.dtype)} cannot be compared")
        return outputs

    def tensors(self) -> dict[int, dict[str, Any]]:
        """What LiteRT says of each tensor of the first graph, by its number."""
        return {int(detail["index"]): detail for detail in self._interpreter.get_tensor_details()}

    def tensor(self, number: int) -> Array | None:
        """A tensor's values after a run, or a constant's; None where it holds none."""
        try:
            value: Array = self._interpreter.get_tensor(number)
        except (ValueError, RuntimeError, MemoryError):
            return None
        return value


def real(values: Array, tensor: TensorInfo) -> NDArray[np.float64]:
    """Values as float64, dequantised where the tensor is quantised as a whole."""
    if values.dtype.kind in "iu" and tensor.scale:
        return (values.astype(np.float64) - tensor.zero_point) * tensor.scale
    return values.astype(np.float64)


def type_name(dtype: Any) -> str:  # noqa: ANN401 - numpy's dtype
    """A type as people know it."""
    return "string" if dtype.kind in "SUO" else str(dtype)


def one_line(error: BaseException) -> str:
    """What an exception says, short; LiteRT gives an empty message where memory does not suffice."""
    return shorten(str(error)) or f"{type(error).__name__} without a message (out of memory?)"


def _opened(path: str, *, every_tensor: bool) -> Any:  # noqa: ANN401 - the interpreter is not typed
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise RefusedError(f"this host has no LiteRT ({error})") from error
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if every_tensor else OpResolverType.AUTO
    try:
        interpreter = Interpreter(
            model_path=path,
            num_threads=1,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=every_tensor,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, MemoryError) as error:
        raise RefusedError(f"LiteRT on this host refuses it: {one_line(error)}") from error
    return interpreter


def _info(detail: dict[str, Any]) -> TensorInfo:
    scale, zero_point = detail["quantization"]
    return TensorInfo(
        name=str(detail["name"]),
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=type_name(np.dtype(detail["dtype"])),
        scale=float(scale),
        zero_point=int(zero_point),
    )
