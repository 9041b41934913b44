"""Which stored run is meant: a folder, its results.json, an id, or ``latest``."""

from pathlib import Path

from harness.records.errors import UsageError
from harness.store.results_file import POINTER_NAME, RESULTS_NAME


def find_run(named: str, reports_dir: Path) -> Path:
    """The run's folder, or another file with results. Raises UsageError where there is none, or several."""
    path = Path(named)
    if path.is_file():
        return path.parent if path.name == RESULTS_NAME else path
    if path.is_dir():
        return path
    if path.name == "latest":
        return _latest(reports_dir if named == "latest" else path.parent)
    found = [file.parent for file in sorted(reports_dir.glob(f"*-*/{RESULTS_NAME}")) if _id(file).startswith(named)]
    exact = [folder for folder in found if folder.name.partition("-")[2] == named] or found
    if len(exact) != 1 or not named:
        many = f"several runs in {reports_dir} begin so: {', '.join(folder.name for folder in found[:5])}"
        raise UsageError(
            f"run {named}: {many if exact and named else f'no run in {reports_dir}, no folder and no results.json'}; "
            "give a run folder, its results.json, a run id or latest"
        )
    return exact[0]


def _id(file: Path) -> str:
    return file.parent.name.partition("-")[2]


def _latest(reports_dir: Path) -> Path:
    link, pointer = reports_dir / "latest", reports_dir / POINTER_NAME
    if link.is_dir():
        return link.resolve()
    if pointer.is_file():
        return reports_dir / Path(pointer.read_text(encoding="utf-8").strip()).name
    raise UsageError(f"run latest: no run has ended in {reports_dir}: measure first, or give --reports-dir")
