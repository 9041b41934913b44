"""What processes consist of, averaged over an arm's memory trials; and whether they fit a limit."""

from collections.abc import Sequence

from harness.records.board import NO_FIT, RLIMIT, Trial
from harness.records.entry import Finding
from harness.records.memory import PARTS, MemoryAccount
from harness.records.status import Status
from harness.records.units import format_quantity

GATE = "memory_limit"


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


def memory_limit_finding(trials: Sequence[Trial], arm: str, limit_bytes: int) -> Finding | None:
    """Whether an arm's processes fit a limit; None where there was none. ``limit_bytes`` is 0 for none."""
    mine = [trial for trial in trials if trial.arm == arm and trial.kind != "check"]
    if not limit_bytes or not mine:
        return None
    size = format_quantity(limit_bytes, "B")
    limits = [trial.limit for trial in mine if trial.limit is not None]
    killed = [trial for trial in mine if (trial.died or "").startswith(NO_FIT)]
    refused = next((limit for limit in limits if limit.by == RLIMIT), None)
    if refused is not None:
        return _finding(
            Status.INVALID, f"{size}: not comparable: {_without_cgroup(refused.refused, mine)}", limit_bytes
        )
    if killed:
        kinds = ", ".join(dict.fromkeys(trial.kind for trial in killed))
        told = f"does not fit in {size}: {len(killed)} of {len(mine)} processes killed by the kernel ({kinds})"
        return _finding(Status.FAIL, told, limit_bytes)
    if not limits or all(trial.died for trial in mine):
        return _finding(Status.INVALID, f"{size}: not known whether it fits, as no process lived", limit_bytes)
    return _fits(mine, size, limit_bytes)


def _fits(trials: Sequence[Trial], size: str, limit_bytes: int) -> Finding:
    limits = [trial.limit for trial in trials if trial.limit is not None]
    held = max((limit.unreclaimable_bytes or 0 for limit in limits), default=0)
    charged = max((limit.peak_bytes or 0 for limit in limits), default=0)
    water = max((trial.memory.hwm_bytes for trial in trials if trial.memory is not None), default=0)
    told = [
        f"{format_quantity(held, 'B')} that the kernel cannot take back" if held else "",
        f"{format_quantity(charged, 'B')} charged at the most, with pages of files" if charged else "",
        f"VmHWM {format_quantity(water, 'B')}" if water else "",
    ]
    words = "; ".join(filter(None, told))
    finding = _finding(Status.PASS, f"fits in {size}{f': {words}' if words else ''}", limit_bytes)
    return finding.model_copy(update={"value": float(held) if held else None, "detail": f"by {limits[0].by}"})


def _without_cgroup(refused: str | None, trials: Sequence[Trial]) -> str:
    died = sum(trial.died is not None for trial in trials)
    ended = (
        f"{died} of {len(trials)} processes died under it" if died else f"all {len(trials)} processes lived under it"
    )
    return (
        f"{RLIMIT} limits what a process reserves, not what it uses, and {ended}; a cgroup would tell, but "
        f"{refused or 'the board makes none'}"
    )


def _finding(status: Status, reason: str, limit_bytes: int) -> Finding:
    return Finding(gate=GATE, metric=None, status=status, reason=reason, limit=float(limit_bytes))
