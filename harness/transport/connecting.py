"""From a profile's [connection] to an open transport."""

from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from harness.records.device import Connection
from harness.transport.protocol import Transport

TRANSPORTS = MappingProxyType({"ssh": "harness.transport.ssh", "local": "harness.transport.local"})
"""Name in profiles -> module with ``open_transport(connection, device)``, imported when first used."""


class _Opener(Protocol):
    def __call__(self, connection: Connection, device: str) -> Transport: ...


def connect(connection: Connection, *, device: str) -> Transport:
    """An open transport to the board that messages call ``device``.

    UnreachableError, HostKeyError, AuthenticationError, ProfileError: one line each.
    """
    module = import_module(TRANSPORTS[connection.transport])
    opener = cast(_Opener, module.open_transport)
    return opener(connection, device)
