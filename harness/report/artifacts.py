"""The files of a run, each told once however many devices measured it."""

from dataclasses import dataclass

from harness.records.results import ArtifactRecord, Entry, Results
from harness.report.groups import distinct, recipe_name
from harness.report.words import worst_first

MOST = 200
"""Artifacts that a page tells everything of, so that it stays small."""

_Key = tuple[str, str, str]
"""Candidate, recipe and sha256: what tells artifacts apart."""


@dataclass(frozen=True)
class Measured:
    """An artifact with the name its recipe gives it, and the entries that measured it."""

    name: str
    record: ArtifactRecord
    entries: tuple[Entry, ...]


def artifacts(results: Results) -> list[tuple[str, list[Measured]]]:
    """Every candidate with its artifacts, both in the order of the file; candidates without any are left out.

    Of more than MOST artifacts, only those of the entries that fared worst; ``left_out`` says so.
    """
    chosen = set(list(dict.fromkeys(filter(None, map(_key, worst_first(results.entries)))))[:MOST])
    files: dict[str, dict[_Key, list[tuple[ArtifactRecord, Entry]]]] = {}
    for entry in results.entries:
        key = _key(entry)
        if entry.artifact is not None and key in chosen:
            files.setdefault(entry.candidate, {}).setdefault(key, []).append((entry.artifact, entry))
    return [(candidate, _named(found)) for candidate, found in files.items()]


def left_out(results: Results) -> str:
    """How many artifacts ``artifacts`` leaves out, a sentence; empty for none."""
    known = len(set(filter(None, map(_key, results.entries))))
    if known <= MOST:
        return ""
    return f"{MOST} of {known} artifacts, those of the entries that fared worst; the others stand in results.json."


def _key(entry: Entry) -> _Key | None:
    return (entry.candidate, recipe_name(entry), entry.artifact.sha256) if entry.artifact else None


def _named(found: dict[_Key, list[tuple[ArtifactRecord, Entry]]]) -> list[Measured]:
    names = distinct([recipe for _, recipe, _ in found])
    return [
        Measured(name, same[0][0], tuple(entry for _, entry in same))
        for name, same in zip(names, found.values(), strict=True)
    ]
