"""A history: runs appended whole, series of figures read back."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Row, create_engine, event, insert, select
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.records.errors import UsageError
from harness.records.results import Entry, Results
from harness.store.history.schema import bring_up_to_date
from harness.store.history.tables import ENTRIES, MEASUREMENTS, RUNS

_WAIT_S: Final = 60.0
"""How long a writer waits for others to finish."""


@dataclass(frozen=True)
class SeriesPoint:
    """One run's figure, in the metric's SI base unit; None with the run's status where it could not be known."""

    run_id: str
    created_at: str
    commit: str | None
    status: str
    value: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Series:
    """One metric of one candidate on boards of one fingerprint, oldest first."""

    device: str
    candidate: str
    recipe: str | None
    metric: str
    unit: str
    better: str
    fingerprint: str | None
    points: tuple[SeriesPoint, ...]


@dataclass(frozen=True)
class History:
    """A history; every call has a connection of its own. Raises UsageError where the database cannot do it."""

    _engine: Engine = field(repr=False)

    @classmethod
    def open(cls, url: str) -> Self:
        """The history at an SQLAlchemy URL, or in an SQLite file at a path; made if it is not there."""
        with _refusals(_without_password(url)):
            engine = create_engine(
                url if "://" in url else f"sqlite:///{_file(url)}", poolclass=NullPool, **_options(url)
            )
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _set_up_sqlite)
                event.listen(engine, "begin", _begin_writing)
            bring_up_to_date(engine)
        return cls(engine)

    def append(self, results: Results) -> bool:
        """Keep a run whole or not at all; False where this run is kept already."""
        with _refusals(self._shown):
            try:
                with self._engine.begin() as connection:
                    _insert(connection, results)
            except IntegrityError:
                if results.run.id in self.run_ids():
                    return False
                raise
        return True

    def series(
        self, *, device: str | None = None, candidate: str | None = None, metric: str | None = None
    ) -> list[Series]:
        """Series of everything asked for (None: all), boards of unlike fingerprints apart."""
        wanted = select(RUNS, ENTRIES, MEASUREMENTS, ENTRIES.c.status.label("entry_status")).select_from(
            RUNS.join(ENTRIES, ENTRIES.c.run_id == RUNS.c.id).join(
                MEASUREMENTS, MEASUREMENTS.c.entry_id == ENTRIES.c.id
            )
        )
        for column, value in (
            (ENTRIES.c.device, device),
            (ENTRIES.c.candidate, candidate),
            (MEASUREMENTS.c.metric, metric),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        with (
            _refusals(str(self._engine.url.render_as_string(hide_password=True))),
            self._engine.connect() as connection,
        ):
            rows = connection.execute(wanted.order_by(RUNS.c.created_at, RUNS.c.id, ENTRIES.c.id)).all()
        return _grouped(rows)

    def run_ids(self) -> frozenset[str]:
        """The ids of all runs that are kept."""
        with _refusals(self._shown), self._engine.connect() as connection:
            return frozenset(connection.execute(select(RUNS.c.id)).scalars())

    @property
    def _shown(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)


def _file(path: str) -> Path:
    file = Path(path).expanduser().resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def _options(url: str) -> dict[str, Any]:
    is_file = "://" not in url or url.startswith("sqlite")
    return {"connect_args": {"timeout": _WAIT_S}} if is_file else {"connect_args": {"connect_timeout": int(_WAIT_S)}}


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, see below
    connection.execute("pragma foreign_keys = on")


def _begin_writing(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once where another wrote in between: take the lock now.
    connection.exec_driver_sql("begin immediate")


@contextmanager
def _refusals(url: str) -> Iterator[None]:
    try:
        yield
    except ArgumentError as error:
        raise UsageError(
            f"history {url!r} is neither a file nor a database URL such as postgresql+psycopg://..."
        ) from error
    except ModuleNotFoundError as error:
        raise UsageError(f"history {url}: {error}; pip install 'edge-harness[postgres]'") from error
    except (SQLAlchemyError, OSError) as error:
        told = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise UsageError(f"history {url}: {told}; check the file or the server") from error


def _insert(connection: Connection, results: Results) -> None:
    run = results.run
    kept = {column.name: getattr(run, column.name) for column in RUNS.columns}
    connection.execute(insert(RUNS).values(kept | {"status": str(run.status)}))
    for entry in results.entries:
        record = results.devices.get(entry.device)
        values = _entry_values(entry, run.id, record.fingerprint if record else None)
        key = connection.execute(insert(ENTRIES).values(values)).inserted_primary_key
        if key is not None and entry.measurements:
            connection.execute(insert(MEASUREMENTS), _measured(entry, int(key[0])))


def _entry_values(entry: Entry, run_id: str, fingerprint: str | None) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "device": entry.device,
        "test": entry.test,
        "candidate": entry.candidate,
        "recipe": entry.recipe,
        "status": str(entry.status),
        "reason": entry.reason,
        "fingerprint": fingerprint,
        "artifact_sha256": entry.artifact.sha256 if entry.artifact else None,
        "runtime": entry.runtime,
        "delegate": entry.delegate,
        "num_threads": entry.num_threads,
    }


def _measured(entry: Entry, entry_id: int) -> list[dict[str, Any]]:
    names = [column.name for column in MEASUREMENTS.columns if column.name != "entry_id"]
    return [{"entry_id": entry_id, **{name: getattr(m, name) for name in names}} for m in entry.measurements]


def _grouped(rows: Sequence[Row[Any]]) -> list[Series]:
    found: dict[Series, list[SeriesPoint]] = {}
    for row in rows:
        subject = Series(
            device=row.device,
            candidate=row.candidate,
            recipe=row.recipe,
            metric=row.metric,
            unit=row.unit,
            better=row.better,
            fingerprint=row.fingerprint,
            points=(),
        )
        point = SeriesPoint(
            run_id=row.run_id,
            created_at=row.created_at,
            commit=row.commit,
            status=row.entry_status,
            value=row.value,
            ci_low=row.ci_low,
            ci_high=row.ci_high,
        )
        found.setdefault(subject, []).append(point)
    return [replace(subject, points=tuple(points)) for subject, points in found.items()]
