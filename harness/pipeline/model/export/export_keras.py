"""From a trained Keras model to a SavedModel with a batch of one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.pipeline.model.error_text import describe_exception
from harness.pipeline.model.export.exported import ExportedModel, Port
from harness.pipeline.model.export.open_sizes import Shape, describe_open_size, fixed_shape
from harness.pipeline.model.training.keras_graph import vocabularies
from harness.records.errors import BuildError

# Keras is not typed: its models and tensors are Any here.
Keras = Any

_NARROW: Final = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Types that TensorFlow Lite does not compute in, and their step at 1."""


def export_keras(model: Keras, folder: Path, label: str, shapes: Sequence[Shape] | None = None) -> ExportedModel:
    """Export a model by Keras itself. Raises BuildError for one that cannot be a SavedModel with a batch of one.

    tf.saved_model.save would silently leave the weights of a Keras 3 model out. What behaves otherwise in training is
    exported as it behaves in use, and what computes in 16 bits, which TensorFlow Lite has no operators for, in float32.
    ``shapes`` are those of one real sample for each input, and become the sizes that the model leaves open.
    """
    inputs, opened = _fixed_inputs(model, label, shapes)
    with _in_float32(model) as narrow:
        try:
            outputs = model(_pack_inputs(model, inputs), training=False)
        except Exception as error:
            raise BuildError(f"{label} cannot take a batch of one: {describe_exception(error)}") from error
        named = _by_name(outputs, label)
        _refuse_unknown_sizes(model, named, label)
        try:
            _write(model, inputs, outputs, folder)
        except Exception as error:
            raise BuildError(f"{label} cannot be exported as a SavedModel: {describe_exception(error)}") from error
    return ExportedModel(
        folder,
        inputs=_inputs(model, inputs),
        outputs=_ports(named.items()),
        original=lambda values: _run(model, values, label),
        original_eps=max((_NARROW[one] for one in narrow), default=0.0),
        notes=(*opened, *_narrow_notes(narrow)),
    )


def _write(model: Keras, inputs: list[Keras], outputs: Any, folder: Path) -> None:  # noqa: ANN401
    import keras

    # Without the signature, export makes the batch dynamic again.
    signature = [keras.InputSpec(shape=one.shape, dtype=one.dtype, name=one.name) for one in inputs]
    archive = keras.export.ExportArchive()
    # A model around the model would put its own name before that of each layer, and the file keeps all of them.
    if len(inputs) == 1 and _pack_inputs(model, inputs) is inputs[0]:
        archive.track(model)
        archive.add_endpoint("serve", lambda given: model(given, training=False), signature)
    else:
        around = keras.Model(inputs, outputs)
        archive.track(around)
        archive.add_endpoint("serve", lambda given: around(given, training=False), [signature])
    archive.write_out(str(folder), verbose=False)


@contextmanager
def _in_float32(model: Keras) -> Iterator[tuple[str, ...]]:
    """All layers compute in float32 meanwhile; gives the narrower types in which some did, each once.

    Weights are float32 already where the precision is mixed, and are taken as they are where they are not.
    """
    layers = [layer for layer in model._flatten_layers() if layer.compute_dtype in _NARROW]
    kept = [(layer, layer.dtype_policy) for layer in layers if layer.quantization_mode is None]
    narrow = tuple(dict.fromkeys(layer.compute_dtype for layer in layers))
    for layer, _ in kept:
        layer.dtype_policy = "float32"
    try:
        yield narrow
    finally:
        for layer, policy in kept:
            layer.dtype_policy = policy


def _narrow_notes(narrow: tuple[str, ...]) -> tuple[str, ...]:
    if not narrow:
        return ()
    return (f"layers that compute in {', '.join(narrow)} were exported in float32, as TensorFlow Lite computes",)


