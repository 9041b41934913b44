"""Entries that belong in one chart: one candidate on one device, in its recipes."""

from dataclasses import dataclass

from harness.records.results import Entry, Results
from harness.records.text import visible
from harness.report.numbers import value_of


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
