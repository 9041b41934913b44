"""Entries with pre- and post-processing: their three stages, the sum, and the whole timed as one."""

from dataclasses import dataclass

from harness.records.metrics import METRICS
from harness.records.results import Entry
from harness.report.numbers import format_value, number, value_of

STAGES = ("preprocess", "inference", "postprocess")
WHOLE = "end_to_end"
SUM = "their sum"


@dataclass(frozen=True)
class StageLine:
    """One line under an entry: what, how long, and its interval where there is one."""

    title: str
    value: str
    interval: str = ""
    trials: str = ""


def has_stages(entry: Entry) -> bool:
    """Whether the entry was measured with its stages."""
    return any(measurement.metric in (*STAGES, WHOLE) for measurement in entry.measurements)


def stage_lines(entry: Entry) -> list[StageLine]:
    """The three stages, their sum, and the end to end timed as a whole; none for an entry without stages."""
    if not has_stages(entry):
        return []
    total = stage_sum(entry)
    summed = StageLine(SUM, "–" if total is None else format_value(total, "s"))
    return [*(_line(entry, stage) for stage in STAGES), summed, _line(entry, WHOLE)]


def stage_sum(entry: Entry) -> float | None:
    """The three stages' times added up, in seconds; None where one is not known."""
    values = [found.value for stage in STAGES if (found := value_of(entry, stage)) and found.value is not None]
    return sum(values) if len(values) == len(STAGES) else None


def _line(entry: Entry, metric: str) -> StageLine:
    shown = number(entry, metric)
    title = METRICS[metric].title
    return StageLine(title, shown.value, shown.interval, shown.trials) if shown else StageLine(title, "–")
