"""What a run says in one line a group: how fast, at which accuracy and size, and which version one would ship.

A group is a candidate on a device. Candidates with one recipe each are one group where they do the same work, by the
shapes of their inputs and outputs. All is made of the results file; names are as untrusted as there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.records.artifact import AccuracyDrop
from harness.records.comparable import is_usable
from harness.records.entry import Entry, Finding
from harness.records.results import Results
from harness.records.text import visible
from harness.records.units import format_quantity
from harness.report.groups import groups, recipe_name
from harness.report.labels import GOOD, STATUS_WORDS, count_entries, exit_meaning, is_limited, without_limit
from harness.report.numbers import gained_text, loss_interval, lost_text, points, scored
from harness.report.speed_ratio import seconds_of, speed_ratio, times

_REFERENCE: Final = "float32"
_SMALL: Final = 1.1
"""Of sizes: up to this ratio a difference is told in per cent."""


@dataclass(frozen=True)
class Conclusion:
    """One line about a group, or about the whole run where ``device`` is empty."""

    device: str
    candidate: str
    """Empty where the group is of several candidates."""
    text: str
    """``int8 is 1.58x faster than float32 (1.52x to 1.64x) at -0.40 pt accuracy, 3.66x smaller``."""
    choice: str = ""
    """Which version one would ship and why, or what must be weighed: ``ship int8: the fastest of 4 that ...``."""
    basis: str = ""
    """How the figures of ``text`` were obtained and how sure they are."""
    shipped: Entry | None = None
    """The entry that ``choice`` would ship; None where it names none."""


@dataclass(frozen=True)
class _Version:
    """One recipe of a candidate, or one candidate among others; of several tests the first, and the worst status."""

    name: str
    entry: Entry
    holds: bool
    """Whether every test that measured it passed, or has no limit."""


@dataclass(frozen=True)
class _Peers:
    """The versions of a group that were measured as they should be, the reference first."""

    device: str
    candidate: str
    versions: tuple[_Version, ...]
    every: int
    """Versions there are, those that could not be measured among them."""


def conclusions(results: Results) -> list[Conclusion]:
    """One conclusion for each group of two or more versions, in the order of the file, then those of the whole run."""
    return [*map(_conclude, _peers(results)), *(Conclusion("", "", text) for text in _run_wide(results))]


def candidates_together(results: Results) -> list[tuple[str, tuple[Entry, ...]]]:
    """Each device with the entries of its candidates that have one version each and do the same work."""
    return [
        (peers.device, tuple(version.entry for version in peers.versions))
        for peers in _peers(results)
        if not peers.candidate
    ]


def conclusions_beside_exit(results: Results) -> list[Conclusion]:
    """The conclusions without those that ``exit_meaning``, where it is shown too, says already."""
    return [one for one in conclusions(results) if one.text not in exit_meaning(results)]


def _peers(results: Results) -> Iterator[_Peers]:
    """Groups of several versions; then, device by device, candidates with one version each that do the same work."""
    alone: dict[tuple[object, ...], list[_Version]] = {}
    for group in groups(results):
        every = len({variant.entry.recipe for variant in group.variants}) + len(group.unmeasured)
        versions = _versions([variant.entry for variant in group.variants])
        if len(versions) > 1:
            yield _Peers(group.device, group.candidate, _reference_first(versions), every)
        for only in versions if len(versions) == 1 else ():
            work = (group.device, *_setting(only.entry), *_shapes(only.entry))
            alone.setdefault(work, []).append(replace(only, name=visible(only.entry.subject)))
    for (device, *_), together in alone.items():
        if len(together) > 1:
            yield _Peers(str(device), "", tuple(together), len(together))


def _versions(entries: Sequence[Entry]) -> list[_Version]:
    """Those that may be compared with the first that was measured as it should be, one a recipe."""
    recipes: dict[str | None, list[Entry]] = {}
    for entry in entries:
        recipes.setdefault(entry.recipe, []).append(entry)
    found = []
    for same in recipes.values():
        usable = [entry for entry in same if is_usable(entry) and seconds_of(entry) > 0.0]
        if usable:
            name = recipe_name(usable[0].model_copy(update={"test_label": ""}))
            found.append(_Version(name, usable[0], all(entry.status in GOOD for entry in same)))
    return [one for one in found if _setting(one.entry) == _setting(found[0].entry)]


def _setting(entry: Entry) -> tuple[object, ...]:
    return (entry.runtime, entry.delegate, entry.num_threads, entry.operating_point)


def _shapes(entry: Entry) -> tuple[object, ...]:
    """By which two candidates are taken to do the same work: an entry without them is like no other."""
    made = entry.artifact
    if made is None:
        return (id(entry),)
    data = made.verification.accuracy.dataset if made.verification.accuracy else ""
    return (tuple(one.shape for one in made.inputs), tuple(one.shape for one in made.outputs), data)


def _reference_first(versions: Sequence[_Version]) -> tuple[_Version, ...]:
    """What others are held against: float32, else the file as given, else the first of the file."""
    order: dict[str | None, int] = {_REFERENCE: 0, None: 1}
    return tuple(sorted(versions, key=lambda one: order.get(one.entry.recipe, len(order))))


def _conclude(peers: _Peers) -> Conclusion:
    reference, *others = peers.versions
    held = [version for version in peers.versions if version.holds]
    chosen = _choose(held) if held else None
    subject = chosen if chosen in others else min(others, key=lambda one: seconds_of(one.entry))
    text, basis = _compare(subject, reference)
    shipped, choice = (None, _none_holds(peers)) if chosen is None else _choice(chosen, held, peers)
    return Conclusion(peers.device, peers.candidate, text, choice, basis, shipped)


def _compare(one: _Version, other: _Version) -> tuple[str, str]:
    """Both in one line, and how its figures were obtained."""
    if _is_same_file(one.entry, other.entry):
        return f"{one.name} is identical to {other.name}: the same file", "by the files' sha256"
    ratio = speed_ratio(one.entry, other.entry)
    lost = _lost(one.entry, other.entry)
    size = _size_text(one.entry, other.entry)
    text = f"{ratio.sentence(one.name, other.name)}{_accuracy_text(lost, one.entry)}{f', {size}' if size else ''}"
    basis = [ratio.basis, _accuracy_basis(one.entry, other.entry) if lost is not None else ""]
    return text, "; ".join(filter(None, basis))


def _is_same_file(one: Entry, other: Entry) -> bool:
    if one.artifact is None or other.artifact is None:
        return False
    return (one.artifact.sha256, one.artifact.size_bytes) == (other.artifact.sha256, other.artifact.size_bytes)


def _lost(one: Entry, other: Entry) -> float | None:
    """The share of accuracy lost against the other; None where it is not known, or where either only guesses."""
    own, before = (entry.artifact.verification.accuracy if entry.artifact else None for entry in (one, other))
    if own is None or before is None or own.by_chance or before.by_chance:
        return None
    drop = _drop(one, other)
    return own.lost_against(before) if drop is None else drop.value


def _drop(one: Entry, other: Entry) -> AccuracyDrop | None:
    """What was lost against the other sample by sample, where that is the float32 recipe of the same candidate."""
    same = one.artifact is not None and one.candidate == other.candidate and other.recipe == _REFERENCE
    return one.artifact.verification.accuracy_drop if one.artifact and same else None


def _accuracy_text(lost: float | None, entry: Entry) -> str:
    if lost is None:
        return ""
    accuracy = scored(entry)
    name = accuracy.title if accuracy else "accuracy"
    return f" at the same {name}" if lost == 0 else f" at {gained_text(lost, accuracy)} {name}"


def _accuracy_basis(one: Entry, other: Entry) -> str:
    drop = _drop(one, other)
    accuracy = scored(one)
    how = "counted" if accuracy is None or accuracy.metric is None else "computed"
    exact = f"{accuracy.title} {how} over {accuracy.n} samples" if accuracy else ""
    if drop is None or drop.ci_low == drop.ci_high:
        return exact
    return f"{exact}, {100 * drop.confidence:.4g} % interval {loss_interval(drop, accuracy)}"


def _size_text(one: Entry, other: Entry) -> str:
    own, before = (entry.artifact.size_bytes if entry.artifact else 0 for entry in (one, other))
    if own <= 0 or before <= 0:
        return ""
    if own == before:
        return "same size"
    word, ratio = ("smaller", before / own) if own < before else ("larger", own / before)
    return f"{times(ratio)} {word}" if ratio >= _SMALL else f"{100 * abs(own / before - 1.0):.2g} % {word}"


def _choose(held: Sequence[_Version]) -> _Version:
    """The fastest; of those that may be as fast, the most accurate where that is known, then the smallest."""
    fastest = min(held, key=lambda one: seconds_of(one.entry))
    alike = [fastest, *(one for one in held if one is not fastest and not _is_faster(fastest, one))]
    ranks = [(_lost(one.entry, fastest.entry) or 0.0, _bytes(one.entry), seconds_of(one.entry)) for one in alike]
    return alike[ranks.index(min(ranks))]


def _is_faster(one: _Version, other: _Version) -> bool:
    """Surely faster; where no interval tells, as the figures say."""
    return speed_ratio(one.entry, other.entry).verdict in ("faster", "unknown")


def _bytes(entry: Entry) -> int:
    return entry.artifact.size_bytes if entry.artifact else 0


def _none_holds(peers: _Peers) -> str:
    return f"nothing to ship: none of {peers.every} holds its limits"


def _choice(chosen: _Version, held: Sequence[_Version], peers: _Peers) -> tuple[Entry | None, str]:
    """Which version one would ship; where accuracy is lost and no limit says how much may be, what to weigh."""
    guard = _accuracy_limit(chosen.entry)
    better = _most_accurate(chosen, held)
    if guard is None and better is not None:
        lost = _lost(chosen.entry, better.entry) or 0.0
        speed = f"{chosen.name} is the fastest" if len(held) > 1 else chosen.name
        more = f"{better.name} has {_more_text(lost, chosen.entry)}"
        return None, f"to weigh: {speed}, {more}, and no limit on it decides"
    reasons = _why_chosen(chosen, held, peers), _guard_text(guard, chosen.entry)
    why = f"{''.join(reasons)}{_caveats(chosen, peers, guarded=guard is not None)}"
    return chosen.entry, f"ship {chosen.name}: {why}"


def _more_text(lost: float, entry: Entry) -> str:
    """``1.11 pt more accuracy``, ``0.3 px less mean error``."""
    accuracy = scored(entry)
    if accuracy is None:
        return f"{lost_text(lost, '1')} more accuracy"
    return f"{lost_text(lost, accuracy.unit)} {'more' if accuracy.sign > 0 else 'less'} {accuracy.title}"


def _most_accurate(chosen: _Version, others: Iterable[_Version]) -> _Version | None:
    """The version of which the chosen one lost most accuracy; None where it lost none."""
    lost = [(found, one) for one in others if (found := _lost(chosen.entry, one.entry)) is not None and found > 0]
    return max(lost, key=lambda pair: pair[0])[1] if lost else None


def _why_chosen(chosen: _Version, held: Sequence[_Version], peers: _Peers) -> str:
    passed_by = _faster_that_failed(chosen, peers)
    if len(held) == 1:
        return f"of {peers.every} the only one that holds its limits{passed_by}"
    limited = sum(is_limited(version.entry) for version in held)
    hold = " that hold their limits" if limited == len(held) else ""
    verdicts = {speed_ratio(chosen.entry, one.entry).verdict for one in held if one is not chosen}
    if verdicts <= {"faster"}:
        return f"the fastest of {len(held)}{hold}{passed_by}"
    few = ", as far as so few trials tell" if "unknown" in verdicts else ""
    return f"none of {len(held)}{hold} is surely faster{few}{passed_by}"


def _faster_that_failed(chosen: _Version, peers: _Peers) -> str:
    """The fastest version that did not hold, where it is surely faster than the chosen one."""
    lost = [one for one in peers.versions if not one.holds]
    fastest = min(lost, key=lambda one: seconds_of(one.entry), default=None)
    if fastest is None or speed_ratio(fastest.entry, chosen.entry).verdict != "faster":
        return ""
    return f" ({fastest.name} is faster: {STATUS_WORDS[fastest.entry.status]})"


def _accuracy_limit(entry: Entry) -> Finding | None:
    """The finding by which the entry's accuracy held a limit; what was lost against float32 first."""
    held = [found for found in entry.findings if found.limit is not None and found.value is not None]
    return next((f for f in held if f.gate == "accuracy_drop"), next((f for f in held if f.metric == "accuracy"), None))


