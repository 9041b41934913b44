"""The files of a run, each told once however many devices measured it."""

from dataclasses import dataclass

from harness.records.results import ArtifactRecord, Entry, Results
from harness.report.groups import distinct, recipe_name


@dataclass(frozen=True)
class Measured:
    """An artifact with the name its recipe gives it, and the entries that measured it."""

    name: str
    record: ArtifactRecord
    entries: tuple[Entry, ...]


def artifacts(results: Results) -> list[tuple[str, list[Measured]]]:
    """Every candidate with its artifacts, both in the order of the file; candidates without any are left out."""
    files: dict[str, dict[tuple[str, str], list[tuple[ArtifactRecord, Entry]]]] = {}
    for entry in results.entries:
        if entry.artifact is not None:
            key = (recipe_name(entry), entry.artifact.sha256)
            same = files.setdefault(entry.candidate, {}).setdefault(key, [])
            same.append((entry.artifact, entry))
    return [(candidate, _named(found)) for candidate, found in files.items()]


def _named(found: dict[tuple[str, str], list[tuple[ArtifactRecord, Entry]]]) -> list[Measured]:
    names = distinct([recipe for recipe, _ in found])
    return [
        Measured(name, same[0][0], tuple(entry for _, entry in same))
        for name, same in zip(names, found.values(), strict=True)
    ]
