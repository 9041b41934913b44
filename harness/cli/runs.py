"""Which stored run is meant: a folder, its results.json, an id, or ``latest``."""

from pathlib import Path

from harness.records.errors import UsageError
from harness.store.naming import latest_run
from harness.store.results_file import RESULTS_NAME


def find_run(named: str, reports_dir: Path) -> Path:
    """The run's folder, or another file with results. Raises UsageError where there is none, or several."""
    path = Path(named)
    if path.is_file():
        return path.parent if path.name == RESULTS_NAME else path
    if named and path.is_dir():
        return path
    if path.name == "latest":
        return _latest(reports_dir if named == "latest" else path.parent)
    return _by_id(named, reports_dir)


def _by_id(named: str, reports_dir: Path) -> Path:
    """By the whole id, or by its beginning where one run alone begins so."""
    runs = [file.parent for file in sorted(reports_dir.glob(f"*-*/{RESULTS_NAME}")) if not file.parent.is_symlink()]
    begun = [folder for folder in runs if named and _id(folder).startswith(named)]
    found = [folder for folder in begun if _id(folder) == named] or begun
    if len(found) == 1:
        return found[0]
    why = f"no run in {reports_dir}, no folder and no {RESULTS_NAME}"
    if found:
        why = f"several runs in {reports_dir} begin so: {', '.join(folder.name for folder in found[:5])}"
    raise UsageError(f"run {named}: {why}; give a run folder, its {RESULTS_NAME}, a run id or latest")


def _id(folder: Path) -> str:
    return folder.name.partition("-")[2]


def _latest(reports_dir: Path) -> Path:
    folder = latest_run(reports_dir)
    if folder is not None:
        return folder
    raise UsageError(f"run latest: no run has ended in {reports_dir}: measure first, or give --reports-dir")
