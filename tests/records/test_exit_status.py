"""How the end of a child process is said."""

import signal
import subprocess
import sys

import pytest

from harness.records.exit_status import describe_exit


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "ended with exit status 0"),
        (9, "ended with exit status 9"),
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-77, "was killed by signal 77"),
    ],
)
def test_an_end_is_a_status_or_a_signal_by_its_name(status: int, said: str) -> None:
    assert describe_exit(status) == said


def test_a_process_that_was_killed_names_its_signal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; os.abort()"], stderr=subprocess.DEVNULL, check=False, timeout=60
    )
    assert describe_exit(done.returncode) == "was killed by SIGABRT"
