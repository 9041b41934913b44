"""Where building happens: the folders of the cache, each filled once, whole, under its lock."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.pipeline.builder.build_spec import BuildSpec
from harness.pipeline.cache import file_sha256, fill_folder, lock, note_name, remove_unfinished
from harness.pipeline.model.job import INFO, PreparedInfo
from harness.pipeline.worker.protocol import FileData, Prepare, Request, WorkerAnswer
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.base import Record
from harness.records.errors import BuildError

MODEL = "model.tflite"
RECORD = "built.json"
_POLL_S = 0.2
_TOLD_AFTER_S = 1.0


class BuiltRecord(Record):
    """What stands beside a built .tflite file: its hash, the seconds it took, and the versions that made it."""

    sha256: str
    build_s: float
    versions: dict[str, str]


@dataclass(frozen=True)
class Built:
    """A .tflite file in the cache; ``cached`` says that it was there before this builder."""

    file: Path
    record: BuiltRecord
    cached: bool


@dataclass(frozen=True)
class TaskContext:
    """What a task works with: whose it is, the process that does the heavy part, who hears of its steps."""

    label: str
    worker: WorkerClient
    say: Callable[[str], None]


@dataclass
class ArtifactCache:
    """What the tasks of one builder share; ``closed`` tells them to give up waiting for other processes.

    ``reconvert`` makes each exported model and each artifact anew, once, with the trained weights that are kept.
    """

    cache_dir: Path
    seed: int
    reconvert: bool
    closed: Callable[[], bool]
    _renewed: set[Path] = field(default_factory=set)
    _made: dict[Path, PreparedInfo | None] = field(default_factory=dict)
    _export_s: dict[Path, float] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, spec: BuildSpec, context: TaskContext) -> PreparedInfo:
        """The exported model of a spec, trained and exported where it is not there. Raises BuildError."""
        folder = spec.prepared
        if self._to_be_renewed(folder):
            with self._held(folder, context):
                shutil.rmtree(folder, ignore_errors=True)
        self.note_names([folder, *(Path(training.weights) for training in spec.job(Path()).trainings)], context)
        found = _read_prepared(folder)
        if found is not None:
            _mark_used(folder)
            return self._made.get(folder) or _trained_earlier(found)
        answer = self.ask(Prepare(label=context.label, job=spec.job(Path())), context)
        made = _read_prepared(folder)
        if made is None:
            raise BuildError(f"{context.label}: the exported model in {folder} is not whole: build again")
        trained_s = sum(training.seconds for training in made.trainings if not training.cached)
        # What exporting took is told with the artifact that asked for it.
        self._export_s[spec.artifact] = max(0.0, answer.seconds - trained_s)
        self._made[folder] = made
        return made

    def describe(self, request: FileData, context: TaskContext) -> PreparedInfo:
        """The data set that was named for a .tflite file, written where it is not there. Raises BuildError."""
        folder = Path(request.folder)
        if _read_prepared(folder) is None:
            self.ask(request, context)
        found = _read_prepared(folder)
        if found is None:
            raise BuildError(f"{context.label}: its data in {folder} is not whole: build again")
        _mark_used(folder)
        return found

    def convert(
        self, folder: Path, request_for: Callable[[Path], Request], context: TaskContext, *, versions: dict[str, str]
    ) -> Built:
        """The .tflite file of a folder, whole and as it was built; else ``request_for`` gives what writes it."""
        anew = self._to_be_renewed(folder)
        self.note_names([folder], context)
        with self._held(folder, context):
            record = None if anew else _usable(folder)
            if record is not None:
                _mark_used(folder)
                return Built(folder / MODEL, record, cached=folder not in self._made)
            with fill_folder(folder) as partial:
                converted_s = self.ask(request_for(partial / MODEL), context).seconds
                seconds = converted_s + self._export_s.pop(folder, 0.0)
                sha256 = file_sha256(partial / MODEL)
                record = BuiltRecord(sha256=sha256, build_s=round(seconds, 3), versions=versions)
                (partial / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
        self._made[folder] = None
        return Built(folder / MODEL, record, cached=False)

    def ask(self, request: Request, context: TaskContext) -> WorkerAnswer:
        """Have a worker do something; after a failure nothing half made is left. Raises BuildError."""
        try:
            return context.worker.ask(request, context.say)
        except BuildError:
            remove_unfinished(self.cache_dir)
            raise

    def note_names(self, places: Iterable[Path], context: TaskContext) -> None:
        """Keep for which candidate folders of the cache were used; others are left alone."""
        for place in dict.fromkeys(places):
            if place.parent.parent == self.cache_dir:
                note_name(place, context.label)

    def _to_be_renewed(self, folder: Path) -> bool:
        with self._guard:
            first = self.reconvert and folder not in self._renewed
            self._renewed.add(folder)
        return first

    @contextmanager
    def _held(self, folder: Path, context: TaskContext) -> Iterator[None]:
        """The folder's lock, which another process may hold for as long as it builds."""
        from filelock import Timeout

        lock_, began = lock(folder), time.monotonic()
        told = False
        while True:
            with suppress(Timeout):
                lock_.acquire(timeout=_POLL_S)
                break
            if self.closed():
                raise BuildError(f"{context.label}: building was cancelled")
            if not told and time.monotonic() - began > _TOLD_AFTER_S:
                context.say("waiting for another process that builds it")
                told = True
        try:
            yield
        finally:
            lock_.release()


def _read_prepared(folder: Path) -> PreparedInfo | None:
    """What stands beside an exported model; None where there is none, or not one that can be used."""
    try:
        return PreparedInfo.model_validate_json((folder / INFO).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, ValueError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _trained_earlier(info: PreparedInfo) -> PreparedInfo:
    """The same, trained for an earlier build, whatever that build noted of itself."""
    trainings = tuple(training.model_copy(update={"cached": True}) for training in info.trainings)
    return info.model_copy(update={"trainings": trainings})


def _usable(folder: Path) -> BuiltRecord | None:
    """What an earlier build left, if it is whole and its bytes are those that were built."""
    try:
        record = BuiltRecord.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    whole = (folder / MODEL).is_file() and file_sha256(folder / MODEL) == record.sha256
    return record if whole else None


def _mark_used(folder: Path) -> None:
    """What is used is not old: pruning goes by this time."""
    with suppress(OSError):
        os.utime(folder)
