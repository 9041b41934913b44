"""Showing who we are: key files and the keys of the user's agent. Never a password.

Private keys are read in every form that ssh-keygen and OpenSSL write.
"""

import base64
import binascii
import contextlib
import io
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH

from harness.records.errors import AuthenticationError, HandshakeError
from harness.records.files import read_bytes
from harness.transport.ssh_config import Hop

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


@dataclass(frozen=True)
class _Key:
    key: paramiko.PKey
    named: str


def authenticate(link: paramiko.Transport, hop: Hop, device: str) -> None:
    """Log in with the first key that is accepted; AuthenticationError naming user, host and every key tried."""
    with agent_keys(hop.agent) as held:
        _authenticate(link, hop, held, device)


def _authenticate(link: paramiko.Transport, hop: Hop, held: Sequence[paramiko.PKey], device: str) -> None:
    tried: list[str] = []
    for offered, offer in enumerate(_offers(hop, held, tried, device)):
        tried.append(offer.named)
        try:
            if not link.auth_publickey(hop.user, offer.key):
                return
            tried[-1] += " (accepted, but the server wants a second factor)"
        except paramiko.AuthenticationException:
            if not link.is_active():
                raise _closed_error(hop, tried, offered + 1, device) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            if link.is_active() or not offered:
                raise HandshakeError(
                    f"{device}: {hop.known_name} broke off while logging in as {hop.user}: {error}"
                ) from error
            raise _closed_error(hop, tried[:-1], offered, device) from error
    unfollowed = f" (not followed: {', '.join(hop.unfollowed_login)})" if hop.unfollowed_login else ""
    raise AuthenticationError(
        f"{device}: {hop.user}@{hop.host} refused the login; keys tried: {', '.join(tried) or 'none'}{unfollowed}; "
        f"put the public key into the board's ~/.ssh/authorized_keys, or name another connection.identity_file"
    )


def _closed_error(hop: Hop, tried: Sequence[str], offered: int, device: str) -> AuthenticationError:
    """A server hears out a few keys (MaxAuthTries, 6 by default); one that is named goes first."""
    return AuthenticationError(
        f"{device}: {hop.known_name} closed the connection after {offered} key{'s' if offered > 1 else ''} for "
        f"{hop.user}: {', '.join(tried)}; name the right one as connection.identity_file "
        "(its .pub file, where the agent holds it)"
    )


def _offers(hop: Hop, agents: Sequence[paramiko.PKey], tried: list[str], device: str) -> Iterator[_Key]:
    """Keys in OpenSSH's order, but that files somebody names come before the rest of the agent's keys."""
    held = {key.asbytes(): key for key in agents}
    left = dict(held)
    later: list[Path] = []
    for path in hop.identity_files:
        if not path.is_file() and hop.named_key:
            raise AuthenticationError(
                f"{device}: connection.identity_file {path} is not there; expected a private key: "
                "make one with ssh-keygen, or name another"
            )
        blob = public_blob(path)
        if blob in left:
            yield _Key(left.pop(blob), f"{path} (the agent's)")
        elif hop.default_keys:
            later.append(path)
        elif blob not in held:
            yield from _file_key(path, tried)
    if not hop.identities_only:
        yield from (_Key(key, f"the agent's {key.get_name()} {key.fingerprint}") for key in left.values())
    for path in later:
        yield from _file_key(path, tried)


def _file_key(path: Path, tried: list[str]) -> Iterator[_Key]:
    if not path.is_file():
        return
    try:
        yield _Key(private_key(path), str(path))
    except EncryptedKeyError:
        tried.append(f"{path} (encrypted: ssh-add it to the agent)")
    except (OSError, ValueError) as error:
        tried.append(f"{path} (unreadable: {error})")


def private_key(path: Path) -> paramiko.PKey:
    """The key in a file of OpenSSH, PKCS#1, SEC1 or PKCS#8, with the certificate beside it (PATH-cert.pub).

    EncryptedKeyError, ValueError with a reason, OSError.
    """
    content = read_bytes(path, max_bytes=MOST_BYTES)
    try:
        loaded = _load_key(content)
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


def _load_key(content: bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
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
