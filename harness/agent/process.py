"""A measuring process' own deadline, its end with its parent, and its end in words."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def describe_deadline(seconds: float) -> str:
    """What is said of a process that set itself a deadline and did not meet it."""
    return "deadline of %g s passed" % seconds


def describe_exit(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return "killed by " + signal.Signals(number).name
        except ValueError:
            return "killed by signal %d" % number
    return "ended with exit status %d and no result" % os.WEXITSTATUS(status)


def set_deadline(seconds: float) -> None:
    """Let the kernel end this process by SIGALRM, whatever native code it is in by then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
