"""Importing the interpreter a runner names, and making one of a model."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, TypeVar

from edge_agent import runtimes
from edge_agent.spec import Runner
from edge_agent.wire import AgentError, one_line

if TYPE_CHECKING:
    from edge_agent.interfaces import Details, Interpreter

_LITERT = "ai_edge_litert.interpreter"
_MODULES = {"litert": _LITERT, "compiled": _LITERT, "tflite": "tflite_runtime.interpreter", "command": "numpy"}
CACHE, MODEL = "{cache}", "{model}"
"""What stands for a folder of our cache, and for the model's name there, in a delegate's options."""
_NUMPY_CAUSE = "Original error was:"
_UNMAPPED = "failed to map segment"
_NOEXEC = " (is its file system mounted noexec?)"
_Result = TypeVar("_Result")


class TrialFailedError(Exception):
    """Why a trial has no numbers, in one line."""


def load_module(runner: Runner) -> Any:  # noqa: ANN401 - whichever module it is
    """The interpreter's module; raises AgentError "runtime" if it cannot be imported."""
    name = _MODULES.get(runner.package) or runtimes.system_module(sys.path)
    if name is None:
        raise AgentError("runtime", "this board has no interpreter of its vendor")
    try:
        # Before the fork, so that no trial pays for it.
        importlib.import_module("numpy.random")
        return importlib.import_module(name)
    except Exception as error:  # a broken native library raises what it likes
        raise AgentError(
            "runtime", "%s cannot be imported by %s: %s" % (name, runner.python, cause_of(error))
        ) from error


def cause_of(error: BaseException) -> str:
    """Why an import failed, in one line: numpy hides it below advice on how to solve the issue."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = str(error).rpartition(_NUMPY_CAUSE)[2].strip()
    cause = one_line(said.splitlines()[0] if said else "") or repr(error)
    return cause + (_NOEXEC if _UNMAPPED in cause else "")


def is_external(runner: Runner) -> bool:
    """Whether the delegate is a library on the board."""
    return runner.delegate not in ("xnnpack", "none")


def make_interpreter(module: Any, runner: Runner, model: str) -> Interpreter:  # noqa: ANN401
    """An interpreter of a model file, not yet allocated; raises TrialFailedError."""
    if runner.package == "command":
        program: Interpreter = importlib.import_module("edge_agent.command_runtime").CommandRuntime(runner, model)
        return program
    if runner.package == "compiled":
        # What LiteRT's other path needs is loaded only where it is asked for.
        compiled = importlib.import_module("edge_agent.compiled_model").CompiledModel
        other_path: Interpreter = guard("load", lambda: compiled(module, runner, model))
        return other_path
    options: Dict[str, Any] = {"model_path": model, "num_threads": runner.num_threads}
    if runner.delegate == "none":
        resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        options["experimental_op_resolver_type"] = resolver
    elif is_external(runner):
        options["experimental_delegates"] = [_load_delegate(module, runner, Path(model))]
    made: Interpreter = guard("load", lambda: _construct(module, options))
    return made


def _construct(module: Any, options: Dict[str, Any]) -> Any:  # noqa: ANN401
    try:
        return module.Interpreter(**options)
    except (ImportError, SystemError) as error:  # its native part meets another numpy than it was built for
        raise TrialFailedError(
            "the runtime itself does not work here (%s): put a working one there with harness provision"
            % cause_of(error)
        ) from error


def _load_delegate(module: Any, runner: Runner, model: Path) -> Any:  # noqa: ANN401
    try:
        return module.load_delegate(runner.delegate, _with_cache(runner, model))
    except Exception as error:
        raise TrialFailedError(
            "the delegate %s cannot be loaded: %s" % (runner.delegate, one_line(str(error)) or repr(error))
        ) from error


def _with_cache(runner: Runner, model: Path) -> Dict[str, str]:
    """The delegate's options, with a folder of our cache for what it compiles, and the model's name."""
    folder = model.parent.parent / "delegates" / Path(runner.delegate).name
    if any(CACHE in value for value in runner.delegate_options.values()):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        name: value.replace(CACHE, str(folder)).replace(MODEL, model.name)
        for name, value in runner.delegate_options.items()
    }


def guard(stage: str, call: Callable[[], _Result]) -> _Result:
    """Call the runtime; what it raises becomes a TrialFailedError that names the stage."""
    try:
        return call()
    except TrialFailedError:
        raise
    except Exception as error:  # runtimes raise ValueError, RuntimeError, SystemError...
        said = one_line(str(error))
        sentence = "the runtime refused the model at " + stage
        raise TrialFailedError(sentence + (": " + said if said else " without a message (out of memory?)")) from error


class TensorDetails(NamedTuple):
    """One input or output as the runtime describes it."""

    handle: int
    name: str
    shape: List[int]
    dtype: str
    scale: float
    zero_point: int

    def record(self) -> Dict[str, Any]:
        """The TensorInfo record."""
        return {
            "name": self.name,
            "shape": self.shape,
            "dtype": self.dtype,
            "scale": self.scale,
            "zero_point": self.zero_point,
        }


def tensors(details: List[Details]) -> List[TensorDetails]:
    """The runtime's details; dtype "string" for text; scale 0 where there is no single scale."""
    return [_tensor(detail) for detail in details]


def _tensor(detail: Details) -> TensorDetails:
    import numpy as np

    kind = np.dtype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    return TensorDetails(
        handle=int(detail["index"]),
        name=str(detail["name"]),
        shape=[int(size) for size in detail["shape"]],
        dtype="string" if kind.kind in "SO" else kind.name,
        scale=float(scale),
        zero_point=int(zero_point),
    )
