"""Setting a board up for measuring: its operating point, which is power mode, governors, frequencies and cores."""

from __future__ import annotations

import fnmatch
import os
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from edge_agent import clocks, power_mode, settings, storage
from edge_agent.clocks import Clock
from edge_agent.restore import Originals
from edge_agent.settings import SettingRefusedError
from edge_agent.sysfs import Root
from edge_agent.wire import AgentError

_LIMIT_WORDS = ("min", "max")
_CLOCK_KEYS = ("governor", "min_freq", "max_freq")
_COOLS_CPU = ("cpufreq", "processor")
Wishes = Dict[str, Any]


class Step(NamedTuple):
    """One file to write: what it is in words, and the value for eyes."""

    key: str
    value: str
    what: str
    clock: Clock

    def show(self, text: Optional[str]) -> Optional[str]:
        """A value of it for eyes."""
        return text if self.key == self.clock.governor else self.clock.show(text)


def tune(root: Root, originals: Originals, wishes: Wishes) -> Dict[str, Any]:
    """Bring the board to an operating point, and say which one it is at: the OperatingPoint record.

    What was tuned before is put back first. A setting that the board does not take stands in the record with the
    reason. Raises AgentError "unfit" where there is no such thing to set.
    """
    originals.put_back()
    if originals.unrestored:
        raise AgentError("unfit", "; ".join(originals.unrestored))
    done = []
    if wishes.get("power_mode") is not None:
        done.append(_switch_mode(root, originals, str(wishes["power_mode"])))
    cpus = None if wishes.get("cpus") is None else clocks.show_cpus(allowed_cpus(root, str(wishes["cpus"])))
    steps = _plan(root, wishes)
    done += _take_steps(root, originals, steps)
    if wishes.get("irq_cpus") is not None:
        done.append(_move_interrupts(root, originals, clocks.parse_cpus(root, str(wishes["irq_cpus"]))))
    if wishes.get("drop_caches"):
        done.append(_check_dropping(root))
    return _operating_point(root, cpus, done)


def _operating_point(root: Root, cpus: Optional[str], done: List[Dict[str, Any]]) -> Dict[str, Any]:
    return {
        "power_mode": power_mode.mode_name(root),
        "clocks": [clocks.describe_clock(root, one) for one in clocks.policies(root) + clocks.devices(root)],
        "cpus": cpus,
        "settings": done,
    }


def allowed_cpus(root: Root, text: str) -> Set[int]:
    """The CPUs of a list like "0-3,5", or of a word; raises AgentError if one of them is not there or not ours."""
    wanted = clocks.parse_cpus(root, text)
    ours = os.sched_getaffinity(0)
    absent = sorted(wanted - ours)
    if absent:
        raise AgentError(
            "unfit",
            "CPU %s of [tuning] cpus = %r is not on this board, which lets us use %s"
            % (", ".join(map(str, absent)), text, ", ".join(map(str, sorted(ours)))),
        )
    return wanted


def _setting(
    what: str, wanted: str, before: Optional[str], reached: Optional[str], **problem: object
) -> Dict[str, Any]:
    """The SettingReached record."""
    return {
        "what": what,
        "wanted": wanted,
        "before": before,
        "reached": reached,
        **({"problem": None, "denied": False, **problem}),
    }


def _switch_mode(root: Root, originals: Originals, wanted: str) -> Dict[str, Any]:
    key, known = power_mode.mode_key(root), power_mode.modes(root)
    if key is None:
        raise AgentError("unfit", "power mode %s cannot be set: this board has none" % wanted)
    number = next((one["key"] for one in known if wanted.casefold() in (one["key"], one["name"].casefold())), None)
    if number is None:
        raise AgentError(
            "unfit", "the board has no power mode %s, only %s" % (wanted, ", ".join(one["name"] for one in known))
        )
    before, now = power_mode.mode_name(root), settings.read_setting(root, key)
    problem: Dict[str, object] = {}
    if now != number:
        originals.remember({**settings.clock_settings(root), **({key: now} if now is not None else {})})
        problem = _write(root, key, number)
    return _setting("power mode", wanted, before, power_mode.mode_name(root), **problem)


