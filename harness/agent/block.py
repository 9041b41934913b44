"""A block's process: imports the interpreter once, then gives each trial a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from edge_agent import oom, slices, spec, telemetry, wire
from edge_agent.memory_limit import ProcessLimit
from edge_agent.process import describe_deadline, describe_exit, die_with, set_deadline
from edge_agent.sysfs import Root

GRACE_S = 2.0
"""A trial that outlives its own deadline by so long is killed by its parent."""
TIMED = ("latency", "stages", "slices", "energy")
"""Kinds of trials around which the board's state is read."""
_PATIENCE_S = 60.0
_CHUNK = 1 << 16
_SAMPLE_S = 0.002
"""Between two looks at what a limited process has taken."""


def main() -> int:
    """Run the block that stands on stdin; answers as JSON lines."""
    oom.offer_this_process()
    out = wire.take_stdout(_PATIENCE_S)
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    die_with(request["parent"])
    try:
        _run_block(request, out)
    except wire.AgentError as error:
        out.send({"event": "error", "kind": error.kind, "message": error.message})
        return 1
    return 0


def main_trial() -> int:
    """Run one trial that stands on stdin, in this process."""
    oom.offer_this_process()
    out = wire.take_stdout(_PATIENCE_S)
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    die_with(request["parent"])
    block = spec.parse_block(request["block"])
    set_deadline(block.trials[0].deadline_s)
    try:
        setting = _setting(block.runner, request)
    except wire.AgentError as error:
        out.send({"event": "error", "kind": error.kind, "message": error.message})
        return 0
    out.send({"event": "imported"})
    _run_here(block.trials[0], setting, out)
    return 0


def _run_block(request: Dict[str, Any], out: wire.LineWriter) -> None:
    block = spec.parse_block(request["block"])
    cores = slices.cores_for(block.runner, Root(request["root"]))
    if block.runner.cpus is not None:
        os.sched_setaffinity(0, cores.arms)
    if block.runner.start == "exec":
        out.send({"event": "started"})
        for trial in block.trials:
            _run_exec(trial, request, out)
        return
    setting = _setting(block.runner, request)
    out.send({"event": "started"})
    sources = telemetry.sources_of(setting.root)
    sources.asked = sources.ask()
    last = [trial for trial in block.trials if trial.kind in TIMED][-1:]
    by_turns = [trial for trial in block.trials if trial.kind == "slices"]
    for pair in zip(by_turns[::2], by_turns[1::2]):
        sources.ask_at_end = pair[1] in last
        slices.run_pair(pair, setting, out, cores)
    for trial in block.trials:
        if trial.kind == "slices":
            continue
        sources.ask_at_end = trial in last
        # The memory trial is last: no interpreter is made in this process before its last fork.
        if trial.kind == "memory":
            set_deadline(trial.deadline_s)
            _run_here(trial, setting, out)
        else:
            _run_fork(trial, setting, out)


def _setting(runner: spec.Runner, request: Dict[str, Any]) -> Any:  # noqa: ANN401 - trial_setup.Setting, imported late
    if runner.site is not None:
        sys.path.insert(0, runner.site)
    from edge_agent import interpreters

    module = interpreters.load_module(runner)
    # Before the fork, so that no trial pays for it.
    importlib.import_module("edge_agent.trial")
    from edge_agent.trial_setup import Setting

    return Setting(module, runner, Path(request["cache"]), Root(request["root"]))


def _run_here(trial: spec.Trial, setting: Any, out: wire.LineWriter) -> None:  # noqa: ANN401
    from edge_agent.trial import run

    out.send(_event(run(trial, setting)))


def _event(record: Dict[str, Any]) -> Dict[str, Any]:
    return {"event": "trial", "trial": record}


def _run_fork(trial: spec.Trial, setting: Any, out: wire.LineWriter) -> None:  # noqa: ANN401
    parent = os.getpid()
    watch = oom.Watch(setting.root)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        os.close(out.fd)
        _be_child(trial, setting, write_end, parent)
    os.close(write_end)
    _follow(trial, _Followed(read_end, child, 1, watch), out)


def _be_child(trial: spec.Trial, setting: Any, fd: int, parent: int) -> None:  # noqa: ANN401
    """Never returns: the parent's clean-up is not the child's."""
    status = 1
    try:
        die_with(parent)
        set_deadline(trial.deadline_s)
        _run_here(trial, setting, wire.LineWriter(fd, _PATIENCE_S))
        status = 0
    except BaseException as error:  # the last thing this process can do is say why
        sys.stderr.write("trial %d: %r\n" % (trial.number, error))
    finally:
        os._exit(status)


