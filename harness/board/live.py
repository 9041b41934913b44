"""A board that is open: leased, probed, tuned; files shipped to it, blocks run on it."""

import contextlib
import getpass
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.board.boot import Boot, python_of
from harness.board.foreign import one_line, shown
from harness.board.package import AgentPackage, agent_package
from harness.board.wire import BlockEvent, Event, FactsEvent, Have, TrialEvent, Tuned, Wire
from harness.records.board import BoardFacts, Trial
from harness.records.device import DeviceProfile
from harness.records.errors import (
    BoardUnavailableError,
    BoardUnfitError,
    ConnectionLostError,
    NotPermittedError,
    TrialError,
)
from harness.records.plan import BlockSpec, TrialSpec
from harness.transport import Process, Transport, connect

REQUEST_S = 120.0
"""Longest a board may take for a small request, e.g. to read and hash a large file from an SD card."""
RELEASE_S = 15.0
BLOCK_START_S = 120.0
"""Beyond the deadlines of its trials: interpreter and imports on the slowest board."""


class LiveBoard:
    """A board behind a steward; made by `open_board`."""

    def __init__(self, profile: DeviceProfile, transport: Transport, agent: AgentPackage) -> None:
        self.profile = profile
        self.transport = transport
        self._agent = agent
        self.seconds: dict[str, float] = {}
        self.bytes_sent = 0
        self.restored: tuple[str, ...] = ()
        """What an earlier steward had left changed and this one put back, in sentences."""
        self.changed: tuple[str, ...] = ()
        """What was tuned for this run, in sentences."""
        self.release_problem: str | None = None
        self.untuned: str | None = None
        """Why the board could not be asked to put things back; it then does so by itself."""
        self._shipped: set[str] = set()
        self._facts: BoardFacts | None = None
        self._wire: Wire | None = None
        self._process: Process | None = None

    @property
    def facts(self) -> BoardFacts:
        """What the last probe read; it is made again after tuning."""
        if self._facts is None:
            raise ConnectionLostError(f"{self.profile.name}: the board was not probed")
        return self._facts

    def start(self, words: tuple[str, ...]) -> None:
        """Boot, send the agent where needed, take the lease, probe: the probe is asked for before the answer."""
        device = self.profile.name
        with self._phase("boot"):
            boot = Boot(self.transport, device, python_of(self.profile.connection), self._agent, words)
            steward = boot.start()
            self._process = steward.process
            self.bytes_sent += steward.bytes_sent
            self._wire = Wire(steward.process, device)
            greeting, asked = self._wire.greet_asking("probe")
            self.restored = tuple(map(one_line, greeting.restored))
        with self._phase("probe"):
            self._keep_facts(list(self._wire.answers(asked, within_s=REQUEST_S)))

    def probe(self) -> BoardFacts:
        """Ask the board again what it is and how it is."""
        with self._phase("probe"):
            self._keep_facts(self._request("probe"))
        return self.facts

    def tune(self) -> None:
        """Set governor and cores as the profile says; the steward puts them back."""
        tuning = self.profile.tuning
        if tuning.governor is None and tuning.cpus is None:
            return
        with self._phase("tune"):
            try:
                events = self._request("tune", governor=tuning.governor, cpus=tuning.cpus)
            except NotPermittedError as error:
                # An ordinary account may not set a governor: measuring goes on, and the difference is shown.
                self.untuned, events = str(error), []
            for event in events:
                if isinstance(event, Tuned):
                    self.changed = tuple(map(one_line, event.changed))
        if self.changed or self.untuned:
            self.probe()

    def ship(self, path: Path, sha256: str) -> None:
        """Have a file in the board's store under its sha256; what is there already is never sent again."""
        if sha256 in self._shipped:
            return
        with self._phase("ship"):
            if self._missing(sha256):
                self._send(path, sha256)
        self._shipped.add(sha256)

    def unpack(self, sha256: str, *, env: str, info: dict[str, Any]) -> None:
        """Make the environment ``env`` from a tar that was shipped; whole or not at all."""
        with self._phase("unpack"):
            self._request("unpack", sha256=sha256, env=env, info=info)

    def run_block(self, block: BlockSpec) -> Iterator[Trial]:
        """The block's trials as they end, each checked to be the one asked for; TrialError for any other."""
        expected = {spec.index: spec for spec in block.trials}
        patience = BLOCK_START_S + sum(spec.deadline_s for spec in block.trials)
        with self._phase("measure"):
            wire = self._steward()
            wire.settle()
            asked = wire.post("block", block=block.model_dump(mode="json"))
            for event in wire.answers(asked, within_s=patience):
                if isinstance(event, TrialEvent):
                    yield self._matched(event.trial, expected, block.index)
                elif not isinstance(event, BlockEvent):
                    raise self._astray(f"a {event.event} came amid block {block.index}")
        if expected:
            raise self._astray(f"block {block.index} ended without trial {min(expected)}")

    def release(self) -> None:
        """Ask the steward to put everything back and end; whatever happens, the connection is closed."""
        with self._phase("release"):
            try:
                if self._wire is not None:
                    self._part(self._wire)
            except (BoardUnavailableError, TimeoutError) as error:
                self.release_problem = str(error)
            finally:
                self._hang_up()

    def _part(self, wire: Wire) -> None:
        wire.quiet()
        process = self._process
        if wire.greeted and process is not None:
            wire.request("release", within_s=RELEASE_S)
            process.wait(RELEASE_S)

    def _hang_up(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.transport.close()

    def _missing(self, sha256: str) -> bool:
        for event in self._request("have", sha256=[sha256]):
            if isinstance(event, Have):
                return sha256 in event.missing
        raise self._astray("have was not answered")

    def _send(self, path: Path, sha256: str) -> None:
        size = path.stat().st_size
        free = self.facts.disk_free_bytes
        cache = self.facts.cache_dir
        incoming = f"{sha256[:16]}-{secrets.token_hex(8)}"
        if free is not None and free < size:
            raise BoardUnfitError(
                f"{self.profile.name}: the disk of {cache} on the board has {free} bytes free; "
                f"{size} are needed for {path.name}: free some there, or delete {cache}/store, which fills again"
            )
        self.transport.put(path, f"{cache}/incoming/{incoming}")
        self._request("admit", sha256=sha256, incoming=incoming)
        self.bytes_sent += size

    def _matched(self, trial: Trial, expected: dict[int, TrialSpec], block: int) -> Trial:
        spec = expected.pop(trial.index, None)
        if spec is None or (trial.block, trial.arm, trial.kind) != (block, spec.arm, spec.kind):
            raise self._astray(
                f"trial {trial.index} ({trial.kind}, block {trial.block}) was not asked for, or came twice"
            )
        return trial if trial.died is None else trial.model_copy(update={"died": one_line(trial.died)})

    def _keep_facts(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, FactsEvent):
                self._facts = shown(event.facts)
                return
        raise self._astray("probe was not answered")

    def _request(self, op: str, **fields: object) -> list[Event]:
        wire = self._steward()
        wire.settle()
        return wire.request(op, within_s=REQUEST_S, **fields)

    def _steward(self) -> Wire:
        if self._wire is None:
            raise ConnectionLostError(f"{self.profile.name}: no steward runs on the board")
        return self._wire

    def _astray(self, what: str) -> TrialError:
        return TrialError(f"{self.profile.name}: the steward's answers do not fit what was asked: {what}")

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun


@contextlib.contextmanager
def open_board(  # noqa: PLR0913 - the steward's options, by keyword only
    profile: DeviceProfile,
    *,
    holder: str | None = None,
    tune: bool = True,
    root: str = "/",
    lease: str | None = None,
    silence: float = 15.0,
    agent: AgentPackage | None = None,
) -> Iterator[LiveBoard]:
    """The profile's board, leased and tuned; put back and released at the end whatever happens.

    ``root`` is where the steward reads /sys and /proc, ``lease`` another lease than the board's own (several
    simulated boards on one machine), ``silence`` the seconds without a heartbeat after which it ends by itself,
    ``agent`` another agent than the harness' own (tests).
    Raises what stands below BoardUnavailableError, and ProfileError.
    """
    begun = time.monotonic()
    board = LiveBoard(profile, connect(profile.connection, device=profile.name), agent or agent_package())
    board.seconds["connect"] = time.monotonic() - begun
    try:
        board.start(_steward_words(holder or this_process(), root=root, lease=lease, silence=silence))
        if tune:
            board.tune()
        yield board
    finally:
        board.release()


def this_process() -> str:
    """Who we are to others who want the board: user, host and process."""
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"


def _steward_words(holder: str, *, root: str, lease: str | None, silence: float) -> tuple[str, ...]:
    named = ("--lease", lease) if lease else ()
    options = ("--cache", "CACHE", "--root", root, "--holder", holder, "--silence", f"{silence:g}")
    return ("steward", *options, *named)
