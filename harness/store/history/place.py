"""The history that a folder's runs are kept in, opened; one that stood in the reports folder before is taken over."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.records.errors import ResultsFileError, UsageError
from harness.store.git import history_folder
from harness.store.history.addresses import WAIT_S
from harness.store.history.database import History
from harness.store.results_file import RESULTS_NAME, load_results

DATABASE_NAME: Final = "history.db"
_TAKEN_OVER: Final = "history.db.taken-over"


@dataclass(frozen=True)
class OpenHistory:
    """A history, and what there is to say of where it is."""

    history: History
    said: tuple[str, ...] = ()


def address_of(reports_dir: Path, given: str | None) -> str:
    """The history's address: what was given, else an SQLite file beside the runs."""
    return given or str(reports_dir / DATABASE_NAME)


def open_history(reports_dir: Path, given: str | None, *, wait_s: float = WAIT_S) -> OpenHistory:
    """The history at an address, of the reports folder for None; ``wait_s`` as for ``History.open``.

    Where it is the repository's own in the user's data folder, runs that an earlier version kept in the reports folder
    are taken over; where that folder cannot be written, the history is the reports folder's. Raises UsageError.
    """
    beside = reports_dir / DATABASE_NAME
    if given is None or Path(given).parent != history_folder():
        return OpenHistory(History.open(address_of(reports_dir, given), wait_s=wait_s))
    try:
        Path(given).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        told = f"history in {beside}: the user's data folder cannot be written ({error.strerror}: {error.filename})"
        return OpenHistory(History.open(str(beside), wait_s=wait_s), (told,))
    history = History.open(given, wait_s=wait_s)
    return OpenHistory(history, _taken_over(history, beside, given, wait_s=wait_s))


def _taken_over(history: History, beside: Path, address: str, *, wait_s: float) -> tuple[str, ...]:
    if not beside.is_file():
        return ()
    try:
        kept = history.take_over(History.open(str(beside), wait_s=wait_s))
    except UsageError as error:
        return (f"{beside} was not taken over: {error}",)
    with suppress(OSError):  # another process was faster, or the folder is not ours: it is read again, and adds nothing
        beside.rename(beside.with_name(_TAKEN_OVER))
    place = Path(address)
    shown = f"~/{place.relative_to(Path.home())}" if place.is_relative_to(Path.home()) else address
    return (f"{kept} run{'s'[: kept != 1]} of {beside} taken over into {shown}, where history is kept from now on",)


def import_runs(history: History, reports_dir: Path, *, most: int | None = None) -> list[str]:
    """Append every finished run that the history does not hold, of ``most`` runs the newest.

    Returns a sentence on each folder whose results cannot be read; it is left out, and tried again the next time.
    Raises UsageError where the history cannot be written.
    """
    known = history.run_ids()
    files = [file for file in sorted(reports_dir.glob(f"*-*/{RESULTS_NAME}")) if not file.parent.is_symlink()]
    missing = [file for file in files if file.parent.name.partition("-")[2] not in known]
    skipped = []
    for file in missing[-most:] if most else missing:
        try:
            results = load_results(file)
        except ResultsFileError as error:
            skipped.append(f"left out of the history: {error}")
        else:
            history.append(results)
    return skipped
