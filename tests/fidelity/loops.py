"""One measuring process: a bare loop over LiteRT, by its Interpreter or by its CompiledModel's C API.

Run as ``python loops.py interpreter|compiled MODEL SECONDS CORE SEED``; prints the median inference in nanoseconds.
Nothing of the harness is imported here: this is what the harness' figures are compared with.
"""

import ctypes
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

WARMUP_RUNS = 5
FLOAT32 = 1
"""kLiteRtElementTypeFloat32."""
EIGHT_BIT = (3, 9)
"""kLiteRtElementTypeUInt8 and kLiteRtElementTypeInt8."""
CPU = 1
"""kLiteRtHwAcceleratorCpu."""
WRITE = 1
"""kLiteRtTensorBufferLockModeWrite."""
RANKED_TENSOR_TYPE_ROOM = 256
"""More bytes than LiteRtRankedTensorType has; only its first field, the element type, is read here."""

RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
SMALL = (0, 2)
"""Other integers may be indices."""

Runner = Callable[[], object]
Call = Callable[..., None]


def median_ns(invoke: Runner, seconds: float) -> int:
    """Median of single inferences, one clock reading before and one after each."""
    clock = time.perf_counter_ns
    for _ in range(WARMUP_RUNS):
        invoke()
    samples: list[int] = []
    end = clock() + int(seconds * 1e9)
    while True:
        before = clock()
        invoke()
        after = clock()
        samples.append(after - before)
        if after >= end:
            return int(statistics.median(samples))


def interpreter(model: str, random: np.random.Generator) -> Runner:
    """The invoke of a new Interpreter, inputs set."""
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_path=model, num_threads=1)
    made.allocate_tensors()
    for detail in made.get_input_details():
        made.set_tensor(detail["index"], random_tensor(detail["shape"], detail["dtype"], random))
    return made.invoke  # type: ignore[no-any-return]


def random_tensor(shape: np.ndarray, dtype: type, random: np.random.Generator) -> np.ndarray:
    """Seeded values: 0..1 for floats, the type's whole range for 8-bit integers, small numbers otherwise."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return random.random(tuple(shape)).astype(kind)
    if kind.kind not in "iu":
        raise SystemExit(f"inputs of type {kind} are not made here")
    low, high = RANGES.get(kind.name, SMALL)
    return random.integers(low, high, size=tuple(shape), endpoint=True).astype(kind)


def compiled(model: str, random: np.random.Generator) -> Runner:
    """The run of a new CompiledModel's first signature through libLiteRt.so, on the CPU, inputs written."""
    library = ctypes.CDLL(library_path())
    call = checked(library)
    handles = open_compiled(call, model)
    signature = new(call, "LiteRtGetModelSignature", handles["model"], size(0))
    inputs = buffers(call, handles, signature, "Input")
    outputs = buffers(call, handles, signature, "Output")
    for buffer, element in inputs:
        fill(call, buffer, element, random)
    run = library.LiteRtRunCompiledModel
    arguments = (handles["compiled"], size(0), *array(inputs), *array(outputs))
    call("LiteRtRunCompiledModel", *arguments)
    return lambda: run(*arguments)


def library_path() -> str:
    """libLiteRt.so inside the installed wheel."""
    spec = importlib.util.find_spec("ai_edge_litert")
    if spec is None or spec.origin is None:
        raise SystemExit("ai_edge_litert is not installed")
    return str(Path(spec.origin).with_name("libLiteRt.so"))


def checked(library: ctypes.CDLL) -> Call:
    """A caller of the library's functions, by name; a status other than 0 ends the process with that name."""

    def call(name: str, *arguments: object) -> None:
        status = getattr(library, name)(*arguments)
        if status != 0:
            raise SystemExit(f"{name} returned status {status}")

    return call


def new(call: Call, name: str, *arguments: object) -> ctypes.c_void_p:
    """The handle a function gives back by its last argument."""
    handle = ctypes.c_void_p()
    call(name, *arguments, ctypes.byref(handle))
    return handle


def size(number: int) -> ctypes.c_size_t:
    """An index or a count as the C API takes it."""
    return ctypes.c_size_t(number)


def open_compiled(call: Call, model: str) -> dict[str, ctypes.c_void_p]:
    """Environment, model and compiled model; never destroyed, the process ends instead."""
    environment = new(call, "LiteRtCreateEnvironment", 0, None)
    opened = new(call, "LiteRtCreateModelFromFile", environment, os.fsencode(model))
    options = new(call, "LiteRtCreateOptions")
    call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
    ready = new(call, "LiteRtCreateCompiledModel", environment, opened, options)
    return {"environment": environment, "model": opened, "compiled": ready}


def buffers(
    call: Call, handles: dict[str, ctypes.c_void_p], signature: ctypes.c_void_p, side: str
) -> list[tuple[ctypes.c_void_p, int]]:
    """A tensor buffer, and its element type, for every input or output of the first signature."""
    count = ctypes.c_size_t()
    call(f"LiteRtGetNumSignature{side}s", signature, ctypes.byref(count))
    made = []
    for index in range(count.value):
        tensor = new(call, f"LiteRtGetSignature{side}TensorByIndex", signature, size(index))
        kind = ctypes.create_string_buffer(RANKED_TENSOR_TYPE_ROOM)
        call("LiteRtGetRankedTensorType", tensor, kind)
        needs = new(call, f"LiteRtGetCompiledModel{side}BufferRequirements", handles["compiled"], size(0), size(index))
        environment = handles["environment"]
        buffer = new(call, "LiteRtCreateManagedTensorBufferFromRequirements", environment, kind, needs)
        made.append((buffer, ctypes.c_int32.from_buffer(kind).value))
    return made


def fill(call: Call, buffer: ctypes.c_void_p, element: int, random: np.random.Generator) -> None:
    """Write seeded values: 0..1 for float32, any bytes for 8-bit integers; zeros otherwise, they may be indices."""
    length = ctypes.c_size_t()
    call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(length))
    content = bytes(length.value)
    if element == FLOAT32:
        content = random.random(length.value // 4, dtype=np.float32).tobytes()
    elif element in EIGHT_BIT:
        content = random.bytes(length.value)
    address = ctypes.c_void_p()
    call("LiteRtLockTensorBuffer", buffer, ctypes.byref(address), WRITE)
    ctypes.memmove(address, content, len(content))
    call("LiteRtUnlockTensorBuffer", buffer)


def array(pairs: list[tuple[ctypes.c_void_p, int]]) -> tuple[ctypes.c_size_t, ctypes.Array[ctypes.c_void_p]]:
    """A count and a C array of buffers."""
    return size(len(pairs)), (ctypes.c_void_p * len(pairs))(*(buffer for buffer, _ in pairs))


PATHS = {"interpreter": interpreter, "compiled": compiled}


def main(path: str, model: str, seconds: str, *, core: str, seed: str) -> None:
    """Measure one model by one path on one core."""
    os.sched_setaffinity(0, {int(core)})
    invoke = PATHS[path](model, np.random.default_rng(int(seed)))
    sys.stdout.write(f"{median_ns(invoke, float(seconds))}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], core=sys.argv[4], seed=sys.argv[5])
