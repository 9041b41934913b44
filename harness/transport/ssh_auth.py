"""Showing who we are: key files and the keys of the user's agent. Never a password."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko

from harness.records.errors import AuthenticationError, UnreachableError
from harness.transport.ssh_config import Hop

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True)
class _Key:
    key: paramiko.PKey
    named: str


def authenticate(link: paramiko.Transport, hop: Hop, device: str) -> None:
    """Log in with the first key that is accepted; AuthenticationError naming user, host and every key tried."""
    tried: list[str] = []
    for offer in _offers(hop, tried, device):
        tried.append(offer.named)
        try:
            if not link.auth_publickey(hop.user, offer.key):
                return
            tried[-1] += " (accepted, but the server wants a second factor)"
        except paramiko.AuthenticationException:
            continue
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise UnreachableError(
                f"{device}: {hop.known_name} broke off while logging in as {hop.user}: {error}"
            ) from error
    raise AuthenticationError(
        f"{device}: {hop.user}@{hop.host} refused the login; keys tried: {', '.join(tried) or 'none'}; "
        f"put the public key into the board's ~/.ssh/authorized_keys, or name another connection.identity_file"
    )


def _offers(hop: Hop, tried: list[str], device: str) -> Iterator[_Key]:
    for path in hop.identity_files or _default_files():
        if not path.is_file():
            if hop.named_key:
                raise AuthenticationError(
                    f"{device}: connection.identity_file {path} is not there; expected a private key: "
                    "make one with ssh-keygen, or name another"
                )
            continue
        try:
            yield _Key(paramiko.PKey.from_path(path), str(path))
        except (paramiko.PasswordRequiredException, TypeError):  # from_path lets cryptography's TypeError through
            tried.append(f"{path} (encrypted: ssh-add it to the agent)")
        except (paramiko.SSHException, ValueError, OSError) as error:
            tried.append(f"{path} (unreadable: {error})")
    yield from _agent_keys()


def _default_files() -> tuple[Path, ...]:
    folder = Path.home() / ".ssh"
    return tuple(folder / name for name in DEFAULT_KEYS)


def _agent_keys() -> Iterator[_Key]:
    agent = paramiko.Agent()
    try:
        for key in agent.get_keys():
            yield _Key(key, f"the agent's {key.get_name()} {key.fingerprint}")
    finally:
        agent.close()
