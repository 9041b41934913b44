"""Is this the board we know? Strict checking against a known_hosts file."""

from dataclasses import dataclass
from pathlib import Path

import paramiko

from harness.records.errors import HostKeyError
from harness.transport.ssh_config import DEFAULT_PORT, Hop


@dataclass(frozen=True)
class KnownHosts:
    """The keys of one known_hosts file."""

    path: Path
    keys: paramiko.HostKeys

    @classmethod
    def read(cls, path: Path, device: str) -> "KnownHosts":
        """The file's keys; a missing file knows nobody."""
        keys = paramiko.HostKeys()
        if path.exists():
            try:
                keys.load(str(path))
            except (OSError, UnicodeDecodeError, paramiko.SSHException) as error:
                raise HostKeyError(f"{device}: {path} cannot be read as a known_hosts file: {error}") from error
        return cls(path, keys)

    def key_types(self, hop: Hop) -> tuple[str, ...]:
        """The types of the keys known for a server; RSA keys by the signatures that are still accepted."""
        known = self.keys.lookup(hop.known_name)
        types = list(known.keys()) if known else []
        if "ssh-rsa" in types:
            types[types.index("ssh-rsa")] = "rsa-sha2-512"
            types.append("rsa-sha2-256")
        return tuple(types)

    def check(self, hop: Hop, key: paramiko.PKey, device: str) -> None:
        """HostKeyError unless this very key is known for this server."""
        known = self.keys.lookup(hop.known_name)
        if known is None:
            raise HostKeyError(
                f"{device}: the host key of {hop.known_name} is unknown: {_shown(key)}; where the board shows "
                f"the same fingerprint, accept it with: {self._accept(hop)}"
            )
        if known.get(key.get_name()) != key:
            raise HostKeyError(
                f"{device}: the host key of {hop.known_name} has changed, or another machine answers: now "
                f"{_shown(key)}; if the board was set up anew, forget the old key with: {self._forget(hop)} "
                f"and accept the new one with: {self._accept(hop)}"
            )

    def _accept(self, hop: Hop) -> str:
        port = "" if hop.port == DEFAULT_PORT else f"-p {hop.port} "
        return f"ssh-keyscan {port}{hop.host} >> {self.path}"

    def _forget(self, hop: Hop) -> str:
        return f"ssh-keygen -f {self.path} -R '{hop.known_name}'"


def _shown(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"
