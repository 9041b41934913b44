"""A board that is open: leased, probed, tuned; files shipped to it, blocks run on it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from harness.board.events import BlockEvent, Cleaned, Event, FactsEvent, Have, Started, TrialEvent, Tuned, Watched
from harness.board.link import MOST_LOSSES, Connector, Link, NotBackError
from harness.board.preflight import fingerprint
from harness.board.tuning import describe_untuned, tuning_request
from harness.board.untrusted import make_printable, one_line
from harness.board.wire import SILENCE_S, Wire
from harness.records.board import BoardFacts, Trial, TrialTelemetry
from harness.records.device import Tuning
from harness.records.errors import (
    BlockLostError,
    BoardUnavailableError,
    BoardUnfitError,
    ConnectionLostError,
    HarnessError,
    SilentBoardError,
    TrialError,
)
from harness.records.health import LinkFacts
from harness.records.operating_point import OperatingPoint
from harness.records.plan import BlockSpec, TrialSpec

REQUEST_S = 120.0
"""Longest a board may take for a small request, e.g. to read and hash a large file from an SD card."""
UNPACK_S = 600.0
"""Thousands of files on an SD card."""
MOST_SILENCES = 1
"""A board that falls silent again, nothing of use in between, is given up."""
BLOCK_START_S = 40.0
"""For the interpreter and its imports on the slowest board, before the first trial."""
TRIAL_GRACE_S = 15.0
"""Beyond a trial's own deadline, by which the board itself ends it and says so."""

RESUMED_UPLOAD = "upload-"
"""Begins the name of a file that is on its way; the agent keeps what a cut link left of it."""
_BY_ITSELF = "its link is lost; it puts its settings back by itself, at the latest when it is leased again"
_T = TypeVar("_T")
_E = TypeVar("_E", bound=Event)

OUT_OF_MEMORY = "out of memory"
"""How the agent begins to say so."""


