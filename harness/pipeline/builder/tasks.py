"""Candidates as tasks of a scheduler; what two candidates share is one task."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.pipeline.builder.artifact_cache import ArtifactCache, TaskContext
from harness.pipeline.builder.build_spec import REFERENCE_RECIPE, make_build_spec
from harness.pipeline.builder.file_tasks import GivenFileTasks, QuantizedFileTasks
from harness.pipeline.builder.scheduler import Rank, Scheduler, Task
from harness.pipeline.builder.spec_tasks import SpecTasks
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.candidate import Candidate
from harness.records.errors import BuildError

_PREPARE, _CONVERT, _COMPLETE = range(3)
"""What unlocks most comes first."""


@dataclass(frozen=True)
class Tasks:
    """Has candidates built; ``say`` hears of each step."""

    cache: ArtifactCache
    scheduler: Scheduler
    say: Callable[[Candidate, str], None]

    def add(self, candidate: Candidate, rank: Rank) -> str:
        """Have a candidate built; gives the key of the task whose result is its Artifact.

        The less the rank, the sooner. Raises BuildError for what is not there.
        """
        if candidate.kind != "tflite":
            return self._add_built(candidate, rank)
        return self._add_quantized(candidate, rank) if candidate.recipe else self._add_given(candidate, rank)

    def _add_built(self, candidate: Candidate, rank: Rank) -> str:
        spec = make_build_spec(candidate, seed=self.cache.seed, cache_dir=self.cache.cache_dir)
        reference = None
        if spec.recipe != REFERENCE_RECIPE:
            samples = candidate.samples if candidate.stages is None else None  # else they are raw
            reference = self.add(replace(candidate, recipe=REFERENCE_RECIPE, stages=None, samples=samples), rank)
        made = SpecTasks(candidate, spec, reference, self.cache, self.scheduler)
        # A training that others build upon comes before those that do.
        training = (*rank, _PREPARE, len(spec.trainings))
        fills = (spec.prepared, *spec.training_folders())
        self.scheduler.add(Task(made.prepare_key, self._run(candidate, made.prepare), (), fills, training))
        self.scheduler.add(
            Task(made.convert_key, self._run(candidate, made.convert), (made.prepare_key,), (), (*rank, _CONVERT))
        )
        needs = (made.convert_key, reference) if reference else (made.convert_key,)
        return self._add_last(candidate, spec.artifact.name, made.complete, needs, rank)

    def _add_given(self, candidate: Candidate, rank: Rank) -> str:
        return self._add_last(candidate, "", GivenFileTasks(candidate, self.cache).complete, (), rank)

    def _add_quantized(self, candidate: Candidate, rank: Rank) -> str:
        reference = self.add(replace(candidate, recipe=None, stages=None), rank)
        made = QuantizedFileTasks(candidate, reference, self.cache, self.scheduler)
        self.scheduler.add(
            Task(made.convert_key, self._run(candidate, made.convert), (reference,), (), (*rank, _CONVERT))
        )
        return self._add_last(candidate, made.folder.name, made.complete, (made.convert_key, reference), rank)

    def _add_last(
        self,
        candidate: Candidate,
        name: str,
        complete: Callable[[TaskContext], object],
        needs: tuple[str, ...],
        rank: Rank,
    ) -> str:
        key = f"complete {name} {candidate!r}"
        self.scheduler.add(Task(key, self._run(candidate, complete), needs, (), (*rank, _COMPLETE)))
        return key

    def _run(self, candidate: Candidate, work: Callable[[TaskContext], object]) -> Callable[[WorkerClient], object]:
        """Work with a worker's process at hand; a full disk and the like are one line."""

        def run(worker: WorkerClient) -> object:
            try:
                return work(TaskContext(str(candidate), worker, lambda step: self.say(candidate, step)))
            except OSError as error:
                where = error.filename or self.cache.cache_dir
                said = f"{candidate}: {where}: {error.strerror or error}; check the cache folder"
                raise BuildError(said) from error

        return run
