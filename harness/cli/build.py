"""``harness build``: the candidates that benchmarks name, built without measuring."""

import io
import json
import os
import signal
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from harness.pipeline.builder.artifact_folder import export_artifacts
from harness.pipeline.builder.build import Builder, Result
from harness.pipeline.worker.worker_client import MEMORY_BYTES
from harness.records.artifact import AccuracyDrop, AccuracyResult, Artifact
from harness.records.candidate import Candidate
from harness.records.errors import UsageError
from harness.records.text import visible
from harness.records.units import format_quantity, parse_quantity
from harness.session.baselines.carried import FOLDER, write_carried
from harness.session.baselines.worktree import BaselineBuild, Commit, resolve_commit
from harness.session.collect_benchmarks import collect_benchmarks

_WIDTH = 80
_NONE = "–"
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
    benchmarks = collect_benchmarks(paths)
    wanted = list(dict.fromkeys(benchmark.candidate for benchmark in benchmarks))
    jobs = options.jobs or min(_MOST_JOBS, len(os.sched_getaffinity(0)))
    steps = _BuildProgress(len(wanted))
    with (
        _end_at_sigterm(),
        Builder(
            cache_dir=options.cache_dir,
            seed=options.seed,
            jobs=jobs,
            progress=steps.start_step,
            reconvert=options.reconvert,
            memory_bytes=_memory(options.memory),
        ) as builder,
    ):
        results = builder.build_all(wanted, done=steps.finish_candidate)
    steps.clear()
    built = [(one, made) for one, made in zip(wanted, results, strict=True) if isinstance(made, Artifact)]
    if options.out is not None:
        export_artifacts(options.out, built)
        if options.baseline is not None and base is not None:
            files = tuple(dict.fromkeys(benchmark.path for benchmark in benchmarks))
            request = BaselineBuild(files, wanted, options.cache_dir, options.seed, jobs)
            _carry(options.out, options.baseline, base, request)
    if options.as_json:
        sys.stdout.write(json.dumps([row(artifact) for _, artifact in built], indent=2) + "\n")
    else:
        sys.stdout.write(build_table(list(zip(wanted, results, strict=True))))
    return 0 if len(built) == len(wanted) else 1


def _base_commit(options: BuildOptions) -> Commit | None:
    """The commit that --baseline names, None without one. Raises UsageError, before anything is built."""
    if options.baseline is None:
        return None
    if options.out is None:
        raise UsageError(f"--baseline {options.baseline} needs --out DIR, the folder that carries the base along")
    return resolve_commit(options.baseline)


def _carry(out: Path, given: str, commit: Commit, request: BaselineBuild) -> None:
    """Build the base beside what was built of the work tree; what of it does not build is told, and fails nothing."""
    sys.stderr.write(f"building the baseline, {commit.words}\n")
    carried = write_carried(out, given, commit, request, say=lambda _what: None)
    for label, reason in carried.failed.items():
        sys.stderr.write(f"baseline: {label} does not build: {reason}\n")
    count = len(carried.artifacts.entries) if carried.artifacts else 0
    sys.stderr.write(f"baseline: {count} of {len(request.expected)} candidates are there, in {out / FOLDER}\n")


def row(artifact: Artifact) -> dict[str, Any]:
    """What --json tells of an artifact; ``seconds`` are those of export and conversion."""
    found = artifact.verification
    return {
        "candidate": artifact.candidate,
        "recipe": artifact.recipe,
        "path": artifact.path,
        "sha256": artifact.sha256,
        "size_bytes": artifact.size_bytes,
        "accuracy": found.accuracy.value if found.accuracy else None,
        "accuracy_reason": found.accuracy_reason,
        "accuracy_drop": found.accuracy_drop.value if found.accuracy_drop else None,
        "seconds": artifact.build_s,
        "training_seconds": training_seconds(artifact),
        "cached": artifact.cached,
    }


def training_seconds(artifact: Artifact) -> float:
    """What all trainings took that led to an artifact, whenever they were run."""
    return round(sum(training.seconds for training in artifact.trainings), 3)


@dataclass
class _BuildProgress:
    """Tells how building goes: over one line on a terminal, line by line elsewhere; failures stay in sight."""

    total: int
    stream: TextIO = field(default_factory=lambda: sys.__stderr__ or sys.stderr)
    _done: int = 0

    def start_step(self, step: str) -> None:
        """A step of a candidate began."""
        if self.stream.isatty():
            self._write(f"\r\x1b[K[{self._done}/{self.total}] {visible(step)}"[:84])
        else:
            self._say(step)

    def finish_candidate(self, candidate: Candidate, result: Result) -> None:
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
def _end_at_sigterm() -> Iterator[None]:
    """A CI job that is cancelled ends as tidily as one that is interrupted."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def build_table(results: Sequence[tuple[Candidate, Result]]) -> str:
    """A row for each artifact, then the sentences for what was not built; plain text of at most 80 columns."""
    built = [made for _, made in results if isinstance(made, Artifact)]
    parts = []
    if built:
        drawn = Table(box=None, pad_edge=False, show_edge=False)
        drawn.add_column("candidate", overflow="fold")
        for name in ("size", "accuracy", "drop", "trained", "converted"):
            drawn.add_column(name, justify="right", no_wrap=True)
        for artifact in built:
            drawn.add_row(*_cells(artifact))
        parts.append(_drawn(drawn))
        parts += [_sentence(f"{_name(made)}: {note}") for made in built for note in made.notes]
        reasons = {made.verification.accuracy_reason for made in built}
        parts += sorted(f"no accuracy: {reason}\n" for reason in reasons if reason)
    failed = len(results) - len(built)
    fresh = sum(not made.cached for made in built)
    counts = [f"{fresh} built", f"{len(built) - fresh} from the cache", *([f"{failed} failed"] if failed else [])]
    parts.append(", ".join(counts) + "\n")
    return "".join(parts)


def _cells(artifact: Artifact) -> tuple[str, ...]:
    accuracy, drop = artifact.verification.accuracy, artifact.verification.accuracy_drop
    trained = training_seconds(artifact)
    return (
        _name(artifact),
        f"{artifact.size_bytes:,} B",
        _accuracy_text(accuracy) if accuracy else _NONE,
        _drop_text(drop, accuracy) if drop else _NONE,
        f"{trained:.1f} s" if trained else _NONE,
        "cached" if artifact.cached else f"{artifact.build_s:.1f} s",
    )


def _accuracy_text(accuracy: AccuracyResult) -> str:
    """The figure, of a user's own metric with its name."""
    if accuracy.metric is None:
        return f"{accuracy.value * 100:.2f} %"
    return f"{format_quantity(accuracy.value, accuracy.unit)} {accuracy.title}"


def _drop_text(drop: AccuracyDrop, accuracy: AccuracyResult | None) -> str:
    """What was lost: positive is worse."""
    if accuracy is None or accuracy.unit == "1":
        return f"{drop.value * 100:+.2f} pt"
    return f"{drop.value:+.3g} {accuracy.unit}"


def _name(artifact: Artifact) -> str:
    return f"{artifact.candidate}/{artifact.recipe}" if artifact.recipe else artifact.candidate


def _sentence(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ") + "\n"


def _drawn(drawn: Table) -> str:
    stream = io.StringIO()
    Console(file=stream, width=_WIDTH, color_system=None, markup=False, highlight=False, emoji=False).print(drawn)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())
