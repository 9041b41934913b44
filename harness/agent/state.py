"""How a board is right now: room, neighbours, clocks, and what this account may change. Read for `harness doctor`."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from edge_agent import clock_state, oom, power
from edge_agent.sysfs import Root, kilobytes, read_text

_WATCH_S = 1.0
"""How long processes are watched."""
_MOST_PROCESSES = 5
_BUSY_SHARE = 0.05
"""Of one core; below it, a process is none that disturbs."""
_MOST_NAMED = 64
_PRESSURE = re.compile(r"^some avg10=([0-9.]+)", re.MULTILINE)
_UNIT = re.compile(r"/([^/]+\.service)")


def read_state(root: Root, cache: Path) -> Dict[str, Any]:
    """The SystemState record; None where the board does not say. Takes a second, in which processes are watched."""
    busy, steal = _watch(root)
    found: Dict[str, Any] = {"busy": busy, "steal": steal}
    found.update(_account(root))
    found.update(_room(root, cache))
    found.update(_memory(root))
    found.update(clock_state.read_clocks(root))
    found.update(
        {
            "supply_alarm": clock_state.supply_alarm(root),
            "pressure": _pressure(root),
            "users": _others(root),
            "unreadable": _unreadable(root),
            "command_line": root.read("proc/cmdline"),
            "time_s": time.time(),
        }
    )
    return found


def _account(root: Root) -> Dict[str, Any]:
    uid, gid = os.getuid(), os.getgid()
    return {
        "root": str(root.path),
        "uid": uid,
        "account": _account_name(uid),
        "group": _group_name(gid),
        "sudo": shutil.which("sudo") is not None,
    }


def _account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _room(root: Root, cache: Path) -> Dict[str, Any]:
    try:
        disk = os.statvfs(str(cache))
    except OSError:
        return {"disk": None, "cache_bytes": 0, "cache_files": 0}
    # A file system without a table of inodes, such as btrfs, says that it has 0.
    inodes = (disk.f_files, disk.f_favail) if disk.f_files else (None, None)
    room = {
        "size_bytes": disk.f_blocks * disk.f_frsize,
        "free_bytes": disk.f_bavail * disk.f_frsize,
        "inodes": inodes[0],
        "inodes_free": inodes[1],
    }
    sizes = _sizes(cache / "store") + _sizes(cache / "envs")
    return {"disk": room, "cache_bytes": sum(sizes), "cache_files": len(sizes)}


def _sizes(folder: Path) -> List[int]:
    """What each file and folder below a folder takes on the disk, bytes."""
    found = []
    for path in folder.rglob("*"):
        try:
            found.append(path.lstat().st_blocks * 512)
        except OSError:
            continue
    return found


def _memory(root: Root) -> Dict[str, Any]:
    memory = root.read("proc/meminfo")
    total, free = kilobytes(memory, "SwapTotal"), kilobytes(memory, "SwapFree")
    areas = [line.split()[0] for line in (root.read("proc/swaps") or "").splitlines()[1:] if line.split()]
    return {
        "memory_available_bytes": kilobytes(memory, "MemAvailable"),
        "swap_bytes": total,
        "swap_used_bytes": None if total is None or free is None else max(total - free, 0),
        "swaps": areas[:_MOST_NAMED],
        "memory_limit_file": oom.limit_file(root),
    }


def _pressure(root: Root) -> List[Dict[str, Any]]:
    """Per cent of the last ten seconds in which some process waited: for a CPU, memory, a disk (PSI)."""
    found = []
    for name in ("cpu", "memory", "io"):
        match = _PRESSURE.search(root.read("proc/pressure/" + name) or "")
        if match is not None:
            found.append({"resource": name, "percent": float(match.group(1))})
    return found


def _unreadable(root: Root) -> List[str]:
    """Files of power sensors that are there and that this account may not read."""
    names = {sensor["name"] for sensor in power.find_sensors(root) if not sensor["readable"]}
    files = root.glob("sys/class/powercap/intel-rapl:*/energy_uj") if power.RAPL in names else []
    for device in root.glob("sys/class/hwmon/hwmon*"):
        if "hwmon:%s" % read_text(device / "name") in names:
            files += [path for kind in ("power", "in", "curr") for path in sorted(device.glob(kind + "*_input"))]
    return [str(path) for path in files if not os.access(str(path), os.R_OK)][:_MOST_NAMED]


def chosen(text: Optional[str]) -> Optional[str]:
    """The word in brackets, in a file such as "always [madvise] never"."""
    match = re.search(r"\[(\w+)\]", text or "")
    return match.group(1) if match is not None else None


class _Process(NamedTuple):
    name: str
    ticks: int
    terminal: int


def _processes(root: Root) -> Dict[int, _Process]:
    found = {}
    for folder in root.glob("proc/[0-9]*"):
        head, _, rest = (read_text(folder / "stat") or "").rpartition(")")
        words = rest.split()
        if len(words) > 12 and words[11].isdigit() and words[12].isdigit():
            name = head.partition("(")[2]
            found[int(folder.name)] = _Process(name, int(words[11]) + int(words[12]), int(words[4]))
    return found


def _watch(root: Root) -> Tuple[List[Dict[str, Any]], Optional[float]]:
    """Processes that took the CPUs while they were watched, the busiest first; the share that a hypervisor took."""
    before, stolen, begun = _processes(root), _stolen(root), time.monotonic()
    time.sleep(_WATCH_S)
    seconds, ticks = time.monotonic() - begun, os.sysconf("SC_CLK_TCK")
    ours = os.getpid()
    shares = {
        pid: (process.ticks - before[pid].ticks) / ticks / seconds
        for pid, process in _processes(root).items()
        if pid in before and pid != ours
    }
    busiest = sorted((pid for pid in shares if shares[pid] >= _BUSY_SHARE), key=lambda pid: -shares[pid])
    named = [_name(root, pid, before[pid].name, shares[pid]) for pid in busiest[:_MOST_PROCESSES]]
    after = _stolen(root)
    if stolen is None or after is None or after[1] <= stolen[1]:
        return named, None
    return named, min(max((after[0] - stolen[0]) / (after[1] - stolen[1]), 0.0), 1.0)


def _name(root: Root, pid: int, name: str, share: float) -> Dict[str, Any]:
    unit = _UNIT.search(root.read("proc/%d/cgroup" % pid) or "")
    return {
        "pid": pid,
        "name": name,
        "account": _owner(root, pid),
        "share": share,
        "unit": unit.group(1) if unit is not None else None,
    }


def _owner(root: Root, pid: int) -> str:
    try:
        return _account_name(root.at("proc/%d" % pid).stat().st_uid)
    except OSError:
        return "unknown"


def _stolen(root: Root) -> Optional[Tuple[int, int]]:
    """Clock ticks since boot, of all CPUs: those that went to other machines of the same host, and all."""
    words = (root.read("proc/stat") or "").split("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu" or not all(word.isdigit() for word in words[1:9]):
        return None
    ticks = [int(word) for word in words[1:9]]
    return ticks[7], sum(ticks)


def _others(root: Root) -> List[str]:
    """Accounts other than ours that have a process at a terminal: somebody works there."""
    ours = _account_name(os.getuid())
    at = {_owner(root, pid) for pid, process in _processes(root).items() if process.terminal}
    return sorted(at - {ours, "unknown"})[:_MOST_NAMED]
