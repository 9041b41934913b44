"""Which stored run is meant: ``latest``, a run's id or how it begins, its folder, or its results.json."""

import re
from pathlib import Path
from typing import Final

from harness.records.errors import UsageError
from harness.records.files import read_text, real_path, replace_link
from harness.records.results import Results
from harness.store.disk import disk_errors_named, write_whole
from harness.store.results_file import RESULTS_NAME, load_results

LATEST: Final = "latest"
"""The link beside the run folders that leads to the one that ended last, and the word for it."""
_POINTER_NAME: Final = "latest.txt"
_MOST_POINTER_BYTES: Final = 4096
_FOLDER_NAME: Final = re.compile(r"[0-9TZ]{1,32}-[A-Za-z0-9_.-]{1,64}")
_MOST_NAMED: Final = 5


def load_run(named: str | Path, reports_dir: Path) -> Results:
    """The results of a stored run, named as for ``find_run``. Raises UsageError, of a damaged file ResultsFileError."""
    return load_results(find_run(named, reports_dir))


def find_run(named: str | Path, reports_dir: Path, *, holding: str = RESULTS_NAME) -> Path:
    """The run's folder, or another file with results.

    A folder or file that is there is taken as it is named. "latest" and ids are looked for in ``reports_dir``,
    "DIR/latest" in DIR; an id, or the beginning of one, among the runs whose folder has a file or folder ``holding``.
    Raises UsageError where there is none, or several.
    """
    path, word = Path(named), str(named)
    if path.name == LATEST:
        return _latest(path.parent if word != LATEST or path.exists() else reports_dir)
    if path.is_file():
        return path.parent if path.name == RESULTS_NAME else path
    if word and path.is_dir():
        return path
    return _by_id(word, reports_dir, holding)


def _latest(reports_dir: Path) -> Path:
    folder = latest_run(reports_dir)
    if folder is not None:
        return folder
    raise UsageError(f"run {LATEST}: no run has ended in {reports_dir}: measure first, or give --reports-dir")


def _by_id(named: str, reports_dir: Path, holding: str) -> Path:
    """By the whole id, or by its beginning where one run alone begins so."""
    runs = [place.parent for place in sorted(reports_dir.glob(f"*-*/{holding}")) if not place.parent.is_symlink()]
    begun = [folder for folder in runs if named and _id(folder).startswith(named)]
    found = [folder for folder in begun if _id(folder) == named] or begun
    if len(found) == 1:
        return found[0]
    why = f"no run in {reports_dir}, no folder and no {RESULTS_NAME}"
    if found:
        why = f"several runs in {reports_dir} begin so: {', '.join(folder.name for folder in found[:_MOST_NAMED])}"
    raise UsageError(f"run {named}: {why}; give a run folder, its {RESULTS_NAME}, a run id or {LATEST}")


def _id(folder: Path) -> str:
    return folder.name.partition("-")[2]


def point_latest(folder: Path) -> None:
    """Make ``latest`` beside a run folder point to it; where symlinks fail, name it in latest.txt."""
    pointer = folder.parent / _POINTER_NAME
    try:
        replace_link(folder.parent / LATEST, folder.name)
    except (OSError, NotImplementedError):
        write_whole(pointer, f"{folder.name}\n".encode())
    else:
        with disk_errors_named(pointer):
            pointer.unlink(missing_ok=True)


def latest_run(reports_dir: Path) -> Path | None:
    """The folder of the run that ended last, by the link or by latest.txt; None where no run has ended.

    Raises UsageError where they name anything but a folder beside them: reports may be another's.
    """
    link, pointer = reports_dir / LATEST, reports_dir / _POINTER_NAME
    if link.is_dir():
        folder = real_path(link)
        if link.is_symlink() and folder.parent != real_path(reports_dir):
            raise UsageError(f"{link} leads out of its folder, to {folder}: name the run itself")
        return folder
    if not pointer.exists():
        return None
    try:
        name = read_text(pointer, max_bytes=_MOST_POINTER_BYTES, follow=False).strip()
    except OSError as error:
        raise UsageError(f"{pointer}: cannot be read: {error.strerror}; name the run itself") from error
    if not _FOLDER_NAME.fullmatch(name):
        raise UsageError(f"{pointer}: names no run's folder, such as 20261124T054500Z-3f9a1c; name the run itself")
    return reports_dir / name
