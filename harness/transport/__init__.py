"""How bytes and commands reach a board: over SSH, or on this machine. The one room that knows paramiko."""

from harness.transport.connecting import TRANSPORTS, connect
from harness.transport.protocol import Process, Transport

__all__ = ["TRANSPORTS", "Process", "Transport", "connect"]
