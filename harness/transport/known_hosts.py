"""Is this the board we know? Its host key held against known_hosts files, strictly, by OpenSSH's own rules.

The files are read and matched as OpenSSH does: markers, patterns, hashed names, several keys of a type.
"""

import base64
import binascii
import hashlib
import hmac
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import paramiko

from harness.records.errors import HostKeyError
from harness.records.files import read_bytes
from harness.records.ssh_address import DEFAULT_PORT
from harness.transport.ssh_config import Hop

MOST_BYTES = 16 * 2**20

Marker = Literal["", "@cert-authority", "@revoked"]
_MARKERS: dict[str, Marker] = {"@cert-authority": "@cert-authority", "@revoked": "@revoked"}
_KRL = b"SSHKRL"
_SIGNATURES = MappingProxyType(
    {
        "ssh-ed25519": ("ssh-ed25519",),
        "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
        "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
        "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
        "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
    }
)
"""Kinds of keys, and the signatures by them that are still accepted."""


@dataclass(frozen=True)
class KnownKey:
    """One line that holds a key: for whom, and where it stands."""

    path: Path
    line: int
    marker: Marker
    hosts: str
    """Patterns joined by commas, or one hashed name."""
    kind: str
    blob: bytes

    def matches(self, name: str) -> bool:
        """Whether the line is meant for the server ``name`` ("host" or "[host]:port")."""
        if self.hosts.startswith("|"):
            return _matches_hash(self.hosts, name)
        name = name.lower()
        patterns = self.hosts.lower().split(",")
        negated = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        if any(_matches_pattern(pattern, name) for pattern in negated):
            return False
        return any(_matches_pattern(pattern, name) for pattern in patterns if not pattern.startswith("!"))


def read_known_hosts(path: Path) -> tuple[KnownKey, ...]:
    """The keys of one file, lines that hold none passed over as OpenSSH does; OSError where it cannot be read.

    A missing file holds none, nor does one that is no file, as /dev/null.
    """
    if not path.is_file():
        return ()
    return tuple(_keys(path, read_bytes(path, max_bytes=MOST_BYTES).decode("latin-1")))


def _keys(path: Path, text: str) -> Iterator[KnownKey]:
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker: Marker = ""
        if words[0].startswith("@"):
            known = _MARKERS.get(words.pop(0))
            if known is None:
                continue
            marker = known
        if len(words) < 3:
            continue
        hosts, kind, encoded = words[:3]
        blob = _decode(encoded)
        if blob is not None and _kind_of(blob) == kind:
            yield KnownKey(path, number, marker, hosts, kind, blob)


def _decode(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def _kind_of(blob: bytes) -> str:
    """The type that a public key names within itself."""
    return paramiko.Message(blob).get_binary().decode("latin-1")


def _matches_hash(hashed: str, name: str) -> bool:
    """Whether |1|SALT|HASH is that name: a HMAC-SHA1 of it."""
    parts = hashed.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    salt, digest = _decode(parts[2]), _decode(parts[3])
    if salt is None or digest is None:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode("latin-1", "replace"), hashlib.sha1).digest(), digest)


def _matches_pattern(pattern: str, name: str) -> bool:
    """``*`` any text, ``?`` one character; square brackets are letters like others. At most pattern x name steps."""
    here = at = 0
    star, resumed = -1, 0
    while at < len(name):
        if here < len(pattern) and pattern[here] == "*":
            star, resumed = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in ("?", name[at]):
            here += 1
            at += 1
        elif star >= 0:
            # The last * takes one character more.
            resumed += 1
            here, at = star + 1, resumed
        else:
            return False
    return not pattern[here:].strip("*")


def keys_for(keys: Sequence[KnownKey], name: str) -> tuple[KnownKey, ...]:
    """Those meant for the server ``name``."""
    return tuple(key for key in keys if key.matches(name))


