"""known_hosts files, read and matched as OpenSSH does: markers, patterns, hashed names, several keys of a type."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import paramiko

from harness.records.files import read_bytes

MOST_BYTES = 16 * 2**20

Marker = Literal["", "@cert-authority", "@revoked"]
_MARKERS: dict[str, Marker] = {"@cert-authority": "@cert-authority", "@revoked": "@revoked"}


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
        blob = _decoded(encoded)
        if blob is not None and _kind_of(blob) == kind:
            yield KnownKey(path, number, marker, hosts, kind, blob)


def _decoded(encoded: str) -> bytes | None:
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
    salt, digest = _decoded(parts[2]), _decoded(parts[3])
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
