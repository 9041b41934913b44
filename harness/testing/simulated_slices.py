"""Two simulated arms that take turns in slices: what slows the board for a while slows both slices of a pair."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from random import Random
from statistics import median

from harness.records.board import Slice, Turns
from harness.records.plan import TrialSpec

READS = 10
"""Of a slice, each of as many inferences as make its time."""
FEWEST_ROUNDS = 2
MOST_ROUNDS = 40


@dataclass(frozen=True)
class SimulatedArm:
    """One process: its request, its typical seconds on an undisturbed board, and how its reads scatter."""

    spec: TrialSpec
    typical_s: float
    within_sd: float


def simulate_turns(
    arms: tuple[SimulatedArm, SimulatedArm],
    random: Random,
    slowdown: Callable[[], float],
    spend: Callable[[float], None],
) -> Mapping[str, Turns]:
    """Both arms' turns by arm.

    ``slowdown`` tells the board's state, asked once for two slices; ``spend`` lets seconds pass.
    """
    slices: dict[str, list[Slice]] = {arm.spec.arm: [] for arm in arms}
    reads: dict[str, list[float]] = {arm.spec.arm: [] for arm in arms}
    wanted = max(ceil(arm.spec.min_secs / arm.spec.slice_s) for arm in arms)
    before: str | None = None
    for place in range(2 * min(MOST_ROUNDS, max(FEWEST_ROUNDS, wanted))):
        if place % 2 == 0:
            order, state = (arms if random.random() < 0.5 else arms[::-1]), slowdown()
        arm = order[place % 2]
        one, took = _slice(arm, place, state, random, after=before)
        slices[arm.spec.arm].append(one)
        reads[arm.spec.arm] += took
        spend(one.sum_ns / 1e9)
        before = arm.spec.arm
    return {
        name: Turns(
            p50_ns=median(reads[name]),
            mean_ns=sum(one.sum_ns for one in told) / sum(one.n for one in told),
            slices=tuple(told),
        )
        for name, told in slices.items()
    }


def _slice(
    arm: SimulatedArm, place: int, state: float, random: Random, *, after: str | None
) -> tuple[Slice, list[float]]:
    batch = max(1, round(arm.spec.slice_s / arm.typical_s / READS))
    took = [1e9 * arm.typical_s * state * random.lognormvariate(0.0, arm.within_sd) for _ in range(READS)]
    whole = max(1, round(sum(took) * batch))
    told = Slice(order=place, n=READS * batch, sum_ns=whole, median_ns=median(took), after=after, waiting_cpu_ns=0)
    return told, took
