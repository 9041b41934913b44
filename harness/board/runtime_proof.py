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


def prove(board: LiveBoard, runtime: RuntimeFound) -> str | None:
    """None if the runtime computes x + x on the board, else the reason why not.

    With one thread and the built-in kernels: what a profile adds to that is judged when it measures.
    """
    return prove_runner(board, _runner(board, runtime))


def prove_runner(board: LiveBoard, runner: RunnerSpec) -> str | None:
    """The same of a runner as a profile sets it up."""
    with tempfile.TemporaryDirectory() as folder:
        model, inputs, expected = (_ship(board, Path(folder), content) for content in _files())
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


def addition_model() -> bytes:
    """A .tflite file with one float32 input of shape (1, 4), x, and one output, x + x; no weights."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    code, options, operator = schema.OperatorCodeT(), schema.AddOptionsT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    operator.inputs, operator.outputs = [0, 0], [1]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.AddOptions, options
    graph, model = schema.SubGraphT(), schema.ModelT()
    graph.tensors = [_tensor(name) for name in (b"x", b"y")]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    model.version, model.operatorCodes, model.subgraphs = _SCHEMA_VERSION, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(512)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(name: bytes) -> object:
    from ai_edge_litert import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(_SHAPE), schema.TensorType.FLOAT32, 0
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


def _ship(board: LiveBoard, folder: Path, content: bytes) -> str:
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
