"""The folder of one run: what comes in is on disk at once, results.json when the run ends."""

import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from pydantic import ValidationError

from harness.records.base import Record, describe_problems
from harness.records.board import Trial
from harness.records.entry import Entry
from harness.records.errors import EntryError, HarnessError, ResultsFileError, UsageError
from harness.records.files import open_regular
from harness.records.history import Series
from harness.records.results import DeviceRecord, Results, Run, SelfTests
from harness.store.disk import append_line, disk_errors_named, write_whole
from harness.store.results_file import RESULTS_NAME, json_line, load_results, parse_entry, save_results
from harness.store.stored_runs import find_run, point_latest

_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def new_run_id() -> str:
    """Six random hexadecimal digits."""
    return secrets.token_hex(3)


def folder_name(run_id: str, now: datetime) -> str:
    """``<UTC stamp>-<run id>``, e.g. 20261124T054500Z-3f9a1c; ``now`` carries its time zone."""
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"run id {run_id[:80]!r}: expected 1 to 64 letters, digits, '-', '_' or '.'")
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run_id}"


class DeviceTally(Record):
    """A device as the run saw it, the bytes of files sent to it, and where its time went in seconds."""

    name: str
    record: DeviceRecord
    bytes_sent: int
    seconds: dict[str, float]


class PlannedBenchmark(Record):
    """One benchmark that is to be measured; ``candidate`` None: whatever its test measures."""

    device: str
    test: str
    candidate: str | None = None


TRIALS_NAME = "trials.jsonl"
_JOURNAL = "journal"
_NOT_CUT_OFF = (
    "no run that was cut off: expected the folder or the id of one that was killed, was interrupted or lost a board"
)
MAX_TRIAL_BYTES = 16 * 1024 * 1024
MAX_TRIALS_FILE_BYTES = 2 * 1024 * 1024 * 1024
MAX_JOURNAL_BYTES = 256 * 1024 * 1024
_MOST_LINE_BYTES = 64 * 1024 * 1024

R = TypeVar("R")


class TrialLine(Record):
    """One line of trials.jsonl: a trial with its raw samples, and what it belongs to."""

    device: str
    entry: str
    test: str | None = None
    """None in runs of earlier versions."""
    trial: Trial


