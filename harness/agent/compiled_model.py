"""LiteRT's CompiledModel through its C library: a model that is run like an interpreter, and its profiler's events.

The library is part of the ai-edge-litert package. Names and structures are those of litert/c/ of LiteRT 2.3; options
are TOML texts under an identifier, as its own C++ wrapper sends them. Handles are kept until the process ends, soon.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, NamedTuple, Optional, Sequence

from edge_agent.interpreters import TrialFailedError

if TYPE_CHECKING:
    from edge_agent.interfaces import Array, Details
    from edge_agent.spec import Runner

LIBRARY = "libLiteRt.so"
OPERATOR, DELEGATED_OPERATOR, DELEGATE = 2, 8, 4
"""Kinds of a profiler's event: an operator of the runtime, one within a delegate, a delegate's part as a whole."""
_CPU = 1
_BUILTIN_KERNELS = 2
_MOST_AXES = 8
_RANK_BITS = 0x7F
_LOCK_TO_READ, _LOCK_TO_WRITE = 0, 1
_QUANTISED_AS_A_WHOLE = 1
_MOST_TENSORS = 4096
_TYPES = {
    1: "float32",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float16",
    11: "float64",
    12: "complex128",
    13: "uint64",
    16: "uint32",
    17: "uint16",
}
"""LiteRtElementType, by numpy's names."""
_Handle = ctypes.c_void_p
_SIGNATURE = ctypes.c_size_t(0)


class _Layout(ctypes.Structure):
    _fields_ = [
        ("rank", ctypes.c_uint32),
        ("sizes", ctypes.c_int32 * _MOST_AXES),
        ("strides", ctypes.c_uint32 * _MOST_AXES),
    ]


class _TensorType(ctypes.Structure):
    _fields_ = [("element", ctypes.c_int), ("layout", _Layout)]


class _PerTensorQuantization(ctypes.Structure):
    _fields_ = [("scale", ctypes.c_float), ("zero_point", ctypes.c_int64)]


class _ProfilerEvent(ctypes.Structure):
    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_before", ctypes.c_size_t * 3),
        ("memory_after", ctypes.c_size_t * 3),
        ("index", ctypes.c_int64),
        ("graph", ctypes.c_int64),
        ("source", ctypes.c_int),
    ]


class Event(NamedTuple):
    """One thing that LiteRT's profiler saw: name, kind, number in its graph or part, graph, and microseconds."""

    name: str
    kind: int
    number: int
    graph: int
    elapsed_us: int


class Library:
    """The C library, each of whose functions answers with a status."""

    def __init__(self, folder: Path) -> None:
        path = folder / LIBRARY
        if not path.is_file():
            raise TrialFailedError("this version of LiteRT has no C library (%s)" % LIBRARY)
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise TrialFailedError("LiteRT's C library cannot be loaded: %s" % error) from error

    def call(self, name: str, *arguments: Any) -> None:  # noqa: ANN401 - whatever the C function takes
        """Call a function; raises TrialFailedError with its name where its status is not 0."""
        try:
            function = getattr(self._library, name)
        except AttributeError as error:
            raise TrialFailedError("LiteRT's C library has no %s" % name) from error
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status != 0:
            raise TrialFailedError("%s of LiteRT's C library fails with status %d" % (name, status))

    def made(self, name: str, *arguments: Any) -> _Handle:  # noqa: ANN401
        """What a function writes to its last argument: a handle."""
        handle = _Handle()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle

    def counted(self, name: str, *arguments: Any) -> int:  # noqa: ANN401
        """What a function writes to its last argument: a number."""
        count = ctypes.c_size_t()
        self.call(name, *arguments, ctypes.byref(count))
        return min(int(count.value), _MOST_TENSORS)


class _Tensor(NamedTuple):
    """An input or output: its handle in the file, its place in the signature, what it is, and its buffer."""

    handle: _Handle
    place: int
    name: str
    dtype: str
    shape: List[int]
    scale: float
    zero_point: int