class LiveBoard:
    """A board behind a steward; made by `open_board`.

    A link that is lost is made again by whatever needs it: leased, checked and tuned again. Small requests and uploads
    then begin anew; a block raises BlockLostError.
    """

    def __init__(self, linking: Connector, *, tuned: bool) -> None:
        self.profile = linking.profile
        self._linking = linking
        self._tuned = tuned
        self.seconds: dict[str, float] = {}
        self.bytes_sent = 0
        self.restored: tuple[str, ...] = ()
        """What an earlier steward had left changed and this one put back, in sentences."""
        self.point: OperatingPoint | None = None
        """What the board is set to; None before it was tuned."""
        self.release_problem: str | None = None
        """Why the board could not be asked to put things back; it then does so by itself."""
        self.losses = 0
        """How often the link was lost and made again."""
        self._sources: dict[str, Path] = {}
        self._there: set[str] = set()
        """Files known to be on the board: none after a loss, which may have been a power cut."""
        self._facts: BoardFacts | None = None
        self._fingerprint: str | None = None
        self._link: Link | None = None
        self._gone: ConnectionLostError | None = None
        self._silences = 0
        """How often in a row the board fell silent, nothing of use in between."""

    @property
    def facts(self) -> BoardFacts:
        """What the last probe read; it is made again after tuning."""
        if self._facts is None:
            raise ConnectionLostError(f"{self.profile.name}: the board was not probed")
        return self._facts

    def start(self) -> None:
        """Connect, boot, send the agent where needed, take the lease, probe, tune.

        A link that breaks meanwhile is made again; a board that falls silent before it was ever used is not waited for.
        """
        try:
            self._use(self._linking.open_first())
        except SilentBoardError:
            self._drop()
            raise
        except ConnectionLostError as lost:
            self._reconnect(lost)

    def probe(self) -> BoardFacts:
        """Ask the board again what it is and how it is."""
        with self._phase("probe"):
            self._keep_facts(self._lasting(lambda: self._request("probe")))
        return self.facts

    def ask(self, op: str, kind: type[_E], **fields: object) -> _E:
        """The answer of that kind to a small request, printable; asked again where the link is lost meanwhile."""
        for event in self._lasting(lambda: self._request(op, within_s=REQUEST_S, **fields)):
            if isinstance(event, kind):
                return make_printable(event)
        raise self._unexpected_answer(f"{op} was not answered")

    def watch(self, seconds: float) -> TrialTelemetry:
        """The board's state over so many seconds, at most 10, in which nothing of ours runs."""
        return self.ask("watch", Watched, seconds=seconds).telemetry

    def ping(self) -> None:
        """One round trip to the steward."""
        self._lasting(lambda: self._request("ping"))

    def link_facts(self) -> LinkFacts | None:
        """What carries the words to the board and back; None for this machine."""
        return None if self._link is None else self._link.transport.facts()

    def ship(self, path: Path, sha256: str) -> None:
        """Have a file in the board's store under its sha256; what is there already is never sent again."""
        self._sources[sha256] = path
        if sha256 in self._there:
            return
        with self._phase("ship"):
            self._lasting(lambda: self._send(path, sha256) if self._missing(sha256) else None)
        self._there.add(sha256)

    def unpack(self, sha256: str, *, env: str, info: dict[str, Any]) -> None:
        """Make the environment ``env`` from a tar that was shipped; whole or not at all."""
        with self._phase("unpack"):
            self._lasting(lambda: self._request("unpack", within_s=UNPACK_S, sha256=sha256, env=env, info=info))

    def clean(self, *, runtimes_only: bool = False) -> int:
        """Remove all that was ever put on the board but this agent: files, environments. Bytes that were freed."""
        self._there.clear()
        events = self._lasting(lambda: self._request("clean", runtimes_only=runtimes_only))
        return sum(event.bytes for event in events if isinstance(event, Cleaned))

    def run_block(self, block: BlockSpec) -> Iterator[Trial]:
        """The block's trials as they end, each checked to be the one asked for; TrialError for any other.

        BlockLostError where the link was lost amid it and is there again; ConnectionLostError where it is not.
        TrialError too where the block took all of the board's memory and the steward with it.
        """
        self._ship_again(block)
        try:
            with self._phase("measure"):
                yield from self._trials(self._steward(), block)
            self._silences = 0
        except ConnectionLostError as lost:
            self._reconnect(lost)
            self._refuse_starved(lost)
            raise BlockLostError(f"{lost}, amid block {block.index}; it is there again") from lost

    def _refuse_starved(self, lost: ConnectionLostError) -> None:
        """Raise TrialError where the new steward found that the last one was killed for want of memory."""
        said = self._link.restored if self._link is not None else ()
        starved = next((sentence for sentence in said if sentence.startswith(OUT_OF_MEMORY)), None)
        if starved is not None:
            raise TrialError(f"{self.profile.name}: {starved}") from lost

    def release(self) -> None:
        """Ask the steward to put everything back and end; whatever happens, the connection is closed."""
        link, self._link = self._link, None
        if link is None:
            self.release_problem = _BY_ITSELF if self._gone else None
            return
        with self._phase("release"):
            try:
                link.release()
            except (BoardUnavailableError, TimeoutError) as error:
                self.release_problem = str(error)

    def _trials(self, wire: Wire, block: BlockSpec) -> Iterator[Trial]:
        expected = {spec.index: spec for spec in block.trials}
        due_s = BLOCK_START_S

        def next_s() -> float:
            return due_s

        wire.settle()
        whole_s = BLOCK_START_S + sum(spec.deadline_s + TRIAL_GRACE_S for spec in block.trials)
        asked = wire.post("block", block=block.model_dump(mode="json"))
        for event in wire.answers(asked, within_s=whole_s, next_s=next_s, silence_s=SILENCE_S):
            if isinstance(event, TrialEvent):
                yield self._matched(event.trial, expected, block.index)
            elif not isinstance(event, BlockEvent | Started):
                raise self._unexpected_answer(f"a {event.event} came amid block {block.index}")
            due_s = TRIAL_GRACE_S + max((spec.deadline_s for spec in expected.values()), default=0.0)
        if expected:
            raise self._unexpected_answer(f"block {block.index} ended without trial {min(expected)}")

    def _ship_again(self, block: BlockSpec) -> None:
        """The block's files that were shipped before a link was lost."""
        for spec in block.trials:
            for sha256 in (spec.model, spec.inputs, spec.expected, spec.expected_builtin, spec.stages, spec.raw):
                if sha256 is not None and sha256 in self._sources:
                    self.ship(self._sources[sha256], sha256)

    def _use(self, link: Link) -> None:
        """Measure by this link from now on: what it says of the board is kept, and the board tuned."""
        self._link = link
        self.bytes_sent += link.bytes_sent
        for name, seconds in link.seconds.items():
            self._spent(name, seconds)
        self.restored += link.restored
        self._keep_facts(link.probed)
        if self._tuned:
            self._tune()
        found = fingerprint(self.facts, self.point)
        if self._fingerprint not in (None, found):
            raise BoardUnfitError(f"the board came back as another one: {found} instead of {self._fingerprint}")
        self._fingerprint = found

    def tune(self) -> None:
        """Bring the board to the profile's operating point; the steward puts it back.

        What it does not take stands in ``point``, and measuring goes on. BoardUnfitError where it has no such thing.
        """
        self._lasting(self._tune)
        self._fingerprint = fingerprint(self.facts, self.point)

    @contextlib.contextmanager
    def at_point(self, tuning: Tuning) -> Iterator[None]:
        """The board, its profile's tuning replaced by this one, and brought to that operating point meanwhile.

        Raises what `tune` raises.
        """
        own = self.profile
        self.profile = own.model_copy(update={"tuning": tuning})
        try:
            self.tune()
            yield
        finally:
            self.profile = own
            if self._link is not None:
                self.tune()

    def _tune(self) -> None:
        with self._phase("tune"):
            events = self._request("tune", tuning=tuning_request(self.profile.tuning))
        self.point = next((make_printable(event.point) for event in events if isinstance(event, Tuned)), None)
        if self.point is None:
            raise self._unexpected_answer("tune was not answered")
        if self.point.settings:
            with self._phase("probe"):
                self._keep_facts(self._request("probe"))

    @property
    def untuned(self) -> str | None:
        """What the board did not take of its tuning, in a sentence; None where it took all."""
        return describe_untuned(self.point, self.profile.name)

    def _lasting(self, action: Callable[[], _T]) -> _T:
        """What an action gives that may be begun anew on another link."""
        for _ in range(MOST_LOSSES - 1):
            try:
                found = action()
            except ConnectionLostError as lost:
                self._reconnect(lost)
            else:
                self._silences = 0
                return found
        return action()

    def _reconnect(self, lost: ConnectionLostError) -> None:
        """A link in place of the lost one; ConnectionLostError, now and ever after, where there is none to be had."""
        if self._gone is not None:
            raise self._gone
        self._drop()
        self._silences += isinstance(lost, SilentBoardError)
        if self._silences > MOST_SILENCES:
            self._gone = NotBackError(f"{lost}, as on the link before: it is not tried again")
            raise self._gone
        with self._phase("reconnect"):
            for _ in range(MOST_LOSSES):
                try:
                    self._use(self._linking.open_again(lost))
                except ConnectionLostError as error:
                    self._drop()
                    lost = error
                    if isinstance(error, NotBackError):
                        break
                except BoardUnavailableError as error:
                    self._drop()
                    lost = NotBackError(f"{lost}; it cannot be used any more: {error}")
                    break
                else:
                    self.losses += 1
                    return
        self._gone = lost
        raise lost

    def _drop(self) -> None:
        """Hang up a link that is of no use any more."""
        link, self._link = self._link, None
        self._there.clear()
        if link is not None:
            link.hang_up()

    def _missing(self, sha256: str) -> bool:
        for event in self._request("have", sha256=[sha256]):
            if isinstance(event, Have):
                return sha256 in event.missing
        raise self._unexpected_answer("have was not answered")

    def _send(self, path: Path, sha256: str) -> None:
        size = path.stat().st_size
        free = self.facts.disk_free_bytes
        cache = self.facts.cache_dir
        if free is not None and free < size:
            raise BoardUnfitError(
                f"{self.profile.name}: the disk of {cache} on the board has {free} bytes free; "
                f"{size} are needed for {path.name}: free some there, or delete {cache}/store, which fills again"
            )
        if self._link is None:
            raise ConnectionLostError(f"{self.profile.name}: no steward runs on the board")
        incoming = f"{RESUMED_UPLOAD}{sha256}"
        sent = self._link.transport.put(path, f"{cache}/incoming/{incoming}")
        self.bytes_sent += sent
        try:
            self._request("admit", sha256=sha256, incoming=incoming)
        except HarnessError as error:
            if sent == size or isinstance(error, ConnectionLostError):
                raise
            # What an earlier link had left was damaged, and is removed now.
            self.bytes_sent += self._link.transport.put(path, f"{cache}/incoming/{incoming}")
            self._request("admit", sha256=sha256, incoming=incoming)

    def _matched(self, trial: Trial, expected: dict[int, TrialSpec], block: int) -> Trial:
        spec = expected.pop(trial.index, None)
        if spec is None or (trial.block, trial.arm, trial.kind) != (block, spec.arm, spec.kind):
            raise self._unexpected_answer(
                f"trial {trial.index} ({trial.kind}, block {trial.block}) was not asked for, or came twice"
            )
        died = None if trial.died is None else one_line(trial.died)
        telemetry = None if trial.telemetry is None else make_printable(trial.telemetry)
        return trial.model_copy(update={"died": died, "telemetry": telemetry})

    def _keep_facts(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, FactsEvent):
                self._facts = make_printable(event.facts)
                return
        raise self._unexpected_answer("probe was not answered")

    def _request(self, op: str, *, within_s: float = REQUEST_S, **fields: object) -> list[Event]:
        wire = self._steward()
        wire.settle()
        return wire.request(op, within_s=within_s, **fields)

    def _steward(self) -> Wire:
        if self._link is None:
            raise self._gone or ConnectionLostError(f"{self.profile.name}: no steward runs on the board")
        return self._link.wire

    def _unexpected_answer(self, what: str) -> TrialError:
        return TrialError(f"{self.profile.name}: the steward's answers do not fit what was asked: {what}")

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self._spent(name, time.monotonic() - begun)

    def _spent(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
