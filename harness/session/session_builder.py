"""What a session builds: when it is asked for, and ahead of that while a remote board measures."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.measure import Progress
from harness.pipeline.builder.artifact_folder import ArtifactFolder
from harness.pipeline.builder.build import Builder
from harness.records.artifact import Artifact
from harness.records.cache_dir import writable_cache
from harness.records.candidate import Candidate
from harness.records.settings import Settings


def check_build_folders(settings: Settings) -> None:
    """Refuse, before any board is touched, a folder of artifacts that is none, a cache that cannot be written.

    Raises UsageError.
    """
    if settings.artifacts is not None:
        ArtifactFolder.open(settings.artifacts)
    elif not settings.plan_only:
        writable_cache(settings.cache_dir)


@dataclass
class SessionBuilder:
    """One builder for a session, made when it is first needed.

    ``say`` hears of steps only while somebody waits for an artifact: what is built ahead goes on in silence, because
    the live line then belongs to what is measured.
    """

    settings: Settings
    say: Callable[[Progress], None]
    _builder: Builder | None = None
    _asked: set[Candidate] = field(default_factory=set)
    _waiting_for: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, candidates: Iterable[Candidate]) -> None:
        """Begin to build, in this order and in the background, what was not asked for yet."""
        ahead = [candidate for candidate in dict.fromkeys(candidates) if candidate not in self._asked]
        if ahead:
            self._asked.update(ahead)
            self._get_builder().prefetch(ahead)

    def build(self, candidate: Candidate, device: str) -> Artifact:
        """The artifact of a candidate, for an entry of ``device``. Raises BuildError or ModelFileError."""
        self._asked.add(candidate)
        builder = self._get_builder()
        self._tell_for(device)
        try:
            return builder.build(candidate)
        finally:
            self._tell_for(None)

    def close(self) -> None:
        """End the processes that build; what is not done yet is given up."""
        if self._builder is not None:
            self._builder.close()
            self._builder = None

    def _get_builder(self) -> Builder:
        if self._builder is None:
            self._builder = Builder(
                cache_dir=self.settings.cache_dir,
                seed=self.settings.seed,
                jobs=self.settings.jobs,
                artifacts=self.settings.artifacts,
                progress=self._pass_on,
            )
        return self._builder

    def _tell_for(self, device: str | None) -> None:
        with self._lock:
            self._waiting_for = device

    def _pass_on(self, step: str) -> None:
        """A step, told by a thread of the builder."""
        with self._lock:
            if self._waiting_for is not None:
                self.say(Progress(self._waiting_for, step))
