"""A history: runs appended whole, series of figures read back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    create_engine,
    delete,
    event,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.records.base import describe_problems
from harness.records.entry import Entry
from harness.records.errors import UsageError
from harness.records.history import Attempt, Series, SeriesPoint, split_kernel
from harness.records.metrics import ESTIMATOR, is_exact
from harness.records.operating_point import fingerprint_at
from harness.records.results import SELFTEST, DeviceRecord, Results, SelfTests
from harness.records.status import Status
from harness.records.text import shorten
from harness.records.units import format_quantity
from harness.store.history.addresses import WAIT_S, driver_options, shown, to_connect, without_secrets
from harness.store.history.schema import ENTRIES, MEASUREMENTS, RUNS, SELFTESTS, bring_up_to_date

_FALSE_ALARM = Status.FAIL
_NOT_FIT = (Status.INVALID, Status.ERROR)
_NOT_TOLD = (Status.INCONCLUSIVE, Status.INVALID, Status.ERROR)


def record_of(device: str, tests: Sequence[tuple[str, float | None]]) -> SelfTests | None:
    """The record of self-tests, oldest first, each a status and the slowdown it would have caught; None for none."""
    if not tests:
        return None
    statuses = [Status(status) for status, _ in tests]
    record = SelfTests(
        runs=len(tests),
        false_alarms=statuses.count(_FALSE_ALARM),
        inconclusive=sum(status in _NOT_TOLD for status in statuses),
        last_failed=statuses[-1] is _FALSE_ALARM,
        detectable=tests[-1][1],
        sentence="",
    )
    return record.model_copy(update={"sentence": _sentence(device, record, statuses[-1])})


def _sentence(device: str, record: SelfTests, last: Status) -> str:
    alarms, runs, untold = record.false_alarms, record.runs, record.inconclusive
    counted = f"{alarms} false alarm{'' if alarms == 1 else 's'} in {runs} self-test{'' if runs == 1 else 's'}"
    beside = f", {untold} without an answer" if untold else ""
    caught = "" if record.detectable is None else f"; would have caught {format_quantity(record.detectable, '1')}"
    if last is _FALSE_ALARM:
        caught = "; the latest one FAILED: do not believe a difference on this board until one passes"
    elif last is not Status.PASS:
        caught = f"; the latest one had no answer ({last})"
    return f"{device}: {counted}{beside}{caught}"


_Rows = list[dict[str, Any]]

_SUBJECT: Final = (
    ENTRIES.c.device,
    ENTRIES.c.candidate,
    ENTRIES.c.recipe,
    MEASUREMENTS.c.metric,
    MEASUREMENTS.c.unit,
    MEASUREMENTS.c.better,
    ENTRIES.c.fingerprint,
    ENTRIES.c.runtime,
    ENTRIES.c.delegate,
    ENTRIES.c.num_threads,
    ENTRIES.c.test,
    RUNS.c.branch,
    RUNS.c.estimator,
)
"""What makes a series: all of it is alike in all of its points."""
_MEASURED: Final = RUNS.join(ENTRIES, ENTRIES.c.run_id == RUNS.c.id).join(
    MEASUREMENTS, MEASUREMENTS.c.entry_id == ENTRIES.c.id
)
_POINT: Final = (
    RUNS.c.id.label("run_id"),
    RUNS.c.created_at,
    RUNS.c.commit,
    RUNS.c.exit_code.label("run_exit_code"),
    ENTRIES.c.status,
    MEASUREMENTS.c.value,
    MEASUREMENTS.c.ci_low,
    MEASUREMENTS.c.ci_high,
)


@dataclass(frozen=True)
class History:
    """A history; every call has a connection of its own. Raises UsageError where the database cannot do it."""

    _engine: Engine = field(repr=False)
    _address: str = field(repr=False)

    @classmethod
    def open(cls, address: str, *, wait_s: float = WAIT_S) -> Self:
        """The history at an SQLAlchemy URL, or in an SQLite file at a path; made if it is not there.

        ``wait_s`` is how long a server, or other writers, are waited for.
        """
        with _refusals(address):
            engine = create_engine(to_connect(address), poolclass=NullPool, **driver_options(address, wait_s=wait_s))
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _set_up_sqlite)
                event.listen(engine, "begin", _begin_writing)
            bring_up_to_date(engine, named=shown(address))
        return cls(engine, address)

    def append(self, results: Results) -> bool:
        """Keep a run whole or not at all; False where this run is kept already."""
        with _refusals(self._address):
            try:
                with self._engine.begin() as connection:
                    _insert(connection, results)
            except IntegrityError:
                if results.run.id in self.run_ids():
                    return False
                raise
        return True

    def take_over(self, other: "History") -> int:
        """Keep every run of another history that is not kept here yet, as it stands there; how many those were."""
        tables = (RUNS, ENTRIES, MEASUREMENTS, SELFTESTS)
        with _refusals(other._address), other._engine.connect() as connection:
            found = [[dict(row) for row in connection.execute(select(table)).mappings()] for table in tables]
        with _refusals(self._address), self._engine.begin() as connection:
            known = {row.id for row in connection.execute(select(RUNS.c.id))}
            last = connection.execute(select(func.max(ENTRIES.c.id))).scalar() or 0
            missing = _without(known, *found, first=last + 1)
            for table, rows in zip(tables, missing, strict=True):
                if rows:
                    connection.execute(insert(table), rows)
        return len(missing[0])

    def forget(self, run_id: str) -> None:
        """Remove a run with all of its figures; one that is not kept is none."""
        own = select(ENTRIES.c.id).where(ENTRIES.c.run_id == run_id)
        with _refusals(self._address), self._engine.begin() as connection:
            for table in (MEASUREMENTS, SELFTESTS):
                connection.execute(delete(table).where(table.c.entry_id.in_(own)))
            connection.execute(delete(ENTRIES).where(ENTRIES.c.run_id == run_id))
            connection.execute(delete(RUNS).where(RUNS.c.id == run_id))

    def series(
        self,
        *,
        device: str | None = None,
        candidate: str | None = None,
        branch: str | None = None,
        metrics: Sequence[str] | None = None,
        newest: int | None = None,
    ) -> list[Series]:
        """Series of everything asked for (None: all), what may not be compared apart, oldest points first.

        ``candidate`` is a candidate with all its recipes, or one of them as it is shown: "digits_cnn/int8".
        ``newest`` takes the points of so many runs only, the latest. Changes of level are not looked for here.
        """
        wanted = select(*_SUBJECT, *_POINT).select_from(_MEASURED)
        if device is not None:
            wanted = wanted.where(ENTRIES.c.device == device)
        if candidate is not None:
            wanted = wanted.where(_is_subject(candidate))
        if branch is not None:
            wanted = wanted.where(RUNS.c.branch == branch)
        return self._series(wanted, metrics=metrics, newest=newest)

    def series_of_run(
        self, run_id: str, *, metrics: Sequence[str] | None = None, newest: int | None = None
    ) -> list[Series]:
        """Series of what one run measured, on its branch; ``metrics`` and ``newest`` as for ``series``."""
        own = ENTRIES.alias("own")
        alike = and_(
            own.c.device == ENTRIES.c.device,
            own.c.candidate == ENTRIES.c.candidate,
            own.c.recipe.is_not_distinct_from(ENTRIES.c.recipe),
            own.c.test == ENTRIES.c.test,
        )
        measured = select(own.c.id).where(alike, own.c.run_id == run_id).exists()
        branch = select(RUNS.c.branch).where(RUNS.c.id == run_id).scalar_subquery()
        wanted = select(*_SUBJECT, *_POINT).select_from(_MEASURED)
        return self._series(
            wanted.where(measured, RUNS.c.branch.is_not_distinct_from(branch)), metrics=metrics, newest=newest
        )

    def _series(self, wanted: Select[Any], *, metrics: Sequence[str] | None, newest: int | None) -> list[Series]:
        if metrics is not None:
            wanted = wanted.where(MEASUREMENTS.c.metric.in_(list(metrics)))
        if newest is not None:
            latest = select(RUNS.c.id).order_by(RUNS.c.created_at.desc(), RUNS.c.id.desc()).limit(newest)
            wanted = wanted.where(ENTRIES.c.run_id.in_(latest))
        rows = self._rows(wanted.order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id))
        with _foreign(self._address):
            return _grouped(rows)

    def attempts(self, commit: str) -> list[Attempt]:
        """Every entry of every run at a commit, whatever was measured, oldest run first."""
        columns = (RUNS.c.id.label("run_id"), RUNS.c.created_at, *_SUBJECT[:3], ENTRIES.c.test, ENTRIES.c.status)
        wanted = select(*columns).select_from(RUNS.join(ENTRIES, ENTRIES.c.run_id == RUNS.c.id))
        ordered = wanted.where(RUNS.c.commit == commit).order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id)
        rows = self._rows(ordered)
        with _foreign(self._address):
            return [Attempt.model_validate(dict(row._mapping)) for row in rows]

    def artifacts(self, commit: str) -> dict[tuple[str, str], str]:
        """The sha256 of what was last measured at a commit, by device and "candidate/recipe"."""
        columns = (ENTRIES.c.device, ENTRIES.c.candidate, ENTRIES.c.recipe, ENTRIES.c.artifact_sha256)
        found = RUNS.join(ENTRIES, ENTRIES.c.run_id == RUNS.c.id)
        wanted = select(*columns).select_from(found).where(RUNS.c.commit == commit)
        rows = self._rows(wanted.order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id))
        subjects = ((row, f"{row.candidate}/{row.recipe}" if row.recipe else row.candidate) for row in rows)
        return {(row.device, subject): row.artifact_sha256 for row, subject in subjects if row.artifact_sha256}

    def figures_by_artifact(self, device: DeviceRecord, entry: Entry) -> dict[str, list[list[float]]]:
        """By metric what runs found of an entry's candidate on a device set up alike, a list for each artifact.

        A run has one figure of an artifact, its first; those of entries that were not fit to be judged are left out.
        Figures of two estimators stand in lists of their own.
        """
        columns = (RUNS.c.id, RUNS.c.estimator, ENTRIES.c.artifact_sha256, MEASUREMENTS.c.metric, MEASUREMENTS.c.value)
        alike = {
            ENTRIES.c.device: entry.device,
            ENTRIES.c.candidate: entry.candidate,
            ENTRIES.c.recipe: entry.recipe,
            ENTRIES.c.fingerprint: fingerprint_at(device.fingerprint, entry.operating_point),
            ENTRIES.c.runtime: entry.runtime,
            ENTRIES.c.delegate: entry.delegate,
            ENTRIES.c.num_threads: entry.num_threads,
        }
        wanted = select(*columns).select_from(_MEASURED)
        wanted = wanted.where(*(column.is_not_distinct_from(value) for column, value in alike.items()))
        wanted = wanted.where(ENTRIES.c.status.not_in(_NOT_FIT), MEASUREMENTS.c.value > 0.0)
        found: dict[str, dict[tuple[str, int], dict[str, float]]] = {}
        for row in self._rows(wanted.order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id)):
            if row.artifact_sha256 is not None:
                runs = found.setdefault(row.metric, {}).setdefault((row.artifact_sha256, row.estimator), {})
                runs.setdefault(row.id, row.value)
        return {metric: [list(runs.values()) for runs in artifacts.values()] for metric, artifacts in found.items()}

    def selftests(self, device: str) -> SelfTests | None:
        """A board's record: how often measuring the same thing twice showed a difference; None without a self-test."""
        columns = (RUNS.c.created_at, ENTRIES.c.status, SELFTESTS.c.detectable)
        found = RUNS.join(ENTRIES, ENTRIES.c.run_id == RUNS.c.id).join(SELFTESTS, SELFTESTS.c.entry_id == ENTRIES.c.id)
        wanted = select(*columns).select_from(found).where(ENTRIES.c.device == device, ENTRIES.c.test == SELFTEST)
        rows = self._rows(wanted.order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id))
        with _foreign(self._address):
            return record_of(device, [(row.status, row.detectable) for row in rows])

    def run_ids(self) -> frozenset[str]:
        """The ids of all runs that are kept."""
        return frozenset(row.id for row in self._rows(select(RUNS.c.id)))

    def _rows(self, wanted: Select[Any]) -> Sequence[Row[Any]]:
        with _refusals(self._address), self._engine.connect() as connection:
            return connection.execute(wanted).all()


