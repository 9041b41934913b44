"""Finished runs of a folder, taken into a history that does not hold them yet."""

from pathlib import Path

from harness.records.errors import ResultsFileError
from harness.store.history.database import History
from harness.store.results_file import RESULTS_NAME, load_results


def take_in(history: History, reports_dir: Path, *, most: int | None = None) -> list[str]:
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
