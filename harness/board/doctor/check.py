"""One check of a board: what it looks at, what it costs when it is not well, and the command that mends it."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.records.board import BoardFacts
from harness.records.device import Connection, DeviceProfile
from harness.records.errors import BoardUnavailableError
from harness.records.health import CheckStatus, DiskRoom, LinkFacts, Spread, SystemState
from harness.records.operating_point import OperatingPoint
from harness.records.ssh_address import DEFAULT_PORT

SUDO = "{sudo}"
"""In a command for the board: what lets it do this as root."""


@dataclass(frozen=True)
class Examination:
    """All that was found out about a board; None where it could not be."""

    profile: DeviceProfile
    devices_dir: Path | None = None
    trouble: BoardUnavailableError | None = None
    """Why the board could not be opened."""
    link: LinkFacts | None = None
    connect_s: float | None = None
    round_trip_s: float | None = None
    facts: BoardFacts | None = None
    restored: tuple[str, ...] = ()
    state: SystemState | None = None
    clock_ahead_s: float | None = None
    """The board's clock of day less this machine's."""
    disk: DiskRoom | None = None
    no_runner: str | None = None
    """Why there is no runtime to run."""
    model_problem: str | None = None
    """Why the runtime that there is does not run a model."""
    unproved: bool = False
    """Whether no small model of ours can tell: a program reads its own files, a delegate's library may take none."""
    spread: Spread | None = None
    tuned_spread: Spread | None = None
    """The same as the profile tunes the board, where it does."""
    earlier_spread: Spread | None = None
    """As the doctor measured it the last time."""
    untuned: str | None = None
    """Why the profile's tuning could not be applied."""
    point: OperatingPoint | None = None
    """What the board was set to as the profile tunes it."""
    refused: bool = False
    """A run would be refused for it: the profile asks for what the board does not have."""


@dataclass(frozen=True)
class Answer:
    """What a check says of a board."""

    status: CheckStatus
    said: str
    fix: str | None = None


@dataclass(frozen=True)
class Check:
    """An entry of ``CHECKS``. ``judge`` says nothing where the board could not be asked."""

    name: str
    looks_at: str
    effect: str
    """What it does to numbers when it is not well."""
    judge: Callable[[Examination], Answer | None]


def ok(said: str) -> Answer:
    """All is well."""
    return Answer("ok", said)


def warn(said: str, fix: str | None = None) -> Answer:
    """Figures suffer."""
    return Answer("warn", said, fix)


def fail(said: str, fix: str | None = None) -> Answer:
    """The board is not fit to measure."""
    return Answer("fail", said, fix)


def by_state(judge: Callable[[Examination, SystemState], Answer]) -> Callable[[Examination], Answer | None]:
    """A judge that needs the board's state."""
    return lambda found: None if found.state is None else judge(found, found.state)


def by_facts(judge: Callable[[Examination, BoardFacts], Answer]) -> Callable[[Examination], Answer | None]:
    """A judge that needs the board's facts."""
    return lambda found: None if found.facts is None else judge(found, found.facts)


def on_board(found: Examination, command: str) -> str:
    """The words that run a shell command on the board when typed here; ``{sudo}`` in it stands for becoming root.

    An account that is not root uses sudo; where the board has none, root's own login.
    """
    connection, state = found.profile.connection, found.state
    needs_root = SUDO in command and state is not None and state.uid != 0
    sudo = needs_root and state is not None and state.sudo
    text = command.replace(SUDO, "sudo " if sudo else "")
    if connection.transport == "local":
        return f"su -c {shlex.quote(text)}" if needs_root and not sudo else text
    user = "root" if needs_root and not sudo else connection.user
    return f"{ssh_words(connection, user, terminal=sudo)} {shlex.quote(text)}"


def ssh_words(connection: Connection, user: str | None, *, terminal: bool = False) -> str:
    """The ssh command that reaches the board as the profile does; ``terminal``: sudo may ask for a password there."""
    words = ["ssh", *(["-t"] if terminal else [])]
    if connection.port not in (None, DEFAULT_PORT):
        words += ["-p", str(connection.port)]
    if connection.identity_file:
        words += ["-i", connection.identity_file]
    if connection.known_hosts:
        words += ["-o", f"UserKnownHostsFile={connection.known_hosts}"]
    if connection.proxy_jump:
        words += ["-J", connection.proxy_jump]
    address = connection.host or "localhost"
    return shlex.join([*words, f"{user}@{address}" if user else address])


def harness_words(found: Examination, command: str, *options: str) -> str:
    """A command of ours about this board, to be typed here."""
    where = [f"--devices-dir={found.devices_dir}"] if found.devices_dir is not None else []
    return shlex.join(["harness", command, found.profile.name, *options, *where])


def wait_until_well(found: Examination) -> str:
    """What is typed here to wait for what passes by itself."""
    return f"until {harness_words(found, 'doctor')}; do sleep 30; done"


def write_files(value: str, paths: list[str]) -> str:
    """The shell command that writes a value to files of the kernel, as root."""
    return f"echo {shlex.quote(value)} | {SUDO}tee {shlex.join(paths)}"


def at_root(state: SystemState, relative: str) -> str:
    """A path below the root under which the board's /sys and /proc were read."""
    return f"{state.root.rstrip('/')}/{relative.lstrip('/')}"
