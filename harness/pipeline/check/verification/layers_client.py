"""Where a model that fell off a cliff lost what it lost: asked of a limited process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.check.verification.golden_client import HostOutputs
from harness.records.artifact import LayerError
from harness.records.base import Record

_MAIN: Final = "harness.pipeline.check.verification.layers_main"
_SAMPLES: Final = 16
_MOST_SECONDS: Final = 120.0


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


@dataclass(frozen=True)
class LayerComparison:
    """The worst layers, worst first, or why they are not known; neither where nobody asked."""

    worst: tuple[LayerError, ...] = ()
    reason: str | None = None


def compare_layers(  # noqa: PLR0913 - by keyword
    model: Path, own: HostOutputs, reference: Path, other: HostOutputs, *, name: str, deadline_s: float
) -> LayerComparison:
    """What each layer of a model gives, against the same layer of its reference, on the golden samples of both."""
    if own.golden is None or other.golden is None:
        return LayerComparison()
    job = LayersJob(
        model=str(model),
        inputs_path=own.golden.inputs_path,
        reference=str(reference),
        reference_inputs_path=other.golden.inputs_path,
        name=name,
        samples=_SAMPLES,
    )
    reply = sandbox.run(_MAIN, job, sandbox.ProcessLimits(deadline_s=min(deadline_s, _MOST_SECONDS)))
    answer = reply.first(LayersAnswer)
    if answer is None:
        return LayerComparison(reason=f"layers were not compared: {reply.failure()}")
    return LayerComparison(answer.worst, answer.reason)
