"""What the limited process that compares two models layer by layer is asked, and what it answers."""

from harness.records.artifact import LayerError
from harness.records.base import Record


class LayersJob(Record):
    """Two model files, and each one's inputs for the same samples (npz with i0, i1...)."""

    model: str
    inputs_path: str
    reference: str
    reference_inputs_path: str
    name: str
    """Of the reference, as people read it."""
    samples: int
    """At most so many are run."""


class LayersAnswer(Record):
    """The layers where most was lost, or why they were not compared."""

    worst: tuple[LayerError, ...] = ()
    reason: str | None = None
