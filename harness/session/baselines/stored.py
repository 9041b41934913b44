"""--baseline results.json: what an earlier run found, on a board of the same fingerprint only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.records.candidate import Candidate
from harness.records.fingerprints import unlike
from harness.records.results import BaselineRecord, DeviceRecord, Entry, Results
from harness.records.status import Status
from harness.session.baselines.opponent import Opponent
from harness.store import load_run

_NOT_FIT = (Status.ERROR, Status.INVALID)


@dataclass(frozen=True)
class StoredBase:
    """A stored run."""

    given: str
    results: Results

    @classmethod
    def open(cls, given: str, reports_dir: Path) -> Self:
        """The run; "latest" is that of ``reports_dir``. Raises UsageError."""
        return cls(given, load_run(given, reports_dir))

    def opponent(self, candidate: Candidate, device: DeviceRecord, entry: Entry) -> Opponent:
        """The run's entry of the same candidate on a device of the same name, where the boards are alike.

        Of several, in several tests, that of the same test, else the last.
        """
        run = self.results.run
        what = f"run {run.id} of {run.created_at}"
        name = device.profile.name
        wanted = (name, candidate.name, candidate.recipe)
        found = [one for one in self.results.entries if (one.device, one.candidate, one.recipe) == wanted]
        if not found and run.outcome is not None and run.outcome.lacking:
            return Opponent(self._record("missing", f"{candidate} on {name} is not in {what}, which is not whole"))
        if not found:
            return Opponent(self._record("new", f"{candidate} on {name} is new: not in {what}"))
        before = next((one for one in reversed(found) if one.test == entry.test), found[-1])
        if before.status in _NOT_FIT:
            return Opponent(self._record("missing", f"{candidate} on {name} was {before.status} in {what}"))
        if name not in self.results.devices:
            return Opponent(self._record("unlike", f"{what}: nothing is known of the board {name} there"))
        differing = unlike(self.results.devices[name], before, device, entry)
        if differing:
            return Opponent(self._record("unlike", f"{what} was on another setup: {'; '.join(differing)}"))
        record = BaselineRecord(
            given=self.given,
            state="stored",
            sentence=f"{what}, measured at another time: what the board's state had of it is in the figures",
            commit=run.commit,
            artifact=before.artifact,
            runtime=before.runtime,
            delegate=before.delegate,
            num_threads=before.num_threads,
            measurements=before.measurements,
        )
        return Opponent(
            record,
            trials=tuple(t.model_copy(update={"arm": "baseline"}) for t in before.trials if t.arm == "candidate"),
            figures=tuple(f.model_copy(update={"arm": "baseline"}) for f in before.figures if f.arm == "candidate"),
        )

    def close(self) -> None:
        """Nothing was made."""

    def _record(self, state: str, sentence: str) -> BaselineRecord:
        return BaselineRecord.model_validate({"given": self.given, "state": state, "sentence": sentence})