def _write(root: Root, key: str, value: str) -> Dict[str, object]:
    """What keeps it from being set; empty where it is."""
    try:
        settings.write_setting(root, key, value)
    except SettingRefusedError as refusal:
        return {"problem": str(refusal), "denied": refusal.denied}
    return {}


def _plan(root: Root, wishes: Wishes) -> List[Step]:
    """What is to be written to the files of clocks; raises AgentError "unfit" before anything is."""
    everywhere = {key: wishes.get(key) for key in _CLOCK_KEYS}
    policies = clocks.policies(root)
    _refuse_absent(policies, everywhere)
    own = wishes.get("policies") or {}
    for word in own:
        if not any(_is_named(root, one, word) for one in policies):
            raise AgentError("unfit", "the board has no %s, only %s" % (word, _names(policies)))
    steps = []
    for one in policies:
        # A policy by its own name outdoes the word for its cores.
        named = sorted((word for word in own if _is_named(root, one, word)), key=lambda word: word == one.name)
        wanted = dict(everywhere)
        for word in named:
            wanted.update({key: value for key, value in own[word].items() if value is not None})
        steps += _clock_steps(root, one, wanted)
    return steps + _device_steps(root, wishes.get("devices") or {})


def _refuse_absent(policies: List[Clock], wanted: Wishes) -> None:
    if policies:
        return
    for key, value in wanted.items():
        if value is not None:
            raise AgentError(
                "unfit",
                "%s %s cannot be set: this board has no cpufreq; remove %s from [tuning] of its profile"
                % (key, value if key == "governor" else _show_wish(value), key),
            )


def _show_wish(value: object) -> str:
    return clocks.show_hz(float(value)) if isinstance(value, (int, float)) else str(value)


def _is_named(root: Root, policy: Clock, word: str) -> bool:
    if word in clocks.WORDS:
        return (policy.cpus or set()) <= clocks.cores(root, word)
    return policy.name == word


def _names(found: List[Clock]) -> str:
    return ", ".join(one.name for one in found) or "none"


def _device_steps(root: Root, wishes: Dict[str, Wishes]) -> List[Step]:
    found, steps = clocks.devices(root), []
    for pattern, wanted in wishes.items():
        matching = [one for one in found if fnmatch.fnmatchcase(one.name, pattern)]
        if not matching:
            raise AgentError("unfit", "the board has no device %s, only %s" % (pattern, _names(found)))
        for one in matching:
            steps += _clock_steps(root, one, wanted)
    return steps


def _clock_steps(root: Root, clock: Clock, wanted: Wishes) -> List[Step]:
    steps = []
    governor = wanted.get("governor")
    if governor is not None:
        if clock.governors and governor not in clock.governors:
            raise AgentError(
                "unfit", "%s has no governor %s, only %s" % (clock.name, governor, ", ".join(clock.governors))
            )
        steps.append(Step(clock.governor, governor, "governor of " + clock.name, clock))
    low, high = (_frequency(clock, wanted.get(key)) for key in ("min_freq", "max_freq"))
    low, high = _apart(root, clock, low, high)
    limits = [("lowest frequency of ", clock.low, low), ("highest frequency of ", clock.high, high)]
    steps += [Step(key, str(value), what + clock.name, clock) for what, key, value in limits if value is not None]
    if any(value is not None for _, _, value in limits):
        _refuse_while_cooling(root, clock)
    return steps


def _frequency(clock: Clock, wanted: object) -> Optional[int]:
    if wanted is None:
        return None
    if wanted in _LIMIT_WORDS:
        found = clock.least if wanted == "min" else clock.most
        if found is None:
            raise AgentError("unfit", "%s does not say what its %s frequency is" % (clock.name, wanted))
        return found
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        raise AgentError("bad_request", "%r is no frequency in Hz" % (wanted,))
    return clock.nearest(float(wanted))


