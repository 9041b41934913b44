"""From a SavedModel of the user's to one with a batch of one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.pipeline.conversion.exported import SERVING, Exported, Port
from harness.pipeline.conversion.graph_check import refuse_outside_operators
from harness.pipeline.training.foreign import one_line
from harness.records.errors import BuildError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

# TensorFlow is not typed: its functions and tensors are Any here.
Tensorflow = Any


def adopt(source: Path, folder: Path, label: str) -> Exported:
    """Write the signature of a SavedModel anew, with a batch of one. Raises BuildError.

    The signature is serving_default, or the only one there is. Nothing of it runs but its graph, and that has been
    looked through before: a SavedModel may be a stranger's.
    """
    import tensorflow as tf

    refuse_outside_operators(source, label)
    try:
        loaded = tf.saved_model.load(str(source))
    except Exception as error:
        raise BuildError(f"{label}: the SavedModel {source} cannot be loaded: {one_line(error)}") from error
    serve = _signature(loaded, label)
    inputs = _fixed_inputs(serve, label)
    fixed = _with_batch_of_one(loaded, serve, inputs, label)
    outputs = _outputs(fixed.serve, label)
    try:
        tf.saved_model.save(fixed, str(folder), signatures={SERVING: fixed.serve})
    except Exception as error:
        raise BuildError(f"{label} cannot be exported with a batch of one: {one_line(error)}") from error
    return Exported(folder, inputs, outputs, original=lambda values: _run(serve, values))


def _signature(loaded: Tensorflow, label: str) -> Tensorflow:
    signatures = dict(getattr(loaded, "signatures", {}))
    if SERVING in signatures:
        return signatures[SERVING]
    if len(signatures) == 1:
        return next(iter(signatures.values()))
    found = f"the signatures {', '.join(sorted(signatures))}" if signatures else "no signature"
    raise BuildError(f"{label}: the SavedModel has {found}, where one, or one named {SERVING}, was expected")


def _fixed_inputs(serve: Tensorflow, label: str) -> tuple[Port, ...]:
    specs = dict(serve.structured_input_signature[1])
    if not specs:
        raise BuildError(f"{label}: the SavedModel's signature has no input")
    return tuple(_fixed_input(name, spec, label) for name, spec in specs.items())


def _fixed_input(name: str, spec: Tensorflow, label: str) -> Port:
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    if not shape or shape[0] not in (None, 1) or None in shape[1:]:
        shown = "any shape" if shape is None else f"shape {shape}"
        raise BuildError(
            f'{label}: input "{name}" has {shown}, where a batch of None or 1 and fixed other sizes were expected: '
            "export it with fixed sizes"
        )
    return Port(name, (1, *shape[1:]), spec.dtype.name)


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
        raise BuildError(f"{label} cannot take a batch of one: {one_line(error)}") from error
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
