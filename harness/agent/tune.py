"""Setting a board up for measuring: the governor of every frequency policy, the CPUs to run on."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Set

from edge_agent.restore import Originals, write_setting
from edge_agent.sysfs import Root
from edge_agent.wire import AgentError

_POLICIES = "sys/devices/system/cpu/cpufreq/policy*"


def tune(root: Root, originals: Originals, governor: Optional[str], cpus: Optional[str]) -> List[str]:
    """Apply what is not None; sentences of what changed.

    Raises AgentError: "not_permitted" where the board does not let this account set a governor it has,
    "unfit" where there is no such thing to set.
    """
    changed = []
    if cpus is not None:
        allowed_cpus(cpus)
        changed.append("measuring on CPUs %s" % cpus)
    if governor is not None:
        changed += _set_governor(root, originals, governor)
    return changed


def allowed_cpus(text: str) -> Set[int]:
    """The CPUs of a list like "0-3,5"; raises AgentError if one of them is not there or not ours."""
    wanted = _parse_cpus(text)
    ours = os.sched_getaffinity(0)
    absent = sorted(wanted - ours)
    if absent:
        raise AgentError(
            "unfit",
            "CPU %s of [tuning] cpus = %r is not on this board, which lets us use %s"
            % (", ".join(map(str, absent)), text, ", ".join(map(str, sorted(ours)))),
        )
    return wanted


def _parse_cpus(text: str) -> Set[int]:
    found: Set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), min(int(last or first), 4096) + 1))
    except ValueError as error:
        raise AgentError("bad_request", "%r is no list of CPUs like 0-3,5" % text) from error
    if not found:
        raise AgentError("bad_request", "%r names no CPU" % text)
    return found


def _set_governor(root: Root, originals: Originals, governor: str) -> List[str]:
    current = _governors(root)
    if not current:
        raise AgentError(
            "unfit",
            "governor %s cannot be set: this board has no cpufreq; remove governor from [tuning] of its profile"
            % governor,
        )
    change = {path: value for path, value in current.items() if value != governor}
    if not change:
        return []
    originals.remember(change)
    return [_set_one(root, path, governor) for path in change]


def _governors(root: Root) -> Dict[str, str]:
    paths = [str((policy / "scaling_governor").relative_to(root.path)) for policy in root.glob(_POLICIES)]
    return {path: value for path, value in ((path, root.read(path)) for path in paths) if value}


def _set_one(root: Root, path: str, governor: str) -> str:
    policy = path.split("/")[-2]
    known = root.read(path.replace("scaling_governor", "scaling_available_governors"))
    if known and governor not in known.split():
        raise AgentError("unfit", "%s has no governor %s, only %s" % (policy, governor, ", ".join(known.split())))
    before = root.read(path)
    problem = write_setting(root.at(path), governor)
    if problem is not None:
        raise AgentError(
            "not_permitted",
            "governor %s of %s cannot be set: %s; let the board's user write /%s, "
            "or remove governor from [tuning] of the profile" % (governor, policy, problem, path),
        )
    return "governor of %s from %s to %s" % (policy, before, governor)
