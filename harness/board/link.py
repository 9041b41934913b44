"""A connection to a board with a steward at its end, and how one that was lost is made again."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.board.boot import AgentPackage, AgentStarter, python_of
from harness.board.events import Event
from harness.board.untrusted import one_line
from harness.board.wire import Wire
from harness.records.device import DeviceProfile
from harness.records.errors import (
    AuthenticationError,
    BoardUnavailableError,
    ConnectionLostError,
    HandshakeError,
    LeaseHeldError,
    SilentBoardError,
    UnreachableError,
)
from harness.transport import Process, Transport, connect

RECONNECT_S = 120.0
"""A link that broke is made again within so long: a board that starts anew is back by then."""
RECONNECT_SILENT_S = 25.0
"""The same for a board that fell silent though its link stands: it is stopped rather than away."""
MOST_LOSSES = 3
"""A link lost so often while it is set up, or amid the same work, is given up."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Between attempts; the last one from then on."""
PROBE_S = 120.0
RELEASE_S = 15.0


class NotBackError(ConnectionLostError):
    """A lost link could not be made again."""


_PASSING = (UnreachableError, AuthenticationError, LeaseHeldError, ConnectionLostError)
"""What may be over at the next attempt; a board that starts refuses logins for a while."""


@dataclass
class Link:
    """A connection, the steward's process at its end, and the words with it."""

    transport: Transport
    process: Process
    wire: Wire
    restored: tuple[str, ...]
    probed: list[Event]
    bytes_sent: int
    seconds: dict[str, float]
    """By phase: connect, boot, probe."""

    def release(self) -> None:
        """Ask the steward to put everything back and to end, and hang up whatever it answers.

        BoardUnavailableError or TimeoutError where it could not, after RELEASE_S.
        """
        until = time.monotonic() + RELEASE_S
        try:
            self.wire.quiet()
            self.wire.request("release", within_s=RELEASE_S)
            self.process.wait(max(1.0, until - time.monotonic()))
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """End the connection, without a word to the steward."""
        self.wire.quiet()
        self.process.kill()
        self.transport.close()


@dataclass(frozen=True)
class Connector:
    """What is needed to make a link to one board, each time with the same words to its steward."""

    profile: DeviceProfile
    agent: AgentPackage
    words: tuple[str, ...]
    run: str | None
    """A holder who names it is another worker of the same run, and waited for without a limit."""
    say: Callable[[str], None]

    def open(self) -> Link:
        """Connect, boot, send the agent where it is needed, take the lease, probe. BoardUnavailableError."""
        device, times = self.profile.name, [time.monotonic()]
        transport = connect(self.profile.connection, device=device)
        times.append(time.monotonic())
        process = wire = None
        try:
            steward = AgentStarter(
                transport, device, python_of(self.profile.connection), self.agent, self.words
            ).start()
            process = steward.process
            wire = Wire(process, device, self.say)
            greeting, asked = wire.greet_asking("probe")
            times.append(time.monotonic())
            probed = list(wire.answers(asked, within_s=PROBE_S))
            times.append(time.monotonic())
        except BaseException:
            if wire is not None:
                wire.quiet()
            if process is not None:
                process.kill()
            transport.close()
            raise
        spent = [after - before for before, after in itertools.pairwise(times)]
        seconds = dict(zip(("connect", "boot", "probe"), spent, strict=True))
        if wire.waited_s:
            seconds |= {"boot": seconds["boot"] - wire.waited_s, "wait": wire.waited_s}
        restored = tuple(map(one_line, greeting.restored))
        return Link(transport, process, wire, restored, probed, steward.bytes_sent, seconds)

    def open_first(self) -> Link:
        """The same, tried once more where the connection broke before the login was done."""
        try:
            return self.open()
        except HandshakeError:
            time.sleep(PAUSES_S[0])
            return self.open()

    def open_again(self, lost: ConnectionLostError) -> Link:
        """The same after a link was lost, with growing pauses and within a limit.

        The steward that may still hold the lease is ours, and gives way to the new one. NotBackError says what was lost
        and why the last attempt failed; other errors are no passing matter and raised as they are.
        """
        silent = isinstance(lost, SilentBoardError)
        limit_s = RECONNECT_SILENT_S if silent else RECONNECT_S
        began = time.monotonic()
        losses = attempts = 0
        while True:
            self.say(f"the link is lost; connecting again (attempt {attempts + 1})")
            try:
                return self.open()
            except _PASSING as error:
                losses += isinstance(error, ConnectionLostError)
                if isinstance(error, LeaseHeldError) and self.run and self.run in str(error):
                    began = time.monotonic()
                pause_s = PAUSES_S[min(attempts, len(PAUSES_S) - 1)]
                left_s = limit_s - (time.monotonic() - began) - pause_s
                if isinstance(error, SilentBoardError) or losses >= MOST_LOSSES or left_s < 0.0:
                    raise _give_up(lost, error, time.monotonic() - began) from error
            attempts += 1
            time.sleep(pause_s)


def _give_up(lost: ConnectionLostError, last: BoardUnavailableError, spent_s: float) -> "NotBackError":
    """One sentence on a board that did not come back; its name stands once."""
    device = str(lost).partition(":")[0]
    why = str(last).removeprefix(f"{device}: ")
    return NotBackError(f"{lost}; not back after {spent_s:.0f} s: {why}")
