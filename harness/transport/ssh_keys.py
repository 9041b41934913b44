"""Private keys in every form that ssh-keygen and OpenSSL write, and those of an agent."""

import base64
import binascii
import contextlib
import io
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH

from harness.records.files import read_bytes

MOST_BYTES = 2**20
AGENT_S = 60.0
"""How long an agent may take: it may ask its user before it signs."""
_OPENSSH = re.compile(rb"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_MAGIC = b"openssh-key-v1\0"
_CLASSES = (
    (rsa.RSAPrivateKey, paramiko.RSAKey),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
)


class EncryptedKeyError(ValueError):
    """A private key that asks for a passphrase."""


def private_key(path: Path) -> paramiko.PKey:
    """The key in a file of OpenSSH, PKCS#1, SEC1 or PKCS#8, with the certificate beside it (PATH-cert.pub).

    EncryptedKeyError, ValueError with a reason, OSError.
    """
    content = read_bytes(path, max_bytes=MOST_BYTES)
    try:
        loaded = _loaded(content)
    except TypeError as error:  # how cryptography says that it misses a passphrase
        raise EncryptedKeyError("encrypted") from error
    except UnsupportedAlgorithm as error:
        raise ValueError(f"of a kind that is not supported: {error}") from error
    kind = next((kind for private, kind in _CLASSES if isinstance(loaded, private)), None)
    if kind is None:
        raise ValueError("of a kind that is not supported: expected ed25519, ECDSA or RSA")
    # paramiko takes an RSA key of PKCS#8 for none of its own; OpenSSH's form is one for all.
    text = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    try:
        key = kind.from_private_key(io.StringIO(text))
        certificate = Path(f"{path}-cert.pub")
        if certificate.is_file():
            key.load_certificate(str(certificate))
    except (paramiko.SSHException, binascii.Error) as error:
        raise ValueError(str(error)) from error
    return key


def public_blob(path: Path) -> bytes | None:
    """The public half of the key in a file, also of an encrypted or a public one; None where it is not to be had."""
    with contextlib.suppress(OSError, ValueError):
        found = _public_of(read_bytes(path, max_bytes=MOST_BYTES))
        if found is not None:
            return found
    with contextlib.suppress(OSError, ValueError):
        return _public_of(read_bytes(Path(f"{path}.pub"), max_bytes=MOST_BYTES))
    return None


@contextlib.contextmanager
def agent_keys(place: str | None) -> Iterator[Sequence[paramiko.AgentKey]]:
    """The keys of the agent that listens at the socket ``place``; none where nothing answers there as an agent."""
    agent = None
    with contextlib.suppress(OSError, ValueError, paramiko.SSHException):
        if place is not None:
            agent = _Agent(place)
        elif sys.platform == "win32":
            agent = paramiko.Agent()
    try:
        yield agent.get_keys() if agent is not None else ()
    finally:
        if agent is not None:
            agent.close()


class _Agent(AgentSSH):
    """An agent at a given socket; paramiko's own knows that of the environment alone, and waits for ever."""

    def __init__(self, place: str) -> None:
        super().__init__()
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(AGENT_S)
        try:
            link.connect(place)
            self._connect(link)  # type: ignore[attr-defined]
        except BaseException:
            link.close()
            raise

    def close(self) -> None:
        """Hang up; its keys cannot sign any more."""
        self._close()  # type: ignore[attr-defined]


def _loaded(content: bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    """Any private key that cryptography reads; the caller looks at its kind."""
    try:
        return serialization.load_ssh_private_key(content, password=None)  # type: ignore[return-value]
    except ValueError:
        return serialization.load_pem_private_key(content, password=None)  # type: ignore[return-value]


def _public_of(content: bytes) -> bytes | None:
    """The blob in a line of ``authorized_keys``' form, or before the encrypted part of OpenSSH's form."""
    match = _OPENSSH.search(content)
    if match is not None:
        raw = base64.b64decode(b"".join(match[1].split()), validate=True)
        message = paramiko.Message(raw.removeprefix(_MAGIC))
        for _ in range(3):  # cipher, key derivation and its options
            message.get_string()
        return message.get_binary() if message.get_int() else None
    words = content.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith((b"ssh-", b"ecdsa-", b"sk-")):
        return None
    return base64.b64decode(words[1], validate=True)
