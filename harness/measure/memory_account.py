"""What processes consist of, averaged over an arm's memory trials."""

from collections.abc import Sequence

from harness.records.board import Trial
from harness.records.memory import PARTS, MemoryAccount


def memory_account(trials: Sequence[Trial], arm: str) -> MemoryAccount | None:
    """Arithmetic means, so that they add up as each process' parts do; None where no process told its parts."""
    told = [
        trial.memory
        for trial in trials
        if trial.arm == arm and trial.kind == "memory" and trial.memory is not None and trial.memory.parts is not None
    ]
    parts = [memory.parts for memory in told if memory.parts is not None]
    if not parts:
        return None
    means = {field: _mean([getattr(one, field) for one in parts]) or 0.0 for field in ("pss_bytes", *PARTS)}
    return MemoryAccount(
        **means,
        weights_mapped=all(one.weights_mapped for one in parts),
        unexplained_bytes=means["pss_bytes"] - sum(means[field] for field in PARTS),
        processes=len(parts),
        peak_bytes=_mean([memory.hwm_bytes for memory in told]),
        load_peak_bytes=_mean([memory.load_hwm_bytes for memory in told]),
        run_peak_bytes=_mean([memory.run_hwm_bytes for memory in told]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None where any process did not tell."""
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
