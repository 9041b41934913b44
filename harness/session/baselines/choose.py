"""Which kind of base --baseline means."""

from pathlib import Path

from harness.records.comparable import parse_across
from harness.records.errors import UsageError
from harness.records.settings import Settings
from harness.session.baselines.carried import baseline_commit
from harness.session.baselines.kinds import Baseline, BaselineContext, FileBaseline, FolderBaseline, StoredBaseline
from harness.session.baselines.revision import RevisionBaseline
from harness.store.stored_runs import LATEST

_STORED = "a .tflite file, a folder of artifacts or a results.json"
_KINDS = f"a revision, rev:SHA, {_STORED}"


def check_baseline(settings: Settings, *, benchmarks: bool = True) -> None:
    """Refuse a base that cannot be one, before any board is touched. Raises UsageError.

    ``benchmarks`` says whether the run has benchmark files: by them alone a revision knows its candidates.
    """
    given = settings.baseline
    parse_across(settings.across)
    if given is None:
        return
    path = Path(given)
    if not path.exists() and path.suffix in (".tflite", ".json"):
        raise UsageError(f"--baseline {given}: there is no such file: expected {_KINDS}")
    if _is_folder_of_artifacts(path):
        FolderBaseline.open(given)
    elif _is_results(path):
        StoredBaseline.open(given, settings)
    elif path.is_file() and path.suffix != ".tflite":
        raise UsageError(f"--baseline {given}: this file is no .tflite and no results.json: expected {_KINDS}")
    elif path.is_dir():
        raise UsageError(f"--baseline {given}: this folder has no index.json and no results.json: expected {_KINDS}")
    elif not path.exists() and not benchmarks:
        raise UsageError(
            f"--baseline {given}: there is no such file: expected {_STORED}; with a revision, benchmarks are compared "
            "that pytest runs"
        )
    elif not path.exists():
        baseline_commit(given, settings.artifacts)


def open_baseline(given: str, context: BaselineContext) -> Baseline:
    """The base, opened. Raises UsageError, and BuildError where it is a revision that does not build at all."""
    path = Path(given)
    if _is_folder_of_artifacts(path):
        return FolderBaseline.open(given)
    if _is_results(path):
        return StoredBaseline.open(given, context.settings)
    if path.is_file():
        return FileBaseline(given, context)
    return RevisionBaseline.open(given, context)


def _is_folder_of_artifacts(path: Path) -> bool:
    return (path / "index.json").is_file()


def _is_results(path: Path) -> bool:
    return path.suffix == ".json" or (path / "results.json").is_file() or path.name == LATEST
