"""A known load on the board's cores, for a borrowed meter to see."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Dict

from edge_agent import telemetry
from edge_agent.sysfs import Root

MOST_CORES = 256.0
_SPIN = """\
import sys, time
share, ends = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while time.monotonic() < ends:
    until, number = time.monotonic() + 0.02 * share, 1
    while time.monotonic() < until:
        for _ in range(200):
            number = number * 1103515245 % 2147483647
    time.sleep(0.02 * (1.0 - share))
"""
"""Computes for a share of each 20 ms, and ends by itself: no load stays where the link is lost."""


def watch_load(root: Root, seconds: float, cores: float) -> Dict[str, Any]:
    """The TrialTelemetry record of a span in which so many cores compute, the last of them for a part of the time."""
    shares = [1.0] * int(cores) + ([cores - int(cores)] if cores > int(cores) else [])
    running = [
        subprocess.Popen([sys.executable, "-c", _SPIN, "%.3f" % share, "%.3f" % seconds], stdin=subprocess.DEVNULL)
        for share in shares
    ]
    try:
        return telemetry.watch(root, seconds)
    finally:
        for process in running:
            process.kill()
            process.wait()
