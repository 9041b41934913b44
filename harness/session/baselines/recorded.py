"""The artifacts that the history has of a commit: what was measured then, whatever would be built today."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.pipeline.cache import ARTIFACTS, file_sha256, list_cached
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import UsageError
from harness.records.settings import Settings

_WAIT_S = 10.0


@dataclass(frozen=True)
class Recorded:
    """What was measured at a commit: sha256 of artifacts, by device and candidate; and where the cache is."""

    artifacts: dict[tuple[str, str], str]
    cache_dir: Path

    @classmethod
    def at(cls, commit: str, settings: Settings) -> Self:
        """What the history tells of a commit; nothing where it cannot be read."""
        from harness.store.history import open_history  # loads SQLAlchemy

        cache_dir = (settings.cache_dir or default_cache_dir()).resolve()
        try:
            opened = open_history(settings.reports_dir, settings.history, wait_s=_WAIT_S)
            return cls(opened.history.artifacts(commit), cache_dir)
        except (UsageError, OSError):
            return cls({}, cache_dir)

    def other_than(self, sha256: str, *, device: str, candidate: str) -> str | None:
        """The artifact that was measured at the commit, where it is another than this one."""
        recorded = self.artifacts.get((device, candidate))
        return None if recorded == sha256 else recorded

    def file(self, sha256: str) -> Path | None:
        """The cache's file of that content, None where it is not there any more."""
        models = (entry.path / "model.tflite" for entry in list_cached(self.cache_dir, (ARTIFACTS,)))
        return next((path for path in models if path.is_file() and file_sha256(path) == sha256), None)
