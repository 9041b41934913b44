"""What each step of a recipe gained in latency, or did not: entries of one run held against one another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from harness.records.comparable import is_usable, trial_medians
from harness.records.results import Comparison, Entry
from harness.stats import RatioInterval, unpaired_ratio

METRIC: Final = "latency_p50"
CONFIDENCE: Final = 0.95
FLOOR: Final = 0.01
"""Differences below this share are not called any. The two were measured one after the other, and medians of fresh
processes wander by up to two per cent between them, of which an interval over trials sees only a part."""
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


def with_comparisons(entries: Sequence[Entry], steps_of: StepsOf) -> list[Entry]:
    """The entries, each with its latency as a ratio to the same candidate's with one step of the recipe less.

    prune(0.8)+int8 is held against int8 and against prune(0.8); int8 against float32, or against the file as given.
    Only entries of one device, runtime, delegate and number of threads are compared, and only where both were
    measured on a fit board with right outputs. Intervals are over trials, unpaired.
    """
    peers: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        if _compared(entry):
            peers.setdefault(_setting(entry), []).append(entry)
    return [
        entry.model_copy(update={"comparisons": tuple(_comparisons(entry, peers.get(_setting(entry), ()), steps_of))})
        for entry in entries
    ]


def _comparisons(entry: Entry, alike: Sequence[Entry], steps_of: StepsOf) -> Iterator[Comparison]:
    steps = steps_of(entry.recipe) if entry.recipe else None
    if steps is None or not _compared(entry):
        return
    peers = [other for other in alike if other is not entry]
    for less in _one_step_less(steps):
        other = _measured_as(less.rest, entry, peers, steps_of)
        if other is not None:
            yield _comparison(entry, other, less)


def _one_step_less(steps: Steps) -> Iterator[_Less]:
    for index, step in enumerate(steps.model):
        yield _Less(step, Steps((*steps.model[:index], *steps.model[index + 1 :]), steps.number_format))
    if steps.number_format != PLAIN:
        yield _Less(steps.number_format, Steps(steps.model))


def _measured_as(rest: Steps, entry: Entry, peers: Sequence[Entry], steps_of: StepsOf) -> Entry | None:
    """The entry with these steps, of the same test if there is one; for no steps at all the file as given will do."""
    found = [peer for peer in peers if peer.recipe and steps_of(peer.recipe) == rest]
    if not found and rest == Steps(()):
        found = [peer for peer in peers if peer.recipe is None]
    return min(found, key=lambda peer: peer.test != entry.test, default=None)


def _setting(entry: Entry) -> tuple[object, ...]:
    return (entry.device, entry.candidate, entry.runtime, entry.delegate, entry.num_threads)


def _compared(entry: Entry) -> bool:
    return is_usable(entry) and bool(trial_medians(entry))


def _comparison(entry: Entry, other: Entry, less: _Less) -> Comparison:
    found = unpaired_ratio(trial_medians(entry), trial_medians(other), CONFIDENCE)
    return Comparison(
        against=f"{other.candidate}/{other.recipe}" if other.recipe else other.candidate,
        metric=METRIC,
        ratio=found.ratio,
        ci_low=found.low,
        ci_high=found.high,
        confidence=None if found.low is None else CONFIDENCE,
        sentence=_sentence(found, step=less.step, against=other.recipe or "the file as given"),
    )


def _sentence(found: RatioInterval, *, step: str, against: str) -> str:
    share = f"{_digits(found.ratio)} of {against}'s latency"
    if found.low is None or found.high is None:
        return f"{step}: {share}, from one trial, so whether it is faster is not known"
    interval = f"({_digits(found.low)} to {_digits(found.high)})"
    if found.high < 1.0 - FLOOR:
        return f"faster by {step}: {share} {interval}"
    if found.low > 1.0 + FLOOR:
        return f"no speed gained by {step}, slower: {share} {interval}"
    return f"no speed gained by {step}, no difference of more than {FLOOR * 100:.0f} % seen: {share} {interval}"


def _digits(ratio: float) -> str:
    return f"{ratio:.3f}" if 0.1 <= ratio < 10 else f"{ratio:.3g}"
