"""A PostgreSQL server for tests: Debian's, in a folder of its own, on a socket only."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import needs


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """A running server's SQLAlchemy URL; the server and its files are gone afterwards."""
    binaries = _binaries()
    if binaries is None:
        needs.missing("PostgreSQL is not installed (Debian's package postgresql)")
        raise AssertionError
    folder = Path(tempfile.mkdtemp(prefix="edge-postgres-"))
    owner = _owner()
    if owner:
        shutil.chown(folder, owner)
    data = folder / "data"
    try:
        _run(owner, binaries / "initdb", "--auth=trust", "--username=bench", "--no-sync", "-D", data)
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        _run(owner, binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://bench@/postgres?host={folder}"
        finally:
            _run(owner, binaries / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: then its own account does."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def _run(owner: str | None, *command: Path | str) -> None:
    as_owner = ["runuser", "-u", owner, "--"] if owner else []
    subprocess.run([*as_owner, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)