@dataclass(frozen=True)
class RunFolder:
    """A run's folder; several processes may append to it, one finishes it."""

    path: Path

    @classmethod
    def create(cls, reports_dir: Path, *, run_id: str | None = None, now: datetime | None = None) -> Self:
        """A new folder ``<UTC stamp>-<run id>`` below ``reports_dir``; HarnessError if it is there."""
        path = reports_dir / folder_name(run_id or new_run_id(), now or datetime.now(UTC))
        with disk_errors_named(path):
            (path / _JOURNAL).mkdir(parents=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """A folder another process made; HarnessError if it is not there or its run has ended."""
        if not (path / _JOURNAL).is_dir():
            raise HarnessError(f"{path}: no run at work in this folder: expected one that was made and not finished")
        return cls(path)

    @classmethod
    def resumed(cls, named: Path, reports_dir: Path) -> Self:
        """The folder of a run that did not measure all it was to, named as for ``find_run``; UsageError for another."""
        try:
            folder = cls(find_run(named, reports_dir, holding=_JOURNAL).resolve())
        except UsageError as error:
            raise UsageError(f"--resume {named}: {_NOT_CUT_OFF}; {error}") from error
        if folder.is_open and "-" in folder.path.name:
            folder.drop_unfinished_trials()
            return folder
        if folder.results_path.exists():
            raise UsageError(f"--resume {named}: this run is whole: nothing of it is left to be measured")
        raise UsageError(f"--resume {named}: {_NOT_CUT_OFF}")

    @property
    def is_open(self) -> bool:
        """Whether the run can be taken up: it did not end yet, or ended before all was measured."""
        journal = self.path / _JOURNAL
        return journal.is_dir() and not journal.is_symlink()

    def earlier_results(self) -> Results | None:
        """What the run had when it ended before, None where it never did; ResultsFileError for a damaged file."""
        return load_results(self.results_path) if self.results_path.exists() else None

    @property
    def created_at(self) -> datetime:
        """When the run began, by the folder's name; UsageError for a folder that was renamed."""
        try:
            return datetime.strptime(self.path.name.split("-", 1)[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise UsageError(f"{self.path}: expected a name like 20261124T054500Z-3f9a1c; give it back") from error

    @property
    def run_id(self) -> str:
        """The part of the folder's name behind the stamp."""
        return self.path.name.split("-", 1)[1]

    @property
    def results_path(self) -> Path:
        """Where results.json stands when the run has ended."""
        return self.path / RESULTS_NAME

    def append_trial(self, device: str, entry: str, trial: Trial, *, test: str | None = None) -> None:
        """Keep a trial with its raw samples; EntryError if it is larger than a trial may be."""
        line = json_line(TrialLine(device=device, entry=entry, test=test, trial=trial))
        if len(line) > MAX_TRIAL_BYTES:
            raise EntryError(
                f"{device}: a trial of {entry} has {len(line)} bytes of samples, "
                f"at most {MAX_TRIAL_BYTES} are kept; lower --num-runs or --min-secs"
            )
        self._append(self.path / TRIALS_NAME, line, max_file_bytes=MAX_TRIALS_FILE_BYTES)

    def trials(self) -> Iterator[TrialLine]:
        """Every trial kept so far, raw samples included, one at a time in the order they came."""
        return _read_lines(self.path / TRIALS_NAME, TrialLine.model_validate_json)

    def drop_unfinished_trials(self) -> None:
        """Remove the trials of entries that were not finished: these are measured anew, under the same indices."""
        kept = {(entry.device, entry.subject, test) for entry in self.entries() for test in (entry.test, None)}
        if all((line.device, line.entry, line.test) in kept for line in self.trials()):
            return
        whole = (line for line in self.trials() if (line.device, line.entry, line.test) in kept)
        write_whole(self.path / TRIALS_NAME, (json_line(line) + b"\n" for line in whole))

    def append_entry(self, entry: Entry) -> None:
        """Keep an entry until the run ends."""
        self._append(self._journal("entries"), json_line(entry), max_file_bytes=MAX_JOURNAL_BYTES)

    def append_device(self, name: str, record: DeviceRecord, *, bytes_sent: int, seconds: dict[str, float]) -> None:
        """Keep what is known of a device; the last word on a name holds."""
        tally = DeviceTally(name=name, record=record, bytes_sent=bytes_sent, seconds=seconds)
        self._append(self._journal("devices"), json_line(tally), max_file_bytes=MAX_JOURNAL_BYTES)

    def append_planned(self, benchmarks: Iterable[PlannedBenchmark]) -> None:
        """Keep what is to be measured, so that a run that ends early knows what it lacks."""
        known = set(self.planned())
        lines = [json_line(one) for one in dict.fromkeys(benchmarks) if one not in known]
        if lines:
            self._append(self._journal("planned"), b"\n".join(lines), max_file_bytes=MAX_JOURNAL_BYTES)

    def planned(self) -> list[PlannedBenchmark]:
        """What was to be measured, by all processes, each once."""
        return list(dict.fromkeys(_read_lines(self._journal("planned"), PlannedBenchmark.model_validate_json)))

    def entries(self) -> list[Entry]:
        """The entries kept so far, by all processes, in the order they came."""
        return list(_read_lines(self._journal("entries"), parse_entry))

    def devices(self) -> dict[str, DeviceTally]:
        """The devices kept so far, by name in alphabetical order."""
        tallies = {
            tally.name: tally for tally in _read_lines(self._journal("devices"), DeviceTally.model_validate_json)
        }
        return dict(sorted(tallies.items()))

    def finish(
        self,
        run: Run,
        entries: Sequence[Entry] | None = None,
        *,
        history: Sequence[Series] = (),
        selftests: Mapping[str, SelfTests] | None = None,
    ) -> Results:
        """Write results.json; `retire` follows. HarnessError the second time, unless the run was taken up between.

        ``entries`` are those kept so far with what only the whole run shows; None: as they were kept.
        ``history`` is how their metrics went in earlier runs, ``selftests`` the boards' records by name.
        """
        if not self.is_open:
            raise HarnessError(f"{self.results_path}: there already: a run is finished once")
        told = selftests or {}
        devices = {
            name: tally.record.model_copy(update={"selftests": told.get(name)})
            for name, tally in self.devices().items()
        }
        found = self.entries() if entries is None else list(entries)
        results = Results(run=run, devices=devices, entries=found, history=list(history))
        save_results(results, self.results_path)
        return results

    def retire(self, *, keep_journal: bool = False) -> None:
        """Let ``latest`` point here, and drop the journal of a run that is whole: one that is not can be taken up."""
        point_latest(self.path)
        if not keep_journal:
            with disk_errors_named(self.path):
                shutil.rmtree(self.path / _JOURNAL)

    def discard(self) -> None:
        """Remove the folder of a run that came to nothing."""
        with disk_errors_named(self.path):
            shutil.rmtree(self.path)

    def _journal(self, what: str) -> Path:
        return self.path / _JOURNAL / f"{what}.jsonl"

    def _append(self, file: Path, line: bytes, *, max_file_bytes: int) -> None:
        append_line(file, line, lock=self.path / _JOURNAL / "lock", max_file_bytes=max_file_bytes)


def _read_lines(file: Path, parse: Callable[[bytes], R]) -> Iterator[R]:
    """What ``parse`` makes of a file's lines; a torn last line, left by a killed process, counts as not written."""
    try:
        with open_regular(file, follow=False) as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_MOST_LINE_BYTES), b""), start=1):
                if len(line) == _MOST_LINE_BYTES:
                    raise ResultsFileError(f"{file}, line {number}: longer than any that a run writes; run it again")
                if not line.endswith(b"\n"):
                    return
                try:
                    yield parse(line)
                except ValidationError as error:
                    raise ResultsFileError(
                        f"{file}, line {number}: damaged: {describe_problems(error)}; run the benchmark again"
                    ) from error
    except FileNotFoundError:
        return
    except OSError as error:
        raise ResultsFileError(f"{file}: cannot be read: {error.strerror}; run the benchmark again") from error
