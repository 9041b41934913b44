"""In a limited process: a model opened by LiteRT and run; what it refuses is a sentence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.inspection.graph import Graph
from harness.pipeline.check.inspection.index_inputs import file_graphs, lookup_limits
from harness.records.artifact import TensorInfo
from harness.records.text import shorten

Array = NDArray[Any]
Kernels = Literal["xnnpack", "builtin"]
"""Which family computes: XNNPACK where it takes an operator, as by default, or LiteRT's own kernels alone."""

DETECTION: Final = "TFLite_Detection_PostProcess"
"""Writes num_detections slots of its other three outputs and leaves the rest as memory was."""
_RANDOM: Final = ("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL")
_KEEPS_STATE: Final = "VAR_HANDLE"
"""Resource variables: no call of the interpreter's puts them back."""

MOST_DB: Final = 300.0
"""Stands for an error that no ratio tells: of a signal of zero, with the sign turned."""
_REPEATED: Final = 4
"""Samples that a second interpreter runs, to see whether the model gives the same twice."""


class RefusedError(Exception):
    """The model cannot be run on this host; the message says why."""


class LiteRTModel:
    """A model file in an interpreter of its own, one thread; ``every_tensor`` keeps what it computes on the way.

    Then the built-in kernels compute alone, since what XNNPACK takes is not seen from outside. Nothing is invoked
    before the first ``run``: variables hold what they start from. Raises RefusedError, as all methods do.
    """

    def __init__(self, path: str, *, every_tensor: bool = False, kernels: Kernels = "xnnpack") -> None:
        self.path = path
        self._every_tensor, self._kernels = every_tensor, kernels
        self._interpreter = self._opened()
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        graphs = file_graphs(Path(path))
        self.inputs = _with_limits(tuple(_info(detail) for detail in self._inputs), graphs)
        self.outputs = tuple(_info(detail) for detail in self._outputs)
        self.input_numbers = tuple(int(detail["index"]) for detail in self._inputs)
        operators = self._interpreter._get_ops_details()
        names = [operator.name for graph in graphs for operator in graph.operators]
        self.random_operators = tuple(name for name in dict.fromkeys(names) if name in _RANDOM)
        self._keeps_state = _KEEPS_STATE in names
        self._counts = _counts(operators, [int(detail["index"]) for detail in self._outputs])

    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs for one sample: an array for each input, in the tensor's own shape and type.

        Variables are as the run before left them. What an operator leaves unwritten is zero.
        """
        try:
            for detail, value in zip(self._inputs, values, strict=True):
                self._interpreter.set_tensor(detail["index"], value)
            self._interpreter.invoke()
            outputs = [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]
        except (ValueError, RuntimeError, MemoryError) as error:
            raise RefusedError(f"LiteRT on this host fails while running it: {describe_refusal(error)}") from error
        for output in outputs:
            if output.dtype.kind not in "fiub":
                raise RefusedError(f"outputs of type {type_name(output.dtype)} cannot be compared")
        return clear_unwritten_slots(outputs, self._counts)

    def reset(self) -> None:
        """Let variables hold what they start from."""
        if self._keeps_state:
            self._interpreter = self._opened()
        else:
            self._interpreter.reset_all_variables()

    def _opened(self) -> Any:  # noqa: ANN401 - the interpreter is not typed
        return _open_interpreter(self.path, every_tensor=self._every_tensor, kernels=self._kernels)

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


def repeatable_outputs(model: LiteRTModel, samples: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """The outputs for each sample, in order, of a model that has not run yet.

    Raises RefusedError where another run cannot be held against them: for a model that draws random numbers, one that
    gives other bits to a second interpreter, and one without outputs.
    """
    if not model.outputs:
        raise RefusedError("it has no outputs to compare")
    if model.random_operators:
        raise RefusedError(f"not deterministic: it draws random numbers ({', '.join(model.random_operators)})")
    outputs = [model.run(sample) for sample in samples]
    again = LiteRTModel(model.path)
    for sample, first in zip(samples[:_REPEATED], outputs, strict=False):
        if any(one.tobytes() != other.tobytes() for one, other in zip(again.run(sample), first, strict=True)):
            raise RefusedError("not deterministic: two runs that start alike give different outputs")
    return outputs


def clear_unwritten_slots(outputs: Sequence[Array], counts: Mapping[int, int]) -> list[Array]:
    """Outputs with zeros in the slots past their count; the agent does the same on the board (``agent/model.py``).

    ``counts`` gives, for the position of an output whose second axis has slots, that of the output with their number.
    """
    kept = [np.array(output) if place in counts else output for place, output in enumerate(outputs)]
    for place, count in counts.items():
        number = outputs[count].reshape(-1)[:1].astype(np.float64)
        kept[place][:, max(0, int(number[0])) if np.isfinite(number).all() and number.size else 0 :] = 0
    return kept


def dequantize(values: Array, tensor: TensorInfo) -> NDArray[np.float64]:
    """Values as float64, dequantised where the tensor is quantised as a whole."""
    if values.dtype.kind in "iu" and tensor.scale:
        return (values.astype(np.float64) - tensor.zero_point) * tensor.scale
    return values.astype(np.float64)


def ratio_db(signal: float, error: float) -> float | None:
    """10 log10 of two sums of squares, within plus and minus ``MOST_DB``; None where there is no error."""
    if error == 0.0:
        return None
    if signal == 0.0:
        return -MOST_DB
    return float(np.clip(10.0 * (np.log10(signal) - np.log10(error)), -MOST_DB, MOST_DB))


def type_name(dtype: Any) -> str:  # noqa: ANN401 - numpy's dtype
    """A type as people know it."""
    return "string" if dtype.kind in "SUO" else str(dtype)


def describe_refusal(error: BaseException) -> str:
    """What an exception says, short; LiteRT gives an empty message where memory does not suffice."""
    return shorten(str(error)) or f"{type(error).__name__} without a message (out of memory?)"


def _counts(operators: Sequence[Mapping[str, Any]], outputs: Sequence[int]) -> dict[int, int]:
    """The outputs that a detection operator fills as far as another output says, by position."""
    found: dict[int, int] = {}
    for operator in operators:
        *slots, count = [int(number) for number in operator["outputs"]] or [-1]
        if operator["op_name"] == DETECTION and count in outputs:
            found |= {outputs.index(number): outputs.index(count) for number in slots if number in outputs}
    return found


def _with_limits(tensors: tuple[TensorInfo, ...], graphs: Sequence[Graph]) -> tuple[TensorInfo, ...]:
    """The inputs with the sizes of the tables that they look into, as the file tells."""
    limits = lookup_limits(graphs[0]) if graphs else ()
    if len(limits) != len(tensors):
        return tensors
    return tuple(tensor.model_copy(update={"below": below}) for tensor, below in zip(tensors, limits, strict=True))


def _open_interpreter(path: str, *, every_tensor: bool, kernels: Kernels) -> Any:  # noqa: ANN401 - the interpreter is not typed
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise RefusedError(f"this host has no LiteRT ({error})") from error
    plain = every_tensor or kernels == "builtin"
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else OpResolverType.AUTO
    try:
        interpreter = Interpreter(
            model_path=path,
            num_threads=1,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=every_tensor,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, MemoryError) as error:
        raise RefusedError(f"LiteRT on this host refuses it: {describe_refusal(error)}") from error
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
