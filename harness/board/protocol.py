"""What an open board is to the rooms above."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from harness.records.board import BoardFacts, Trial, TrialTelemetry
from harness.records.device import DeviceProfile
from harness.records.plan import BlockSpec


class Board(Protocol):
    """A leased board, tuned for measuring."""

    @property
    def profile(self) -> DeviceProfile:
        """What the board should be."""

    @property
    def facts(self) -> BoardFacts:
        """What it said of itself when it was opened."""

    @property
    def bytes_sent(self) -> int:
        """Bytes of files sent so far, the agent's own included."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of wall clock by phase: connect, boot, probe, tune, ship, measure, release."""

    def ship(self, path: Path, sha256: str) -> None:
        """Have a file in the board's store; sent only where it is not there yet."""

    def watch(self, seconds: float) -> TrialTelemetry:
        """The board's state over so many seconds, at most 10, in which nothing of ours runs."""

    def run_block(self, block: BlockSpec) -> Iterator[Trial]:
        """The trials of a block, in the plan's order, as they end.

        BlockLostError where the link was lost amid it and is there again: what came is of no use, and the block may be
        asked for anew, under other indices.
        """
