"""Opening a board: leased and tuned while it is used, put back and released at the end."""

import contextlib
import getpass
import os
import secrets
import socket
from collections.abc import Callable, Iterator

from harness.board.boot import AgentPackage, agent_package
from harness.board.link import Connector
from harness.board.live import LiveBoard
from harness.records.device import DeviceProfile


@contextlib.contextmanager
def open_board(  # noqa: PLR0913 - the steward's options, by keyword only
    profile: DeviceProfile,
    *,
    holder: str | None = None,
    run: str | None = None,
    tune: bool = True,
    root: str = "/",
    lease: str | None = None,
    silence: float = 15.0,
    wait_s: float = 0.0,
    agent: AgentPackage | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[LiveBoard]:
    """The profile's board, leased and tuned; put back and released at the end whatever happens.

    ``run`` stands in the holder's text of all workers of one run, ``root`` is where the steward reads /sys and /proc,
    ``lease`` another lease than the board's own (several simulated boards on one machine), ``silence`` the seconds
    without a heartbeat after which it ends by itself, ``wait_s`` how long it stands in the queue where another session
    has the board, ``agent`` another agent than the harness' own (tests); ``say`` hears who has it and how many came
    before, and that a lost link is made again.
    Raises what stands below BoardUnavailableError, and ProfileError.
    """
    words = _steward_words(holder or this_process(), root=root, lease=lease, silence=silence, wait_s=wait_s)
    board = LiveBoard(Connector(profile, agent or agent_package(), words, run, say), tuned=tune)
    try:
        board.start()
        yield board
    finally:
        board.release()


def this_process() -> str:
    """Who we are to others who want the board: user, host and process."""
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"


def _steward_words(holder: str, *, root: str, lease: str | None, silence: float, wait_s: float) -> tuple[str, ...]:
    named = (*(("--lease", lease) if lease else ()), *(("--wait", f"{wait_s:g}") if wait_s else ()))
    # A steward that was started for this session before, on a link that was lost, gives its lease up for the next one.
    session = secrets.token_hex(16)
    options = ("--cache", "CACHE", "--root", root, "--holder", holder, "--silence", f"{silence:g}")
    return ("steward", *options, "--session", session, *named)