def _fixed_inputs(model: Keras, label: str, shapes: Sequence[Shape] | None) -> tuple[list[Keras], tuple[str, ...]]:
    """Inputs as the exported model will have them, a batch of one and every size known; sentences on open sizes."""
    import keras

    tensors = _inputs_of(model)
    if not tensors:
        raise BuildError(f"{label} returned a model that is not built: give it keras.Input layers")
    inputs, told = [], []
    for index, tensor in enumerate(tensors):
        whose = f'{label}: input "{tensor.name}"{_first_layer(model, tensor)}'
        fixed = fixed_shape(tuple(tensor.shape), shapes, index, whose)
        told += [describe_open_size(tensor.name, tuple(tensor.shape), fixed)] if None in tensor.shape[1:] else []
        inputs.append(keras.Input(batch_shape=fixed, dtype=tensor.dtype, name=tensor.name))
    return inputs, tuple(told)


def _inputs_of(model: Keras) -> list[Keras]:
    try:
        return list(model.inputs or [])
    except (AttributeError, ValueError):
        return []


def _first_layer(model: Keras, tensor: Keras) -> str:
    """Which layer takes an input first, where Keras knows."""
    for layer in model.layers:
        taken = _tensors(layer, "input")
        if any(one is tensor for one in taken) and type(layer).__name__ != "InputLayer":
            return f', which layer "{layer.name}" takes,'
    return ""


def _tensors(layer: Keras, which: str) -> list[Keras]:
    """A layer's symbolic inputs or outputs; none where it was never called, or more than once."""
    import keras

    try:
        return list(keras.tree.flatten(getattr(layer, which)))
    except (AttributeError, ValueError):
        return []


def _pack_inputs(model: Keras, flat: list[Any]) -> Any:  # noqa: ANN401 - any nest of tensors
    """Tensors in the nest of lists and dicts that the model was made with."""
    import keras

    try:
        nest = model.input
    except (AttributeError, ValueError):
        nest = None
    if nest is None:
        return flat[0] if len(flat) == 1 else flat
    return keras.tree.pack_sequence_as(nest, flat)


def _by_name(outputs: Any, label: str) -> dict[str, Keras]:  # noqa: ANN401
    """Outputs under the names that the export gives them."""
    if isinstance(outputs, dict):
        named = dict(outputs)
    else:
        listed = outputs if isinstance(outputs, list | tuple) else [outputs]
        named = {f"output_{index}": value for index, value in enumerate(listed)}
    if any(isinstance(value, dict | list | tuple) for value in named.values()):
        raise BuildError(f"{label}: its outputs are nested too deeply to be exported: give a list or a dict")
    return named


def _refuse_unknown_sizes(model: Keras, outputs: Mapping[str, Keras], label: str) -> None:
    """A size that is known only while running would make every later tensor a dynamic one."""
    for name, tensor in outputs.items():
        if None in tensor.shape:
            inner = ((layer.name, one) for layer in model.layers for one in _tensors(layer, "output"))
            layers = [layer for layer, one in inner if None in one.shape[1:]]
            where = f' (layer "{layers[0]}")' if layers else ""
            raise BuildError(
                f'{label}: output "{name}" has shape {tuple(tensor.shape)} with a batch of one{where}: '
                "every size must be known before it runs"
            )


def _inputs(model: Keras, inputs: list[Keras]) -> tuple[Port, ...]:
    entries = vocabularies(model)
    return tuple(replace(port, entries=entries.get(port.name)) for port in _ports((one.name, one) for one in inputs))


def _ports(tensors: Iterable[tuple[str, Keras]]) -> tuple[Port, ...]:
    return tuple(Port(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in tensors)


def _run(model: Keras, values: Mapping[str, Any], label: str) -> dict[str, Any]:
    import keras

    flat = [values[tensor.name] for tensor in _inputs_of(model)]
    given = model(_pack_inputs(model, flat), training=False)
    return {name: keras.ops.convert_to_numpy(value) for name, value in _by_name(given, label).items()}
