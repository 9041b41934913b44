"""What of a .tflite file is measured where it holds several signatures or leaves sizes open, and that file written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.model_file import ModelInfo
from harness.records.base import Record
from harness.records.errors import BuildError
from harness.records.nearest import did_you_mean

_MAIN: Final = "harness.pipeline.model.conversion.fixed_file_main"
_WHO: Final = "the process that writes it anew"
_LIMITS: Final = sandbox.ProcessLimits(deadline_s=120.0)


class FixJob(Record):
    """A model file, and what of it is to be measured."""

    source: str
    output: str
    signature: str | None
    """The signature whose graph comes first; None: the first one stays."""
    samples: str | None
    """npz with i0, i1..., or an .npy file, whose shapes the open sizes get; None: sizes stay open."""


class FixAnswer(Record):
    """Done, or in one line why not."""

    refused: str | None = None


@dataclass(frozen=True)
class Selection:
    """The signature that must be brought first, if any, and a sentence where there was a choice."""

    signature: str | None
    note: str | None


def select_signature(source: Path, info: ModelInfo, wanted: str | None) -> Selection:
    """Which signature of a file is measured. Raises BuildError for one that it has not."""
    names = [signature.name for signature in info.signatures]
    first = next((signature.name for signature in info.signatures if signature.graph == 0), None)
    if wanted is not None and wanted not in names:
        hint = did_you_mean(wanted, names, after=" ")
        has = f"it has {', '.join(names)}" if names else "it has none"
        raise BuildError(f'{source} has no signature "{wanted}": {hint}{has}')
    if len(names) < 2:
        return Selection(None, None)
    chosen = first if wanted is None else wanted
    others = ", ".join(name for name in names if name != chosen)
    how = "" if wanted else ": name one with signature= or --signature"
    measured = f'signature "{chosen}"' if chosen else "first graph"
    note = f"measured is its {measured}, not {others}{how}"
    return Selection(None if wanted in (None, first) else wanted, note)


def open_sizes(info: ModelInfo) -> dict[str, tuple[int, ...]]:
    """The inputs with an open size beyond the batch, and their shapes with -1 for what is open."""
    return {
        tensor.name: shape
        for tensor, shape in zip(info.inputs, info.open_shapes, strict=True)
        if any(size < 0 for size in shape[1:])
    }


def unknown_sizes_error(source: Path, sizes: dict[str, tuple[int, ...]]) -> BuildError:
    """What is said where nothing tells the sizes."""
    shown = ", ".join(f'"{name}" ({shape_text(shape)})' for name, shape in sizes.items())
    return BuildError(
        f"{source} leaves sizes open that decide what is measured, of its input {shown}: give real samples, whose "
        "shapes they get, with samples= or --samples (an .npz with i0, i1..., samples on the first axis)"
    )


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for eyes, "1x?x?x3"."""
    return "x".join("?" if size < 0 else str(size) for size in shape)


def write_fixed_file(source: Path, output: Path, *, signature: str | None, samples: Path | None) -> None:
    """Write a file with a signature's graph first, and with the samples' sizes. Raises BuildError."""
    job = FixJob(source=str(source), output=str(output), signature=signature, samples=str(samples) if samples else None)
    reply = sandbox.run(_MAIN, job, _LIMITS)
    answer = reply.first(FixAnswer)
    if answer is None:
        raise BuildError(f"{source} cannot be measured so: {reply.failure(_WHO)}")
    if answer.refused is not None:
        raise BuildError(f"{source} cannot be measured so: {answer.refused}")
