"""In the worker: a trained model, exported with a batch of one, with its data beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.pipeline.building.jobs import CALIBRATION, INFO, SAVED_MODEL, TEST, BuildJob, PreparedInfo
from harness.pipeline.cache import lock
from harness.pipeline.steps.step import Made
from harness.pipeline.training.chain import run_stages
from harness.pipeline.training.making import one_line
from harness.records.errors import BuildError

_COMPARED = 4
"""Samples on which the exported model must agree with Keras."""
_TOLERANCE = 1e-4
"""Largest difference allowed, as a share of the largest output."""
_SYNTHETIC_CALIBRATION = 100


def prepare(job: BuildJob, say: Callable[[str], None]) -> Path:
    """The folder of the exported model, made once for all recipes that share it. Raises BuildError."""
    folder = Path(job.prepared)
    with lock(folder):
        if not (folder / INFO).exists():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _prepare(job, partial, say)
            partial.rename(folder)
    return folder


def _prepare(job: BuildJob, folder: Path, say: Callable[[str], None]) -> None:
    trained = run_stages(job, say)
    made, label = trained.made, job.model.label
    inputs = _fixed_inputs(made.model, label)
    say("exporting the model")
    _export(made.model, inputs, folder / SAVED_MODEL, label)
    samples = _write_data(made, inputs, folder, job)
    _compare(made.model, samples, folder / SAVED_MODEL, label)
    info = PreparedInfo(
        dataset=made.dataset.name if made.dataset else None,
        accuracy_reason=made.dataset.accuracy_reason if made.dataset else made.accuracy_reason,
        score=made.dataset.score if made.dataset else "top1",
        trainings=trained.trainings,
        rival=trained.rival,
    )
    (folder / INFO).write_text(info.model_dump_json())


def _fixed_inputs(model: Any, label: str) -> list[Any]:  # noqa: ANN401 - keras is not typed
    """Inputs as the exported model will have them: batch 1, every other size known."""
    import keras

    try:
        tensors = list(model.inputs or [])
    except (AttributeError, ValueError):
        tensors = []
    if not tensors:
        raise BuildError(f"{label} returned a model that is not built: give it keras.Input layers")
    for tensor in tensors:
        if tensor.shape[0] not in (None, 1) or None in tensor.shape[1:]:
            raise BuildError(
                f'{label}: input "{tensor.name}" has shape {tuple(tensor.shape)}, '
                "where a batch of None or 1 and fixed other sizes were expected"
            )
    return [keras.Input(batch_shape=(1, *t.shape[1:]), dtype=t.dtype, name=t.name) for t in tensors]


def _export(model: Any, inputs: list[Any], folder: Path, label: str) -> None:  # noqa: ANN401
    """Export by Keras itself: tf.saved_model.save would silently leave the weights out."""
    import keras

    # Without the signature, export makes the batch dynamic again.
    signature = [keras.InputSpec(shape=tensor.shape, dtype=tensor.dtype, name=tensor.name) for tensor in inputs]
    try:
        fixed = keras.Model(inputs, model(inputs[0] if len(inputs) == 1 else inputs))
        fixed.export(str(folder), format="tf_saved_model", input_signature=[signature], verbose=False)
    except Exception as error:
        raise BuildError(f"{label} cannot be exported as a SavedModel: {one_line(error)}") from error


def _write_data(made: Made, inputs: list[Any], folder: Path, job: BuildJob) -> list[Any]:
    """Write the calibration and test parts; give a few samples for each input."""
    dataset = made.dataset
    if dataset is None:
        rng = np.random.default_rng(job.seed)
        shapes = [(_SYNTHETIC_CALIBRATION, *tensor.shape[1:]) for tensor in inputs]
        arrays = [rng.random(shape).astype(tensor.dtype) for shape, tensor in zip(shapes, inputs, strict=True)]
        _save(folder / CALIBRATION, dict(zip([tensor.name for tensor in inputs], arrays, strict=True)))
        return [array[:_COMPARED] for array in arrays]
    if len(inputs) != 1:
        raise BuildError(f"{job.model.label}: a Dataset serves models with one input, and this one has {len(inputs)}")
    expected = tuple(inputs[0].shape[1:])
    wanted = f"(n, {', '.join(map(str, expected))})"
    for part in (dataset.calibration_inputs, dataset.test_inputs):
        if tuple(part.shape[1:]) != expected or not len(part):
            raise BuildError(f"{job.model.label}: its data has shape {part.shape}, where {wanted} was expected")
    if len(dataset.test_labels) != len(dataset.test_inputs):
        raise BuildError(
            f"{job.model.label}: {len(dataset.test_inputs)} test inputs have {len(dataset.test_labels)} labels"
        )
    _save(folder / CALIBRATION, {inputs[0].name: dataset.calibration_inputs.astype(inputs[0].dtype)})
    test = dataset.test_inputs.astype(inputs[0].dtype)
    _save(folder / TEST, {"i0": test, "labels": np.asarray(dataset.test_labels, dtype=np.int64)})
    return [test[:_COMPARED]]


def _save(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def _compare(model: Any, samples: list[Any], folder: Path, label: str) -> None:  # noqa: ANN401
    """The exported model must give what Keras gives, sample by sample."""
    import keras
    import tensorflow as tf

    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    names = [tensor.name for tensor in model.inputs]
    for index in range(len(samples[0])):
        one = [array[index : index + 1] for array in samples]
        exported = serve(**{name: tf.constant(array) for name, array in zip(names, one, strict=True)})
        wanted = _by_name(model(one[0] if len(one) == 1 else one, training=False))
        if wanted.keys() != exported.keys():
            raise BuildError(f"{label}: its outputs are nested too deeply to be exported: give a list or a dict")
        for name, value in wanted.items():
            _compare_output(exported[name].numpy(), keras.ops.convert_to_numpy(value), label)


def _by_name(outputs: Any) -> dict[str, Any]:  # noqa: ANN401
    """Outputs under the names that the export gives them."""
    if isinstance(outputs, dict):
        return outputs
    listed = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {f"output_{index}": value for index, value in enumerate(listed)}


def _compare_output(got: Any, wanted: Any, label: str) -> None:  # noqa: ANN401
    worst = float(np.max(np.abs(got - wanted), initial=0.0))
    if not worst <= _TOLERANCE * max(1.0, float(np.max(np.abs(wanted), initial=0.0))):
        raise BuildError(f"{label}: the exported model differs from Keras by {worst:.3g} in an output")
