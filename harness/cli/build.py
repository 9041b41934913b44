"""``harness build``: the candidates that benchmarks name, built without measuring."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.pipeline.building.build import build_many
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.errors import EntryError, UsageError


class _Collector:
    """A pytest plugin that keeps the candidates of every collected benchmark."""

    def __init__(self) -> None:
        self.candidates: dict[Candidate, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep each candidate once, in collection order."""
        for item in session.items:
            params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            for value in params.values():
                if isinstance(value, Candidate):
                    self.candidates[value] = None


def build_benchmarks(paths: Sequence[str], *, cache_dir: Path | None, out: Path | None, as_json: bool) -> int:
    """Build what the benchmarks at ``paths`` name; returns 0, or 1 where a candidate did not build."""
    rows, failed, wanted = [], 0, _collect(paths)
    built = build_many(wanted, cache_dir=cache_dir, progress=_say)
    for candidate, artifact in zip(wanted, built, strict=True):
        if isinstance(artifact, EntryError):
            failed = 1
            _say(f"ERROR {candidate}: {artifact}")
            continue
        rows.append(_row(artifact))
        _say(f"{candidate}: {artifact.size_bytes} B, {'cached' if artifact.cached else f'{artifact.build_s:.1f} s'}")
        if out is not None:
            _copy(artifact, out)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return failed


def _collect(paths: Sequence[str]) -> list[Candidate]:
    collector = _Collector()
    status = pytest.main(["--collect-only", "-qq", "--no-header", *paths], plugins=[_Silence(), collector])
    if status == pytest.ExitCode.USAGE_ERROR or not collector.candidates:
        raise UsageError(f"no candidates in {', '.join(paths)}: expected benchmark files or folders that name some")
    return list(collector.candidates)


class _Silence:
    """Keeps pytest's own listing off stdout, where JSON may go."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take the terminal reporter out."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)


def _row(artifact: Artifact) -> dict[str, Any]:
    return {
        "candidate": artifact.candidate,
        "recipe": artifact.recipe,
        "path": artifact.path,
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "accuracy": artifact.accuracy.value if artifact.accuracy else None,
        "seconds": artifact.build_s,
        "cached": artifact.cached,
    }


def _copy(artifact: Artifact, out: Path) -> None:
    name = f"{artifact.candidate}--{artifact.recipe}.tflite" if artifact.recipe else f"{artifact.candidate}.tflite"
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact.path, out / name.replace("/", "_"))
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}): choose another folder") from error


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
