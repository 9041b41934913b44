"""How the models of the zoo are trained, by how much data there is."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.pipeline.model.dataset import Schedule
from harness.records.errors import BuildError

if TYPE_CHECKING:
    from harness.pipeline.model.dataset import Dataset

_FEW: Final = 1_500
_MANY: Final = 20_000
_SMALL = Schedule(epochs=20, batch_size=32, learning_rate=4e-3, patience=6, finetune_epochs=24)
_MIDDLE = Schedule(epochs=20, batch_size=64, learning_rate=4e-3, patience=6)
_LARGE = Schedule(epochs=3, batch_size=64, learning_rate=4e-3, patience=4, finetune_epochs=1)
BRIEF: Final = Schedule(epochs=6, batch_size=32, learning_rate=4e-3, patience=6, finetune_epochs=3)
"""For made-up data, whose accuracy nobody claims: enough that activations have the ranges of a trained network."""


def schedule_for(dataset: "Dataset", *, epochs: int | None = None, brief: Schedule = BRIEF) -> Schedule:
    """A schedule for the data set: many epochs of few samples, few epochs of many. Raises BuildError.

    ``epochs`` sets their number; ``brief`` is taken where no accuracy is claimed for the data.
    """
    count = 0 if dataset.train_inputs is None else len(dataset.train_inputs)
    if dataset.accuracy_reason is not None:
        schedule = brief
    elif count <= _FEW:
        schedule = _SMALL
    else:
        schedule = _MIDDLE if count <= _MANY else _LARGE
    if epochs is None:
        return schedule
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise BuildError(f"epochs is {epochs!r}, where a whole number from 1 was expected")
    return replace(schedule, epochs=epochs)
