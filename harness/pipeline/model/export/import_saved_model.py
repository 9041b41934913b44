"""From a SavedModel of the user's to one with a batch of one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.pipeline.model.error_text import describe_exception
from harness.pipeline.model.export.exported import SERVING, ExportedModel, Port
from harness.pipeline.model.export.open_sizes import Shape, describe_open_size, fixed_shape
from harness.pipeline.model.export.saved_model_check import refuse_outside_operators
from harness.records.errors import BuildError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_OF_KERAS: Final = "serve"

# TensorFlow is not typed: its functions and tensors are Any here.
Tensorflow = Any


def import_saved_model(
    source: Path,
    folder: Path,
    label: str,
    *,
    signature: str | None = None,
    shapes: Callable[[], Sequence[Shape] | None] = lambda: None,
) -> ExportedModel:
    """Write a signature of a SavedModel anew, with a batch of one. Raises BuildError.

    The signature is the one named, serving_default, or the only one there is. ``shapes`` gives those of one real
    sample for each input, where the signature leaves sizes open. Nothing of it runs but its graph, and that has been
    looked through before: a SavedModel may be a stranger's.
    """
    import tensorflow as tf

    refuse_outside_operators(source, label)
    try:
        loaded = tf.saved_model.load(str(source))
    except Exception as error:
        raise BuildError(f"{label}: the SavedModel {source} cannot be loaded: {describe_exception(error)}") from error
    serve, chosen = _signature(loaded, signature, label)
    inputs, told = _fixed_inputs(serve, shapes, label)
    fixed = _with_batch_of_one(loaded, serve, inputs, label)
    outputs = _outputs(fixed.serve, label)
    try:
        tf.saved_model.save(fixed, str(folder), signatures={SERVING: fixed.serve})
    except Exception as error:
        raise BuildError(f"{label} cannot be exported with a batch of one: {describe_exception(error)}") from error
    return ExportedModel(folder, inputs, outputs, original=lambda values: _run(serve, values), notes=(*chosen, *told))


def _signature(loaded: Tensorflow, wanted: str | None, label: str) -> tuple[Tensorflow, tuple[str, ...]]:
    """The signature that is taken, with a sentence where there was a choice."""
    signatures = dict(getattr(loaded, "signatures", {}))
    found = f"the signatures {', '.join(sorted(signatures))}" if signatures else "no signature"
    if wanted is not None and wanted not in signatures:
        raise BuildError(f'{label}: the SavedModel has {found}, and none called "{wanted}"')
    name = wanted or (SERVING if SERVING in signatures else next(iter(signatures), None))
    if name is None or (wanted is None and name != SERVING and len(signatures) > 1):
        raise BuildError(
            f"{label}: the SavedModel has {found}, where one, or one named {SERVING}, was expected"
            + (": name one with signature= or --signature" if signatures else "")
        )
    # Keras' own export gives the same function under two names.
    others = ", ".join(sorted(signatures.keys() - {name, *([_OF_KERAS] if name == SERVING else [])}))
    how = "" if wanted else ": name one with signature= or --signature"
    return signatures[name], (f'measured is its signature "{name}", not {others}{how}',) if others else ()


def _fixed_inputs(
    serve: Tensorflow, shapes: Callable[[], Sequence[Shape] | None], label: str
) -> tuple[tuple[Port, ...], tuple[str, ...]]:
    specs = dict(serve.structured_input_signature[1])
    if not specs:
        raise BuildError(f"{label}: the SavedModel's signature has no input")
    open_ = any(spec.shape.rank and None in spec.shape.as_list()[1:] for spec in specs.values())
    known = shapes() if open_ else None
    ports, told = [], []
    for index, (name, spec) in enumerate(specs.items()):
        whose = f'{label}: input "{name}"'
        if spec.shape.rank is None:
            raise BuildError(f"{whose} has any shape: export it with fixed sizes")
        stated = tuple(spec.shape.as_list())
        fixed = fixed_shape(stated, known, index, whose)
        told += [describe_open_size(name, stated, fixed)] if None in stated[1:] else []
        ports.append(Port(name, fixed, spec.dtype.name))
    return tuple(ports), tuple(told)


def _with_batch_of_one(loaded: Tensorflow, serve: Tensorflow, inputs: tuple[Port, ...], label: str) -> Tensorflow:
    """A module whose function ``serve`` is the signature traced anew.

    The converter then knows every size, and leaves nothing of what computed the batch while running.
    """
    import tensorflow as tf

    specs = {port.name: tf.TensorSpec(port.shape, port.dtype, name=port.name) for port in inputs}
    module = tf.Module()
    module.loaded = loaded  # its variables are saved with the module, and must not go before it

    def serve_one(**values: Tensorflow) -> Tensorflow:
        given = serve(**values)
        for tensor in given.values():
            if tensor.shape.rank and tensor.shape[0] is None:  # e.g. out of a table; that it is one is proved later
                tensor.set_shape([1, *tensor.shape[1:]])
        return given

    try:
        module.serve = tf.function(serve_one).get_concrete_function(**specs)
    except Exception as error:
        raise BuildError(f"{label} cannot take a batch of one: {describe_exception(error)}") from error
    return module


def _outputs(serve: Tensorflow, label: str) -> tuple[Port, ...]:
    ports = []
    for name, spec in serve.structured_outputs.items():
        if spec.shape.rank is None or None in spec.shape.as_list():
            raise BuildError(
                f'{label}: output "{name}" has shape {spec.shape} with a batch of one: '
                "every size must be known before it runs"
            )
        ports.append(Port(name, tuple(spec.shape.as_list()), spec.dtype.name))
    return tuple(ports)


def _run(serve: Tensorflow, values: "Mapping[str, Array]") -> "dict[str, Array]":
    import tensorflow as tf

    given = serve(**{name: tf.constant(value) for name, value in values.items()})
    return {name: value.numpy() for name, value in given.items()}
