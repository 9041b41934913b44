"""How a child process ended, in words: one sentence for all rooms that start one."""

import signal


def describe_exit(status: int) -> str:
    """The end of a process that ``subprocess`` gives as ``returncode``: below zero, a signal ended it.

    "was killed by SIGSEGV", "was killed by signal 77", "ended with exit status 9".
    """
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal, or one of another system
        return f"was killed by signal {-status}"
