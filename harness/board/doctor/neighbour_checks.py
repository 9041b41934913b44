"""Who else uses a board: processes, other machines of its host, people."""

import shlex

from harness.board.doctor.check import SUDO, Answer, Check, Examination, by_state, ok, on_board, warn
from harness.records.health import BusyProcess, SystemState

BUSY_SHARE = 0.1
STEAL_SHARE = 0.02


def _busy(found: Examination, state: SystemState) -> Answer:
    busy = [one for one in state.busy if one.share >= BUSY_SHARE]
    if not busy:
        return ok(f"none takes more than {_percent(BUSY_SHARE)} of a core")
    said = ", ".join(f"{one.name} ({one.account}, process {one.pid}) {_percent(one.share)} of a core" for one in busy)
    return warn(said, on_board(found, "; ".join(dict.fromkeys(map(_end, busy)))))


def _end(process: BusyProcess) -> str:
    if process.unit is not None:
        return f"{SUDO}systemctl stop {shlex.quote(process.unit)}"
    return f"{SUDO}kill {process.pid}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:.0f} %"


def _steal(found: Examination, state: SystemState) -> Answer:
    del found
    if state.steal is None:
        return ok("the kernel does not tell")
    if state.steal >= STEAL_SHARE:
        return warn(f"the host of this virtual machine gave {_percent(state.steal)} of the CPUs to others")
    return ok(f"{_percent(state.steal)}")


def _users(found: Examination, state: SystemState) -> Answer:
    if not state.users:
        return ok("nobody else at a terminal")
    names = ", ".join(state.users)
    command = "; ".join(f"{SUDO}pkill -HUP -u {shlex.quote(name)}" for name in state.users)
    return warn(f"{names} at a terminal: ask before you end their sessions", on_board(found, command))


NEIGHBOUR_CHECKS = (
    Check(
        "busy processes",
        "CPU time of every process during a second",
        "a process on the same core leaves the median alone and takes p99 from 0.2 to 4 ms",
        by_state(_busy),
    ),
    Check(
        "steal",
        "CPU time that a virtual machine's host gave to others",
        "latencies jump with the load of machines that nobody here sees",
        by_state(_steal),
    ),
    Check(
        "other users",
        "other accounts' processes at a terminal",
        "what they start while a run measures is in its figures",
        by_state(_users),
    ),
)
