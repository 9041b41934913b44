"""What was read of a board around an entry's trials, in words: its clocks, what others took, and what is not known."""

from collections.abc import Iterator, Sequence

from harness.records.board import TrialTelemetry
from harness.records.conditions import Conditions
from harness.records.entry import Entry
from harness.records.text import visible

_SHOWN_CLOCKS = 4
_LEAST_SHARE = 0.005


def telemetries(entry: Entry) -> list[TrialTelemetry]:
    """Of every trial that results keep it of, void ones too."""
    found = [*(one.telemetry for one in entry.trials), *(one.telemetry for one in entry.figures)]
    return [one for one in found if one is not None]


def mean_khz(conditions: Conditions | None) -> float | None:
    """The mean clock over a trial, by the kernel's count, of the fastest group of cores; None without a count."""
    means = [
        sum(khz * ms for khz, ms in zip(one.khz, one.ms, strict=True)) / sum(one.ms)
        for one in (conditions.clocks if conditions is not None else ())
        if sum(one.ms) > 0 and len(one.khz) == len(one.ms)
    ]
    return max(means, default=None)


def conditions_sentence(entry: Entry) -> str:
    """A line of the clocks that trials ran at, of others' work, and of what is not known; empty where nothing was."""
    told = telemetries(entry)
    read = [one.conditions for one in told if one.conditions is not None]
    if not read:
        return ""
    parts = [*_clocks(read), *_taken(read)]
    unknown = ", ".join(_unknown(told, read))
    return "; ".join([*parts, *([f"not known: {unknown}"] if unknown else [])])


def _clocks(read: Sequence[Conditions]) -> Iterator[str]:
    spent: dict[str, dict[int, int]] = {}
    for one in read:
        for policy in one.clocks:
            own = spent.setdefault(policy.name, {})
            for khz, ms in zip(policy.khz, policy.ms, strict=False):
                own[khz] = own.get(khz, 0) + ms
    for name, times in spent.items():
        total = sum(times.values())
        most = sorted(times.items(), key=lambda pair: -pair[1])[:_SHOWN_CLOCKS]
        shares = [f"{khz / 1000:.0f} MHz {100 * ms / total:.0f} %" for khz, ms in most if ms >= _LEAST_SHARE * total]
        if shares:
            yield f"{visible(name)} at {', '.join(shares)} of the time"
    lowest = [one.lowest_khz for one in read if one.lowest_khz is not None]
    if lowest:
        yield f"clock not below {min(lowest) / 1000:.0f} MHz in {sum(one.clock_reads for one in read)} readings"


def _taken(read: Sequence[Conditions]) -> Iterator[str]:
    others = [one.others for one in read if one.others is not None]
    if others:
        yield f"other processes took up to {max(others):.2f} cores"
    stolen = [one.steal for one in read if one.steal is not None]
    if stolen and max(stolen) > 0.0:
        yield f"a hypervisor took up to {max(stolen):.2f} cores"
    pages = [one.swapped_pages for one in read if one.swapped_pages is not None]
    if pages and max(pages) > 0:
        yield f"up to {max(pages)} pages swapped within a trial"


def _unknown(told: Sequence[TrialTelemetry], read: Sequence[Conditions]) -> Iterator[str]:
    """What no trial could read."""
    known = {
        "temperature": any(one.temp_after_c is not None for one in told),
        "time at each clock": any(one.clocks for one in read),
        "throttling": any(one.throttled is not None for one in told)
        or any(one.cooling_moves is not None for one in read),
        "swap": any(one.swapped_pages is not None for one in read),
        "memory pressure": any(one.memory_pressure is not None for one in read),
        "others' work": any(one.others is not None for one in read),
    }
    yield from (name for name, is_known in known.items() if not is_known)
