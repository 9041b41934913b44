"""Operators trials to figures: where an inference's time goes, and which operators got slower than the baseline's."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from harness.measure.block_order import why_no_operators
from harness.measure.operator_attribution import Attribution, FileOperator, attribute
from harness.records.artifact import Artifact
from harness.records.board import Trial
from harness.records.operators import (
    RESOLUTION_S,
    KernelFigure,
    OperatorChange,
    OperatorFigure,
    OperatorProfile,
    OperatorTimes,
)
from harness.records.plan import RunnerSpec
from harness.stats import Interval, mean_interval

CHANGE_ALPHA = 0.05
"""The chance, at most, that an entry whose operators are as fast as the baseline's is told of a change."""


def operator_profile(trials: Sequence[Trial], artifact: Artifact, runner: RunnerSpec) -> OperatorProfile:
    """One arm's, from its operators trials; with the reason where there is none."""
    reason = why_no_operators(runner)
    if reason:
        return OperatorProfile(reason=reason)
    lived = _lived(trials)
    if not lived:
        died = next((trial.died for trial in trials if trial.died), None)
        return OperatorProfile(reason=f"every operators trial died: {died}" if died else "no operators trial counts")
    file = _operators_of(artifact)
    if not file:
        return OperatorProfile(reason="the file's own operators are not known, or too many")
    try:
        told = [attribute(file, times.operators, times.inference_ns) for times in lived]
    except ValueError as error:
        return OperatorProfile(reason=str(error))
    if any(one.delegated != told[0].delegated for one in told):
        return OperatorProfile(reason="the delegate took other operators from process to process")
    return _profile(file, lived, told, runner)


def operator_changes(trials: Sequence[Trial], artifacts: Mapping[str, Artifact]) -> tuple[OperatorChange, ...]:
    """Each operator that both files have in the same place, else each kind; most slowed first.

    The difference of means over processes in the same blocks, with Student's interval at a level that all share
    (Bonferroni). Empty where either's times are not known, or fewer than two blocks have both.
    """
    arms = ("candidate", "baseline")
    found = [_times_by_block([trial for trial in trials if trial.arm == arm], artifacts[arm]) for arm in arms]
    blocks = sorted(set(found[0]) & set(found[1]))
    if len(blocks) < 2:
        return ()
    names = [[one.name for one in _operators_of(artifacts[arm])] for arm in arms]
    labels = _places(names[0]) if names[0] == names[1] else None
    after, before = (
        [_labelled(own[block], labels or names[side]) for block in blocks] for side, own in enumerate(found)
    )
    shared = [label for label in after[0] if label in before[0]]
    level = 1.0 - CHANGE_ALPHA / max(1, len(shared))
    changes = [_change(label, [one[label] for one in after], [one[label] for one in before], level) for label in shared]
    return tuple(sorted(changes, key=lambda change: -change.difference_s))


@dataclass(frozen=True)
class _Together:
    """Seconds of operators that share a label, and how many of them a delegate took."""

    seconds: float = 0.0
    delegated: int = 0


def _change(name: str, after: list[_Together], before: list[_Together], level: float) -> OperatorChange:
    differences = [one.seconds - other.seconds for one, other in zip(after, before, strict=True)]
    mean = sum(differences) / len(differences)
    open_s = _cut_off_s(after[0].delegated + before[0].delegated)
    ends = _widened(mean_interval(differences, level), open_s) or Interval(mean, mean, level)
    return OperatorChange(
        name=name,
        before_s=sum(one.seconds for one in before) / len(before),
        after_s=sum(one.seconds for one in after) / len(after),
        difference_s=mean,
        ci_low=ends.low,
        ci_high=ends.high,
    )


def _labelled(told: Sequence[_Together], labels: Sequence[str]) -> dict[str, _Together]:
    """The sum for each label, which one operator has alone or all of a kind share."""
    sums: dict[str, _Together] = defaultdict(_Together)
    for label, one in zip(labels, told, strict=True):
        before = sums[label]
        sums[label] = _Together(before.seconds + one.seconds, before.delegated + one.delegated)
    return dict(sums)


def _places(names: Sequence[str]) -> list[str]:
    """Each operator with its place among all, from 1: "CONV_2D 3"."""
    return [f"{name} {place}" for place, name in enumerate(names, start=1)]