def _guard_text(guard: Finding | None, entry: Entry) -> str:
    if guard is None or guard.limit is None or guard.value is None:
        return ""
    accuracy = scored(entry)
    name, unit, floor = (accuracy.title, accuracy.unit, accuracy.sign > 0) if accuracy else ("accuracy", "1", True)
    if guard.gate == "budget":
        value, limit = (format_quantity(figure, unit) for figure in (guard.value, guard.limit))
        return f", {name} {value} of at {'least' if floor else 'most'} {limit}"
    lost, limit = (_signed_loss(figure, unit) for figure in (guard.value, guard.limit))
    return f", {name} drop {lost} of at most {limit}"


def _signed_loss(lost: float, unit: str) -> str:
    """A loss without a sign, a gain with a minus."""
    return points(lost).lstrip("+") if unit == "1" else f"{lost:.3g} {unit}"


def _caveats(chosen: _Version, peers: _Peers, *, guarded: bool) -> str:
    said = []
    if not guarded and _most_accurate(chosen, peers.versions) is not None:
        said.append("no limit holds its accuracy")
    if not is_limited(chosen.entry):
        said.append("it has no limit")
    if chosen.entry.artifact is None or chosen.entry.artifact.verification.accuracy is None:
        said.append("its accuracy is not known")
    if chosen.entry.outputs.startswith(("outputs unchecked", "outputs not judged")):
        said.append("its outputs were not compared")
    return f"; {', '.join(said)}" if said else ""


def _run_wide(results: Results) -> Iterator[str]:
    """What is true of the whole run: entries that no limit holds, entries that are their baseline."""
    yield from without_limit(results)
    same = sum(entry.baseline is not None and entry.baseline.state == "identical" for entry in results.entries)
    if same:
        whose = "its" if same == 1 else "their"
        yield f"{count_entries(same, len(results.entries))} not changed: identical with {whose} baseline"
