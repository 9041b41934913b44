"""The way to a board: reached, known, logged in, not held by others, and how fast its words travel."""

from harness.board.doctor.check import Answer, Check, Examination, fail, ok, ssh_words, wait_until_well, warn
from harness.records.device import Connection
from harness.records.errors import (
    AuthenticationError,
    BoardUnavailableError,
    BoardUnfitError,
    HostKeyError,
    LeaseHeldError,
    UnreachableError,
)

SLOW_S = 0.03
"""A round trip in which Nagle's algorithm waits for a delayed acknowledgement takes 40 ms and more."""
FAST_CIPHERS = ("gcm", "chacha20")
_STEPS: tuple[type[BoardUnavailableError], ...] = (
    UnreachableError,
    HostKeyError,
    AuthenticationError,
    BoardUnfitError,
    LeaseHeldError,
)
"""What can go wrong, in the order in which a board is opened."""


def _step(found: Examination) -> int:
    """At which step opening the board ended; past the last one where it was opened."""
    if found.trouble is None:
        return len(_STEPS)
    return next((number for number, kind in enumerate(_STEPS) if isinstance(found.trouble, kind)), 0)


def _said(found: Examination) -> str:
    return str(found.trouble).removeprefix(f"{found.profile.name}: ")


def _address(connection: Connection) -> str:
    user = f"{connection.user}@" if connection.user else ""
    return f"{user}{connection.host}{f':{connection.port}' if connection.port else ''}"


def _connection(found: Examination) -> Answer:
    connection = found.profile.connection
    if _step(found) == 0:
        return fail(_said(found), found.trouble.fix if found.trouble else None)
    if connection.transport == "local":
        return ok("this machine: nothing lies between")
    took = f", connected in {found.connect_s:.2f} s" if found.connect_s is not None else ""
    return ok(f"{_address(connection)} by ssh{took}")


def _host_key(found: Examination) -> Answer | None:
    if _step(found) == 1:
        return fail(_said(found), found.trouble.fix if found.trouble else None)
    if _step(found) < 1:
        return None
    if found.profile.connection.transport == "local":
        return ok("this machine has none to show")
    return ok(found.link.host_key if found.link else "known")


def _login(found: Examination) -> Answer | None:
    connection = found.profile.connection
    if _step(found) == 2:
        words = ssh_words(connection, connection.user).split(" ", 1)[1]
        return fail(_said(found), f"ssh-copy-id {words}")
    if _step(found) < 2:
        return None
    return ok(f"as {found.state.account}" if found.state else "accepted")


def _agent(found: Examination) -> Answer | None:
    if _step(found) == 3:
        return fail(_said(found), found.trouble.fix if found.trouble else None)
    if _step(found) < 3:
        return None
    return ok(f"Python {found.facts.python}, cache {found.facts.cache_dir}" if found.facts else "it runs")


def _lease(found: Examination) -> Answer | None:
    if _step(found) == 4:
        return fail(_said(found), wait_until_well(found))
    return None if _step(found) < 4 else ok("held by nobody else")


def _cipher(found: Examination) -> Answer | None:
    if found.facts is None:
        return None
    if found.link is None:
        return ok("no link")
    if any(word in found.link.cipher for word in FAST_CIPHERS):
        return ok(found.link.cipher)
    offer = "give sshd_config on the board aes128-gcm@openssh.com first in Ciphers, and reload sshd"
    return warn(f"{found.link.cipher}, since {found.link.server} offers no aes-gcm: {offer}")


def _delay(found: Examination) -> Answer | None:
    if found.round_trip_s is None:
        return None
    took = f"a round trip takes {found.round_trip_s * 1e3:.1f} ms"
    if found.link is not None and found.link.no_delay is False:
        return warn(f"{took}; TCP_NODELAY is off")
    if found.round_trip_s > SLOW_S:
        return warn(f"{took}: a far network, a busy board, or a hop that holds small packets back (Nagle)")
    return ok(f"{took}{', TCP_NODELAY is on' if found.link is not None and found.link.no_delay else ''}")


REACH_CHECKS = (
    Check("connection", "whether the board answers as an SSH server", "nothing is measured", _connection),
    Check("host key", "whether it is the board that was accepted before", "figures may be another board's", _host_key),
    Check("login", "whether a key is accepted", "nothing is measured", _login),
    Check("agent", "Python 3.7 or later, and a cache folder that can be written", "nothing is measured", _agent),
    Check("lease", "whether another run has the board", "two runs at a time would measure each other", _lease),
    Check(
        "ssh cipher",
        "whether the link is encrypted by hardware",
        "no latency: models and runtimes are sent at about half the speed (115 against 205 MB/s on one PC)",
        _cipher,
    ),
    Check(
        "ssh delay",
        "the round trip, and TCP_NODELAY",
        "no latency, which the board times itself: a session takes longer (44 against 2 ms a request)",
        _delay,
    ),
)
