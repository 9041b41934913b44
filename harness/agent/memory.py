"""This process' memory, in bytes. VmHWM, not ru_maxrss, which is inherited over exec."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from edge_agent.sysfs import kilobytes, read_text

_STATUS = Path("/proc/self/status")
_ROLLUP = Path("/proc/self/smaps_rollup")


def high_water() -> int:
    """The largest resident set so far; 0 on a kernel that does not say."""
    return kilobytes(read_text(_STATUS), "VmHWM") or 0


def account(before: int) -> Dict[str, Any]:
    """The TrialMemory record; ``before`` is the high water mark from before the model was loaded."""
    status = read_text(_STATUS)
    rollup = read_text(_ROLLUP)
    return {
        "hwm_before_bytes": before,
        "hwm_bytes": kilobytes(status, "VmHWM") or 0,
        "rss_bytes": kilobytes(status, "VmRSS") or 0,
        "pss_bytes": kilobytes(rollup, "Pss"),
        "anonymous_bytes": kilobytes(rollup, "Anonymous"),
    }
