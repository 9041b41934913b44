"""A limit on the memory of one trial's process: a cgroup of its own, where this account may make one.

Else RLIMIT_DATA, which counts what a process reserves and not what it uses: it is said, and says little.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from edge_agent.sysfs import read_int, read_text

NO_FIT = "does not fit in "
"""How the reason begins of a process that was killed for this limit; the host reads it."""
RLIMIT = "RLIMIT_DATA"
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
_KILLS = re.compile(r"^oom_kill\s+(\d+)$", re.MULTILINE)


class ProcessLimit:
    """The limit of a process that is yet to start."""

    def __init__(self, size_bytes: int, name: str) -> None:
        self.size_bytes = size_bytes
        self._refused = ""
        self._peak = 0
        self._group = self._make(name)

    @property
    def by(self) -> str:
        """What limits: "cgroup v1", "cgroup v2" or "RLIMIT_DATA"."""
        if self._group is None:
            return RLIMIT
        return "cgroup v1" if _is_v1(self._group) else "cgroup v2"

    def command(self, words: List[str]) -> List[str]:
        """The command that runs a program under the limit, from its first page on."""
        if self._group is None:
            return ["/bin/sh", "-c", 'ulimit -d "$0" && exec "$@"', str(self.size_bytes // 1024), *words]
        return ["/bin/sh", "-c", 'echo 0 > "$0" && exec "$@"', str(self._group / "cgroup.procs"), *words]

    def sample(self) -> None:
        """Keep the most that the kernel could not take back: all that is charged, less the files' pages and slabs."""
        if self._group is None:
            return
        name = "memory.usage_in_bytes" if _is_v1(self._group) else "memory.current"
        used, stat = read_int(self._group / name), _stat(self._group)
        if used is not None and stat:
            self._peak = max(self._peak, used - sum(stat.get(key, 0) for key in _reclaimable(self._group)))

    def why_killed(self) -> Optional[str]:
        """Where the kernel killed the process for this limit: how that is said; None where it did not."""
        if self._group is None:
            return None
        name = "memory.oom_control" if _is_v1(self._group) else "memory.events"
        found = _KILLS.search(read_text(self._group / name) or "")
        if found is None or not int(found.group(1)):
            return None
        return "%s%.4g MB: killed by the kernel" % (NO_FIT, self.size_bytes / 1e6)

    def record(self) -> Dict[str, Any]:
        """The TrialLimit record."""
        peak = None
        if self._group is not None:
            peak = read_int(self._group / ("memory.max_usage_in_bytes" if _is_v1(self._group) else "memory.peak"))
        return {
            "by": self.by,
            "limit_bytes": self.size_bytes,
            "peak_bytes": peak,
            "unreclaimable_bytes": self._peak or None,
            "refused": self._refused or None,
        }

    def remove(self) -> None:
        """When the process has ended."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                self._group.rmdir()

    def _make(self, name: str) -> Optional[Path]:
        for parent in _parents():
            group = parent / name
            try:
                group.mkdir()
            except OSError as error:
                self._refused = "no memory cgroup can be made in %s: %s" % (parent, (error.strerror or "").lower())
                continue
            try:
                _limit(group, self.size_bytes)
            except OSError as error:
                self._refused = "%s takes no limit: %s" % (group, (error.strerror or "").lower())
                with contextlib.suppress(OSError):
                    group.rmdir()
                continue
            self._refused = ""
            return group
        self._refused = self._refused or "this kernel has no memory cgroups"
        return None


def _is_v1(group: Path) -> bool:
    return str(group).startswith(str(_V1) + "/")


def _parents() -> Iterator[Path]:
    """Where a group may be made: in this process' own, then in those above it, that hand the memory controller down."""
    text = read_text(Path("/proc/self/cgroup")) or ""
    groups = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in text.splitlines() if line.count(":") >= 2}
    v1 = "memory" in groups
    base, own = (_V1, groups["memory"]) if v1 else (_V2, groups.get("", "/"))
    place = Path("/" + own.strip("/"))
    for folder in (place, *place.parents):
        path = base / str(folder).strip("/")
        hands_down = v1 or "memory" in (read_text(path / "cgroup.subtree_control") or "").split()
        if path.is_dir() and hands_down:
            yield path


def _limit(group: Path, size_bytes: int) -> None:
    """All of it in memory: what was swapped out would fit any limit."""
    if not _is_v1(group):
        (group / "memory.max").write_text(str(size_bytes))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
        return
    (group / "memory.limit_in_bytes").write_text(str(size_bytes))
    with contextlib.suppress(OSError):
        (group / "memory.swappiness").write_text("0")
    with contextlib.suppress(OSError):
        (group / "memory.memsw.limit_in_bytes").write_text(str(size_bytes))


def _stat(group: Path) -> Dict[str, int]:
    lines = [line.split() for line in (read_text(group / "memory.stat") or "").splitlines()]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}


def _reclaimable(group: Path) -> Tuple[str, ...]:
    if _is_v1(group):
        return ("total_active_file", "total_inactive_file")
    return ("active_file", "inactive_file", "slab_reclaimable")
