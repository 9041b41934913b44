"""``harness build``: the candidates that benchmarks name, built without measuring."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from harness.cli.collecting import collected_benchmarks
from harness.pipeline.building.build import Builder, Result
from harness.pipeline.building.shelving import put_on_shelf
from harness.pipeline.building.worker_process import MEMORY_BYTES
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.errors import UsageError
from harness.records.text import visible
from harness.records.units import parse_quantity
from harness.session.baselines.carried import FOLDER, write_carried
from harness.session.baselines.worktree import BaseOrder, Commit, resolve

_TERMINATED = 128 + signal.SIGTERM
_MOST_JOBS = 2
"""By default: each process takes memory of its own."""


@dataclass(frozen=True)
class BuildOptions:
    """What was typed; ``memory`` is a size such as "6 GB" for all processes together."""

    jobs: int | None = None
    cache_dir: Path | None = None
    out: Path | None = None
    seed: int = 0
    reconvert: bool = False
    memory: str | None = None
    as_json: bool = False
    baseline: str | None = None


def build_benchmarks(paths: Sequence[str], options: BuildOptions) -> int:
    """Build what the benchmarks at ``paths`` name; returns 0, or 1 where a candidate did not build."""
    base = _base_commit(options)
    benchmarks = collected_benchmarks(paths)
    wanted = list(dict.fromkeys(benchmark.candidate for benchmark in benchmarks))
    jobs = options.jobs or min(_MOST_JOBS, len(os.sched_getaffinity(0)))
    steps = _Steps(len(wanted))
    with (
        _ended_by_signal(),
        Builder(
            cache_dir=options.cache_dir,
            seed=options.seed,
            jobs=jobs,
            progress=steps.begun,
            reconvert=options.reconvert,
            memory_bytes=_memory(options.memory),
        ) as builder,
    ):
        results = builder.build_all(wanted, done=steps.ended)
    steps.clear()
    built = [(one, made) for one, made in zip(wanted, results, strict=True) if isinstance(made, Artifact)]
    if options.out is not None:
        put_on_shelf(options.out, built)
        if options.baseline is not None and base is not None:
            files = tuple(dict.fromkeys(benchmark.path for benchmark in benchmarks))
            order = BaseOrder(files, wanted, options.cache_dir, options.seed, jobs)
            _carry(options.out, options.baseline, base, order)
    if options.as_json:
        sys.stdout.write(json.dumps([row(artifact) for _, artifact in built], indent=2) + "\n")
    else:
        from harness.cli.build_table import build_table

        sys.stdout.write(build_table(list(zip(wanted, results, strict=True))))
    return 0 if len(built) == len(wanted) else 1


def _base_commit(options: BuildOptions) -> Commit | None:
    """The commit that --baseline names, None without one. Raises UsageError, before anything is built."""
    if options.baseline is None:
        return None
    if options.out is None:
        raise UsageError(f"--baseline {options.baseline} needs --out DIR, the folder that carries the base along")
    return resolve(options.baseline)


def _carry(out: Path, given: str, commit: Commit, order: BaseOrder) -> None:
    """Build the base beside what was built of the work tree; what of it does not build is told, and fails nothing."""
    sys.stderr.write(f"building the baseline, {commit.words}\n")
    carried = write_carried(out, given, commit, order, say=lambda _what: None)
    for label, reason in carried.failed.items():
        sys.stderr.write(f"baseline: {label} does not build: {reason}\n")
    count = len(carried.shelf.entries) if carried.shelf else 0
    sys.stderr.write(f"baseline: {count} of {len(order.expected)} candidates are there, in {out / FOLDER}\n")


def row(artifact: Artifact) -> dict[str, Any]:
    """What --json tells of an artifact; ``seconds`` are those of export and conversion."""
    drop = artifact.accuracy_drop
    return {
        "candidate": artifact.candidate,
        "recipe": artifact.recipe,
        "path": artifact.path,
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "accuracy": artifact.accuracy.value if artifact.accuracy else None,
        "accuracy_reason": artifact.accuracy_reason,
        "accuracy_drop": drop.value if drop else None,
        "seconds": artifact.build_s,
        "training_seconds": training_seconds(artifact),
        "cached": artifact.cached,
    }


def training_seconds(artifact: Artifact) -> float:
    """What all trainings took that led to an artifact, whenever they were run."""
    return round(sum(training.seconds for training in artifact.trainings), 3)


@dataclass
class _Steps:
    """Tells how building goes: over one line on a terminal, line by line elsewhere; failures stay in sight."""

    total: int
    stream: TextIO = field(default_factory=lambda: sys.__stderr__ or sys.stderr)
    _done: int = 0

    def begun(self, step: str) -> None:
        """A step of a candidate began."""
        if self.stream.isatty():
            self._write(f"\r\x1b[K[{self._done}/{self.total}] {visible(step)}"[:84])
        else:
            self._say(step)

    def ended(self, candidate: Candidate, result: Result) -> None:
        """A candidate was built, or was not."""
        self._done += 1
        if not isinstance(result, Artifact):
            self.clear()
            named = str(result).startswith(candidate.name)
            self._say(f"ERROR {result}" if named else f"ERROR {candidate}: {result}")
        elif not self.stream.isatty():
            how = "cached" if result.cached else f"{result.build_s:.1f} s"
            self._say(f"{candidate}: {result.size_bytes:,} bytes, {how}")

    def clear(self) -> None:
        """Take the line away."""
        if self.stream.isatty():
            self._write("\r\x1b[K")

    def _say(self, line: str) -> None:
        sys.stderr.write(visible(line) + "\n")
        sys.stderr.flush()

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def _memory(text: str | None) -> int:
    if text is None:
        return MEMORY_BYTES
    try:
        size = parse_quantity(text, "B")
    except ValueError as error:
        raise UsageError(f"--memory {text}: expected a size such as 6 GB") from error
    if not size >= 10**9:
        raise UsageError(f"--memory {text}: TensorFlow alone takes half a gigabyte: give at least 1 GB")
    return int(size)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """A CI job that is cancelled ends as tidily as one that is interrupted."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
