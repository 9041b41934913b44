"""In the worker: from a factory to a trained model, exported with a batch of one, with its data beside it."""

import importlib
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.pipeline.cache import lock
from harness.pipeline.dataset import TrainedModel
from harness.pipeline.jobs import CALIBRATION, INFO, SAVED_MODEL, TEST, BuildJob, PreparedInfo
from harness.pipeline.recipes import parse_recipe
from harness.pipeline.sources import is_installed
from harness.pipeline.steps import STEPS
from harness.records.errors import BuildError

_COMPARED = 4
"""Samples on which the exported model must agree with Keras."""
_TOLERANCE = 1e-4
"""Largest difference allowed, as a share of the largest output."""
_SYNTHETIC_CALIBRATION = 100

_searched: list[str] = []


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


def one_line(error: BaseException) -> str:
    """An exception's type and message, on one line of a readable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _prepare(job: BuildJob, folder: Path, say: Callable[[str], None]) -> None:
    import keras

    say("making and training the model")
    keras.backend.clear_session()
    keras.utils.set_random_seed(job.seed)
    trained = _call_factory(job)
    for step in parse_recipe(job.recipe).steps:
        if STEPS[step.name].stage == "model":
            trained = STEPS[step.name].apply(trained, step.argument)
    inputs = _fixed_inputs(trained.model, job.label)
    say("exporting the model")
    _export(trained.model, inputs, folder / SAVED_MODEL, job.label)
    samples = _write_data(trained, inputs, folder, job)
    _compare(trained.model, samples, folder / SAVED_MODEL, job.label)
    info = PreparedInfo(
        dataset=trained.dataset.name if trained.dataset else None,
        accuracy_reason=None if trained.dataset else trained.accuracy_reason or "the factory gave no data set",
    )
    (folder / INFO).write_text(info.model_dump_json())


def _call_factory(job: BuildJob) -> TrainedModel:
    import keras

    factory = _import_factory(job)
    try:
        made = factory()
    except Exception as error:
        raise BuildError(f"{job.label} raised {one_line(error)}{_where(error)}") from error
    trained = made if isinstance(made, TrainedModel) else TrainedModel(made)
    if not isinstance(trained.model, keras.Model):
        raise BuildError(
            f"{job.label} returned {type(trained.model).__name__}, where a keras.Model "
            "or harness.pipeline.TrainedModel was expected"
        )
    return trained


def _import_factory(job: BuildJob) -> Callable[[], Any]:
    module_name, _, function = job.factory.partition(":")
    _search_in(job.search)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise BuildError(f"{job.label} cannot be imported: {one_line(error)}{_where(error)}") from error
    factory = getattr(module, function, None)
    if not callable(factory):
        raise BuildError(f"{job.label}: the module {module_name} has no function {function}")
    return factory  # type: ignore[no-any-return]


def _where(error: BaseException) -> str:
    """The last line of the user's own that an exception came through; "" where it came through none."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if Path(step.filename).is_file()]
    mine = [step for step in steps if not is_installed(Path(step.filename))]
    return f" ({mine[-1].filename}, line {mine[-1].lineno})" if mine else ""


def _search_in(folders: list[str]) -> None:
    """Put folders first on the module path; modules from another candidate's folders are forgotten."""
    if folders == _searched:
        return
    gone = set(_searched) - set(folders)
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if origin and any(Path(origin).is_relative_to(folder) for folder in gone):
            del sys.modules[name]
    sys.path[:] = [*folders, *(place for place in sys.path if place not in folders and place not in gone)]
    _searched[:] = folders
    importlib.invalidate_caches()


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


def _write_data(trained: TrainedModel, inputs: list[Any], folder: Path, job: BuildJob) -> list[Any]:
    """Write the calibration and test parts; give a few samples for each input."""
    dataset = trained.dataset
    if dataset is None:
        rng = np.random.default_rng(job.seed)
        shapes = [(_SYNTHETIC_CALIBRATION, *tensor.shape[1:]) for tensor in inputs]
        made = [rng.random(shape).astype(tensor.dtype) for shape, tensor in zip(shapes, inputs, strict=True)]
        _save(folder / CALIBRATION, dict(zip([tensor.name for tensor in inputs], made, strict=True)))
        return [array[:_COMPARED] for array in made]
    if len(inputs) != 1:
        raise BuildError(f"{job.label}: a Dataset serves models with one input, and this one has {len(inputs)}")
    expected = tuple(inputs[0].shape[1:])
    wanted = f"(n, {', '.join(map(str, expected))})"
    for part in (dataset.calibration_inputs, dataset.test_inputs):
        if tuple(part.shape[1:]) != expected or not len(part):
            raise BuildError(f"{job.label}: its data has shape {part.shape}, where {wanted} was expected")
    if len(dataset.test_labels) != len(dataset.test_inputs):
        raise BuildError(f"{job.label}: {len(dataset.test_inputs)} test inputs have {len(dataset.test_labels)} labels")
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
