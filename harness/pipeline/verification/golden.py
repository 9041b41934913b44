"""The limited process that runs a model on the host: one job as JSON on stdin, one answer on stdout.

The model may be a stranger's: it can crash, eat memory or never end. Limits are set before the interpreter is
imported, and the caller has a deadline. Standard output is moved away, because native code may print on it.
"""

import os
import resource
import sys
import zipfile
from typing import Any

from harness.pipeline.verification.golden_job import GoldenAnswer, GoldenJob

MEMORY_BYTES = 4 * 2**30
CPU_SECONDS = 600
_KEPT_BYTES = 64 * 2**20
"""Kept samples and outputs travel to the board: at most so much of each."""
_FILE_BYTES = 2**28


class RefusedError(Exception):
    """The model cannot be run on this host; the message says why."""


class BadSamplesError(Exception):
    """The samples do not fit the model; the message says why."""


def main() -> None:
    """Run one job."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _limit()
        job = GoldenJob.model_validate_json(sys.stdin.read())
        try:
            answer = _run(job)
        except RefusedError as refusal:
            answer = GoldenAnswer(refused=str(refusal))
        except BadSamplesError as fault:
            answer = GoldenAnswer(bad_samples=str(fault))
        answers.write(answer.model_dump_json())


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def _run(job: GoldenJob) -> GoldenAnswer:
    interpreter = _open(job.model)
    details = interpreter.get_input_details()
    labels = None
    if job.samples is None:
        inputs = _made_up(details, job)
    else:
        inputs, labels = _given(details, job.samples)
    total = len(inputs[0]) if inputs else 1
    keep = min(job.keep, total, _fitting(inputs))
    kept, right = [], 0
    for index in range(total if labels is not None else keep):
        outputs = _infer(interpreter, [array[index] for array in inputs])
        if index < keep:
            kept.append(outputs)
        if labels is not None:
            right += int(outputs[0].argmax()) == int(labels[index])
    _write(job.inputs_path, "i", [array[:keep] for array in inputs])
    _write(job.outputs_path, "o", _stacked(kept))
    counted = labels is not None and kept[0][0].size > 1
    return GoldenAnswer(samples=keep, n=total, correct=right if counted else None)


def _open(path: str) -> Any:  # noqa: ANN401 - the interpreter is not typed
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise RefusedError(f"this host has no LiteRT ({error})") from error
    try:
        interpreter = Interpreter(model_path=path, num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, MemoryError) as error:
        raise RefusedError(f"LiteRT on this host refuses it: {_one_line(error)}") from error
    return interpreter


def _made_up(details: list[dict[str, Any]], job: GoldenJob) -> list[Any]:
    """Seeded random inputs: floats in [0, 1), integers over their whole range, booleans."""
    import numpy as np

    rng = np.random.default_rng(job.seed)
    made = []
    for detail in details:
        dtype, shape = np.dtype(detail["dtype"]), tuple(int(size) for size in detail["shape"])
        count = max(1, min(job.keep, _KEPT_BYTES // max(1, int(np.prod(shape)) * dtype.itemsize)))
        made.append((dtype, (count, *shape)))
    count = min((shape[0] for _, shape in made), default=1)
    return [_random(rng, dtype, (count, *shape[1:])) for dtype, shape in made]


def _random(rng: Any, dtype: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    import numpy as np

    try:
        if dtype.kind == "f":
            return rng.random(shape, dtype=np.float32).astype(dtype)
        if dtype.kind == "b":
            return rng.integers(0, 2, shape).astype(dtype)
        if dtype.kind in "iu":
            bounds = np.iinfo(dtype)
            return rng.integers(bounds.min, bounds.max, shape, dtype=dtype, endpoint=True)
    except MemoryError as error:
        raise RefusedError(f"an input of shape {shape[1:]} does not fit into {MEMORY_BYTES >> 30} GiB") from error
    raise RefusedError(f"random inputs of type {_type_name(dtype)} cannot be made up: give samples")


def _given(details: list[dict[str, Any]], path: str) -> tuple[list[Any], Any]:
    """Samples from a file, brought to the inputs' shapes and types; labels, or None."""
    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"i0": loaded}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadSamplesError(f"cannot be read as arrays: {_one_line(error)}") from error
    labels = arrays.pop("labels", None)
    if sorted(arrays) != sorted(f"i{index}" for index in range(len(details))):
        raise BadSamplesError(f"they hold {', '.join(sorted(arrays))}, where i0 to i{len(details) - 1} were expected")
    inputs = [_fitted(arrays[f"i{index}"], detail) for index, detail in enumerate(details)]
    if len({len(array) for array in inputs}) > 1 or not all(len(array) for array in inputs):
        raise BadSamplesError("its arrays are empty or differ in length")
    return inputs, labels


def _fitted(array: Any, detail: dict[str, Any]) -> Any:  # noqa: ANN401
    """One input's samples as (samples, *tensor shape), quantised by the model's own parameters if they are not."""
    import numpy as np

    shape, dtype = tuple(int(size) for size in detail["shape"]), np.dtype(detail["dtype"])
    if array.shape[1:] == shape[1:] and shape[:1] == (1,):
        array = array[:, np.newaxis]
    if array.shape[1:] != shape:
        raise BadSamplesError(f"they have shape {array.shape}, where (n, {', '.join(map(str, shape))}) was expected")
    if array.dtype == dtype:
        return array
    scale, zero_point = detail["quantization"]
    if array.dtype.kind == "f" and dtype.kind in "iu" and scale > 0:
        bounds = np.iinfo(dtype)
        return np.clip(np.round(array / scale) + zero_point, bounds.min, bounds.max).astype(dtype)
    if array.dtype.kind == "f" and dtype.kind == "f":
        return array.astype(dtype)
    raise BadSamplesError(f"they are {array.dtype}, where {_type_name(dtype)} was expected")


def _infer(interpreter: Any, values: list[Any]) -> list[Any]:  # noqa: ANN401
    try:
        for detail, value in zip(interpreter.get_input_details(), values, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
    except (ValueError, RuntimeError, MemoryError) as error:
        raise RefusedError(f"LiteRT on this host fails while running it: {_one_line(error)}") from error
    for output in outputs:
        if output.dtype.kind not in "fiub":
            raise RefusedError(f"outputs of type {_type_name(output.dtype)} cannot be compared")
    return outputs


def _stacked(kept: list[list[Any]]) -> list[Any]:
    import numpy as np

    try:
        return [np.stack(values) for values in zip(*kept, strict=True)]
    except ValueError as error:
        raise RefusedError("its outputs change their shape from sample to sample") from error


def _fitting(inputs: list[Any]) -> int:
    """How many samples stay under the size that is kept."""
    largest = max((array[0].nbytes for array in inputs), default=0)
    return max(1, _KEPT_BYTES // largest) if largest else 1 if not inputs else sys.maxsize


def _write(path: str, prefix: str, arrays: list[Any]) -> None:
    import numpy as np

    try:
        np.savez(path, **{f"{prefix}{index}": array for index, array in enumerate(arrays)})
    except OSError as error:
        raise RefusedError(f"what it reads or gives cannot be stored: {_one_line(error)}") from error


def _type_name(dtype: Any) -> str:  # noqa: ANN401
    return "string" if dtype.kind in "SUO" else str(dtype)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or f"{type(error).__name__} without a message (out of memory?)"


if __name__ == "__main__":
    main()