def _is_subject(named: str) -> ColumnElement[bool]:
    """A candidate's name, or "candidate/recipe"; either may have a "/" of its own."""
    parts = [(named[:at], named[at + 1 :]) for at, letter in enumerate(named) if letter == "/"]
    built = [and_(ENTRIES.c.candidate == name, ENTRIES.c.recipe == recipe) for name, recipe in parts]
    return or_(ENTRIES.c.candidate == named, *built)


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, see below
    connection.execute("pragma foreign_keys = on")


def _begin_writing(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another wrote in between: take the lock now.
    connection.exec_driver_sql("begin immediate")


@contextmanager
def _refusals(address: str) -> Iterator[None]:
    named = shown(address)
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"history {named}: {error}; pip install 'edge-harness[postgres]'") from None
    except (ArgumentError, ValueError):
        # Without its cause, which may hold the address as it was given.
        raise UsageError(
            f"history {named!r} is neither a file nor a database URL such as postgresql+psycopg://..."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        told = shorten(without_secrets(str(getattr(error, "orig", None) or error), address))
        raise UsageError(f"history {named}: {told}; check the file or the server") from None


@contextmanager
def _foreign(address: str) -> Iterator[None]:
    """What stands in a history and no run wrote is one line."""
    try:
        yield
    except (ValueError, TypeError) as error:
        what = describe_problems(error) if isinstance(error, ValidationError) else str(error)
        raise UsageError(
            f"history {shown(address)}: it holds what no run wrote ({shorten(what)}); "
            "it was edited, mend it or name another file"
        ) from None


def _without(known: set[str], runs: _Rows, entries: _Rows, *of_entries: _Rows, first: int) -> list[_Rows]:
    """The rows of runs that are not known, their entries numbered from ``first``."""
    kept = [run for run in runs if run["id"] not in known]
    wanted = {run["id"] for run in kept}
    keys = {entry["id"]: first + place for place, entry in enumerate(one for one in entries if one["run_id"] in wanted)}
    renumbered = [entry | {"id": keys[entry["id"]]} for entry in entries if entry["id"] in keys]
    rest = [
        [row | {"entry_id": keys[row["entry_id"]]} for row in rows if row["entry_id"] in keys] for rows in of_entries
    ]
    return [kept, renumbered, *rest]


def _insert(connection: Connection, results: Results) -> None:
    run = results.run
    kept = {column.name: getattr(run, column.name) for column in RUNS.columns}
    connection.execute(insert(RUNS).values(kept | {"status": str(run.status)}))
    if not results.entries:
        return
    fingerprints = {name: record.fingerprint for name, record in results.devices.items()}
    rows = [_entry_values(entry, run.id, fingerprints.get(entry.device)) for entry in results.entries]
    keys = connection.scalars(insert(ENTRIES).returning(ENTRIES.c.id, sort_by_parameter_order=True), rows).all()
    keyed = list(zip(keys, results.entries, strict=True))
    if measured := [row for key, entry in keyed for row in _measured(entry, key)]:
        connection.execute(insert(MEASUREMENTS), measured)
    if told := [{"entry_id": key, "detectable": _detectable(entry)} for key, entry in keyed if entry.test == SELFTEST]:
        connection.execute(insert(SELFTESTS), told)


def _detectable(entry: Entry) -> float | None:
    return next((finding.detectable for finding in entry.findings if finding.detectable is not None), None)


def _entry_values(entry: Entry, run_id: str, fingerprint: str | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "device": entry.device,
        "test": entry.test,
        "candidate": entry.candidate,
        "recipe": entry.recipe,
        "status": str(entry.status),
        "reason": entry.reason,
        "fingerprint": fingerprint_at(fingerprint, entry.operating_point),
        "artifact_sha256": entry.artifact.sha256 if entry.artifact else None,
        "runtime": entry.runtime,
        "delegate": entry.delegate,
        "num_threads": entry.num_threads,
    }


def _measured(entry: Entry, entry_id: int) -> list[dict[str, Any]]:
    names = [column.name for column in MEASUREMENTS.columns if column.name != "entry_id"]
    return [{"entry_id": entry_id, **{name: getattr(m, name) for name in names}} for m in entry.measurements]


def _grouped(rows: Sequence[Row[Any]]) -> list[Series]:
    """Rows of a subject together. Raises ValidationError for what no run has: a database may be another's.

    An exact figure is none of an estimator's: its series goes on whichever the runs had. A board's kernel tells its
    points apart, not its series.
    """
    found: dict[tuple[Any, ...], list[SeriesPoint]] = {}
    latest: dict[tuple[Any, ...], str | None] = {}
    place = _SUBJECT.index(ENTRIES.c.fingerprint)
    again = Counter[tuple[Any, ...]]()
    width = len(_SUBJECT)
    for row in rows:
        values = dict(zip((column.name for column in _POINT), row[width:], strict=True))
        board, kernel = split_kernel(row.fingerprint)
        estimator = ESTIMATOR if is_exact(row.metric) else row.estimator
        subject = (*row[:place], board, *row[place + 1 : width - 1], estimator)
        again[subject, row.run_id] += 1
        key = (*subject, again[subject, row.run_id])
        found.setdefault(key, []).append(SeriesPoint.model_validate(values | {"kernel": kernel}))
        latest[key] = row.fingerprint
    names = [*(column.name for column in _SUBJECT), "repeat"]
    return [
        Series.model_validate(
            dict(zip(names, subject, strict=True)) | {"points": tuple(points), "fingerprint": latest[subject]}
        )
        for subject, points in found.items()
    ]
