"""Where an SSH connection goes: the profile's words first, then ~/.ssh/config, then OpenSSH's defaults."""

import getpass
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from harness.records.device import Connection
from harness.records.errors import ProfileError

DEFAULT_PORT = 22


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way; the last one is the board."""

    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...]
    """Empty: the default keys of ~/.ssh."""
    named_key: bool
    """The profile itself names the key, so it has to be there."""

    @property
    def known_name(self) -> str:
        """The name under which known_hosts files list it."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"


def hops(connection: Connection, device: str) -> list[Hop]:
    """Every server from here to the board, the board last; ProfileError for a host or a jump that is no name."""
    if not connection.host:
        raise ProfileError(f"{device}: connection.host is missing: expected the board's host name or address")
    config = _read_config(device)
    board = _resolve(config, connection.host, device)
    jump = connection.proxy_jump or config.lookup(connection.host).get("proxyjump", "none")
    named = _identity(connection)
    own = replace(
        board,
        user=connection.user or board.user,
        port=connection.port or board.port,
        identity_files=named or board.identity_files,
        named_key=bool(named),
    )
    return [*_jump_hops(config, jump, named, device), own]


def _jump_hops(config: paramiko.SSHConfig, jump: str, named: tuple[Path, ...], device: str) -> list[Hop]:
    """The hosts of "[user@]host[:port],..."; the profile's key is tried on them too, after their own."""
    if jump.lower() == "none":
        return []
    return [_jump_hop(config, spec.strip(), named, device) for spec in jump.split(",")]


def _jump_hop(config: paramiko.SSHConfig, spec: str, named: tuple[Path, ...], device: str) -> Hop:
    user, _, place = spec.rpartition("@")
    host, _, port = place.partition(":")
    if not host or (port and not port.isdigit()):
        raise ProfileError(f"{device}: proxy jump {spec!r} is no [user@]host[:port]")
    hop = _resolve(config, host, device)
    return replace(
        hop,
        user=user or hop.user,
        port=int(port) if port else hop.port,
        identity_files=hop.identity_files + named,
    )


def _resolve(config: paramiko.SSHConfig, host: str, device: str) -> Hop:
    try:
        found = config.lookup(host)
        port = int(found.get("port", DEFAULT_PORT))
    except (paramiko.SSHException, ImportError, ValueError, KeyError) as error:
        raise ProfileError(f"{device}: {_config_path()} does not resolve {host}: {error}") from error
    files = tuple(Path(name).expanduser() for name in found.get("identityfile", ()))
    return Hop(
        host=found.get("hostname", host),
        port=port,
        user=found.get("user") or getpass.getuser(),
        identity_files=files,
        named_key=False,
    )


def _identity(connection: Connection) -> tuple[Path, ...]:
    return (Path(connection.identity_file).expanduser(),) if connection.identity_file else ()


def _config_path() -> Path:
    return Path.home() / ".ssh" / "config"


def _read_config(device: str) -> paramiko.SSHConfig:
    path = _config_path()
    if not path.is_file():
        return paramiko.SSHConfig()
    try:
        return paramiko.SSHConfig.from_path(str(path))
    except (paramiko.SSHException, OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{device}: {path} cannot be read: {error}") from error
