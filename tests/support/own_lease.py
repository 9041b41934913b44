"""The board lease of this machine, held by nobody else while a test runs whole sessions.

The lease is one for the whole machine on purpose, so a session in a test would be refused while another test, another
test run or somebody's real measuring holds it. It is an abstract socket, and each network namespace has its own: where
the tests may make namespaces (root), each test gets one, with a loopback of its own for its sshd. Elsewhere the tests
of one user take turns by a file lock.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_OWN_NAMESPACE = Path("/proc/thread-self/ns/net")


@contextlib.contextmanager
def own_lease() -> Iterator[None]:
    """The lease for the calling thread and what it starts: at once in an own namespace, else when it is its turn."""
    with contextlib.ExitStack() as stack:
        if _OWN_NAMESPACE.exists():
            before = stack.enter_context(_OWN_NAMESPACE.open("rb"))
            # Python itself has these calls from 3.12 on.
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.unshare(_CLONE_NEWNET) == 0:
                stack.callback(_go_back, libc, before.fileno())
                _loopback_up()
                yield
                return
        stack.enter_context(FileLock(Path(tempfile.gettempdir()) / f"edge-harness-tests-{os.getuid()}.lock"))
        yield


def _go_back(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the test's network namespace could not be left")


def _loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
