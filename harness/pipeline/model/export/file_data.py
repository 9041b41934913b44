"""In a worker: the data set that was named for a .tflite file, written as the file takes it. Without TensorFlow."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from harness.pipeline.cache import fill_folder, lock
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.export.data_files import PREPROCESSING, write_data
from harness.pipeline.model.export.exported import ExportedModel, Port
from harness.pipeline.model.job import INFO, FileDataJob, PreparedInfo
from harness.pipeline.model.training.pixel_range import pixel_range_of_file
from harness.records.artifact import TensorInfo


def write_file_data(job: FileDataJob) -> None:
    """Fill ``job.folder`` with calibration, test and raw samples. Raises BuildError for data that does not fit."""
    folder = Path(job.folder)
    with lock(folder):
        if not (folder / INFO).exists():
            with fill_folder(folder) as partial:
                _write(job, partial)


def _write(job: FileDataJob, folder: Path) -> None:
    info = inspect_file(job.model)
    inputs = tuple(_port("i", index, tensor) for index, tensor in enumerate(info.inputs))
    outputs = tuple(_port("o", index, tensor) for index, tensor in enumerate(info.outputs))
    given, answer = inputs[0].shape[1:], outputs[0].shape[1:]
    rebuilds = len(outputs) == 1 and given == answer
    dataset = load_dataset(
        job.data,
        shape=given,
        classes=None if rebuilds else prod(answer),
        score="auc" if rebuilds else "top1",
        base_dir=job.base_dir,
        dtype=inputs[0].dtype,
        pixels=pixel_range_of_file(Path(job.model), info.inputs[0]),
    )
    if any(size < 0 for size in info.open_shapes[0][1:]):  # its sizes become those of the data
        inputs = (replace(inputs[0], shape=(1, *dataset.test_inputs.shape[1:])), *inputs[1:])
    written = write_data(dataset, ExportedModel(folder, inputs, outputs, _nothing), folder, job.label)
    has_preprocessing = (folder / PREPROCESSING).exists()
    about = PreparedInfo(
        dataset=dataset.name,
        accuracy_reason=written.accuracy_reason,
        unscored=written.unscored,
        score=dataset.score,
        notes=dataset.notes,
        preprocessing=str(Path(job.folder) / PREPROCESSING) if has_preprocessing else None,
    )
    (folder / INFO).write_text(about.model_dump_json(), encoding="utf-8")


def _port(prefix: str, index: int, tensor: TensorInfo) -> Port:
    """A tensor as data sees it: a quantised one takes floats, which are quantised as the board does it."""
    return Port(f"{prefix}{index}", tensor.shape, "float32" if tensor.scale else tensor.dtype)


def _nothing(_values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}
