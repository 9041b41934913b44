"""What each step of a recipe gained in latency, or did not: entries of one run held against one another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.records.comparable import ALIKE, FLOOR, is_usable
from harness.records.entry import Comparison, Entry
from harness.stats.estimates import Estimate, figure_of, ratio_apart

METRIC: Final = "latency_p50"
PLAIN: Final = "float32"
"""The number format of a recipe that names none."""


@dataclass(frozen=True)
class Steps:
    """A recipe taken apart: the steps that change the model, in order, and the number format."""

    model: tuple[str, ...]
    number_format: str = PLAIN

    def __str__(self) -> str:
        bare = self.model and self.number_format == PLAIN
        return "+".join(self.model if bare else (*self.model, self.number_format))


StepsOf = Callable[[str], Steps | None]
"""The steps of a recipe's text; None for a text that is no recipe here."""


@dataclass(frozen=True)
class _Less:
    """A recipe without one of its steps."""

    step: str
    rest: Steps


@dataclass(frozen=True)
class _Measured:
    """An entry that may be compared, and its figure."""

    entry: Entry
    figure: Estimate


def with_comparisons(entries: Sequence[Entry], steps_of: StepsOf) -> list[Entry]:
    """The entries, each with its latency as a ratio to the same candidate's with one step of the recipe less.

    prune(0.8)+int8 is held against int8 and against prune(0.8); int8 against float32, or against the file as given.
    Only entries of one device, operating point, runtime, delegate and number of threads are compared, and only where
    both were measured on a fit board with right outputs. Intervals are over trials, unpaired.
    """
    peers: dict[tuple[object, ...], list[_Measured]] = {}
    known = [_measured(entry) for entry in entries]
    for one in filter(None, known):
        peers.setdefault(_setting(one.entry), []).append(one)
    return [
        entry.model_copy(
            update={
                "comparisons": tuple(_comparisons(one, peers[_setting(entry)], steps_of)) if one is not None else ()
            }
        )
        for entry, one in zip(entries, known, strict=True)
    ]


def _comparisons(one: _Measured, alike: Sequence[_Measured], steps_of: StepsOf) -> Iterator[Comparison]:
    steps = steps_of(one.entry.recipe) if one.entry.recipe else None
    if steps is None:
        return
    peers = [other for other in alike if other is not one]
    for less in _one_step_less(steps):
        other = _measured_as(less.rest, one.entry, peers, steps_of)
        if other is not None:
            yield _comparison(one, other, less)


def _one_step_less(steps: Steps) -> Iterator[_Less]:
    for index, step in enumerate(steps.model):
        yield _Less(step, Steps((*steps.model[:index], *steps.model[index + 1 :]), steps.number_format))
    if steps.number_format != PLAIN:
        yield _Less(steps.number_format, Steps(steps.model))


def _measured_as(rest: Steps, entry: Entry, peers: Sequence[_Measured], steps_of: StepsOf) -> _Measured | None:
    """The entry with these steps, of the same test if there is one; for no steps at all the file as given will do."""
    found = [peer for peer in peers if peer.entry.recipe and steps_of(peer.entry.recipe) == rest]
    if not found and rest == Steps(()):
        found = [peer for peer in peers if peer.entry.recipe is None]
    return min(found, key=lambda peer: peer.entry.test != entry.test, default=None)


def _setting(entry: Entry) -> tuple[object, ...]:
    return (entry.device, entry.candidate, entry.runtime, entry.delegate, entry.num_threads, entry.operating_point)


def _measured(entry: Entry) -> _Measured | None:
    """The entry with its figure, as its measurement has it; None where it was not measured as it should be."""
    found = figure_of(METRIC, entry.trials, entry.figures) if is_usable(entry) else None
    return None if found is None else _Measured(entry, found)


def _comparison(one: _Measured, base: _Measured, less: _Less) -> Comparison:
    found, other = ratio_apart(one.figure, base.figure), base.entry
    return Comparison(
        against=f"{other.candidate}/{other.recipe}" if other.recipe else other.candidate,
        metric=METRIC,
        ratio=found.value,
        ci_low=found.low,
        ci_high=found.high,
        confidence=found.confidence,
        sentence=_sentence(found, step=less.step, against=other.recipe or "the file as given"),
    )


def _sentence(found: Estimate, *, step: str, against: str) -> str:
    share = f"{_digits(found.value)} of {against}'s latency"
    if found.low is None or found.high is None:
        few = "one trial" if found.trials == 1 else f"{found.trials} trials"
        return f"{step}: {share}, from {few}, so whether it is faster is not known"
    interval = f"({_digits(found.low)} to {_digits(found.high)})"
    if found.high < 1.0 - FLOOR:
        return f"faster by {step}: {share} {interval}"
    if found.low > 1.0 + FLOOR:
        return f"no speed gained by {step}, slower: {share} {interval}"
    within = max(abs(found.low - 1.0), abs(found.high - 1.0))
    if within <= ALIKE:
        return f"no speed gained by {step}, as fast within {within * 100:.2g} %: {share} {interval}"
    return f"whether {step} made it faster is not known: {share} {interval}"


def _digits(ratio: float) -> str:
    return f"{ratio:.3f}" if 0.1 <= ratio < 10 else f"{ratio:.3g}"
