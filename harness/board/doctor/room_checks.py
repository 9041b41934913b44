"""What a board has left: disk, memory, and a clock of day that is right."""

from harness.board.doctor.check import (
    SUDO,
    Answer,
    Check,
    Examination,
    at_root,
    by_facts,
    by_state,
    fail,
    harness_words,
    ok,
    on_board,
    ssh_words,
    warn,
    write_files,
)
from harness.records.board import BoardFacts
from harness.records.health import SystemState
from harness.records.units import format_quantity

LEAST_DISK_BYTES = 20_000_000
GOOD_DISK_BYTES = 300_000_000
"""A runtime with numpy, packed and unpacked."""
LEAST_INODES = 200
GOOD_INODES = 5_000
"""A runtime with numpy is 2,000 files."""
LEAST_MEMORY_BYTES = 64_000_000
GOOD_MEMORY_SHARE = 0.25
CLOCK_S = 5.0
LEAST_SWAP_BYTES = 1_000_000
PRESSURE_PERCENT = 5.0
_OURS = (
    'rm -rf "${XDG_CACHE_HOME:-$HOME/.cache}"/edge-harness/store "${XDG_CACHE_HOME:-$HOME/.cache}"/edge-harness/envs'
)


def _clock(found: Examination) -> Answer | None:
    ahead = found.clock_ahead_s
    if ahead is None:
        return None
    if abs(ahead) <= CLOCK_S:
        return ok(f"right to {max(abs(ahead), 0.1):.1f} s")
    said = f"{_duration(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this machine's"
    connection, state = found.profile.connection, found.state
    sudo = state is not None and state.uid != 0 and state.sudo
    user = connection.user if sudo or state is None or state.uid == 0 else "root"
    # In double quotes: this machine's shell writes its own time into the command.
    return warn(said, f'{ssh_words(connection, user, terminal=sudo)} "{"sudo " if sudo else ""}date -s @$(date +%s)"')


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _disk(found: Examination) -> Answer | None:
    room = found.disk
    if room is None:
        return None
    enough = found.state is not None and found.state.cache_bytes >= LEAST_DISK_BYTES
    said = f"{_bytes(room.free_bytes)} of {_bytes(room.size_bytes)} free"
    fix = _make_room(found, enough=enough, largest="du -xk")
    return _judge_room(room.free_bytes, (LEAST_DISK_BYTES, GOOD_DISK_BYTES), said, fix)


def _inodes(found: Examination) -> Answer | None:
    room = found.disk
    if room is None:
        return None
    if room.inodes is None or room.inodes_free is None:
        return ok("the file system has no table of them")
    enough = found.state is not None and found.state.cache_files >= LEAST_INODES
    said = f"{room.inodes_free:,} of {room.inodes:,} free"
    fix = _make_room(found, enough=enough, largest="du -x --inodes")
    return _judge_room(room.inodes_free, (LEAST_INODES, GOOD_INODES), said, fix)


def _judge_room(free: int, limits: tuple[int, int], said: str, fix: str) -> Answer:
    least, good = limits
    if free < least:
        return fail(said, fix)
    return warn(said, fix) if free < good else ok(said)


def _make_room(found: Examination, *, enough: bool, largest: str) -> str:
    """Models and runtimes of ours go where that is enough; else what takes most is shown."""
    if found.state is None:
        return on_board(found, _OURS)
    if enough:
        return harness_words(found, "provision", "--clean")
    return on_board(found, f"{SUDO}{largest} / 2>/dev/null | sort -n | tail -n 20")


def _memory(found: Examination, state: SystemState) -> Answer:
    there, free = found.facts.memory_bytes if found.facts else None, state.memory_available_bytes
    if there is None or free is None:
        return ok("the board does not tell")
    said = f"{_bytes(free)} of {_bytes(there)} available"
    fix = on_board(found, "ps -eo rss,user,pid,comm --sort=-rss | head -n 10")
    if free < LEAST_MEMORY_BYTES:
        return fail(said, fix)
    return warn(said, fix) if free < GOOD_MEMORY_SHARE * there else ok(said)


def _memory_limit(found: Examination, facts: BoardFacts) -> Answer:
    limit, file = facts.memory_limit_bytes, found.state.memory_limit_file if found.state else None
    if limit is None or (facts.memory_bytes is not None and limit >= facts.memory_bytes):
        return ok("none")
    if found.state is None or file is None:
        return warn(f"{_bytes(limit)}, set by a memory cgroup")
    value = "max" if file.endswith("memory.max") else "-1"
    fix = on_board(found, write_files(value, [at_root(found.state, file)]))
    return warn(f"{_bytes(limit)}, set by the memory cgroup of the account's sessions", fix)


def _swap(found: Examination, state: SystemState) -> Answer:
    if not state.swap_bytes:
        return ok("none")
    used = state.swap_used_bytes or 0
    if used < LEAST_SWAP_BYTES:
        return ok(f"{_bytes(state.swap_bytes)}, not in use")
    said = f"{_bytes(used)} of {_bytes(state.swap_bytes)} in use ({', '.join(state.swaps) or 'unknown'})"
    return warn(said, on_board(found, f"{SUDO}swapoff -a"))


def _pressure(found: Examination, state: SystemState) -> Answer:
    high = [one for one in state.pressure if one.percent > PRESSURE_PERCENT and one.resource != "cpu"]
    if not state.pressure:
        return ok("the kernel does not measure it")
    if high:
        said = ", ".join(f"{one.percent:.0f} % of the time for {one.resource}" for one in high)
        return warn(f"processes waited {said}", on_board(found, "ps -eo stat,rss,user,pid,comm | grep ^D"))
    return ok("nobody waits for memory or a disk")


def _bytes(number: float) -> str:
    return format_quantity(number, "B")


ROOM_CHECKS = (
    Check(
        "clock of day",
        "the board's clock against this machine's",
        "no figure: files in the board's cache look too old or too young, and its logs do not match a run's",
        _clock,
    ),
    Check("disk", "free bytes where the cache is", "models and runtimes cannot be sent", _disk),
    Check("inodes", "free inodes there", "models and runtimes cannot be sent, though the disk has room", _inodes),
    Check(
        "memory",
        "MemAvailable",
        "a model is killed, or pages of it are read from disk again: p99 by many times",
        by_state(_memory),
    ),
    Check(
        "memory limit",
        "the least limit of the memory cgroups that measuring runs in",
        "a model that fits the board may be killed, and peak memory is that of the limit",
        by_facts(_memory_limit),
    ),
    Check(
        "swap",
        "swap in use",
        "pages of the model come back from a disk or are unpacked: p99 by many times, memory figures too low",
        by_state(_swap),
    ),
    Check(
        "memory and disk pressure",
        "PSI of the last ten seconds",
        "loading a model and p99 take longer while others wait for the same disk or memory",
        by_state(_pressure),
    ),
)
