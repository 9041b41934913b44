"""Accuracy by what the board itself gives for the whole test set, in place of the host's (``--accuracy-on-board``)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.board import Board
from harness.measure import Progress
from harness.measure.run_test_set import run_test_set
from harness.records.artifact import AccuracyDrop, AccuracyResult, Artifact, Verification
from harness.records.entry import Entry, Measurement
from harness.records.errors import EntryError
from harness.records.plan import RunnerSpec

LEFT_BEHIND = "no test set that could go to the board: artifacts that were carried along leave it behind"


@dataclass(frozen=True)
class BoardScorer:
    """Runs test sets on a board and scores what it gives; ``say`` hears how far it is."""

    board: Board
    runner: RunnerSpec
    cache_dir: Path
    say: Callable[[Progress], None]

    def score(self, entry: Entry, artifact: Artifact) -> Entry:
        """The entry with the accuracy of the board's outputs; unknown, with the reason, where the board gives none.

        An artifact of which no accuracy is claimed stays as it is. BoardUnavailableError is passed on.
        """
        if entry.artifact is None or artifact.verification.accuracy is None:
            return entry
        began = time.monotonic()
        try:
            accuracy, drop = self._scored(artifact)
            found: dict[str, object] = {"accuracy": accuracy, "accuracy_drop": drop, "accuracy_reason": None}
        except EntryError as error:
            found = {"accuracy": None, "accuracy_drop": None, "accuracy_reason": f"on the board: {error}"}
        verification = artifact.verification.model_copy(update=found)
        changed = {
            "artifact": entry.artifact.model_copy(update={"verification": verification}),
            "measurements": _measurements(entry, artifact, verification),
            "seconds": {**entry.seconds, "accuracy": time.monotonic() - began},
        }
        return entry.model_copy(update=changed)

    def _scored(self, artifact: Artifact) -> tuple[AccuracyResult, AccuracyDrop | None]:
        from harness.pipeline.check.verification.board_accuracy import score_board_outputs, write_test_inputs

        test_set, host = artifact.test_set, artifact.verification.accuracy
        if test_set is None or host is None:
            raise EntryError(LEFT_BEHIND)
        inputs = write_test_inputs(test_set, self.cache_dir)
        device = self.board.profile.name

        def tell(done: int) -> None:
            self.say(Progress(device, f"{artifact.candidate}: test set on the board, sample", done, inputs.n))

        outputs = run_test_set(self.board, artifact, self.runner, inputs=inputs, tell=tell)
        where = f"by {self.runner.package} {self.runner.version} on {device}"
        found, drop = score_board_outputs(artifact, test_set, outputs, where=where, cache_dir=self.cache_dir)
        same = "the same" if found.value == host.value else f"{host.value:.6g}"
        return found.model_copy(update={"obtained": f"{found.obtained}; on the host {same}"}), drop


def _measurements(entry: Entry, artifact: Artifact, verification: Verification) -> list[Measurement]:
    from harness.measure.arm_metrics import artifact_metrics

    anew = {one.metric: one for one in artifact_metrics(artifact.model_copy(update={"verification": verification}))}
    return [anew["accuracy"] if one.metric == "accuracy" else one for one in entry.measurements]
