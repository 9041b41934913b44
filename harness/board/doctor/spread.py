"""How far one model's latency moves from process to process on a board, now and as it was the last time."""

import statistics
import tempfile
from pathlib import Path

from pydantic import ValidationError

from harness.board.live import LiveBoard
from harness.board.runtime_proof import addition_model, ship_bytes
from harness.records.board import Trial
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import BoardUnavailableError, TrialError
from harness.records.health import Spread
from harness.records.plan import BlockSpec, RunnerSpec, TrialSpec

PROCESSES = 6
_LENGTH = 65_536
_ADDITIONS = 16
"""Of 256 kB each: about 0.1 ms on a PC, and as much memory traffic as sums."""
_SECS = 0.1
_DEADLINE_S = 30.0


def measure_spread(board: LiveBoard, runner: RunnerSpec, index: int) -> Spread | None:
    """The spread over a few processes; None where they do not run. ``index`` is the block's own."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = ship_bytes(board, Path(folder), addition_model(_LENGTH, _ADDITIONS))
            trials = tuple(_trial(model, index * PROCESSES + number) for number in range(PROCESSES))
            found = list(board.run_block(BlockSpec(index=index, runner=runner, trials=trials)))
    except (BoardUnavailableError, TrialError):
        return None
    return _spread([trial for trial in found if trial.died is None and trial.samples_ns])


def _trial(model: str, index: int) -> TrialSpec:
    return TrialSpec(
        index=index,
        arm="candidate",
        kind="latency",
        model=model,
        warmup_runs=5,
        num_runs=20,
        min_secs=_SECS,
        max_secs=10 * _SECS,
        deadline_s=_DEADLINE_S,
    )


def _spread(trials: list[Trial]) -> Spread | None:
    medians = [statistics.median(trial.samples_ns) / trial.batch / 1e9 for trial in trials]
    if len(medians) < 2 or min(medians) <= 0.0:
        return None
    tails = [_p99(trial.samples_ns) / statistics.median(trial.samples_ns) for trial in trials]
    return Spread(
        p50_s=statistics.median(medians),
        between=max(medians) / min(medians) - 1.0,
        p99_over_p50=statistics.median(tails),
        processes=len(medians),
    )


def _p99(samples: tuple[int, ...]) -> float:
    """The sample below which 99 of 100 lie."""
    return float(sorted(samples)[min(len(samples) * 99 // 100, len(samples) - 1)])


def recall_spread(device: str) -> Spread | None:
    """What the last doctor on this machine measured of a device."""
    try:
        return Spread.model_validate_json(_file(device).read_bytes())
    except (OSError, ValidationError):
        return None


def remember_spread(device: str, spread: Spread) -> None:
    """Keep it for the next one; a cache that cannot be written is no reason to fail."""
    try:
        _file(device).parent.mkdir(parents=True, exist_ok=True)
        _file(device).write_text(spread.model_dump_json(), encoding="utf-8")
    except OSError:
        return


def _file(device: str) -> Path:
    return default_cache_dir() / "doctor" / f"{device}.json"
