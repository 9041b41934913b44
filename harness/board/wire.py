"""The steward's words: requests out, checked answers in, and a heartbeat in between."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.board.events import (
    EVENT,
    GREETING,
    Done,
    Event,
    FactsEvent,
    Failed,
    FootprintEvent,
    Greeting,
    HeadEvent,
    HeldEvent,
    ReadyEvent,
    StateEvent,
    TrialEvent,
    TrialHead,
    Tuned,
    WaitingEvent,
    Watched,
    Working,
)
from harness.board.untrusted import NONSENSE, one_line, out_of_range
from harness.records.board import Trial
from harness.records.errors import (
    BoardAnswerError,
    BoardUnfitError,
    ConnectionLostError,
    HarnessError,
    LeaseHeldError,
    SilentBoardError,
    TrialError,
)
from harness.transport import Process

_T = TypeVar("_T")
BEAT_S = 3.0
SILENCE_S = 25.0
"""A steward that answers no heartbeat for so long while a block runs is lost."""
PROGRESS_S = 45.0
"""Longest between two answers to any other request, during which the steward hears no heartbeat."""
ENDING_S = 5.0
_CUT_S = 0.5
"""How soon after the part of a line that a lost link let through its end is seen."""
_STEWARD_SAYS = "steward ends: "
SMALL_BYTES = 2**18
"""Of any answer but a trial, which brings its samples."""
_PING = 0
"""The id of every heartbeat; requests count from 1."""


class Wire:
    """A conversation with one steward. One thread asks; a thread of its own sends heartbeats."""

    def __init__(self, process: Process, device: str, say: Callable[[str], None] = lambda _: None) -> None:
        self._process = process
        self._device = device
        self._say = say
        self.waited_s = 0.0
        """How long the steward stood in the queue for the board."""
        self._writing = threading.Lock()
        self._last_id = _PING
        self._unfinished: tuple[int, float] | None = None
        self._heard = time.monotonic()
        self.greeted = False
        self._stop = threading.Event()
        self._beats = threading.Thread(target=self._beat, name=f"heartbeat of {device}", daemon=True)

    def greet_asking(self, op: str) -> tuple[ReadyEvent, int]:
        """The greeting, and the id of a request that was sent before it came; raises as `greet`.

        A steward that refuses may have ended before the request is written: its reason is the one to tell.
        """
        try:
            asked = self.post(op)
        except ConnectionLostError:
            self.greet()
            raise
        return self.greet(), asked

    def greet(self) -> ReadyEvent:
        """The steward's first line, after which heartbeats go out.

        LeaseHeldError where another has the board, BoardUnfitError where the steward cannot work there.
        """
        began = time.monotonic()
        while isinstance(greeting := self._greeting(), WaitingEvent):
            self._say(_describe_queue(greeting))
            self.waited_s = time.monotonic() - began
        if isinstance(greeting, Failed):
            raise BoardUnfitError(f"{self._device}: {one_line(greeting.message)}")
        if isinstance(greeting, HeldEvent):
            raise LeaseHeldError(
                f"{self._device}: the board is held by {one_line(greeting.holder)} since "
                f"{one_line(greeting.since)}; "
                + (f"waited {self.waited_s:.0f} s for it" if self.waited_s else "try again when that run has ended")
            )
        self.greeted = True
        self._beats.start()
        return greeting

    def _greeting(self) -> Greeting:
        return self._parse(GREETING, self._line(time.monotonic() + PROGRESS_S, silence_s=PROGRESS_S))

    def post(self, op: str, **fields: object) -> int:
        """Send a request without waiting; gives its id."""
        self._last_id += 1
        self._send({"id": self._last_id, "op": op, **fields})
        return self._last_id

    def answers(
        self, asked: int, *, within_s: float, next_s: Callable[[], float] | None = None, silence_s: float | None = None
    ) -> Iterator[Event]:
        """The answers to a request up to, and without, its ``done``; an ``error`` is raised as what it means.

        ``within_s`` is for all of them, ``next_s`` tells before each how long it may take, and after ``silence_s``
        without any line the steward is lost (both PROGRESS_S unless given). Heartbeats are no progress.
        """
        until = time.monotonic() + within_s
        self._unfinished = (asked, until)
        while True:
            patience_s = PROGRESS_S if next_s is None else next_s()
            event = self._next(asked, min(until, time.monotonic() + patience_s), silence_s or PROGRESS_S)
            if isinstance(event, Done | Failed):
                self._unfinished = None
            if isinstance(event, Done):
                return
            if isinstance(event, Failed):
                raise _as_error(event, self._device)
            if not isinstance(event, Working):
                yield event

    def settle(self) -> None:
        """Wait for the end of a request whose answers nobody wanted any more, if there is one.

        During a block the steward hears nothing else.
        """
        while self._unfinished is not None:
            if isinstance(self._next(*self._unfinished, SILENCE_S), Done | Failed):
                self._unfinished = None

    def request(self, op: str, *, within_s: float, **fields: object) -> list[Event]:
        """Send a request and collect its answers."""
        return list(self.answers(self.post(op, **fields), within_s=within_s))

    def quiet(self) -> None:
        """No heartbeats any more: the steward is about to end, or is lost."""
        self._stop.set()
        if self._beats.is_alive():
            self._beats.join(BEAT_S)

    def lost(self) -> ConnectionLostError:
        """Why nothing comes any more: how the steward ended, and its own last word where it had one."""
        try:
            status = self._process.wait(ENDING_S)
            how = f"exit status {status}" if status >= 0 else "cut off or killed"
        except TimeoutError:
            status, how = -1, "no exit status"
        last = self._process.stderr_tail().rpartition("\n")[2]
        # Where the link broke, the last line on stderr is some library's: it explains nothing.
        said = f"; it last said: {one_line(last)}" if last and (status > 0 or last.startswith(_STEWARD_SAYS)) else ""
        return ConnectionLostError(f"{self._device}: the link or the steward on the board is gone ({how}{said})")

    def _next(self, asked: int, until: float, silence_s: float) -> Event:
        """The next answer to a request; those to heartbeats and to earlier requests are passed over."""
        while (event := self._event(until, silence_s)).id < asked:
            continue
        if event.id > asked:
            raise self._nonsense(f"it answered request {event.id} where {asked} was asked")
        return event

    def _event(self, until: float, silence_s: float) -> Event:
        line = self._line(until, silence_s=silence_s)
        try:
            event = EVENT.validate_json(line)
        except ValidationError as error:
            event = _read_dead_trial(line, error) or self._parse(EVENT, line)
        if isinstance(event, TrialEvent) and event.trial.died is None:
            event = _check_ranges(event)
        elif isinstance(event, FactsEvent | StateEvent | Watched | FootprintEvent | Tuned) and (
            odd := next(out_of_range(event), None)
        ):
            raise BoardAnswerError(f"{self._device}: {NONSENSE}: {odd}")
        if len(line) > SMALL_BYTES and not isinstance(event, TrialEvent):
            raise self._nonsense(f"a {event.event} of {len(line)} bytes, at most {SMALL_BYTES} were expected")
        return event

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                self._send({"id": _PING, "op": "ping"})
            except ConnectionLostError:
                return  # whoever reads next learns it, with the reason

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._writing:
                self._process.write(line)
        except ConnectionLostError as error:
            raise self.lost() from error

    def _line(self, until: float, *, silence_s: float) -> bytes:
        """The next line, which must come before ``until`` and within so many seconds."""
        try:
            line = self._process.read_line(max(0.0, min(silence_s, until - time.monotonic())))
        except TimeoutError as error:
            raise self._late() from error
        if line is None:
            raise self.lost()
        self._heard = time.monotonic()
        return line

    def _late(self) -> ConnectionLostError | BoardAnswerError:
        """A steward that says nothing, or one that says nothing but that it lives."""
        silent_s = time.monotonic() - self._heard
        if silent_s > 3 * BEAT_S:
            return SilentBoardError(f"{self._device}: nothing came from the steward for {silent_s:.0f} s")
        return BoardAnswerError(
            f"{self._device}: the steward on the board lives, but a request took longer than it may; "
            "is the board overloaded, or its disk failing?"
        )

    def _parse(self, form: TypeAdapter[_T], line: bytes) -> _T:
        try:
            return form.validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "json_invalid" and self._is_over():
                raise self.lost() from error
            place = ".".join(str(part) for part in first["loc"]) or "the line"
            raise self._nonsense(f"{place}: {first['msg']}") from error

    def _is_over(self) -> bool:
        """Whether nothing follows: what came last is then the part of a line that a lost link let through."""
        try:
            return self._process.read_line(_CUT_S) is None
        except TimeoutError:
            return False

    def _nonsense(self, what: str) -> BoardAnswerError:
        return BoardAnswerError(
            f"{self._device}: the board's answer is no word of the protocol ({one_line(what)}); "
            "expected the steward's JSON lines"
        )


def _check_ranges(event: TrialEvent) -> TrialEvent:
    """The trial as it came, or dead where its figures cannot be."""
    nonsense = next(out_of_range(event.trial), None)
    return event if nonsense is None else _make_dead_trial(event.id, event.trial, nonsense)


def _read_dead_trial(line: bytes, error: ValidationError) -> TrialEvent | None:
    """A trial whose own words are sound and whose figures are not costs itself alone; None for any other line."""
    try:
        head = HeadEvent.model_validate_json(line)
    except ValidationError:
        return None
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part != "trial")
    return _make_dead_trial(head.id, head.trial, f"{place}: {first['msg']}")


def _make_dead_trial(asked: int, head: Trial | TrialHead, nonsense: str) -> TrialEvent:
    died = f"{NONSENSE}: {one_line(nonsense)}"
    trial = Trial(index=head.index, block=head.block, arm=head.arm, kind=head.kind, died=died)
    return TrialEvent(id=asked, event="trial", trial=trial)


def runtime_remedy(device: str) -> str:
    """What to do about a runtime that is there and does not work; the end of a sentence."""
    return f"; put a working runtime there with: harness provision {device}"


def _as_error(event: Failed, device: str) -> HarnessError:
    message = f"{device}: {one_line(event.message)}"
    if event.kind == "runtime":
        return BoardUnfitError(message + runtime_remedy(device))
    if event.kind in ("unfit", "disk_full"):
        return BoardUnfitError(message)
    if event.kind == "not_found":
        return BoardUnfitError(f"{message}; was the cache on the board emptied meanwhile? Run again")
    if event.kind == "trial":
        return TrialError(message)
    return HarnessError(f"{device}: the steward refused a request ({event.kind}): {one_line(event.message)}")


def _describe_queue(event: WaitingEvent) -> str:
    """E.g. "waits for the board: held by me@ci since 2026-11-29T18:00:00+00:00, 2 ahead"."""
    ahead = f", {event.ahead} ahead" if event.ahead else ""
    return f"waits for the board: held by {one_line(event.holder)} since {one_line(event.since)}{ahead}"
