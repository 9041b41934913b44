"""One session: boards opened once, candidates built, measured and judged, every entry kept at once."""

import importlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from harness.board import Board, LiveBoard, choose_runner, open_board, this_process
from harness.gates import Limit, judge
from harness.measure import LOAD_PAIRS, Progress, execute, make_plan
from harness.records.artifact import Artifact
from harness.records.board import Trial
from harness.records.cache_dir import default_cache_dir
from harness.records.candidate import Candidate
from harness.records.device import METER, DeviceProfile, Tuning
from harness.records.emulation import is_emulated, with_least_measuring
from harness.records.entry import Entry
from harness.records.errors import (
    BoardUnavailableError,
    BoardUnfitError,
    ConnectionLostError,
    LeaseHeldError,
    UsageError,
    told_of,
)
from harness.records.limit_test import LimitTest
from harness.records.plan import RunnerSpec
from harness.records.settings import Settings
from harness.session.baseline_comparison import ArmPair, BaselineComparison, MeasureRequest
from harness.session.baselines import check_baseline
from harness.session.board_accuracy import BoardScorer
from harness.session.describe import describe_device, refused_entry, unmeasured_entry
from harness.session.host_lock import host_lock
from harness.session.interrupts import Stop
from harness.session.outcome import SessionLog
from harness.session.session_builder import SessionBuilder, check_build_folders
from harness.store import RunFolder

_LEASE_POLL_S = 0.5


@dataclass
class _Opened:
    board: LiveBoard
    runner: RunnerSpec


