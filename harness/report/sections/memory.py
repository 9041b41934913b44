"""What the memory of a process that ran each entry consists of: a bar of its parts, and the parts as figures."""

from dataclasses import dataclass
from typing import Any

from harness.records.entry import Entry
from harness.records.memory import PARTS, MemoryAccount
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.labels import entry_detail, entry_name
from harness.report.sections import Section

MOST_ROWS = 100


@dataclass(frozen=True)
class Segment:
    """A part's place in its bar, per cent of the bar's width; ``shade`` numbers its colour."""

    x: float
    width: float
    shade: int


@dataclass(frozen=True)
class Row:
    """One entry: its bar, and each part's figure, the whole last."""

    entry: Entry
    detail: str
    segments: list[Segment]
    alternative: str
    cells: list[tuple[str, ...]]


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    told = [(entry, entry.memory) for entry in results.entries if entry.memory is not None]
    longest = max((_drawn(account) for _, account in told), default=0.0)
    rows = [_row(entry, account, longest=longest, devices=len(results.devices)) for entry, account in told[:MOST_ROWS]]
    if not rows:
        return None
    more = f"{len(told) - MOST_ROWS} more entries in results.json." if len(told) > MOST_ROWS else ""
    return {"rows": rows, "columns": [*PARTS.values(), "unexplained", "PSS", "VmHWM"], "more": more}


def _row(entry: Entry, account: MemoryAccount, *, longest: float, devices: int) -> Row:
    told = ", ".join(f"{title} {format_quantity(size, 'B')}" for title, size in account.parts.items())
    return Row(
        entry=entry,
        detail=entry_detail(entry, devices),
        segments=_segments(account, longest),
        alternative=f"{entry_name(entry)}: {format_quantity(account.pss_bytes, 'B')}: {told}",
        cells=[_cell(account, field) for field in PARTS] + [_unexplained(account), _whole(account), _peaks(account)],
    )


def _drawn(account: MemoryAccount) -> float:
    return sum(max(0.0, size) for size in account.parts.values())


def _segments(account: MemoryAccount, longest: float) -> list[Segment]:
    """Of every part that can be seen."""
    found, at = [], 0.0
    for shade, size in enumerate(account.parts.values(), start=1):
        width = 100.0 * max(0.0, size) / longest if longest else 0.0
        if width >= 0.1:
            found.append(Segment(round(at, 1), round(width, 1), shade))
        at += width
    return found


def _cell(account: MemoryAccount, field: str) -> tuple[str, ...]:
    value = format_quantity(float(getattr(account, field)), "B")
    if field == "weights_bytes":
        return (value, "mapped" if account.weights_mapped else "copied")
    return (value,)


def _unexplained(account: MemoryAccount) -> tuple[str, ...]:
    return (format_quantity(account.unexplained_bytes, "B"), f"{100 * account.unexplained_share:.1f} % of PSS")


def _whole(account: MemoryAccount) -> tuple[str, ...]:
    return (format_quantity(account.pss_bytes, "B"), f"n {account.processes}")


def _peaks(account: MemoryAccount) -> tuple[str, ...]:
    """The largest of the process' whole life, of loading, and of running."""
    told = [("", account.peak_bytes), ("loading ", account.load_peak_bytes), ("running ", account.run_peak_bytes)]
    texts = [f"{when}{format_quantity(size, 'B')}" for when, size in told if size is not None]
    return tuple(texts) or ("–",)


MEMORY = Section("memory", "Memory", _context)
