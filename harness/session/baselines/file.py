"""--baseline FILE.tflite: one file that every candidate is compared with."""

from dataclasses import dataclass

from harness.pipeline import candidates_from_paths
from harness.records.candidate import Candidate
from harness.records.results import BaselineRecord, DeviceRecord, Entry
from harness.session.baselines.opponent import Opponent, Surroundings


@dataclass(frozen=True)
class FileBase:
    """A model file as given."""

    given: str
    around: Surroundings

    def opponent(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> Opponent:
        """The file, whatever the candidate is. Raises ModelFileError."""
        artifact = self.around.build(candidates_from_paths([self.given])[0])
        record = BaselineRecord(given=self.given, state="measured", sentence=f"the file {self.given}")
        return Opponent(record, artifact)

    def close(self) -> None:
        """Nothing was made."""
