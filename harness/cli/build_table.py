"""What was built, as a table for people."""

import io
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.build import training_seconds
from harness.pipeline.building.build import Result
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate

_WIDTH = 80
_NONE = "–"


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
        parts += sorted({f"no accuracy: {made.accuracy_reason}\n" for made in built if made.accuracy_reason})
    failed = len(results) - len(built)
    fresh = sum(not made.cached for made in built)
    counts = [f"{fresh} built", f"{len(built) - fresh} from the cache", *([f"{failed} failed"] if failed else [])]
    parts.append(", ".join(counts) + "\n")
    return "".join(parts)


def _cells(artifact: Artifact) -> tuple[str, ...]:
    accuracy, drop = artifact.accuracy, artifact.accuracy_drop
    trained = training_seconds(artifact)
    return (
        _name(artifact),
        f"{artifact.size_bytes:,} B",
        f"{accuracy.value * 100:.2f} %" if accuracy else _NONE,
        f"{drop.value * 100:+.2f} pt" if drop else _NONE,
        f"{trained:.1f} s" if trained else _NONE,
        "cached" if artifact.cached else f"{artifact.build_s:.1f} s",
    )


def _name(artifact: Artifact) -> str:
    return f"{artifact.candidate}/{artifact.recipe}" if artifact.recipe else artifact.candidate


def _sentence(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ") + "\n"


def _drawn(drawn: Table) -> str:
    stream = io.StringIO()
    Console(file=stream, width=_WIDTH, color_system=None, markup=False, highlight=False, emoji=False).print(drawn)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())
