"""Stored runs as they are named on the command line, and the budgets files that hold for their entries."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.gates import Budgets, find_budgets, load_budgets
from harness.gates.budgets import FILE_NAME
from harness.records.entry import Entry
from harness.records.errors import UsageError
from harness.records.files import real_path
from harness.records.nearest import did_you_mean
from harness.records.results import Results
from harness.session.make_settings import locate_history
from harness.store import find_run, load_results
from harness.store.disk import write_whole


def stored_run(named: str, reports_dir: Path | None) -> Results:
    """The results of a run folder, a results.json, a run id or "latest". Raises UsageError.

    Ids and "latest" are looked for in ``reports_dir``, else where [tool.harness] has reports.
    """
    return load_results(stored_folder(named, reports_dir))


def stored_folder(named: str, reports_dir: Path | None) -> Path:
    """The run's folder, or another file with results, named as for ``stored_run``. Raises UsageError."""
    folder, _ = locate_history(Path.cwd(), reports_dir=reports_dir, history=None)
    return find_run(named, folder)


def lineages_of(results: Results) -> dict[str, tuple[str, ...]]:
    """What the run's devices extend, by name."""
    return {name: record.profile.lineage for name, record in results.devices.items()}


def check_word(word: str, words: Collection[str], *, flag: str) -> str:
    """The word, where it is one of some words. Raises UsageError with the nearest."""
    if word in words:
        return word
    hint = did_you_mean(word, words, after=" ")
    raise UsageError(f"{flag} {word} is not there: {hint}known: {', '.join(words)}")


def write_budgets(file: Path, text: str) -> None:
    """Write a budgets file whole; a link is kept, unless it leads out of here. Raises UsageError, or HarnessError."""
    whole = real_path(file)
    if file.is_symlink() and not whole.is_relative_to(real_path(Path.cwd())):
        raise UsageError(f"{file}: is a link that leads to {whole}: name that file with --budgets to have it written")
    write_whole(whole, text.encode())


def show_path(file: Path) -> str:
    """The path from here where it lies below, else as it is."""
    here = real_path(Path.cwd())
    whole = file.resolve()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else file.as_posix()


@dataclass
class BudgetFiles:
    """The budgets file of each test: ``given``, else the nearest one from the test's file upward to ``root``."""

    root: Path
    given: Path | None = None
    _read: dict[Path, Budgets] = field(default_factory=dict)

    def of(self, test: str) -> Budgets | None:
        """The budgets of a test, None where there is no file. Raises BudgetsError."""
        path = self.given or find_budgets(self._file(test), self.root)
        if path is None:
            return None
        if path not in self._read:
            self._read[path] = load_budgets(path, rootdir=self.root)
        return self._read[path]

    @property
    def read(self) -> Sequence[Budgets]:
        """Every file that was read so far."""
        return list(self._read.values())

    def to_write(self, test: str) -> Path:
        """Where a test's limits are to be written: its file, or a new one in the top folder of its path."""
        if self.given:
            return self.given
        folder = self._file(test).relative_to(real_path(self.root)).parts[:-1]
        return find_budgets(self._file(test), self.root) or self.root.joinpath(*folder[:1]) / FILE_NAME

    def by_file(self, entries: Iterable[Entry]) -> dict[Path, list[Entry]]:
        """The entries of each file that is to be written."""
        found: dict[Path, list[Entry]] = {}
        for entry in entries:
            found.setdefault(self.to_write(entry.test), []).append(entry)
        return found

    def _file(self, test: str) -> Path:
        """The test's file where its folder is there, below ``root``; else, whatever was stored, a file in ``root``."""
        root = real_path(self.root)
        try:
            path = real_path(root / test.partition("::")[0])
        except (OSError, ValueError):
            return root / "test"
        return path if path.parent.is_dir() and path.is_relative_to(root) and path != root else root / "test"
