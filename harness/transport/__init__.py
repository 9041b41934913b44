"""How bytes and commands reach a board: over SSH, or on this machine. The one room that knows paramiko."""

from harness.transport.transport import TRANSPORTS, Process, Transport, connect

__all__ = ["TRANSPORTS", "Process", "Transport", "connect"]
