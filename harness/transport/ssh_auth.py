"""Showing who we are: key files and the keys of the user's agent. Never a password."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from harness.records.errors import AuthenticationError, HandshakeError
from harness.transport.ssh_config import Hop
from harness.transport.ssh_keys import EncryptedKeyError, agent_keys, private_key, public_blob


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
                raise _closed(hop, tried, offered + 1, device) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            if link.is_active() or not offered:
                raise HandshakeError(
                    f"{device}: {hop.known_name} broke off while logging in as {hop.user}: {error}"
                ) from error
            raise _closed(hop, tried[:-1], offered, device) from error
    unfollowed = f" (not followed: {', '.join(hop.unfollowed_login)})" if hop.unfollowed_login else ""
    raise AuthenticationError(
        f"{device}: {hop.user}@{hop.host} refused the login; keys tried: {', '.join(tried) or 'none'}{unfollowed}; "
        f"put the public key into the board's ~/.ssh/authorized_keys, or name another connection.identity_file"
    )


def _closed(hop: Hop, tried: Sequence[str], offered: int, device: str) -> AuthenticationError:
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
