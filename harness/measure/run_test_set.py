"""A whole test set run on a board: samples are shipped once, outputs come back as raw arrays, each checked."""

import base64
import binascii
import math
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from harness.measure.validate_trials import validate_trials
from harness.records.artifact import Artifact, HeldOutInputs, TensorInfo
from harness.records.board import RawOutput, Trial
from harness.records.errors import BlockLostError, TrialError
from harness.records.plan import BlockSpec, RunnerSpec, TrialSpec

if TYPE_CHECKING:
    from harness.board import Board

_FIRST_BLOCK: Final = 1_000_000
"""Beyond those of any plan: a board answers by the number."""
_MOST_BYTES: Final = 4 * 2**20
"""Of outputs in one answer, whose line may have 16 MiB."""
_MOST_SAMPLES: Final = 256
_DEADLINE_S: Final = 600.0
_ATTEMPTS: Final = 3


def run_test_set(
    board: "Board",
    artifact: Artifact,
    runner: RunnerSpec,
    *,
    inputs: HeldOutInputs,
    tell: Callable[[int], None],
) -> list[Any]:
    """The artifact's outputs for all samples: an array an output, of its type and shape, samples first.

    The board keeps the inputs by their hash. ``tell`` hears how many samples are done. Raises TrialError where the
    board does not run them, or answers with what cannot be the model's outputs.
    """
    import numpy as np

    texts = [tensor.name for tensor in artifact.outputs if tensor.dtype == "string"]
    if texts:
        raise TrialError(f'its output "{texts[0]}" is text, which is not fetched')
    board.ship(artifact.local_path, artifact.sha256)
    board.ship(inputs.path, inputs.sha256)
    n = inputs.n
    found = [np.empty((n, *tensor.shape), tensor.dtype) for tensor in artifact.outputs]
    done = 0
    for number, (first, count) in enumerate(_parts(artifact, n)):
        spec = _spec(artifact, inputs.sha256, number=number, first=first, count=count)
        trial = _run(board, BlockSpec(index=_FIRST_BLOCK + number, runner=runner, trials=(spec,)))
        if trial.died is not None:
            raise TrialError(f"samples {first} to {first + count - 1} of the test set: {trial.died}")
        for kept, values in zip(found, _unpack(trial, artifact.outputs, count), strict=True):
            kept[first : first + count] = values
        done += count
        tell(done)
    return found


def _parts(artifact: Artifact, n: int) -> Iterator[tuple[int, int]]:
    """First sample and number of samples of each trial."""
    import numpy as np

    size = sum(math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize for tensor in artifact.outputs)
    count = max(1, min(_MOST_SAMPLES, _MOST_BYTES // max(1, size)))
    for first in range(0, n, count):
        yield first, min(count, n - first)


def _spec(artifact: Artifact, sha256: str, *, number: int, first: int, count: int) -> TrialSpec:
    return TrialSpec(
        index=_FIRST_BLOCK + number,
        arm="candidate",
        kind="test_set",
        model=artifact.sha256,
        inputs=sha256,
        first=first,
        warmup_runs=0,
        num_runs=count,
        min_secs=0.0,
        max_secs=_DEADLINE_S,
        deadline_s=_DEADLINE_S,
    )


def _run(board: "Board", block: BlockSpec) -> Trial:
    """The block's one trial; measured anew where the link was lost amid it."""
    for attempt in range(_ATTEMPTS):
        try:
            (trial,) = validate_trials(block, board.run_block(block))
            return trial
        except BlockLostError as lost:
            if attempt == _ATTEMPTS - 1:
                raise TrialError(
                    f"the link to the board was lost {_ATTEMPTS} times amid its test set: {lost}"
                ) from lost
    raise AssertionError("unreachable")


def _unpack(trial: Trial, tensors: tuple[TensorInfo, ...], count: int) -> list[Any]:
    """The arrays that a board sent. Raises TrialError for other types, shapes or sizes than the model's."""
    if len(trial.raw_outputs) != len(tensors) or trial.n != count:
        raise TrialError(
            f"the board gave {len(trial.raw_outputs)} outputs of {trial.n} samples, where {len(tensors)} of {count} "
            "were expected"
        )
    return [_array(raw, tensor, count) for raw, tensor in zip(trial.raw_outputs, tensors, strict=True)]


def _array(raw: RawOutput, tensor: TensorInfo, count: int) -> Any:  # noqa: ANN401 - numpy is imported late
    import numpy as np

    shape, dtype = (count, *tensor.shape), np.dtype(tensor.dtype)
    if (raw.dtype, raw.shape) != (tensor.dtype, shape):
        raise TrialError(
            f'output "{tensor.name}" is {raw.dtype} of shape {raw.shape}, where {tensor.dtype} of {shape} was expected'
        )
    size = math.prod(shape) * dtype.itemsize
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(raw.data, validate=True), size)
        whole = inflate.eof or not inflate.decompress(inflate.unconsumed_tail, 1)
    except (binascii.Error, zlib.error) as error:
        raise TrialError(f'output "{tensor.name}" cannot be unpacked: {error}') from error
    if len(data) != size or not whole:
        raise TrialError(f'output "{tensor.name}" has other than the {size} bytes of its type and shape')
    return np.frombuffer(data, dtype).reshape(shape)
