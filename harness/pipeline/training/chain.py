"""In the worker: a model's trainings one after another, each made only where its weights are not kept already."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.pipeline.building.jobs import BuildJob
from harness.pipeline.steps.step import Made
from harness.pipeline.training.making import make
from harness.records.artifact import Rival, Training
from harness.records.errors import BuildError


@dataclass(frozen=True)
class Trained:
    """The model a job exports, how its weights came to be, and what it is held against."""

    made: Made
    trainings: tuple[Training, ...]
    rival: Rival | None


def run_stages(job: BuildJob, say: Callable[[str], None]) -> Trained:
    """Run a job's stages. Raises BuildError."""
    say("making and training the model")
    fresh = make(job.model, seed=job.seed)
    if not fresh.trained or len(job.stages) > 1:
        raise BuildError(f"{job.model.label}/{job.recipe}: this recipe cannot be trained")
    return Trained(fresh.made, (Training(what="trained by its factory"),), None)