def _apart(root: Root, clock: Clock, low: Optional[int], high: Optional[int]) -> Tuple[Optional[int], Optional[int]]:
    """Both limits where the one that is not asked for stands in the way of the other."""
    low_now, high_now = root.read(clock.low) or "", root.read(clock.high) or ""
    if low is None and high is not None and low_now.isdigit() and int(low_now) > high:
        return high, high
    if high is None and low is not None and high_now.isdigit() and int(high_now) < low:
        return low, low
    if low is not None and high is not None and low > high:
        raise AgentError(
            "unfit",
            "the lowest frequency of %s would be %s, above the highest, %s"
            % (clock.name, clock.show(str(low)), clock.show(str(high))),
        )
    return low, high


def _refuse_while_cooling(root: Root, clock: Clock) -> None:
    """While the kernel cools by the clock, the limit it shows is not the one that was set: it could not be put back."""
    if clock.cpus is None:
        return
    for device in root.glob("sys/class/thermal/cooling_device*"):
        kind = root.read("sys/class/thermal/%s/type" % device.name) or ""
        state = root.read("sys/class/thermal/%s/cur_state" % device.name)
        if any(word in kind.casefold() for word in _COOLS_CPU) and state not in (None, "", "0"):
            raise AgentError(
                "unfit",
                "the frequency limits of %s cannot be set while the kernel cools by it (%s at %s): let the board cool"
                % (clock.name, kind, state),
            )


def _take_steps(root: Root, originals: Originals, steps: List[Step]) -> List[Dict[str, Any]]:
    values = {step.key: step.value for step in steps}
    before = {step.key: settings.read_setting(root, step.key) for step in steps}
    known = {key: now for key, now in before.items() if now is not None}
    changing = {key: now for key, now in known.items() if not settings.alike(key, now, values[key])}
    if changing:
        originals.remember(changing)
    # What cannot be read could not be put back: it is left alone.
    problems: Dict[str, Dict[str, object]] = {key: {"problem": "it cannot be read"} for key in set(before) - set(known)}
    for key in settings.write_order(root, {key: values[key] for key in changing}):
        problems[key] = _write(root, key, values[key])
    # Read when all are written: a later one may have moved an earlier one.
    return [_reached(root, step, before[step.key], problems.get(step.key, {})) for step in steps]


def _reached(root: Root, step: Step, before: Optional[str], problem: Dict[str, object]) -> Dict[str, Any]:
    now = settings.read_setting(root, step.key)
    if not problem and (now is None or not settings.alike(step.key, now, step.value)):
        problem = {"problem": "it reads %s once all is set" % (step.show(now) or "nothing")}
    return _setting(step.what, step.show(step.value) or step.value, step.show(before), step.show(now), **problem)


def _move_interrupts(root: Root, originals: Originals, cpus: Set[int]) -> Dict[str, Any]:
    """Have interrupts come to these cores; those that belong to one core the kernel leaves where they are."""
    wanted = clocks.show_cpus(cpus)
    paths = [str(path.relative_to(root.path)) for path in root.glob("proc/irq/[0-9]*/smp_affinity_list")]
    before = {key: now for key, now in ((key, root.read(key)) for key in paths) if now is not None}
    changing = {key: now for key, now in before.items() if not settings.alike(key, now, wanted)}
    if changing:
        originals.remember(changing)
    problems = [_write(root, key, wanted) for key in changing]
    denied = [problem for problem in problems if problem.get("denied")]
    there = len(before) - sum(bool(problem) for problem in problems)
    problem = {"problem": denied[0]["problem"], "denied": True} if denied and not there else {}
    return _setting(
        "interrupts",
        "on CPUs " + wanted,
        "%d of %d there" % (len(before) - len(changing), len(before)),
        "%d of %d there" % (there, len(before)),
        **problem,
    )


def _check_dropping(root: Root) -> Dict[str, Any]:
    """Whether this account may have the kernel forget what it keeps of files; nothing is dropped."""
    allowed = storage.may_drop_caches(root)
    problem = {} if allowed else {"problem": "Permission denied", "denied": True}
    return _setting("page cache", "dropped before cold loads", None, "may be dropped" if allowed else None, **problem)
