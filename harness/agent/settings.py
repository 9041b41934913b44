"""Settings of the board by their keys: how each is read, written and read back, and what it may hold.

A key is a file's path below the root, or ``nvpmodel`` for a Jetson's power mode.
"""

from __future__ import annotations

import errno
import os
import re
import time
from pathlib import Path
from typing import Dict, List, Optional, Set

from edge_agent import clocks, power_mode
from edge_agent.sysfs import Root, read_text

MODES = (power_mode.NVPMODEL, power_mode.PROFILE)
LASTING = (power_mode.NVPMODEL,)
"""What a start of the board does not reset."""
_CLOCK = re.compile(
    r"sys/devices/system/cpu/cpufreq/policy\d+/scaling_(governor|min_freq|max_freq)"
    r"|sys/class/devfreq/[\w:@-][\w.:@-]*/(governor|min_freq|max_freq)"
)
_AFFINITY = re.compile(r"proc/irq/\d+/smp_affinity_list")
_BUSY = (errno.EBUSY, errno.EAGAIN)
_TRIES = 3
_PAUSE_S = 0.1
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


class SettingRefusedError(Exception):
    """A setting that was not taken; ``denied`` where it is only this account that may not."""

    def __init__(self, reason: str, *, denied: bool = False) -> None:
        super().__init__(reason)
        self.denied = denied


def read_setting(root: Root, key: str) -> Optional[str]:
    """What a setting is now; None where it cannot be read."""
    return power_mode.read_mode(root) if key == power_mode.NVPMODEL else root.read(key)


def write_setting(root: Root, key: str, value: str) -> None:
    """Set it and read it back; raises SettingRefusedError where it is not what was asked for."""
    if key == power_mode.NVPMODEL:
        problem = power_mode.switch_mode(root, value)
        if problem is not None:
            raise SettingRefusedError(problem, denied="sudo" in problem)
        return
    path = root.at(key)
    if ".." in path.parts:
        raise SettingRefusedError("no path with .. is written")
    try:
        _write(path, value)
    except OSError as error:
        raise SettingRefusedError(error.strerror or str(error), denied=error.errno in DENIED) from error
    now = read_text(path)
    if now is None or not alike(key, now, value):
        raise SettingRefusedError("it reads %s afterwards" % ("nothing" if now is None else now))


def _write(path: Path, value: str) -> None:
    """Tried again where the kernel is busy with it."""
    for tried in range(_TRIES):
        try:
            # As a shell does it, but that a file which is not there is not made.
            fd = os.open(str(path), os.O_WRONLY | os.O_TRUNC)
            with os.fdopen(fd, "w") as file:
                file.write(value)
        except OSError as error:
            if error.errno not in _BUSY or tried == _TRIES - 1:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def alike(key: str, now: str, value: str) -> bool:
    """Whether two contents of a setting mean the same."""
    if now == value:
        return True
    return is_interrupt(key) and _listed(now) == _listed(value) != set()


def _listed(text: str) -> Set[int]:
    found: Set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            found.update(range(int(first), min(int(last or first), 4096) + 1))
    return found


def is_interrupt(key: str) -> bool:
    """Whether this says which cores an interrupt may come to."""
    return _AFFINITY.fullmatch(key) is not None


def may_hold(root: Root, key: str, value: str) -> bool:
    """Whether this is a setting of ours, and the value one that the kernel offers for it."""
    if key in MODES:
        return key == power_mode.mode_key(root) and value in [mode["key"] for mode in power_mode.modes(root)]
    if is_interrupt(key):
        return root.at(key).exists() and _listed(value) != set()
    if not _CLOCK.fullmatch(key):
        return False
    clock = next((one for one in _clocks(root) if key in (one.governor, one.low, one.high)), None)
    if clock is None:
        return False
    if key == clock.governor:
        return value in clock.governors
    return value.isdigit() and (clock.least or 0) <= int(value) <= (clock.most or -1)


def clock_settings(root: Root) -> Dict[str, str]:
    """Every clock's settings as they are: what a power mode changes along with itself."""
    keys = [key for one in _clocks(root) for key in (one.governor, one.low, one.high)]
    return {key: value for key, value in ((key, root.read(key)) for key in keys) if value is not None}


def _clocks(root: Root) -> List[clocks.Clock]:
    return clocks.policies(root) + clocks.devices(root)


def write_order(root: Root, values: Dict[str, str]) -> List[str]:
    """The keys in the order in which they are written: power mode, governors, limits, interrupts.

    Of a clock's limits the one first that keeps the lower below the upper: the kernel refuses anything else.
    """
    ordered = [key for key in MODES if key in values]
    for one in _clocks(root):
        high, now = values.get(one.high, ""), root.read(one.high) or ""
        rising = high.isdigit() and now.isdigit() and int(high) >= int(now)
        limits = (one.high, one.low) if rising else (one.low, one.high)
        ordered += [key for key in (one.governor, *limits) if key in values]
    return ordered + sorted(set(values) - set(ordered))
