"""Two processes, one an arm, that take turns in slices of time: what the block's process does for them."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, NamedTuple, NoReturn, Optional, Tuple

from edge_agent import clocks, oom, spec, telemetry, tune, wire
from edge_agent.process import describe_deadline, describe_exit, die_with, set_deadline
from edge_agent.sysfs import Root, kilobytes

if TYPE_CHECKING:
    from edge_agent.trial_setup import Setting

NO_TURNS = "the arms cannot take turns: "
"""How a sentence begins that says why whole trials have to do."""
MOST_WAITING = 0.005
"""CPU time of the arm that waits, as a share of the other's slice: beyond it, its threads are stopped meanwhile."""
COMING_TO_REST_NS = 300_000
"""CPU time of a slice that no arm is blamed for: from its answer until it waits. The other's first inferences, which
are dropped, take longer."""
FEWEST_ROUNDS = 2
MOST_ROUNDS = 40
"""Slices of each arm in a pair, so that a block of two pairs takes less than 20 kB; longer ones where it needs more."""
_PROBED_ROUNDS = 2
"""Rounds after which it is known whether the arm that waits does so."""
ROOM = 1.25
"""Memory that has to be there, as a multiple of what both arms took alone."""
_PATIENCE_S = 5.0
_SLOWER = 20.0
"""A slice that takes so much longer than its inferences did in the warm-up has stopped."""
_ANSWER = 1 << 16
_LIMIT = 1 << 20


class _ArmError(Exception):
    """An arm that gives no slices any more, and why."""

    def __init__(self, arm: "_Arm", why: str) -> None:
        super().__init__(why)
        self.arm = arm
        self.why = why


class _NoTurnsError(Exception):
    """Why these two arms cannot be measured by turns on this board."""


class Cores(NamedTuple):
    """The cores of the arms, and those left for the process that hands over; empty where there are none."""

    arms: FrozenSet[int]
    others: FrozenSet[int]


def cores_for(runner: spec.Runner, root: Root) -> Cores:
    """The profile's cores; where it names none, as many as there are threads, so that both arms have one neighbour.

    Of cores that differ those that can do most. Raises AgentError for cores that are not there, or too few.
    """
    ours = os.sched_getaffinity(0)
    if runner.cpus is None:
        able = clocks.capacities(root)
        arms = set(sorted(ours, key=lambda cpu: (able.get(cpu, 0), cpu))[-runner.num_threads :])
    else:
        arms = tune.allowed_cpus(root, runner.cpus)
        if len(arms) < runner.num_threads:
            raise wire.AgentError(
                "unfit",
                "%d threads were asked for, but tuning.cpus = %s allows %d cores of this board; "
                "lower num_threads or name more cores" % (runner.num_threads, runner.cpus, len(arms)),
            )
    return Cores(frozenset(arms), frozenset(ours - arms))


def run_pair(pair: Tuple[spec.Trial, spec.Trial], setting: Setting, out: wire.LineWriter, cores: Cores) -> None:
    """Measure two trials by turns and send both records; where one arm fails, none has numbers and both say why."""
    _Pair(pair, setting, out, cores).run()


class _Arm:
    """A process that waits for its turn."""

    def __init__(self, trial: spec.Trial, child: int, commands: int, answers: int) -> None:
        self.trial = trial
        self.child = child
        self.commands = commands
        self.answers = answers
        self.single_ns = 0
        self._lines = wire.LineBuffer(_LIMIT)
        # The CPU clock of another process, by the kernel's rule (CPUCLOCK_SCHED in posix-timers.h).
        self._clock = (~child << 3) | 2

    def close(self) -> None:
        os.close(self.commands)
        os.close(self.answers)

    def cpu_ns(self) -> Optional[int]:
        """CPU time of all threads; None where the kernel does not tell."""
        try:
            return round(time.clock_gettime(self._clock) * 1e9)
        except OSError:
            return None

    def tell(self, command: bytes) -> None:
        try:
            os.write(self.commands, command)
        except OSError as error:
            raise _ArmError(self, "ended while it waited") from error

    def answer(self, within_s: float) -> Dict[str, Any]:
        """The next line; raises _ArmError where there is none in time, or where it is the record of a failure."""
        until = time.monotonic() + within_s
        while True:
            wait = until - time.monotonic()
            if wait <= 0 or not select.select([self.answers], [], [], wait)[0]:
                raise _ArmError(self, describe_deadline(within_s))
            data = os.read(self.answers, _ANSWER)
            if not data:
                raise _ArmError(self, "")
            lines = self._lines.feed(data)
            if lines:
                break
        message = wire.parse(lines[0]) or {}
        died = message.get("trial", {}).get("died")
        if died is not None:
            raise _ArmError(self, died)
        return message