def _times_by_block(trials: Sequence[Trial], artifact: Artifact) -> dict[int, list[_Together]]:
    """Each operator of the file by the block of the process; without those that do not tell all."""
    file = _operators_of(artifact)
    found: dict[int, list[_Together]] = {}
    for trial in trials:
        if trial.died is not None or trial.operators is None or not file:
            continue
        try:
            told = attribute(file, trial.operators.operators, trial.operators.inference_ns)
        except ValueError:
            continue
        if told.untold is None:
            pairs = zip(told.ns, told.delegated, strict=True)
            found[trial.block] = [_Together((ns or 0.0) / 1e9, int(taken)) for ns, taken in pairs]
    return found


def _lived(trials: Sequence[Trial]) -> list[OperatorTimes]:
    return [trial.operators for trial in trials if trial.died is None and trial.operators is not None]


def _operators_of(artifact: Artifact) -> list[FileOperator]:
    """Of the file's first graph, in the order they run; none where it is not known."""
    inside = artifact.inside
    return [] if inside is None else [FileOperator(inside.operators[place].name, macs) for place, macs in inside.order]


def _profile(
    file: Sequence[FileOperator], lived: Sequence[OperatorTimes], told: Sequence[Attribution], runner: RunnerSpec
) -> OperatorProfile:
    inference_s = sum(times.inference_ns for times in lived) / len(lived) / 1e9
    together = sum(sum(one.ns for one in times.operators) for times in lived) / len(lived) / 1e9
    untold = next((one.untold for one in told if one.untold), None)
    operators = tuple(_figure(one.name, [place], file, told, inference_s) for place, one in enumerate(file))
    places: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(file):
        places[one.name].append(place)
    kinds = [_figure(name, mine, file, told, inference_s) for name, mine in places.items()]
    threads = "thread" if runner.num_threads == 1 else "threads"
    return OperatorProfile(
        path=f"CompiledModel of {runner.package} {runner.version}, {runner.num_threads} {threads}, {runner.delegate}",
        inference_s=inference_s,
        told_share=together / inference_s,
        processes=len(lived),
        runs=sum(times.runs for times in lived),
        kinds=tuple(sorted(kinds, key=lambda kind: (-(kind.seconds or 0.0), -kind.macs, kind.name))),
        operators=operators,
        kernels=_kernels(lived) if untold else (),
        untold=untold,
    )


def _figure(
    name: str, places: Sequence[int], file: Sequence[FileOperator], told: Sequence[Attribution], inference_s: float
) -> OperatorFigure:
    sums = [_sum([one.ns[place] for place in places]) for one in told]
    known = [one / 1e9 for one in sums if one is not None]
    whole = len(known) == len(told)
    mean = sum(known) / len(known) if whole else None
    taken = sum(told[0].delegated[place] for place in places)
    ends = _widened(mean_interval(known), _cut_off_s(taken)) if whole else None
    return OperatorFigure(
        name=name,
        count=len(places),
        delegated=taken,
        macs=sum(file[place].macs for place in places),
        seconds=mean,
        ci_low=max(0.0, ends.low) if ends else None,
        ci_high=ends.high if ends else None,
        share=None if mean is None else mean / inference_s,
    )


def _cut_off_s(delegated: int) -> float:
    """What whole microseconds leave open of so many operators of a delegate together: half of one each, by chance."""
    return RESOLUTION_S / 2 * sqrt(delegated)


def _widened(ends: Interval | None, by_s: float) -> Interval | None:
    """The interval with an independent error in it, added in quadrature."""
    if ends is None:
        return None
    mean, half = (ends.low + ends.high) / 2, hypot((ends.high - ends.low) / 2, by_s)
    return Interval(mean - half, mean + half, ends.confidence)


def _sum(times: Sequence[float | None]) -> float | None:
    known = [one for one in times if one is not None]
    return sum(known) if len(known) == len(times) else None


def _kernels(lived: Sequence[OperatorTimes]) -> tuple[KernelFigure, ...]:
    """What delegates ran, all of one name together; seconds are means over processes."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for times in lived:
        for one in times.operators:
            if one.node is None:
                counts[one.name] += 1
                seconds[one.name] += one.ns / 1e9
    figures = [
        KernelFigure(name=name, count=counts[name] // len(lived), seconds=seconds[name] / len(lived)) for name in counts
    ]
    return tuple(sorted(figures, key=lambda one: (-one.seconds, one.name)))
