"""In the worker: a model made or read, exported with a batch of one, its data beside it, the export proved."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from harness.pipeline.cache import fill_folder, lock
from harness.pipeline.model.dataset import Dataset
from harness.pipeline.model.export.data_files import PREPROCESSING, write_data, write_given_samples, write_random_data
from harness.pipeline.model.export.export_keras import export_keras
from harness.pipeline.model.export.exported import ExportedModel, compare_with_original
from harness.pipeline.model.export.import_saved_model import import_saved_model
from harness.pipeline.model.export.open_sizes import Shape, read_inputs
from harness.pipeline.model.job import INFO, SAVED_MODEL, BuildJob, PreparedInfo
from harness.pipeline.model.training.train_steps import train_steps
from harness.records.artifact import Rival, Training
from harness.records.errors import BuildError

NO_DATA = "no data set was named, so that no accuracy is claimed"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class _Ready:
    """An exported model with what it is told of."""

    exported: ExportedModel
    dataset: Dataset | None
    accuracy_reason: str | None
    trainings: tuple[Training, ...] = ()
    rival: Rival | None = None


def prepare(job: BuildJob, say: Callable[[str], None]) -> Path:
    """The folder of the exported model, made once for all recipes that share it. Raises BuildError.

    Nothing half-written stays, whatever goes wrong.
    """
    folder = Path(job.prepared)
    try:
        with lock(folder):
            if not (folder / INFO).exists():
                with fill_folder(folder) as partial:
                    _prepare(job, partial, say)
    except OSError as error:
        raise _write_error(error, job, folder) from error
    return folder


def _prepare(job: BuildJob, folder: Path, say: Callable[[str], None]) -> None:
    label = job.model.label
    ready = _import_given(job, folder, say) if job.model.kind == "saved_model" else _export_trained(job, folder, say)
    unscored = False
    if ready.dataset is None and job.model.samples is not None:
        samples = write_given_samples(Path(job.model.samples), ready.exported, folder, label)
        reason = ready.accuracy_reason
    elif ready.dataset is None:
        samples = write_random_data(ready.exported, folder, seed=job.seed, label=label)
        reason = ready.accuracy_reason
    else:
        written = write_data(ready.dataset, ready.exported, folder, label)
        samples, reason, unscored = written.samples, written.accuracy_reason, written.unscored
    say("comparing the exported model with the original")
    compare_with_original(ready.exported, samples, label, made_up=ready.dataset is None and job.model.samples is None)
    info = PreparedInfo(
        dataset=ready.dataset.name if ready.dataset else None,
        accuracy_reason=reason,
        unscored=unscored,
        score=ready.dataset.score if ready.dataset else "top1",
        preprocessing=str(Path(job.prepared) / PREPROCESSING) if (folder / PREPROCESSING).exists() else None,
        trainings=ready.trainings,
        rival=ready.rival,
        notes=(*ready.exported.notes, *(ready.dataset.notes if ready.dataset else ())),
    )
    (folder / INFO).write_text(info.model_dump_json(), encoding="utf-8")


def _export_trained(job: BuildJob, folder: Path, say: Callable[[str], None]) -> _Ready:
    """A model of Keras', trained."""
    trained = train_steps(job, say)
    made = trained.made
    say("exporting the model")
    shapes = _sample_shapes(job, made.dataset)
    exported = export_keras(made.model, folder / SAVED_MODEL, job.model.label, shapes)
    return _Ready(exported, made.dataset, made.accuracy_reason, trained.trainings, trained.rival)


def _import_given(job: BuildJob, folder: Path, say: Callable[[str], None]) -> _Ready:
    """A SavedModel of the user's."""
    if len(job.trainings) > 1:
        raise BuildError(
            f"{job.model.label}/{job.recipe}: a SavedModel cannot be trained further: give the model as a .keras file"
        )
    say("reading the SavedModel")
    exported = import_saved_model(
        Path(job.model.source),
        folder / SAVED_MODEL,
        job.model.label,
        signature=job.model.signature,
        shapes=lambda: _sample_shapes(job, _dataset_in_its_own_shape(job)),
    )
    dataset = _dataset(job, exported)
    return _Ready(exported, dataset, None if dataset else NO_DATA)


def _sample_shapes(job: BuildJob, dataset: Dataset | None) -> list[Shape] | None:
    """The shape of one real sample for each input; None where there are none."""
    if dataset is not None:
        return [tuple(np.shape(dataset.test_inputs)[1:])]
    if job.model.samples is None:
        return None
    return [array.shape[1:] for array in read_inputs(Path(job.model.samples))]


def _dataset_in_its_own_shape(job: BuildJob) -> Dataset | None:
    if job.model.data is None:
        return None
    from harness.pipeline.model.data import load_dataset

    return load_dataset(job.model.data, shape=None, classes=None, base_dir=job.model.base_dir)


def _dataset(job: BuildJob, exported: ExportedModel) -> Dataset | None:
    """The data set that the user named for a file, asked for in the model's own shape."""
    if job.model.data is None:
        return None
    from harness.pipeline.model.data import load_dataset

    given, answer = exported.inputs[0].shape[1:], exported.outputs[0].shape[1:]
    rebuilds = len(exported.outputs) == 1 and given == answer
    return load_dataset(
        job.model.data,
        shape=given,
        classes=None if rebuilds else prod(answer),
        score="auc" if rebuilds else "top1",
        base_dir=job.model.base_dir,
        dtype=exported.inputs[0].dtype,
        pixels="untold",
    )


def _write_error(error: OSError, job: BuildJob, folder: Path) -> BuildError:
    where = error.filename or folder
    remedy = "free space there, or name another --cache-dir" if error.errno in _FULL else "check its rights"
    return BuildError(f"{job.model.label}/{job.recipe}: {where} cannot be written: {error.strerror or error}: {remedy}")