class _Pair:
    def __init__(
        self,
        pair: Tuple[spec.Trial, spec.Trial],
        setting: Setting,
        out: wire.LineWriter,
        cores: Cores,
    ) -> None:
        self._trials = pair
        self._setting = setting
        self._out = out
        self._cores = cores
        self._arms: List[_Arm] = []
        self._parent = os.getpid()
        self._before = os.sched_getaffinity(0)
        self._watch = oom.Watch(setting.root)
        self._span: Optional[telemetry.BoardSpan] = None
        """The board's state around all slices: one reading for both arms, so that none is judged apart."""
        self._cpu_ns: List[Optional[int]] = []
        # Both ends know the seed: the order stands in the plan before the board is touched.
        self._random = random.Random("%d/%d" % (pair[0].seed, pair[0].number))  # noqa: S311 - an order, no secret

    def run(self) -> None:
        try:
            self._step_aside()
            self._require_room()
            swapped = self._swapped()
            for trial in self._trials:
                self._start(trial)
            slices = self._take_turns()
            board = self._end_span()
            self._require_no_swap(swapped)
            records = [self._end(arm) for arm in self._arms]
        except _NoTurnsError as error:
            self._fail({}, NO_TURNS + str(error))
            return
        except _ArmError as error:
            why, trial = self._ending(error), error.arm.trial
            self._fail({trial.arm: why}, "not measured: by turns with arm %s: %s" % (trial.arm, why))
            return
        finally:
            self._clear()
        for record in records:
            own = [one for one in slices if one["arm"] == record["arm"]]
            told = [{key: value for key, value in one.items() if key != "arm"} for one in own]
            record["turns"]["slices"] = told
            record["telemetry"] = None if board is None else {**record["telemetry"], **board}
            self._out.send({"event": "trial", "trial": record})

    def _step_aside(self) -> None:
        """Off the arms' cores, where this process may use others."""
        if self._cores.others:
            os.sched_setaffinity(0, self._cores.others)

    def _fail(self, own: Dict[str, str], others: str) -> None:
        """Neither has numbers; ``own`` are reasons by arm."""
        for trial in self._trials:
            self._out.send({"event": "trial", "trial": spec.heading(trial, own.get(trial.arm, others))})

    def _start(self, trial: spec.Trial) -> None:
        command_read, command_write = os.pipe()
        answer_read, answer_write = os.pipe()
        child = os.fork()
        if child == 0:
            for arm in self._arms:
                arm.close()
            for fd in (command_write, answer_read, self._out.fd):
                os.close(fd)
            self._be_arm(trial, command_read, answer_write)
        os.close(command_read)
        os.close(answer_write)
        arm = _Arm(trial, child, command_write, answer_read)
        self._arms.append(arm)
        arm.single_ns = int(arm.answer(trial.deadline_s)["ready"])

    def _be_arm(self, trial: spec.Trial, commands: int, answers: int) -> NoReturn:
        """The parent's clean-up is not the child's."""
        status = 1
        try:
            die_with(self._parent)
            set_deadline(trial.deadline_s)
            os.sched_setaffinity(0, self._cores.arms)
            from edge_agent.slice_arm import serve

            serve(trial, self._setting, commands, wire.LineWriter(answers, _PATIENCE_S))
            status = 0
        except BaseException as error:  # the last thing this process can do is say why
            sys.stderr.write("trial %d: %r\n" % (trial.number, error))
        finally:
            os._exit(status)

    def _take_turns(self) -> List[Dict[str, Any]]:
        """All slices in their order; those from before the waiting arm's threads were stopped are not among them."""
        for stopping in (False, True):
            self._begin_span()
            slices = self._rounds(stopping=stopping)
            if _waiting_share(slices) <= MOST_WAITING:
                return slices
            for arm in self._arms:
                arm.tell(b"anew")
                arm.answer(_PATIENCE_S)
        share = "%.1f %%" % (100.0 * _waiting_share(slices))
        raise _NoTurnsError("the one that waited took %s of the other's slice in CPU time" % share)

    def _begin_span(self) -> None:
        if all(trial.read_state for trial in self._trials):
            self._cpu_ns = [arm.cpu_ns() for arm in self._arms]
            self._span = telemetry.BoardSpan(self._setting.root, set(self._cores.arms))

    def _end_span(self) -> Optional[Dict[str, Any]]:
        """What the TrialTelemetry records of both arms have of the board."""
        if self._span is None:
            return None
        rises = [
            None if before is None or now is None else now - before
            for before, now in zip(self._cpu_ns, [arm.cpu_ns() for arm in self._arms])
        ]
        known = [rise for rise in rises if rise is not None]
        return self._span.end(sum(known) / 1e9 if len(known) == len(rises) else None)

    def _rounds(self, *, stopping: bool) -> List[Dict[str, Any]]:
        """A slice of each arm, in random order, until both have their seconds; fewer where the waiting arm works."""
        slices: List[Dict[str, Any]] = []
        least_ns = {arm.trial.arm: round(arm.trial.min_secs * 1e9) for arm in self._arms}
        until = time.monotonic() + self._trials[0].max_secs
        look = self._span.look if self._span is not None else None
        while True:
            order = self._arms if self._random.random() < 0.5 else self._arms[::-1]
            for arm, waiting in zip(order, order[::-1]):
                slices.append(self._slice(arm, waiting, slices, stopping=stopping))
                if look is not None:
                    look()
            rounds = len(slices) // 2
            measured = {name: sum(one["sum_ns"] for one in slices if one["arm"] == name) for name in least_ns}
            enough = rounds >= FEWEST_ROUNDS and all(measured[name] >= least_ns[name] for name in least_ns)
            if enough or rounds >= MOST_ROUNDS or time.monotonic() >= until:
                return slices
            if rounds == _PROBED_ROUNDS and _waiting_share(slices) > MOST_WAITING:
                return slices

    def _slice(self, arm: _Arm, waiting: _Arm, before: List[Dict[str, Any]], *, stopping: bool) -> Dict[str, Any]:
        wanted_ns = round(max(arm.trial.slice_s, arm.trial.min_secs / MOST_ROUNDS) * 1e9)
        within_s = _PATIENCE_S + _SLOWER * (wanted_ns + 12 * arm.single_ns) / 1e9
        if stopping:
            os.kill(waiting.child, signal.SIGSTOP)
        try:
            used = waiting.cpu_ns()
            arm.tell(b"%d" % wanted_ns)
            told = arm.answer(within_s)
            now = waiting.cpu_ns()
        finally:
            if stopping:
                os.kill(waiting.child, signal.SIGCONT)
        return {
            "arm": arm.trial.arm,
            "order": len(before),
            "n": told["n"],
            "sum_ns": told["sum_ns"],
            "median_ns": told["median_ns"],
            "after": before[-1]["arm"] if before else None,
            "waiting_cpu_ns": None if used is None or now is None else now - used,
        }

    def _end(self, arm: _Arm) -> Dict[str, Any]:
        arm.tell(b"end")
        record: Dict[str, Any] = arm.answer(_PATIENCE_S)["trial"]
        return record

    def _ending(self, error: _ArmError) -> str:
        """Why an arm gives no slices any more, by its exit status where it did not say so itself."""
        if error.why and error.why != "ended while it waited":
            return error.why
        arm = error.arm
        _, status, used = os.wait4(arm.child, 0)
        self._arms.remove(arm)
        arm.close()
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            return describe_deadline(arm.trial.deadline_s)
        return self._watch.explain(status, used.ru_maxrss * 1024) or describe_exit(status)

    def _clear(self) -> None:
        for arm in self._arms:
            with contextlib.suppress(ProcessLookupError):
                os.kill(arm.child, signal.SIGKILL)
            os.waitpid(arm.child, 0)
            arm.close()
        self._arms = []
        os.sched_setaffinity(0, self._before)

    def _require_room(self) -> None:
        """Before any arm is loaded: both at once need what they took alone, and a quarter more."""
        needed = round(ROOM * self._trials[0].room_bytes)
        there = kilobytes(self._setting.root.read("proc/meminfo"), "MemAvailable")
        group = oom.group_limit(self._setting.root)
        room = min((size for size in (there, group) if size is not None), default=None)
        if needed and room is not None and needed > room:
            raise _NoTurnsError("both at once need %.0f MB of memory, %.0f MB are there" % (needed / 1e6, room / 1e6))

    def _swapped(self) -> Optional[int]:
        """Pages that the board has swapped out since its boot."""
        for line in (self._setting.root.read("proc/vmstat") or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "pswpout" and value.isdigit():
                return int(value)
        return None

    def _require_no_swap(self, before: Optional[int]) -> None:
        now = self._swapped()
        if before is not None and now is not None and now > before:
            raise _NoTurnsError("the board swapped while both were loaded")


def _waiting_share(slices: List[Dict[str, Any]]) -> float:
    """CPU time of the arm that waited over the time of the other's slices, of the worse arm; 0 if it is not told."""
    known = [one for one in slices if one["waiting_cpu_ns"] is not None]
    found = [0.0]
    for name in {one["arm"] for one in known}:
        own = [one for one in known if one["arm"] == name]
        worked = sum(max(0, one["waiting_cpu_ns"] - COMING_TO_REST_NS) for one in own)
        found.append(worked / max(1, sum(one["sum_ns"] for one in own)))
    return max(found)
