"""What builders of tests start in place of a process: it has :mod:`support.warm_builds` fork one.

It imports little, since it is started each time. Where there is nobody to ask, or a fork cannot be what this process
is, it becomes the process that was wanted.
"""

import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

ADDRESS = "TESTS_FORKS"
"""Names the folder with the sockets of those who fork; empty, each process is started."""
PROGRAMS = {"worker": "harness.pipeline.worker.worker_main", "sandbox": "harness.pipeline.check.sandbox_main"}
NETWORK = Path("/proc/self/ns/net")
_READ_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_", "OPENBLAS_", "OMP_")
_READ_BY_TENSORFLOW = ("TF_", "KERAS_", "CUDA_")
_NAMESPACES = ("mnt", "pid", "user")
_LIMITS = ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "STACK")


def describe_process(name: str) -> list[Any]:
    """What a fork has from the process that forks and cannot change, as JSON has it."""
    read = (*_READ_AT_START, *(_READ_BY_TENSORFLOW if name == "worker" else ()))
    at_start = {name: value for name, value in os.environ.items() if name.startswith(read)}
    return [
        [*os.getresuid(), *os.getresgid(), *os.getgroups()],
        [Path(f"/proc/self/ns/{name}").stat().st_ino for name in _NAMESPACES],
        [list(resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))) for name in _LIMITS],
        # A process without a seed for its hashes has any.
        {"PYTHONHASHSEED": "0", **at_start, "PYTHONPATH": ""},
    ]


def main() -> None:
    """Be a fork's stand-in until it ends, and end as it did."""
    # A process that builds is told numbers alone, one that runs a script its file, a limited one its module.
    script = sys.argv[1].endswith(".py")
    name = "worker" if sys.argv[1].isdigit() or script else "sandbox"
    link = _ask(name)
    if link is None:
        program = () if script else ("-m", PROGRAMS[name])
        os.execv(sys.executable, [sys.executable, "-P", *program, *sys.argv[1:]])  # noqa: S606
    # The fork has them; what it closes is to be closed.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    status = json.loads(link.recv(64) or b"1")
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _ask(name: str) -> socket.socket | None:
    """A link to the process that forks, which has agreed to; its second answer is the fork's exit status."""
    # Where coverage is measured a process that builds writes down itself what it ran.
    if not os.environ.get(ADDRESS) or "COVERAGE_PROCESS_CONFIG" in os.environ:
        return None
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = {
        "arguments": sys.argv[1:],
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "path": sys.path,
        "like": describe_process(name),
    }
    network = os.open(NETWORK, os.O_RDONLY)
    try:
        link.connect(f"{os.environ[ADDRESS]}/{name}")
        socket.send_fds(link, [json.dumps(request).encode()], [0, 1, 2, network])
        agreed = link.recv(64) == b"yes"
    except OSError:
        return None
    finally:
        os.close(network)
    return link if agreed else None


if __name__ == "__main__":
    main()