class CompiledModel:
    """A model on LiteRT's CompiledModel path; used like an interpreter, whose methods it has."""

    def __init__(self, module: Any, runner: Runner, model_path: str, profiling: bool = False) -> None:  # noqa: ANN401
        self._library = Library(Path(module.__file__).parent)
        made = self._library.made
        self._environment = made("LiteRtCreateEnvironment", 0, None)
        self._model = made("LiteRtCreateModelFromFile", self._environment, model_path.encode())
        options = made("LiteRtCreateOptions")
        self._library.call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        kernels = "kernel_mode = %d\n" % _BUILTIN_KERNELS if runner.delegate == "none" else ""
        self._texts = [self._add_option(options, "xnnpack", "num_threads = %d\n%s" % (runner.num_threads, kernels))]
        if profiling:
            self._texts.append(self._add_option(options, "runtime_options_string", "enable_profiling = true\n"))
        self._compiled = made("LiteRtCreateCompiledModel", self._environment, self._model, options)
        self._inputs, self._outputs = self._tensors("Input"), self._tensors("Output")
        # An axis that the file leaves open counts as 1, as in the interpreter.
        closed = [tensor._replace(shape=[max(size, 1) for size in tensor.shape]) for tensor in self._inputs]
        self._resized = {one.place: one.shape for one, told in zip(closed, self._inputs) if one.shape != told.shape}
        self._inputs = closed
        self._input_buffers: Any = None
        self._output_buffers: Any = None

    def allocate_tensors(self) -> None:
        """Make the buffers of inputs and outputs."""
        for place, shape in self._resized.items():
            sizes = (ctypes.c_int * len(shape))(*shape)
            numbers = (self._compiled, _SIGNATURE, ctypes.c_size_t(place), sizes, ctypes.c_size_t(len(shape)))
            self._library.call("LiteRtCompiledModelResizeInputTensor", *numbers)
        self._input_buffers = self._buffers("Input", self._inputs)
        if self._outputs:
            self._outputs = self._shaped_outputs()
        self._output_buffers = self._buffers("Output", self._outputs)
        self._run_arguments = (
            self._compiled, _SIGNATURE,
            ctypes.c_size_t(len(self._inputs)), self._input_buffers,
            ctypes.c_size_t(len(self._outputs)), self._output_buffers,
        )  # fmt: skip

    def invoke(self) -> None:
        """Run one inference."""
        self._library.call("LiteRtRunCompiledModel", *self._run_arguments)

    def get_input_details(self) -> List[Details]:
        """The inputs in the order of the file."""
        return [_details(place, tensor) for place, tensor in enumerate(self._inputs)]

    def get_output_details(self) -> List[Details]:
        """The outputs in the order of the file; their numbers follow those of the inputs."""
        return [_details(len(self._inputs) + place, tensor) for place, tensor in enumerate(self._outputs)]

    def resize_tensor_input(self, input_index: int, tensor_size: Sequence[int]) -> None:
        """Give an input another shape, which holds from ``allocate_tensors`` on."""
        tensor = self._inputs[input_index]._replace(shape=list(tensor_size))
        self._inputs[input_index] = tensor
        self._resized[tensor.place] = tensor.shape

    def set_tensor(self, tensor_index: int, value: Array) -> None:
        """Copy an input in; raises ValueError where it does not fit."""
        import numpy as np

        tensor = self._inputs[tensor_index]
        if list(value.shape) != tensor.shape or value.dtype != np.dtype(tensor.dtype):
            raise ValueError("%s of %s does not fit %s of %s" % (value.shape, value.dtype, tensor.shape, tensor.dtype))
        data = np.ascontiguousarray(value)
        with _Locked(self._library, self._input_buffers[tensor.place], _LOCK_TO_WRITE) as memory:
            ctypes.memmove(memory, data.ctypes.data, data.nbytes)

    def get_tensor(self, tensor_index: int) -> Array:
        """A copy of an output."""
        import numpy as np

        tensor = self._outputs[tensor_index - len(self._inputs)]
        result = np.empty(tensor.shape, dtype=tensor.dtype)
        with _Locked(self._library, self._output_buffers[tensor.place], _LOCK_TO_READ) as memory:
            ctypes.memmove(result.ctypes.data, memory, result.nbytes)
        return result

    def profiled(self, feed: Callable[[], None]) -> Iterator[List[Event]]:
        """The events of one inference after the other, without end; ``feed`` is called before each."""
        profiler = self._library.made("LiteRtCompiledModelGetProfiler", self._compiled)
        if not profiler:
            raise TrialFailedError("LiteRT's C library gives no profiler")
        while True:
            feed()
            self._library.call("LiteRtStartProfiler", profiler)
            self.invoke()
            self._library.call("LiteRtStopProfiler", profiler)
            yield self._events(profiler)
            self._library.call("LiteRtResetProfiler", profiler)

    def _events(self, profiler: _Handle) -> List[Event]:
        count = ctypes.c_int()
        self._library.call("LiteRtGetNumProfilerEvents", profiler, ctypes.byref(count))
        events = (_ProfilerEvent * max(count.value, 0))()
        self._library.call("LiteRtGetProfilerEvents", profiler, count, events)
        return [
            Event((each.tag or b"").decode("utf-8", "replace"), each.kind, each.index, each.graph, each.elapsed_us)
            for each in events
        ]

    def _add_option(self, options: _Handle, identifier: str, text: str) -> Any:  # noqa: ANN401
        """Add a TOML text, and give what has to live as long as the model."""
        content = ctypes.create_string_buffer(text.encode())
        nothing = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_leave)
        option = self._library.made("LiteRtCreateOpaqueOptions", identifier.encode(), content, nothing)
        self._library.call("LiteRtAddOpaqueOptions", options, option)
        return content, nothing

    def _tensors(self, side: str) -> List[_Tensor]:
        """Inputs or outputs in the order of the first graph, each with its place in the first signature."""
        library = self._library
        signature = library.made("LiteRtGetModelSignature", self._model, _SIGNATURE)
        graph = library.made("LiteRtGetSignatureSubgraph", signature)
        named = [
            library.made("LiteRtGetSignature%sTensorByIndex" % side, signature, ctypes.c_size_t(at)).value
            for at in range(library.counted("LiteRtGetNumSignature%ss" % side, signature))
        ]
        listed = [
            library.made("LiteRtGetSubgraph%s" % side, graph, ctypes.c_size_t(at))
            for at in range(library.counted("LiteRtGetNumSubgraph%ss" % side, graph))
        ]
        if sorted(named, key=str) != sorted((handle.value for handle in listed), key=str):
            raise TrialFailedError("its first signature has other %ss than its first graph" % side.lower())
        return [self._tensor(handle, named.index(handle.value)) for handle in listed]

    def _tensor(self, handle: _Handle, place: int) -> _Tensor:
        kind, name, scheme = _TensorType(), ctypes.c_char_p(), ctypes.c_int()
        self._library.call("LiteRtGetRankedTensorType", handle, ctypes.byref(kind))
        self._library.call("LiteRtGetTensorName", handle, ctypes.byref(name))
        self._library.call("LiteRtGetQuantizationTypeId", handle, ctypes.byref(scheme))
        told = (name.value or b"").decode("utf-8", "replace")
        if kind.element not in _TYPES:
            raise TrialFailedError(
                "CompiledModel cannot be fed here with %s, of element type %d" % (told, kind.element)
            )
        quantised = _PerTensorQuantization(0.0, 0)
        if scheme.value == _QUANTISED_AS_A_WHOLE:
            self._library.call("LiteRtGetPerTensorQuantization", handle, ctypes.byref(quantised))
        shape = _shape(kind.layout)
        return _Tensor(handle, place, told, _TYPES[kind.element], shape, quantised.scale, quantised.zero_point)

    def _shaped_outputs(self) -> List[_Tensor]:
        """The outputs with the shapes that they have for these inputs."""
        layouts = (_Layout * len(self._outputs))()
        count = ctypes.c_size_t(len(layouts))
        resized = ctypes.c_bool(bool(self._resized))
        name = "LiteRtGetCompiledModelOutputTensorLayouts"
        self._library.call(name, self._compiled, _SIGNATURE, count, layouts, resized)
        return [tensor._replace(shape=_shape(layouts[tensor.place])) for tensor in self._outputs]

    def _buffers(self, side: str, tensors: List[_Tensor]) -> Any:  # noqa: ANN401 - an array of handles
        buffers = (_Handle * len(tensors))()
        for tensor in tensors:
            kind = _TensorType()
            self._library.call("LiteRtGetRankedTensorType", tensor.handle, ctypes.byref(kind))
            kind.layout.sizes[: len(tensor.shape)] = tensor.shape
            place = ctypes.c_size_t(tensor.place)
            asked = "LiteRtGetCompiledModel%sBufferRequirements" % side
            needs = self._library.made(asked, self._compiled, _SIGNATURE, place)
            made = "LiteRtCreateManagedTensorBufferFromRequirements"
            buffers[tensor.place] = self._library.made(made, self._environment, ctypes.byref(kind), needs).value
        return buffers


class _Locked:
    """A buffer's memory, as long as it is used."""

    def __init__(self, library: Library, buffer: Optional[int], mode: int) -> None:
        self._library, self._buffer, self._mode = library, _Handle(buffer), mode

    def __enter__(self) -> _Handle:
        memory = _Handle()
        self._library.call("LiteRtLockTensorBuffer", self._buffer, ctypes.byref(memory), self._mode)
        return memory

    def __exit__(self, *_: object) -> None:
        self._library.call("LiteRtUnlockTensorBuffer", self._buffer)


def _leave(_: object) -> None:
    """The text is this process' own: nothing is to be freed."""


def _shape(layout: _Layout) -> List[int]:
    return list(layout.sizes[: min(layout.rank & _RANK_BITS, _MOST_AXES)])


def _details(number: int, tensor: _Tensor) -> Details:
    import numpy as np

    return {
        "index": number,
        "name": tensor.name,
        "shape": tensor.shape,
        "dtype": np.dtype(tensor.dtype).type,
        "quantization": (tensor.scale, tensor.zero_point),
    }
