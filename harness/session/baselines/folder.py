"""--baseline DIR: a folder of artifacts that ``harness build --out`` wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.pipeline.builder.artifact_folder import ArtifactFolder
from harness.records.candidate import Candidate
from harness.records.errors import BuildError
from harness.records.results import BaselineRecord, DeviceRecord, Entry
from harness.session.baselines.opponent import Opponent


@dataclass(frozen=True)
class FolderBase:
    """A shelf whose artifacts have the candidates' names."""

    given: str
    shelf: ArtifactFolder

    @classmethod
    def open(cls, given: str) -> Self:
        """The folder. Raises UsageError for one that is none."""
        return cls(given, ArtifactFolder.open(Path(given)))

    def opponent(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> Opponent:
        """The artifact of the same name; NEW where there is none, missing where its files are not what they were."""
        what = f"the artifacts in {self.given}"
        return from_shelf(self.shelf, candidate, given=self.given, what=what)

    def close(self) -> None:
        """Nothing was made."""


def from_shelf(
    shelf: ArtifactFolder, candidate: Candidate, *, given: str, what: str, code: frozenset[str] | None = frozenset()
) -> Opponent:
    """What a shelf has under a candidate's name.

    ``code`` are sha256 of stages files that may run beside the candidate's own; None: all, since the session wrote it.
    """
    if str(candidate) not in shelf.entries:
        record = BaselineRecord(given=given, state="new", sentence=f"{candidate} is new: not among {what}")
        return Opponent(record)
    try:
        artifact = shelf.taken(str(candidate)) if code is None else shelf.taken_like(candidate, code)
    except BuildError as error:
        return Opponent(BaselineRecord(given=given, state="missing", sentence=str(error)))
    return Opponent(BaselineRecord(given=given, state="measured", sentence=what), artifact)
