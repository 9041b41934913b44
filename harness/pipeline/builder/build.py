"""From candidates to artifacts, each built once whoever asks."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from harness.pipeline.builder.artifact_cache import ArtifactCache
from harness.pipeline.builder.artifact_folder import ArtifactFolder
from harness.pipeline.builder.opaque_file import opaque_artifact
from harness.pipeline.builder.scheduler import Rank, Scheduler
from harness.pipeline.builder.tasks import Tasks
from harness.pipeline.cache import remove_unfinished
from harness.pipeline.worker.worker_client import MEMORY_BYTES, SILENCE_S, WorkerClient
from harness.records.artifact import Artifact
from harness.records.cache_dir import default_cache_dir, writable_cache
from harness.records.candidate import Candidate
from harness.records.errors import BuildError, EntryError

Progress = Callable[[str], None]
Result = Artifact | EntryError

_NOW: Rank = (0,)
_AHEAD = 1


def build(
    candidate: Candidate, *, cache_dir: Path | None = None, seed: int = 0, progress: Progress | None = None
) -> Artifact:
    """The artifact of one candidate; see Builder for several. Raises BuildError or ModelFileError."""
    with Builder(cache_dir=cache_dir, seed=seed, progress=progress) as builder:
        return builder.build(candidate)


def build_many(
    candidates: Sequence[Candidate],
    *,
    cache_dir: Path | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Result]:
    """The artifact of each candidate, in order, or the error it met; ``jobs`` processes build side by side."""
    with Builder(cache_dir=cache_dir, seed=seed, jobs=jobs, progress=progress) as builder:
        return builder.build_all(candidates)


class Builder:
    """Builds candidates in up to ``jobs`` processes, which start when something must be built and are kept.

    ``cache_dir`` None is edge-harness under the user's cache folder. Several builders may share it: a lock for each
    thing that is made lets the others wait and then take it. ``reconvert`` exports and converts anew, with the
    trained weights that are kept. ``memory_bytes`` limits all processes together; one that gives no sign of life for
    ``silence_s`` is ended. With ``artifacts``, a folder that ``harness build --out`` wrote, nothing is built:
    candidates are taken from there. ``progress`` hears "candidate: step" from any thread, one call at a time.
    """

    def __init__(  # noqa: PLR0913 - options, by keyword
        self,
        *,
        cache_dir: Path | None = None,
        seed: int = 0,
        jobs: int = 1,
        progress: Progress | None = None,
        artifacts: Path | None = None,
        reconvert: bool = False,
        memory_bytes: int = MEMORY_BYTES,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._artifacts = ArtifactFolder.open(artifacts) if artifacts else None
        self._progress = progress
        self._telling = threading.Lock()
        share = memory_bytes // jobs
        self._scheduler = Scheduler(jobs, lambda: WorkerClient(memory_bytes=share, silence_s=silence_s))
        self._cache = ArtifactCache(
            (cache_dir or default_cache_dir()).resolve(), seed, reconvert, lambda: self._scheduler.closed
        )
        self._tasks = Tasks(self._cache, self._scheduler, self._say)
        self._swept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def build(self, candidate: Candidate) -> Artifact:
        """The artifact of a candidate. Raises BuildError, or ModelFileError for a file that is no model.

        What ``prefetch`` is at work on is waited for; what it has not begun comes first now.
        """
        if self._artifacts is not None and self._artifacts.serves(candidate):
            return self._artifacts.take(candidate)
        if candidate.kind == "opaque":
            return opaque_artifact(candidate)
        return self._result(self._added(candidate, _NOW))

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        """Begin to build candidates in the background, in the order given; ``build`` tells what became of each."""
        for position, candidate in enumerate(candidates):
            if candidate.kind == "opaque" or (self._artifacts is not None and self._artifacts.serves(candidate)):
                continue
            try:
                self._added(candidate, (_AHEAD, position))
            except EntryError:
                continue  # build says so, to whoever asks for this candidate

    def build_all(
        self, candidates: Sequence[Candidate], *, done: Callable[[Candidate, Result], None] | None = None
    ) -> list[Result]:
        """The artifact of each candidate, in order, or the error it met; what unlocks most is built first.

        ``done`` hears of each as it ends, in any order, one call at a time.
        """
        wanted: dict[str, list[int]] = {}
        results: dict[int, Result] = {}

        def ended(index: int, result: Result) -> None:
            results[index] = result
            if done is not None:
                with self._telling:
                    done(candidates[index], result)

        for index, candidate in enumerate(candidates):
            try:
                if candidate.kind == "opaque":
                    ended(index, opaque_artifact(candidate))
                    continue
                wanted.setdefault(self._added(candidate, (_AHEAD, 0)), []).append(index)
            except EntryError as error:
                ended(index, error)
        while wanted:
            key = self._scheduler.next_ended(wanted)
            result = self._result_or_error(key)
            for index in wanted.pop(key):
                ended(index, result)
        return [results[index] for index in range(len(candidates))]

    def close(self) -> None:
        """Give up what is not done yet: processes are ended, and nothing half made is left."""
        idle = self._scheduler.close()
        if not idle:
            remove_unfinished(self._cache.cache_dir)

    def _added(self, candidate: Candidate, rank: Rank) -> str:
        if not self._swept:
            writable_cache(self._cache.cache_dir)
            self._swept = True
            remove_unfinished(self._cache.cache_dir)
        try:
            return self._tasks.add(candidate, rank)
        except OSError as error:
            where = error.filename or self._cache.cache_dir
            raise BuildError(f"{candidate}: {where}: {error.strerror or error}; check its path and rights") from error

    def _result(self, key: str) -> Artifact:
        return cast(Artifact, self._scheduler.result(key))

    def _result_or_error(self, key: str) -> Result:
        try:
            return self._result(key)
        except EntryError as error:
            return error

    def _say(self, candidate: Candidate, step: str) -> None:
        if self._progress is not None:
            with self._telling:
                self._progress(f"{candidate}: {step}")
