"""Where a model that fell off a cliff lost what it lost: asked of a limited process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.check.verification.expected import Expected
from harness.pipeline.check.verification.layers_job import LayersAnswer, LayersJob
from harness.records.artifact import LayerError

_MAIN: Final = "harness.pipeline.check.verification.layers_process"
_SAMPLES: Final = 16
_MOST_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Layers:
    """The worst layers, worst first, or why they are not known; neither where nobody asked."""

    worst: tuple[LayerError, ...] = ()
    reason: str | None = None


def compare_layers(  # noqa: PLR0913 - by keyword
    model: Path, own: Expected, reference: Path, other: Expected, *, name: str, deadline_s: float
) -> Layers:
    """What each layer of a model gives, against the same layer of its reference, on the golden samples of both."""
    if own.golden is None or other.golden is None:
        return Layers()
    job = LayersJob(
        model=str(model),
        inputs_path=own.golden.inputs_path,
        reference=str(reference),
        reference_inputs_path=other.golden.inputs_path,
        name=name,
        samples=_SAMPLES,
    )
    reply = sandbox.run(_MAIN, job, sandbox.Limits(deadline_s=min(deadline_s, _MOST_SECONDS)))
    answer = reply.first(LayersAnswer)
    if answer is None:
        return Layers(reason=f"layers were not compared: {reply.failure()}")
    return Layers(answer.worst, answer.reason)
