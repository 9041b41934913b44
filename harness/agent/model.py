"""A model in an interpreter, fed and ready, with the time it took."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

from edge_agent.interpreters import (
    TensorDetails,
    TrialFailedError,
    guard,
    is_external,
    make_interpreter,
    tensors,
)
from edge_agent.placement import OperatorPlacement, read_placement
from edge_agent.spec import Runner

if TYPE_CHECKING:
    from edge_agent.interfaces import Array, Interpreter


class BoardModel:
    """An allocated interpreter; ``init_s`` is constructor plus allocation, in seconds."""

    def __init__(
        self, interpreter: Interpreter, init_s: float, own_delegate: Optional[OperatorPlacement] = None
    ) -> None:
        self.interpreter = interpreter
        self._own_delegate = own_delegate
        self.init_s = init_s
        self.inputs: List[TensorDetails] = tensors(interpreter.get_input_details())
        self.outputs: List[TensorDetails] = tensors(interpreter.get_output_details())

    @property
    def invoke(self) -> Callable[[], None]:
        """The bound method, for loops that count nanoseconds."""
        return self.interpreter.invoke

    def feed(self, sample: List[Array]) -> None:
        """Copy one sample into the inputs."""
        if len(sample) != len(self.inputs):
            raise TrialFailedError("the samples are for %d inputs, the model has %d" % (len(sample), len(self.inputs)))
        for tensor, value in zip(self.inputs, sample):
            self._set(tensor, value)

    def _set(self, tensor: TensorDetails, value: Array) -> None:
        guard("set input %s" % tensor.name, lambda: self.interpreter.set_tensor(tensor.handle, value))

    def written_results(self) -> List[Array]:
        """Copies of the outputs, with zeros in the slots that a detection operator left as memory was.

        The host does the same (``check/verification/litert.py``).
        """
        outputs = self.results()
        counts = _counts(self.interpreter, [tensor.handle for tensor in self.outputs])
        return zero_unwritten(outputs, counts) if counts else outputs

    def results(self) -> List[Array]:
        """Copies of the outputs."""
        return [self.interpreter.get_tensor(tensor.handle) for tensor in self.outputs]

    def first_invoke(self) -> float:
        """Run once; seconds it took. Raises TrialFailedError with what the runtime says."""
        started = time.perf_counter_ns()
        guard("invoke", self.interpreter.invoke)
        passed_ns = time.perf_counter_ns() - started
        # A program times its inferences itself, without the way to it and back.
        return (getattr(self.interpreter, "last_ns", None) or passed_ns) / 1e9

    def placement(self) -> Dict[str, Any]:
        """The Trial field that says which operators a delegate took: of a library of one's own those that it took."""
        found = self._own_delegate or read_placement(self.interpreter)
        return {"placement": None if found is None else found.record()}

    def account(self) -> Dict[str, Any]:
        """The Trial fields that say what the model is."""
        return {
            "init_s": self.init_s,
            "inputs": [tensor.record() for tensor in self.inputs],
            "outputs": [tensor.record() for tensor in tensors(self.interpreter.get_output_details())],
        }


Make = Callable[[Any, Runner, str], "Interpreter"]
"""Makes an interpreter of a module, a runner and a model's path; raises TrialFailedError."""


def load(
    module: Any,  # noqa: ANN401
    runner: Runner,
    path: Path,
    sample: Optional[List[Array]],
    make: Make = make_interpreter,
) -> BoardModel:
    """Make and allocate, with the inputs shaped for a sample if there is one; raises TrialFailedError."""
    started = time.perf_counter_ns()
    interpreter = make(module, runner, str(path))
    made = time.perf_counter_ns()
    # XNNPACK takes its share when tensors are allocated, a delegate's library before.
    own = _refuse_fallback(runner, read_placement(interpreter)) if is_external(runner) else None
    listed_ns = time.perf_counter_ns() - made
    if sample is not None:
        _reshape(interpreter, sample)
    guard("allocate", interpreter.allocate_tensors)
    return BoardModel(interpreter, (time.perf_counter_ns() - started - listed_ns) / 1e9, own)


def _refuse_fallback(runner: Runner, placement: Optional[OperatorPlacement]) -> Optional[OperatorPlacement]:
    """Raise TrialFailedError where a delegate took nothing: what would be measured is the processor."""
    if placement is not None and placement.operators and not placement.delegated:
        raise TrialFailedError(
            "the delegate %s took none of the model's %d operators, which the processor would run in its place: give a "
            "model made for it, or measure without a delegate" % (runner.delegate, len(placement.operators))
        )
    return placement


def _reshape(interpreter: Interpreter, sample: List[Array]) -> None:
    for detail, value in zip(interpreter.get_input_details(), sample):
        if list(detail["shape"]) != list(value.shape):
            _resize(interpreter, int(detail["index"]), list(value.shape))


def _resize(interpreter: Interpreter, index: int, shape: List[int]) -> None:
    guard("resize", lambda: interpreter.resize_tensor_input(index, shape))


DETECTION = "TFLite_Detection_PostProcess"
"""Writes num_detections slots of its other three outputs."""


def zero_unwritten(outputs: List[Array], counts: Dict[int, int]) -> List[Array]:
    """Outputs with zeros past their count: for an output's position that of the output with its number of slots."""
    import numpy as np

    kept = [np.array(output) if place in counts else output for place, output in enumerate(outputs)]
    for place, count in counts.items():
        number = outputs[count].reshape(-1)[:1].astype(np.float64)
        known = number.size and np.isfinite(number).all()
        kept[place][:, max(0, int(number[0])) if known else 0 :] = 0
    return kept


def _counts(interpreter: Interpreter, outputs: List[int]) -> Dict[int, int]:
    """What the runtime says of its detection operators; nothing where it does not list its operators."""
    listed = getattr(interpreter, "_get_ops_details", None)
    found: Dict[int, int] = {}
    for operator in listed() if listed is not None else ():
        numbers = [int(number) for number in operator["outputs"]] or [-1]
        if operator["op_name"] == DETECTION and numbers[-1] in outputs:
            count = outputs.index(numbers[-1])
            found.update({outputs.index(number): count for number in numbers[:-1] if number in outputs})
    return found
