"""The schema of a history: made where there is none, brought up to date where it is older."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    text,
)

from harness.records.errors import UsageError
from harness.records.text import shorten

NEWEST: Final = "0007"
"""The schema's version that these tables are."""
METADATA: Final = MetaData()

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("commit", String(64)),
    Column("harness_version", String(32), nullable=False),
    Column("command", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("branch", Text),
    Column("estimator", Integer, nullable=False, server_default="1"),
    Index("runs_by_commit", "commit"),
    Index("runs_by_time", "created_at", "id"),
)
ENTRIES: Final = Table(
    "entries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False),
    Column("device", Text, nullable=False),
    Column("test", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("recipe", Text),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fingerprint", Text),
    Column("artifact_sha256", String(64)),
    Column("runtime", Text),
    Column("delegate", Text),
    Column("num_threads", Integer),
    Index("entries_by_subject", "device", "candidate", "run_id"),
    Index("entries_by_run", "run_id"),
    Index("entries_by_test", "test", "device"),
)
MEASUREMENTS: Final = Table(
    "measurements",
    METADATA,
    Column("entry_id", Integer, ForeignKey("entries.id"), primary_key=True),
    Column("metric", String(64), primary_key=True),
    Column("unit", String(8), nullable=False),
    Column("better", String(8), nullable=False),
    Column("value", Float),
    Column("ci_low", Float),
    Column("ci_high", Float),
    Column("n", Integer, nullable=False),
    Column("source", Text),
)
SELFTESTS: Final = Table(
    "selftests",
    METADATA,
    Column("entry_id", Integer, ForeignKey("entries.id"), primary_key=True),
    Column("detectable", Float),
)


_VERSION: Final = re.compile(r"[0-9]{4}")
_VERSION_CHARS: Final = 40
_VERSION_TABLE: Final = "alembic_version"
_LOCK_NUMBER: Final = 0x6564_6765
"""Any number that nothing else in the database uses for an advisory lock."""


def bring_up_to_date(engine: Engine, *, named: str = "", target: str = NEWEST) -> None:
    """Make the tables or add what is missing; only one process at a time, the others wait.

    ``name_entry`` is the history's name for messages. Raises UsageError for a history that a newer harness wrote.
    """
    with engine.connect() as connection:
        version = _version(connection)
    if version == target:
        return
    if version is not None and not _VERSION.fullmatch(version):
        raise _unknown(version, named)
    if version is not None and version > target:
        raise UsageError(
            f"history {named} has schema {version}, this harness knows {target}: install a newer edge-harness"
        )
    with _alone(engine) as connection:
        if _version(connection) != target:
            _upgrade(connection, target, named)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = connection.execute(text(f"select version_num from {_VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process' schema work overlaps; it is committed at the end."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        yield connection


def _upgrade(connection: Connection, target: str, named: str) -> None:
    # Alembic takes half a second to import: only where there is something to do.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, target)
    except CommandError as error:
        raise _unknown(str(_version(connection)), named) from error


def _unknown(version: str, named: str) -> UsageError:
    return UsageError(
        f"history {named} has schema {shorten(version, _VERSION_CHARS)!r}, which no edge-harness wrote: "
        "name another file or database"
    )
