"""Entries that belong together on a page: those of one chart (a candidate on a device), those of one file."""

from dataclasses import dataclass

from harness.records.entry import ArtifactRecord, Entry
from harness.records.results import Results
from harness.records.text import visible
from harness.report.labels import worst_first
from harness.report.numbers import value_of

MOST_SHOWN = 200
"""Artifacts that a page tells everything of, so that it stays small."""
_Key = tuple[str, str, str]
"""Candidate, recipe and sha256: what tells artifacts apart."""


@dataclass(frozen=True)
class Variant:
    """One recipe of a candidate with the name charts show and its place in the palette."""

    name: str
    colour: int
    entry: Entry


@dataclass(frozen=True)
class Group:
    """A candidate on a device: the variants whose latency is known, and the names of the others."""

    candidate: str
    device: str
    variants: tuple[Variant, ...]
    unmeasured: tuple[str, ...]


def groups(results: Results) -> list[Group]:
    """Every candidate on every device, candidates in the order of the file."""
    together: dict[str, dict[str, list[Entry]]] = {}
    for entry in results.entries:
        together.setdefault(entry.candidate, {}).setdefault(entry.device, []).append(entry)
    return [
        _group(candidate, device, here, _palette(devices))
        for candidate, devices in together.items()
        for device, here in devices.items()
    ]


def _palette(devices: dict[str, list[Entry]]) -> list[str | None]:
    """A candidate's recipes in the order of the file, by which they have one colour on all devices."""
    return list(dict.fromkeys(entry.recipe for here in devices.values() for entry in here))


def _group(candidate: str, device: str, here: list[Entry], palette: list[str | None]) -> Group:
    names = distinct([recipe_name(entry) for entry in here])
    named = list(zip(names, here, strict=True))
    return Group(
        candidate=candidate,
        device=device,
        variants=tuple(
            Variant(name=name, colour=palette.index(entry.recipe), entry=entry)
            for name, entry in named
            if value_of(entry, "latency_p50")
        ),
        unmeasured=tuple(name for name, entry in named if not value_of(entry, "latency_p50")),
    )


def recipe_name(entry: Entry) -> str:
    """The entry's recipe, or that its file is measured as it was given; with the test where several measured it."""
    return visible((entry.recipe or "as given") + (f" ({entry.test_label})" if entry.test_label else ""))


def distinct(names: list[str]) -> list[str]:
    """The same recipe measured by several tests gets a number behind its name."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return distinct


@dataclass(frozen=True)
class MeasuredArtifact:
    """An artifact with the name its recipe gives it, and the entries that measured it."""

    name: str
    record: ArtifactRecord
    entries: tuple[Entry, ...]


def artifacts(results: Results) -> list[tuple[str, list[MeasuredArtifact]]]:
    """Every candidate with its artifacts, both in the order of the file; candidates without any are left out.

    Of more than MOST_SHOWN artifacts, only those of the entries that fared worst; ``artifacts_left_out`` says so.
    """
    chosen = set(list(dict.fromkeys(filter(None, map(_key, worst_first(results.entries)))))[:MOST_SHOWN])
    files: dict[str, dict[_Key, list[tuple[ArtifactRecord, Entry]]]] = {}
    for entry in results.entries:
        key = _key(entry)
        if entry.artifact is not None and key in chosen:
            files.setdefault(entry.candidate, {}).setdefault(key, []).append((entry.artifact, entry))
    return [(candidate, _name_artifacts(found)) for candidate, found in files.items()]


def artifacts_left_out(results: Results) -> str:
    """How many artifacts ``artifacts`` leaves out, a sentence; empty for none."""
    known = len(set(filter(None, map(_key, results.entries))))
    if known <= MOST_SHOWN:
        return ""
    left = "those of the entries that fared worst; the others stand in results.json."
    return f"{MOST_SHOWN} of {known} artifacts, {left}"


def _key(entry: Entry) -> _Key | None:
    return (entry.candidate, recipe_name(entry), entry.artifact.sha256) if entry.artifact else None


def _name_artifacts(found: dict[_Key, list[tuple[ArtifactRecord, Entry]]]) -> list[MeasuredArtifact]:
    names = distinct([recipe for _, recipe, _ in found])
    return [
        MeasuredArtifact(name, same[0][0], tuple(entry for _, entry in same))
        for name, same in zip(names, found.values(), strict=True)
    ]