@dataclass
class Session:
    """Measures candidates on devices and appends each entry to the run's folder. Use as a context manager.

    ``say`` hears what is going on (for the live line). ``expected`` are the candidates that will be measured on each
    device, in order: they are built ahead while a remote board measures, unless the run measures this machine too.
    Raises UsageError where the settings name a folder of artifacts that is none.
    """

    settings: Settings
    profiles: dict[str, DeviceProfile]
    folder: RunFolder
    say: Callable[[Progress], None] = field(default=lambda _progress: None)
    meanwhile: Callable[[], None] = field(default=lambda: None)
    """Run once, in a thread, while a remote board measures: this host has nothing else to do then."""
    expected: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    benchmarks: tuple[Path, ...] = ()
    """The files whose benchmarks are run: a revision given as baseline has its own of them."""
    stop: Stop = field(default_factory=Stop)
    """Hears Ctrl-C and SIGTERM where its owner lets it listen."""
    log: SessionLog = field(default_factory=SessionLog)
    """Hears which boards were not to be had, and what went wrong when they were released."""
    seconds: dict[str, float] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _thread: threading.Thread | None = None
    _builder: SessionBuilder = field(init=False)
    _comparison: BaselineComparison = field(init=False)
    _kept: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    _opened: _Opened | None = None
    _sent: Counter[str] = field(default_factory=Counter)
    _refused: dict[str, BoardUnavailableError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_build_folders(self.settings)
        self._builder = SessionBuilder(self.settings, self.say)
        check_baseline(self.settings)
        if self.settings.resume is not None:
            self._kept = {(e.device, e.test, e.subject): e for e in self.folder.entries()}
        self._comparison = BaselineComparison(
            self.settings, self.benchmarks, self.expected, self.say, self._build_baseline
        )

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, device: str) -> Board:
        """The device's board, opened on first use. Raises BoardUnavailableError, the same one every time."""
        if device in self._refused:
            raise self._refused[device]
        if self._opened is None or self._opened.board.profile.name != device:
            # One board at a time: a board that waits is free for others, and two names may be one board.
            self.log.ending.attempt("a board's release", self._release, None)
            began = time.monotonic()
            try:
                self._opened = self._open(device)
            except UsageError:
                raise
            except Exception as error:  # of whatever kind: this board's trouble is no other's
                refused = error if isinstance(error, BoardUnavailableError) else _unusable(device, error)
                self._give_up(device, refused)
                raise refused from None
            finally:
                self._spent("connect", began)
            if not self._measures_this_machine:
                self._end_of_work_ahead()
                self._builder.begin(self.expected.get(device, ()))
        return self._opened.board

    def measure(  # noqa: PLR0913 - what a benchmark asks for, by keyword only
        self,
        candidate: Candidate,
        device: str,
        *,
        test: str,
        limits: Sequence[Limit] = (),
        share: float | None = None,
        tuning: Tuning | None = None,
    ) -> Entry:
        """Build, ship, measure and judge one candidate on one device; returns the entry, already kept.

        What a run that is resumed has measured before is not measured again. ``share`` is the chance of a false alarm
        that each limit may take, None: all of the session's alpha. With ``tuning`` the board is at an operating point
        of the entry's own meanwhile. What keeps this candidate alone from being measured
        makes an ERROR entry. Raises BoardUnavailableError where the board is not to be had or goes away, UsageError
        where the profile does not fit the board.
        """
        kept = self._kept.get((device, test, str(candidate)))
        if kept is None or device not in self.folder.devices():
            self.open(device)  # also of a board that the killed run was not done with: nothing is known of it yet
        if kept is not None:
            return kept
        try:
            alpha = share or self.settings.alpha
            entry = self._measure_at_point(MeasureRequest(candidate, device, test, tuple(limits), alpha, tuning))
        except UsageError:
            raise
        except BoardUnavailableError as error:
            if not isinstance(error, BoardUnfitError):
                self._give_up(device, error)
                raise
            entry = refused_entry(candidate, device, test=test, reason=str(error))
        except Exception as error:  # of whatever kind: this entry's trouble is no other's
            entry = refused_entry(candidate, device, test=test, reason=told_of(error))
        finally:
            self.say(Progress(device, ""))
        self.folder.append_entry(entry)
        return entry

    @property
    def kept(self) -> Mapping[tuple[str, str, str], Entry]:
        """Of a run that is resumed the entries it had, by device, test and candidate."""
        return self._kept

    def close(self) -> None:
        """Release the board, and end the processes that build; what goes wrong is in the log's problems."""
        self.log.ending.attempt("the board's release", self._release, None)
        self.log.ending.attempt("the work beside measuring", self._end_of_work_ahead, None)
        self.log.ending.attempt("the building of candidates", self._builder.close, None)
        self.log.ending.attempt("the baseline's files", self._comparison.close, None)

    def _give_up(self, device: str, error: BoardUnavailableError) -> None:
        self.say(Progress(device, ""))
        self._refused[device] = error
        self.log.unreached.append(str(error))

    def _start_work_ahead(self) -> None:
        """Run ``meanwhile``, and import what turns trials into figures; the first time only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work_ahead, name="work ahead", daemon=True)
            self._thread.start()

    def _work_ahead(self) -> None:
        for name in ("harness.measure.build_entry", "scipy.special", "sqlalchemy", "ruptures"):
            importlib.import_module(name)
        self.meanwhile()

    def _end_of_work_ahead(self) -> None:
        """Wait for the thread, before candidates are built.

        Their keys are made by parsing sources, and what the thread imports parses too. Python's parser counts its
        depth for all threads together: two at a time may end in a SystemError (seen in 3.11.7; cpython #106905).
        """
        if self._thread is not None:
            self._thread.join()

    def _release(self) -> None:
        """Release the board and keep what it said of itself."""
        opened, self._opened = self._opened, None
        try:
            self._stack.close()
        finally:
            if opened is not None:
                self._keep_device(opened)

    def _keep_device(self, opened: _Opened) -> None:
        device = opened.board.profile.name
        self._sent[device] += opened.board.bytes_sent
        self.folder.append_device(
            device,
            describe_device(opened.board),
            bytes_sent=self._sent[device],
            seconds=dict(opened.board.seconds),
        )

    def _open(self, device: str) -> _Opened:
        profile = self.profiles[device]
        self.say(Progress(device, "connecting"))
        board = self._lease(profile)
        try:
            return _Opened(board, self._choose_runner(board))
        except Exception:
            self._stack.close()
            raise

    def _choose_runner(self, board: LiveBoard) -> RunnerSpec:
        threads, package = self.settings.num_threads, self.settings.runtime
        return choose_runner(board.profile, board.facts, num_threads=threads, package=package)

    def _lease(self, profile: DeviceProfile) -> LiveBoard:
        """The board; where another worker of this same run holds it, after that one is done."""
        run, shared = f"run {self.folder.run_id}", False
        while True:
            try:
                return self._stack.enter_context(
                    open_board(
                        profile,
                        holder=f"{this_process()}, {run}",
                        run=run,
                        wait_s=self.settings.wait_s,
                        say=lambda text: self.say(Progress(profile.name, text, logged=True)),
                    )
                )
            except LeaseHeldError as error:
                shared = shared or run in str(error)
                if not shared:
                    raise
                self.say(Progress(profile.name, "waiting for another worker of this run"))
                time.sleep(_LEASE_POLL_S)

    def _measure_at_point(self, request: MeasureRequest) -> Entry:
        opened = self._opened
        if opened is None:
            raise ConnectionLostError(f"{request.device}: the board was released: open it before measuring")
        board = opened.board
        if request.tuning is None or request.tuning == board.profile.tuning:
            return self._measure(request, opened)
        with board.at_point(request.tuning):
            return self._measure(request, _Opened(board, self._choose_runner(board)))

    def _measure(self, request: MeasureRequest, opened: _Opened) -> Entry:
        artifact = self._build(request.candidate, request.device)
        pair = self._comparison.pair_arms(request, opened.board, artifact, opened.runner)
        asked = _answerable(request, opened.board)
        settings = _settings_on(opened.board, self.settings)
        questions = pair.questions(asked, settings)
        if pair.identical and not (questions or pair.energy_questions(asked, settings)):
            entry = unmeasured_entry(
                request.candidate, request.device, opened.runner, test=request.test, artifact=artifact
            )
        else:
            if opened.board.profile.connection.transport != "local":
                self._start_work_ahead()
            entry = self._execute(opened.board, asked, pair, questions)
            if self.settings.accuracy_on_board:
                entry = self._score_on_board(opened.board, entry, pair)
        if request.tuning is not None:
            entry = entry.model_copy(update={"operating_point": opened.board.point})
        return judge(pair.add_comparison(entry), request.limits, settings=self.settings, share=request.share)

    def _execute(
        self, board: LiveBoard, request: MeasureRequest, pair: ArmPair, questions: tuple[LimitTest, ...]
    ) -> Entry:
        """The plan carried out; on this machine not beside another worker that builds."""
        device = request.device
        plan = make_plan(
            _settings_on(board, self.settings),
            pair.artifact,
            pair.runner,
            baseline=pair.measured,
            baseline_runner=pair.baseline_runner,
            sensors=_sensors(board),
            questions=questions,
            energy_questions=pair.energy_questions(request, self.settings),
            meter=board.profile.power.meter,
            energy_limited=any(limit.definition.kind == "energy" for limit in request.limits),
            load_pairs=0 if is_emulated(board.profile, board.facts) else LOAD_PAIRS,
            across_runs=any(limit.kind == "regression" for limit in request.limits),
        )
        local = board.profile.connection.transport == "local"
        with self._own_turn(device, "measure") if local else nullcontext(), self.stop.while_measuring():
            began = time.monotonic()
            try:
                return execute(
                    board,
                    plan,
                    pair.artifact,
                    test=request.test,
                    candidate=request.candidate,
                    baseline=pair.measured,
                    on_event=self.say,
                    on_trial=lambda trial: self._keep(request, trial),
                )
            finally:
                self._spent("measure", began)

    def _score_on_board(self, board: LiveBoard, entry: Entry, pair: ArmPair) -> Entry:
        local = board.profile.connection.transport == "local"
        cache_dir = self.settings.cache_dir or default_cache_dir()
        with self._own_turn(board.profile.name, "measure") if local else nullcontext(), self.stop.while_measuring():
            return BoardScorer(board, pair.runner, cache_dir, self.say).score(entry, pair.artifact)

    def _keep(self, request: MeasureRequest, trial: Trial) -> None:
        self.folder.append_trial(request.device, str(request.candidate), trial, test=request.test)
        self.stop.trial_ended()

    def _build_baseline(self, candidate: Candidate) -> Artifact:
        return self._build(candidate, self._opened.board.profile.name if self._opened else "")

    @property
    def _measures_this_machine(self) -> bool:
        """Whether any device of the run, be it another worker's, is this host."""
        return any(profile.connection.transport == "local" for profile in self.profiles.values())

    @contextmanager
    def _own_turn(self, device: str, what: str) -> Iterator[None]:
        """What must not go on while another worker of the run uses this machine, if the run measures it."""
        if not self._measures_this_machine:
            yield
            return
        waiting = Progress(device, f"waiting to {what}: another worker of this run uses this machine")
        with host_lock(self.folder.path, lambda: self.say(waiting)):
            yield

    def _build(self, candidate: Candidate, device: str) -> Artifact:
        self._end_of_work_ahead()
        with self._own_turn(device, "build"):
            began = time.monotonic()
            try:
                return self._builder.build(candidate, device)
            finally:
                self._spent("build", began)

    def _spent(self, phase: str, began: float) -> None:
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.monotonic() - began, 3)


def _answerable(request: MeasureRequest, board: LiveBoard) -> MeasureRequest:
    """With the limits that measuring goes on for: of an emulated board none, whose one trial tells what it tells."""
    return replace(request, limits=()) if is_emulated(board.profile, board.facts) else request


def _settings_on(board: LiveBoard, settings: Settings) -> Settings:
    """The session's settings; of an emulated board those of as little measuring as proves correctness."""
    return with_least_measuring(settings) if is_emulated(board.profile, board.facts) else settings


def _unusable(device: str, error: Exception) -> BoardUnfitError:
    return BoardUnfitError(f"{device}: the board cannot be used: {told_of(error)}")


def _sensors(board: Board) -> tuple[str, ...]:
    """The profile's power sensors that this board's agent can read, and its meter, best first."""
    readable = {METER, *(sensor.name for sensor in board.facts.sensors if sensor.readable)}
    return tuple(name for name in board.profile.power.ranked if name.partition("/")[0] in readable)
