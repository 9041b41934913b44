"""The tasks of a candidate whose model is made here: prepare, convert, complete."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.pipeline.builder.artifact_cache import ArtifactCache, Built, TaskContext
from harness.pipeline.builder.build_spec import REFERENCE_RECIPE, BuildSpec
from harness.pipeline.builder.complete_artifact import Found, complete_artifact, if_there, reference_or_reason
from harness.pipeline.builder.scheduler import Scheduler
from harness.pipeline.cache import key, lock
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.model.export.exported import SERVING
from harness.pipeline.model.job import RAW, SAMPLES, TEST, PreparedInfo
from harness.pipeline.worker.protocol import Convert
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate

_DEADLINE_S = 600.0
"""A whole test set may be run through a model that was built here."""


@dataclass(frozen=True)
class SpecTasks:
    """What is done for one spec. ``reference`` is the key of the task that gives the float32 artifact, if another."""

    candidate: Candidate
    spec: BuildSpec
    reference: str | None
    cache: ArtifactCache
    scheduler: Scheduler

    @property
    def prepare_key(self) -> str:
        """The key of the task that trains and exports, shared by recipes that train alike."""
        return f"prepare {self.spec.prepared.name}"

    @property
    def convert_key(self) -> str:
        """The key of the task that converts."""
        return f"convert {self.spec.artifact.name}"

    def prepare(self, context: TaskContext) -> PreparedInfo:
        """Train and export."""
        return self.cache.prepare(self.spec, context)

    def convert(self, context: TaskContext) -> Built:
        """Make the .tflite file."""
        self.scheduler.outcome(self.prepare_key)  # raises what went wrong there

        def request(output: Path) -> Convert:
            return Convert(label=context.label, job=self.spec.job(output))

        return self.cache.convert(self.spec.artifact, request, context, versions=self.spec.versions)

    def complete(self, context: TaskContext) -> Artifact:
        """Check the file and make its record."""
        built = cast(Built, self.scheduler.outcome(self.convert_key))
        about = cast(PreparedInfo, self.scheduler.outcome(self.prepare_key))
        found = Found(
            file=built.file,
            record=built.record,
            about=about,
            test=if_there(self.spec.prepared / TEST) if about.dataset else None,
            raw=if_there(self.spec.prepared / RAW),
            samples=_ordered(self.spec.prepared / SAMPLES, built.file),
            samples_real=self.spec.model.samples is not None,
            reference=reference_or_reason(self.scheduler, self.reference),
            reference_name=REFERENCE_RECIPE,
            cached=built.cached,
            deadline_s=_DEADLINE_S,
        )
        return complete_artifact(self.candidate, found, self.cache, context)


def _ordered(samples: Path, file: Path) -> Path | None:
    """Samples by the inputs' names, as i0, i1... in the order in which the .tflite file has its inputs.

    The converter keeps no order, but the names: "serving_default_NAME:0". None where there are no samples.
    """
    if not samples.exists():
        return None
    import numpy as np

    with np.load(samples, allow_pickle=False) as arrays:
        named = dict(arrays)
    tensors = [tensor.name for tensor in inspect_file(file, compress=False).inputs]
    order = [tensor.removeprefix(f"{SERVING}_").rpartition(":")[0] for tensor in tensors]
    if sorted(order) != sorted(named):
        order = list(named)
    target = samples.with_name(f"samples-{key(order)[:16]}.npz")
    with lock(target):
        if not target.exists():
            partial = target.with_suffix(".partial.npz")
            np.savez(partial, allow_pickle=False, **{f"i{index}": named[name] for index, name in enumerate(order)})
            partial.replace(target)
    return target
