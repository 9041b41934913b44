"""The schema of a history: made where there is none, brought up to date where it is older."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from harness.records.errors import UsageError
from harness.records.shorten import shorten
from harness.store.history.tables import NEWEST

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