@dataclass(frozen=True)
class KnownHosts:
    """The keys that a server's known_hosts files hold for it."""

    hop: Hop
    named: tuple[KnownKey, ...]
    """Lines for the server by the name and port it is reached at, or by its HostKeyAlias."""
    portless: tuple[KnownKey, ...]
    """Lines for its name alone, where the port is another than 22: OpenSSH asks these next."""

    @classmethod
    def read(cls, hop: Hop, device: str) -> "KnownHosts":
        """What the server's files hold for it; HostKeyError where the profile's own file cannot be read."""
        keys: list[KnownKey] = []
        for path in hop.known_hosts:
            try:
                keys += read_known_hosts(path)
            except OSError as error:
                if hop.named_known_hosts:
                    reason = error.strerror or error
                    raise HostKeyError(f"{device}: {path} cannot be read as a known_hosts file: {reason}") from error
        elsewhere = hop.alias is None and hop.port != DEFAULT_PORT
        return cls(hop, keys_for(keys, hop.listed_name), keys_for(keys, hop.host) if elsewhere else ())

    def key_types(self) -> tuple[str, ...]:
        """The signatures of the keys known for the server, in OpenSSH's order: it is to show one of these keys."""
        known = {key.kind for key in self.named or self.portless if not key.marker}
        return tuple(signature for kind, signatures in _SIGNATURES.items() if kind in known for signature in signatures)

    def check(self, key: paramiko.PKey, device: str) -> None:
        """HostKeyError unless this very key is known for the server, and not revoked."""
        _refuse_revoked(self.named, key, self.hop, device)
        _refuse_listed(key, self.hop, device)
        if _holds(self.named, key):
            return
        name, accept = self.hop.listed_name, _accept(self.hop)
        changed = next((known for known in self.named if not known.marker and known.kind == key.get_name()), None)
        if changed is not None:
            raise HostKeyError(
                f"{device}: the host key of {name} has changed, or another machine answers: now {_show_key(key)}, "
                f"not the one in line {changed.line} of {changed.path}; if the board was set up anew, "
                f"forget the old key with: {_forget(self.hop, changed)} and accept the new one with: {accept}",
                fix=f"{_forget(self.hop, changed)} && {accept}",
            )
        if _holds(self.portless, key):
            _refuse_revoked(self.portless, key, self.hop, device)
            return
        raise HostKeyError(
            f"{device}: the host key of {name} is unknown: {_show_key(key)}{self._hint()}; where the board shows "
            f"the same fingerprint, accept it with: {accept}",
            fix=accept,
        )

    def _hint(self) -> str:
        """What OpenSSH might have gone by instead, and the harness does not."""
        authority = next((key for key in self.named if key.marker == "@cert-authority"), None)
        others = sorted({key.kind for key in self.named if not key.marker})
        hints = [f"known by other keys only: {', '.join(others)}"] if others else []
        if authority is not None:
            hints.append(
                f"@cert-authority in line {authority.line} of {authority.path} vouches for certificates, "
                "which are not followed here"
            )
        hints += [f"{word} is not followed here" for word in self.hop.unfollowed_trust]
        return f" ({'; '.join(hints)})" if hints else ""


def _refuse_revoked(lines: Iterable[KnownKey], key: paramiko.PKey, hop: Hop, device: str) -> None:
    blob = key.asbytes()
    revoked = next((known for known in lines if known.marker == "@revoked" and known.blob == blob), None)
    if revoked is not None:
        raise HostKeyError(
            f"{device}: the host key of {hop.listed_name} is revoked: {_show_key(key)} stands as @revoked in line "
            f"{revoked.line} of {revoked.path}; give the board another host key, or ask who revoked this one"
        )


def _refuse_listed(key: paramiko.PKey, hop: Hop, device: str) -> None:
    """The file that RevokedHostKeys names: public keys, a line each."""
    path = hop.revoked_host_keys
    if path is None:
        return
    try:
        content = read_bytes(path, max_bytes=MOST_BYTES)
    except OSError:
        content = _KRL
    if content.startswith(_KRL):
        raise HostKeyError(
            f"{device}: RevokedHostKeys {path} of your SSH configuration is no readable list of public keys: "
            "expected a key a line; a KRL is not followed here"
        )
    encoded = key.get_base64().encode()
    if any(encoded in line.split() for line in content.splitlines()):
        raise HostKeyError(
            f"{device}: the host key of {hop.listed_name} is revoked: {_show_key(key)} stands in RevokedHostKeys {path}"
        )


def _holds(lines: Sequence[KnownKey], key: paramiko.PKey) -> bool:
    blob = key.asbytes()
    return any(not known.marker and known.blob == blob for known in lines)


def _accept(hop: Hop) -> str:
    """A command that adds the key: ssh-keyscan where the server is reached directly, else ssh itself."""
    target = shlex.quote(str(hop.known_hosts[0])) if hop.known_hosts else "~/.ssh/known_hosts"
    port = "" if hop.port == DEFAULT_PORT else f"-p {hop.port} "
    if hop.is_direct:
        return f"ssh-keyscan {port}{shlex.quote(hop.host)} >> {target}"
    words = ["ssh", "-o", f"UserKnownHostsFile={hop.known_hosts[0]}"] if hop.named_known_hosts else ["ssh"]
    words += ["-J", hop.jump] if hop.jump else []
    return shlex.join([*words, *port.split(), "-l", hop.user, hop.asked, "true"])


def _forget(hop: Hop, line: KnownKey) -> str:
    return shlex.join(["ssh-keygen", "-f", str(line.path), "-R", hop.listed_name])


def _show_key(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"
