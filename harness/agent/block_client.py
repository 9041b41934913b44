"""A block's process, as the steward sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from edge_agent import oom, spec, wire
from edge_agent.process import describe_deadline, describe_exit
from edge_agent.sysfs import Root

_CHUNK = 1 << 18
_START_S = 35.0
"""For imports on the slowest boards."""
_POLL_S = 0.01
_GRACE_S = 8.0
"""A block from which nothing came for so long beyond the deadline of a trial answers no more."""


class RunningBlock:
    """Trials come out of ``read``; every trial of the block is answered for, whatever ends its process."""

    def __init__(self, request_id: int, block: spec.Block, told: Dict[str, Any]) -> None:
        self.request_id = request_id
        self.over = False
        self._block = block
        self._lines = wire.LineBuffer(wire.ANSWER_LIMIT)
        self._left = list(block.trials)
        self._started = time.monotonic()
        self._due = self._started + _START_S
        self._parent_start_s: Optional[float] = None
        self._watch = oom.Watch(Root(told["root"]))
        self._imported = block.runner.start == "fork"
        self._process = _spawn(block.runner, told)

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return int(self._stdout().fileno())

    def read(self) -> List[wire.Message]:
        """The messages to pass on; raises AgentError if the block could not begin."""
        data = os.read(self.fileno(), _CHUNK)
        if not data:
            return self._conclude(self._ending())
        try:
            lines = self._lines.feed(data)
        except wire.LineTooLongError as error:
            return self._conclude(str(error))
        return [message for message in map(self._take, lines) if message is not None]

    def check(self) -> List[wire.Message]:
        """What there is to say when nothing was read: that the next trial is overdue."""
        if time.monotonic() < self._due:
            return []
        return self._conclude("the block's process answers no more")

    def kill(self) -> None:
        """End the process and all its children; the pipe is closed."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # All of them have ended.
            self._process.poll()
        self._process.wait()
        self._stdout().close()

    def _stdout(self) -> Any:  # noqa: ANN401 - a pipe that Popen types as optional
        return self._process.stdout

    def _ending(self) -> str:
        """How a process ended that closed its pipe; one that does not end is killed."""
        until = time.monotonic() + _GRACE_S
        while True:
            child, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if child:
                self._process.returncode = 0  # its status was taken here
                return self._watch.explain(status, used.ru_maxrss * 1024) or describe_exit(status)
            if time.monotonic() > until:
                self.kill()
                return describe_exit(int(signal.SIGKILL))
            time.sleep(_POLL_S)

    def _take(self, line: bytes) -> Optional[wire.Message]:
        message = wire.parse(line)
        event = message.get("event") if message else None
        if message is None or event not in ("started", "imported", "trial", "error"):
            sys.stderr.write("a block's line is not understood: %r\n" % line[:80])
            return None
        if event == "error":
            raise wire.AgentError(message["kind"], message["message"])
        if event == "imported":
            self._imported = True
            return None
        if event == "started":
            self._parent_start_s = time.monotonic() - self._started
        else:
            self._refuse_unimported(message["trial"].get("died"))
            self._left = [trial for trial in self._left if trial.number != message["trial"]["index"]]
        self._due = time.monotonic() + _GRACE_S + max((trial.deadline_s for trial in self._left), default=0.0)
        return message

    def _conclude(self, why: str) -> List[wire.Message]:
        """Answer for the trials that are left, then for the block; raises AgentError if it never began."""
        self.over = True
        if self._parent_start_s is None:
            raise self._unstarted(why)
        answers: List[wire.Message] = []
        for at, trial in enumerate(self._left):
            late = why == describe_exit(int(signal.SIGALRM))
            reason = describe_deadline(trial.deadline_s) if late else why
            died = reason if at == 0 else "not run: the block's process was %s" % why
            answers.append({"event": "trial", "trial": spec.heading(trial, died)})
        return [*answers, {"event": "block", "done": self._done()}]

    def _refuse_unimported(self, died: Optional[str]) -> None:
        """A process of its own that was killed before it had imported the runtime says nothing of the model."""
        if died is not None and died.startswith("killed by") and not self._imported:
            raise self._unimported(died)
        self._imported = self._block.runner.start == "fork"

    def _unstarted(self, why: str) -> wire.AgentError:
        if why.startswith("out of memory"):
            return wire.AgentError("trial", "the process of block %d did not start: %s" % (self._block.number, why))
        return self._unimported(why)

    def _unimported(self, why: str) -> wire.AgentError:
        package = self._block.runner.package
        return wire.AgentError("runtime", "the process that imports %s ended before it could: %s" % (package, why))

    def _done(self) -> Dict[str, Any]:
        return {
            "block": self._block.number,
            "runner": self._block.runner_record,
            "parent_start_s": self._parent_start_s,
        }


def _spawn(runner: spec.Runner, told: Dict[str, Any]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **runner.env}
    try:
        process = subprocess.Popen(
            [runner.python or sys.executable, str(Path(sys.argv[0]).absolute()), "block"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise wire.AgentError("unfit", "no Python runs at %s: %s" % (runner.python, error.strerror)) from error
    if process.stdin is None:
        raise wire.AgentError("internal", "a block's process has no pipes")
    try:
        with process.stdin as stdin:
            stdin.write(json.dumps({**told, "parent": os.getpid()}).encode("ascii"))
    except BrokenPipeError:
        # It died before it read; the end of its pipe says of what.
        sys.stderr.write("the block's process ended before it was told what to do\n")
    return process
