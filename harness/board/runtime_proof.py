"""The proof that a runtime works on its board: it runs a model of one addition, and the sum is right."""

import hashlib
import io
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.board.live import LiveBoard
from harness.board.wire import runtime_remedy
from harness.records.board import RuntimeFound, Trial
from harness.records.errors import BlockLostError, BoardUnfitError, TrialError
from harness.records.plan import BlockSpec, RunnerSpec, TrialSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEADLINE_S = 60.0
_SHAPE = (1, 4)
_SCHEMA_VERSION = 3


TOOK_NOTHING = " took none of the model's "
"""In what the agent says of a delegate's library that was loaded and has no use for a model."""


def prove(board: LiveBoard, runtime: RuntimeFound) -> str | None:
    """None if the runtime computes x + x on the board, else the reason why not.

    With one thread and the built-in kernels: what a profile adds to that is judged when it measures.
    """
    return prove_runner(board, _runner(board, runtime))


def prove_runner(board: LiveBoard, runner: RunnerSpec) -> str | None:
    """The same of a runner as a profile sets it up."""
    with tempfile.TemporaryDirectory() as folder:
        model, inputs, expected = (ship_bytes(board, Path(folder), content) for content in _files())
        spec = TrialSpec(
            index=0,
            arm="candidate",
            kind="check",
            model=model,
            inputs=inputs,
            expected=expected,
            warmup_runs=0,
            num_runs=1,
            min_secs=0.0,
            max_secs=1.0,
            deadline_s=DEADLINE_S,
        )
        block = BlockSpec(index=0, runner=runner, trials=(spec,))
        try:
            trials = _trials(board, block)
        except (BoardUnfitError, TrialError) as error:  # it cannot even be imported, or takes the process along
            device = board.profile.name
            return str(error).removeprefix(f"{device}: ").removesuffix(runtime_remedy(device))
    return _objection(trials[0])


def _trials(board: LiveBoard, block: BlockSpec) -> list[Trial]:
    """The block's trials; asked for once more where the link was lost amid them."""
    try:
        return list(board.run_block(block))
    except BlockLostError:
        return list(board.run_block(block))


def addition_model(length: int = _SHAPE[1], additions: int = 1) -> bytes:
    """A .tflite file with one float32 input of shape (1, length) that is added to itself so many times; no weights."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    code, graph, model = schema.OperatorCodeT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    graph.tensors = [_tensor(b"x%d" % number, length) for number in range(additions + 1)]
    graph.operators = [_addition(number) for number in range(additions)]
    graph.inputs, graph.outputs = [0], [additions]
    model.version, model.operatorCodes, model.subgraphs = _SCHEMA_VERSION, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(512)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _addition(number: int) -> object:
    """The operator that adds a tensor to itself and gives the next one."""
    from ai_edge_litert import schema_py_generated as schema

    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [number, number], [number + 1]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    return operator


def _tensor(name: bytes, length: int) -> object:
    from ai_edge_litert import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [1, length], schema.TensorType.FLOAT32, 0
    return tensor


def _files() -> tuple[bytes, bytes, bytes]:
    """The model, one input, and the output it must give."""
    import numpy as np

    sample = np.arange(1, 1 + math.prod(_SHAPE), dtype=np.float32).reshape(1, *_SHAPE)
    return addition_model(), _npz("i0", sample), _npz("o0", sample + sample)


def _npz(key: str, array: "NDArray[Any]") -> bytes:
    import numpy as np

    content = io.BytesIO()
    arrays: dict[str, Any] = {key: array}
    np.savez(content, **arrays)
    return content.getvalue()


def ship_bytes(board: LiveBoard, folder: Path, content: bytes) -> str:
    """Have a file of that content in the board's store, by way of a folder here; its sha256."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / sha256
    path.write_bytes(content)
    board.ship(path, sha256)
    return sha256


def _runner(board: LiveBoard, runtime: RuntimeFound) -> RunnerSpec:
    return RunnerSpec(
        package=runtime.package,
        version=runtime.version,
        python=runtime.python,
        site=runtime.site,
        num_threads=1,
        delegate="none",
        env=board.profile.runtime.env,
    )


def _objection(trial: Trial) -> str | None:
    if trial.died is not None:
        return trial.died
    if trial.check is None or not trial.check.bit_equal:
        return "it computes a wrong sum"
    return None
