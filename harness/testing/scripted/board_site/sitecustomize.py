"""Loaded by every Python of a scripted board: what Python asks of the kernel and no made-up file can answer.

Reads of slow sensors take as long as on the board: I2C and firmware answer after milliseconds, a file of ours at once.
And there are as many CPUs as the board has, each of them one of this machine's. Python 3.7 and later; before 3.8,
reads are not slowed.
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_OWN_CPUS = "EDGE_SCRIPTED_CPUS"
"""The CPUs that this process was given, by the board's numbers; processes that it starts take them over."""


def _watch_reads(delays: "dict[str, float]", looks: str) -> None:
    """Make slow files slow, and write down when this process looked at /proc/stat, as around every trial."""

    def wait(event: str, args: "tuple[object, ...]") -> None:
        if event != "open" or not args:
            return
        path = str(args[0])
        if path in delays:
            time.sleep(delays[path])
        elif path == "/proc/stat":
            descriptor = os.open(looks, os.O_WRONLY | os.O_APPEND)
            os.write(descriptor, b"%d\n" % time.monotonic_ns())
            os.close(descriptor)

    sys.addaudithook(wait)


def _make_cpus(count: int) -> None:
    set_real = os.sched_setaffinity
    real = sorted(os.sched_getaffinity(0))
    everything = set(range(count))

    def get_affinity(_pid: int) -> "set[int]":
        own = os.environ.get(_OWN_CPUS)
        return {int(word) for word in own.split(",")} if own else set(everything)

    def set_affinity(pid: int, cpus: "Iterable[int]") -> None:
        wanted = set(cpus) & everything
        if not wanted:
            raise OSError(22, "Invalid argument")
        set_real(pid, {real[cpu % len(real)] for cpu in wanted})
        os.environ[_OWN_CPUS] = ",".join(map(str, sorted(wanted)))

    os.sched_getaffinity = get_affinity
    os.sched_setaffinity = set_affinity
    os.cpu_count = lambda: count


if "EDGE_SCRIPTED_BOARD" in os.environ:
    _board = json.loads(Path(os.environ["EDGE_SCRIPTED_BOARD"]).read_text(encoding="ascii"))
    if hasattr(sys, "addaudithook"):
        _watch_reads(_board["delays_s"], _board["looks"])
    _make_cpus(_board["cpus"])