def _run_exec(trial: spec.Trial, request: Dict[str, Any], out: wire.LineWriter) -> None:
    watch = oom.Watch(Root(request["root"]))
    alone = {**request["block"], "trials": [trial_record(trial)]}
    limit = None
    if trial.memory_limit_bytes:
        limit = ProcessLimit(trial.memory_limit_bytes, "edge-harness-%d-%d" % (os.getpid(), trial.number))
    words = [sys.executable, sys.argv[0], "trial"]
    command = words if limit is None else limit.command(words)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if child.stdin is None or child.stdout is None:
        raise wire.AgentError("internal", "a trial's process has no pipes")
    try:
        with child.stdin as stdin:
            stdin.write(json.dumps({**request, "block": alone, "parent": os.getpid()}).encode("ascii"))
    except BrokenPipeError:
        # It has died already; following it says of what.
        sys.stderr.write("trial %d: ended before it was told what to do\n" % trial.number)
    _follow(trial, _Followed(os.dup(child.stdout.fileno()), child.pid, 2, watch, limit), out)
    child.stdout.close()
    # Its status was taken by _follow.
    child.returncode = 0


def trial_record(trial: spec.Trial) -> Dict[str, Any]:
    """The trial as the protocol has it."""
    record = dict(trial._asdict())
    del record["block"]
    record["index"] = record.pop("number")
    return {**record, "sensors": list(trial.sensors), "below": list(trial.below)}


class _Followed(NamedTuple):
    """A trial's process: its pipe, its number, and the lines it answers with where all goes well."""

    fd: int
    child: int
    lines: int
    watch: oom.Watch
    limit: Optional[ProcessLimit] = None


def _follow(trial: spec.Trial, followed: _Followed, out: wire.LineWriter) -> None:
    """Pass a trial's lines on in pieces, so that the parent's memory stays as it is; say why if one is missing.

    Of a process with a limit the lines are kept until it has ended, and told what the limit brought.
    """
    deadline = time.monotonic() + trial.deadline_s + GRACE_S
    limit, kept = followed.limit, bytearray()
    give = out.pass_on if limit is None else kept.extend
    passed = _pass_on(followed.fd, deadline, give, limit if trial.kind == "memory" else None)
    os.close(followed.fd)
    if passed is None:
        os.kill(followed.child, signal.SIGKILL)
    _, status, used = os.wait4(followed.child, 0)
    reached = None if limit is None else _conclude(limit, bytes(kept), out)
    lines, last = passed or (0, b"\n")
    if passed is not None and lines >= followed.lines and last == b"\n":
        return
    if last != b"\n" and limit is None:
        out.pass_on(b"\n")
    late = passed is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM)
    why = followed.watch.explain(status, used.ru_maxrss * 1024) or describe_exit(status)
    killed = None if reached is None else reached["killed"]
    dead = spec.heading(trial, killed or (describe_deadline(trial.deadline_s) if late else why))
    out.send(_event(dead if reached is None else {**dead, "limit": reached["limit"]}))


def _conclude(limit: ProcessLimit, text: bytes, out: wire.LineWriter) -> Dict[str, Any]:
    """Pass whole lines on, a trial's with what its limit brought; that, and why the kernel killed for it."""
    found = {"limit": limit.record(), "killed": limit.why_killed()}
    limit.remove()
    for line in text.split(b"\n")[:-1]:
        message = wire.parse(line)
        if message is not None and isinstance(message.get("trial"), dict):
            message["trial"]["limit"] = found["limit"]
        if message is not None:
            out.send(message)
    return found


def _pass_on(
    fd: int, deadline: float, give: Callable[[bytes], None], limit: Optional[ProcessLimit] = None
) -> Optional[Tuple[int, bytes]]:
    """Copy until the end of the pipe; how many lines ended, and the last byte. None past the deadline.

    ``limit`` is sampled meanwhile.
    """
    lines, last = 0, b"\n"
    while True:
        wait = deadline - time.monotonic()
        ready = wait > 0 and select.select([fd], [], [], wait if limit is None else min(wait, _SAMPLE_S))[0]
        if limit is not None:
            limit.sample()
        if not ready:
            if limit is None or wait <= 0:
                return None
            continue
        data = os.read(fd, _CHUNK)
        if not data:
            return lines, last
        give(data)
        lines, last = lines + data.count(b"\n"), data[-1:]
