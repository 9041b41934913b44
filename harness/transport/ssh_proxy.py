"""A connection through the ProxyCommand of the SSH configuration."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
from typing import IO

from harness.records.errors import UnreachableError
from harness.records.exit_status import describe_exit
from harness.records.text import visible

_GRACE_S = 1.0
_TAIL_BYTES = 2**10


class ProxySocket(socket.socket):
    """The near end of a socket pair whose far end is a command's input and output; closing it ends the command."""

    command: str
    child: "subprocess.Popen[bytes]"
    errors: IO[bytes]
    closing: threading.Lock

    @classmethod
    def start(cls, command: str, device: str) -> "ProxySocket":
        """Run the command by the user's shell, as ssh does. UnreachableError where the shell does not start."""
        near, far = socket.socketpair()
        proxy = cls(near.family, near.type, near.proto, near.detach())
        proxy.command = command
        proxy.closing = threading.Lock()
        proxy.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the socket
        with far:
            try:
                proxy.child = subprocess.Popen(
                    [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                    stdin=far.fileno(),
                    stdout=far.fileno(),
                    stderr=proxy.errors,
                    start_new_session=True,
                )
            except OSError as error:
                proxy.errors.close()
                socket.socket.close(proxy)
                raise UnreachableError(f"{device}: the shell for ProxyCommand does not start: {error}") from error
        return proxy

    def failure(self) -> str:
        """Why there is no SSH server at the command's other end, in its own last words; after `close`."""
        return f"the ProxyCommand {self.command!r:.120} ended without a connection ({self._said})"

    def close(self) -> None:
        """End the command and what it started; paramiko's thread and the caller may both do so."""
        super().close()
        with self.closing:
            if not self.errors.closed:
                status = self._end_child()
                self._said = self._last_words() or describe_exit(status)
                self.errors.close()

    def _end_child(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.child.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        return self.child.wait()

    def _last_words(self) -> str:
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - _TAIL_BYTES))
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return visible(lines[-1])[:200] if lines else ""
