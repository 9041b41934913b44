"""Memory that ran out: who is killed first, whether the kernel killed for it, and how much there was.

Its log needs rights, its counters do not: /proc/vmstat counts kills since Linux 4.13, those within a cgroup too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from edge_agent import wire
from edge_agent.sysfs import Root, kilobytes, read_text

_ADJUSTMENT = Path("/proc/self/oom_score_adj")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SPARED, _FIRST = "-900", "1000"
_KILLS = re.compile(r"^oom_kill\s+(\d+)$", re.MULTILINE)
_UNLIMITED = 1 << 60
"""What cgroup v1 says where there is no limit is more than any memory."""
_CGROUPS = (("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("", "sys/fs/cgroup", "memory.max"))


def spare_this_process() -> None:
    """Let the kernel kill others first; an ordinary account may not ask for that and is content with what is there."""
    _adjust(_SPARED)


def offer_this_process() -> None:
    """Let the kernel kill this process and what it starts before any other: it is the model that takes the memory."""
    _adjust(_FIRST)


def _adjust(score: str) -> None:
    with contextlib.suppress(OSError):
        _ADJUSTMENT.write_text(score)


class MemoryLimit(NamedTuple):
    """The memory there is, and whose limit that is."""

    size_bytes: int
    whose: str


def limit(root: Root) -> Optional[MemoryLimit]:
    """The board's memory, or what a cgroup of this process allows where that is less; None where neither is told."""
    total = kilobytes(root.read("proc/meminfo"), "MemTotal")
    allowed = group_limit(root)
    if allowed is not None and (total is None or allowed < total):
        return MemoryLimit(allowed, "its memory cgroup allows")
    return None if total is None else MemoryLimit(total, "the board has")


def group_limit(root: Root) -> Optional[int]:
    """The least limit of the memory cgroups that this process is in, bytes; None where there is none."""
    return min(_limits(root).values(), default=None)


def limit_file(root: Root) -> Optional[str]:
    """The file below the root that sets that limit; None where there is none."""
    found = _limits(root)
    return min(found, key=lambda path: found[path]) if found else None


def _limits(root: Root) -> Dict[str, int]:
    """The limits of this process' memory cgroup and of those above it, bytes, by their files."""
    groups = dict(_groups(root.read("proc/self/cgroup") or ""))
    controller, base, name = _CGROUPS[0] if "memory" in groups else _CGROUPS[1]
    found: Dict[str, int] = {}
    place = Path(groups.get(controller, "/"))
    for folder in (place, *place.parents):
        path = "/".join(part for part in (base, str(folder).strip("/"), name) if part)
        text = root.read(path) or ""
        if text.isdigit() and int(text) < _UNLIMITED:
            found[path] = int(text)
    return found


def _groups(text: str) -> List[Tuple[str, str]]:
    lines = [line.split(":", 2) for line in text.splitlines()]
    return [(name, line[2]) for line in lines if len(line) == 3 for name in line[1].split(",")]


class Watch:
    """Kills for want of memory from now on."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._before = _kills(root)

    def explain(self, status: int, peak_bytes: int) -> Optional[str]:
        """Why a process was killed by SIGKILL that nobody of ours sent; None for another end.

        ``peak_bytes`` is the largest resident set it had.
        """
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return None
        now = _kills(self._root)
        there = limit(self._root)
        size = "at a peak of %.0f MB" % (peak_bytes / 1e6)
        room = "; %s %.0f MB" % (there.whose, there.size_bytes / 1e6) if there is not None else ""
        if now is None or self._before is None:
            return "killed by SIGKILL %s (out of memory?)%s" % (size, room)
        return "out of memory: killed by the kernel %s%s" % (size, room) if now > self._before else None


class Mark:
    """That a block runs, on disk: what a steward that is killed with it leaves to the next one."""

    def __init__(self, root: Root, cache: Path) -> None:
        self._root = root
        self._file = cache / "block.json"

    def set(self) -> None:
        """Before a block; where it cannot be written, the next steward will not know."""
        with contextlib.suppress(OSError):
            self._file.write_text(json.dumps({"boot": read_text(_BOOT_ID), "kills": _kills(self._root)}))

    def clear(self) -> None:
        """After a block, however it ended."""
        with contextlib.suppress(OSError):
            self._file.unlink()

    def left(self) -> Optional[str]:
        """A sentence where the steward before was killed amid a block and the kernel has killed for memory since."""
        found = wire.parse((read_text(self._file) or "").encode())
        self.clear()
        before, now = (found or {}).get("kills"), _kills(self._root)
        if found is None or found.get("boot") != read_text(_BOOT_ID) or now is None:
            return None
        if not isinstance(before, int) or now <= before:
            return None
        there = limit(self._root)
        room = "; %s %.0f MB" % (there.whose, there.size_bytes / 1e6) if there is not None else ""
        return "out of memory: the kernel killed the steward while a block ran%s" % room


def _kills(root: Root) -> Optional[int]:
    found = _KILLS.search(root.read("proc/vmstat") or "")
    return int(found.group(1)) if found is not None else None
