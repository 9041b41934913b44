"""In the worker: trained weights, kept in a folder with how they came to be, and loaded from there or from a file."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from harness.pipeline.cache import fill_folder, lock
from harness.pipeline.model.error_text import describe_exception
from harness.records.artifact import Rival, Training
from harness.records.base import Record
from harness.records.errors import BuildError

_WEIGHTS: Final = "model.weights.h5"
_RECORD: Final = "training.json"
_WAIT_S: Final = 20.0


class KeptWeights(Record):
    """How kept weights came to be, with the trainings before."""

    trainings: tuple[Training, ...]
    rival: Rival | None = None


def find_weights(folder: Path) -> KeptWeights | None:
    """What is known of the weights in a folder; None where there are none, or where they are damaged."""
    try:
        found = KeptWeights.model_validate_json((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None
    return found if (folder / _WEIGHTS).is_file() else None


def keep_weights(model: Any, folder: Path, record: KeptWeights, *, label: str) -> None:  # noqa: ANN401 - keras is not typed
    """Write a model's weights and their record, both or neither. The caller holds the lock. Raises BuildError."""
    check_finite(model, label)
    with fill_folder(folder) as partial:
        model.save_weights(partial / _WEIGHTS)
        (partial / _RECORD).write_text(json.dumps(record.model_dump(mode="json")), encoding="utf-8")


def load_kept_weights(model: Any, folder: Path, *, label: str) -> None:  # noqa: ANN401
    """Give a model the weights that a folder keeps. Raises BuildError."""
    try:
        model.load_weights(folder / _WEIGHTS)
    except Exception as error:
        raise BuildError(
            f"{label}: the weights kept in {folder} cannot be loaded: {describe_exception(error)}: remove that folder"
        ) from error
    check_finite(model, label)


def load_weights_file(model: Any, path: Path, *, label: str) -> None:  # noqa: ANN401
    """Give a model the weights of a .weights.h5, .h5 or .keras file. Raises BuildError."""
    if not path.is_file():
        raise BuildError(f"{label}: the weights file {path} does not exist")
    try:
        model.load_weights(path)
    except Exception as error:
        raise BuildError(f"{label}: the weights of {path} do not fit the model: {describe_exception(error)}") from error
    check_finite(model, f"{label} with {path.name}")


def check_finite(model: Any, label: str) -> None:  # noqa: ANN401
    """Refuse weights that are NaN or infinite, by the layer's name. Raises BuildError."""
    import keras

    for variable in model.weights:
        values = keras.ops.convert_to_numpy(variable)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            layer, _, what = variable.path.rpartition("/")
            raise BuildError(f"{label}: layer {layer} has weights that are NaN or infinite ({what})")


@contextmanager
def lock_weights(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a weights folder; while another process trains there, say so again and again."""
    from filelock import Timeout

    held = lock(folder)
    while True:
        try:
            held.acquire(timeout=_WAIT_S)
            break
        except Timeout:
            say("waiting for another process that trains the same")
    try:
        yield
    finally:
        held.release()
