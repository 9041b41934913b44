"""What must be alike before figures of two runs may be held against each other."""

from collections.abc import Collection, Sequence
from typing import Final

from harness.records.board import BoardFacts
from harness.records.entry import Entry
from harness.records.errors import UsageError
from harness.records.nearest import did_you_mean
from harness.records.results import DeviceRecord
from harness.records.status import Status

FLOOR: Final = 0.01
"""Differences below this share are not called any where two were measured one after the other, in one run or in two:
medians of fresh processes wander by up to two per cent between them, of which an interval over trials sees a part."""
ALIKE: Final = 0.1
"""Up to so wide an interval around 1 two are called as fast as each other; with a wider one they are not told apart."""
ACROSS: Final = (
    "model",
    "architecture",
    "CPU",
    "cores",
    "highest frequency",
    "kernel",
    "governor",
    "firmware",
    "power mode",
    "device clocks",
    "clock caps",
    "locked clocks",
    "firmware settings",
    "kernel options",
    "huge pages",
    "operating point",
    "runtime",
    "delegate",
    "threads",
    "memory limit",
)
"""What a comparison may be made across, by the names that `unlike` gives it; a stand-in is never a board's equal."""
_Pair = tuple[str, str | int | None, str | int | None]
"""What is compared, and what either of the two says."""


def unlike(a: DeviceRecord, a_entry: Entry, b: DeviceRecord, b_entry: Entry) -> list[str]:
    """What differs, a sentence each, "kernel: 6.6.31 against 6.12.34"; empty where the two may be compared.

    Of the board: its model with the revision, its processor, the highest frequency as read back, kernel and
    governor; whether it is a stand-in for a board. Of the entry: the runtime's build, delegate and threads.
    What one of the two does not say is a difference: alike is what is known to be alike. Firmware and its settings,
    power mode, caps and locks of clocks, clocks of other devices, options of the kernel, huge pages and the operating
    point are compared where both say them: earlier runs did not note them.
    """
    if a.facts is None or b.facts is None:
        return ["board: at least one of the two was not probed, so what it was is not known"]
    named = [("stand-in", a.label or "none", b.label or "none")]
    point = _point(a, a_entry, b, b_entry)
    # An operating point has the caps of the clocks among its limits.
    board = [pair for pair in _board(a.facts, b.facts) if not (point and pair[0] == "clock caps")]
    pairs = [*named, *board, *point, *_setting(a_entry, b_entry)]
    return [f"{name}: {_said(one)} against {_said(other)}" for name, one, other in pairs if one != other]


_OF_A_POINT: Final = ("governor", "power mode", "device clocks", "clock caps", "locked clocks")
"""What is named by its own name, and is part of an operating point."""


def parse_across(text: str | None) -> tuple[str, ...]:
    """The names in ``--across``, separated by commas; UsageError for one that is none of ``ACROSS``."""
    names = tuple(part.strip() for part in text.split(",")) if text is not None else ()
    for name in names:
        if name not in ACROSS:
            meant = did_you_mean(name, ACROSS, before="; ")
            raise UsageError(f"--across {name!r}: expected one or more of: {', '.join(ACROSS)}{meant}")
    return names


def set_apart(differing: Sequence[str], across: Collection[str]) -> tuple[list[str], list[str]]:
    """Of `unlike`'s sentences those that refuse a comparison, and those of what was named to be compared across."""
    allowed = {*across, *(_OF_A_POINT if "operating point" in across else ())}
    named = [sentence for sentence in differing if sentence.partition(":")[0] in allowed]
    return [sentence for sentence in differing if sentence not in named], named


def _board(a: BoardFacts, b: BoardFacts) -> list[_Pair]:
    return [
        ("model", a.model, b.model),
        ("architecture", a.arch, b.arch),
        ("CPU", a.cpu, b.cpu),
        ("cores", a.cpu_count, b.cpu_count),
        ("highest frequency", _gigahertz(a.max_freq_khz), _gigahertz(b.max_freq_khz)),
        ("kernel", a.kernel, b.kernel),
        ("governor", a.governor, b.governor),
        *(pair for pair in _noted_later(a, b) if pair[1] is not None and pair[2] is not None),
    ]


def _noted_later(a: BoardFacts, b: BoardFacts) -> list[_Pair]:
    return [
        ("firmware", a.firmware, b.firmware),
        ("power mode", a.power_mode, b.power_mode),
        ("device clocks", _joined(a.device_clocks), _joined(b.device_clocks)),
        ("clock caps", _caps(a.clock_caps_khz), _caps(b.clock_caps_khz)),
        ("locked clocks", _yes_or_no(a.clocks_locked), _yes_or_no(b.clocks_locked)),
        ("firmware settings", a.firmware_settings, b.firmware_settings),
        ("kernel options", a.kernel_options, b.kernel_options),
        ("huge pages", a.huge_pages, b.huge_pages),
    ]


def _point(a: DeviceRecord, a_entry: Entry, b: DeviceRecord, b_entry: Entry) -> list[_Pair]:
    """Frequency limits, and the cores that measured: governors and power mode have names of their own.

    Not so those of an entry's own point: facts are the device's.
    """
    one, other = a_entry.operating_point or a.operating_point, b_entry.operating_point or b.operating_point
    if one is None or other is None:
        return []
    if a_entry.operating_point is None and b_entry.operating_point is None:
        return [("operating point", one.limits, other.limits)]
    return [("operating point", one.words, other.words)]


def _setting(a: Entry, b: Entry) -> list[_Pair]:
    return [
        ("runtime", a.runtime, b.runtime),
        ("delegate", a.delegate, b.delegate),
        ("threads", a.num_threads, b.num_threads),
        ("memory limit", a.memory_limit_bytes, b.memory_limit_bytes),
    ]


def _joined(texts: tuple[str, ...]) -> str | None:
    return "; ".join(texts) or None


def _caps(khz: tuple[int, ...]) -> str | None:
    return " + ".join(f"{cap / 1e6:.4g} GHz" for cap in khz) or None


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else ("yes" if value else "no")


def _gigahertz(khz: int | None) -> str | None:
    return None if khz is None else f"{khz / 1e6:.4g} GHz"


def _said(value: str | int | None) -> str:
    return "not known" if value is None else str(value)


def is_usable(entry: Entry) -> bool:
    """Whether the entry was measured on a fit board with right outputs, whatever its budgets say."""
    wrong = any(finding.gate == "outputs" and finding.status is Status.FAIL for finding in entry.findings)
    return entry.status not in (Status.ERROR, Status.INVALID) and not wrong


def trial_medians(entry: Entry) -> list[float]:
    """The median latency of each of the candidate's trials that counts, in seconds."""
    trials = (trial for trial in entry.trials if trial.arm == "candidate" and trial.void is None)
    return [p50 for trial in trials if (p50 := trial.quantiles.get("p50", 0.0)) > 0.0]
