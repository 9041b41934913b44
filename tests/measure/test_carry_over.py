"""What a slice takes over from the one before it, from made-up slices with a known effect."""

import numpy as np
import pytest

from harness.measure.slice_carry_over import carry_over, carry_over_sentence
from harness.records.board import Slice, Trial, Turns
from harness.testing.builders import make_trial


def pair(seed: int, after_candidate: float) -> list[Trial]:
    """Two processes of eight slices each; the baseline's are slower by a share after the candidate's."""
    random = np.random.default_rng(seed)
    slices: dict[str, list[Slice]] = {"candidate": [], "baseline": []}
    before: str | None = None
    for order in range(16):
        if order % 2 == 0:
            turn = ["candidate", "baseline"] if random.random() < 0.5 else ["baseline", "candidate"]
        arm = turn[order % 2]
        slower = after_candidate if (arm, before) == ("baseline", "candidate") else 0.0
        median = 1e6 * (1.0 + slower) * float(random.lognormal(0.0, 0.001))
        slices[arm].append(
            Slice(order=order, n=10, sum_ns=int(10 * median), median_ns=median, after=before, waiting_cpu_ns=0)
        )
        before = arm
    return [
        make_trial(
            arm=arm, kind="slices", samples_ns=(), n=80, turns=Turns(p50_ns=1e6, mean_ns=1e6, slices=tuple(told))
        )
        for arm, told in slices.items()
    ]


def test_an_effect_is_found_on_the_arm_that_has_it_and_told() -> None:
    found = {one.arm: one for one in carry_over([t for seed in range(20) for t in pair(seed, 0.03)])}
    assert found["baseline"].share == pytest.approx(0.03, abs=0.002)
    assert found["candidate"].low < 0.0 < found["candidate"].high
    assert carry_over_sentence(list(found.values())).startswith(
        "an arm's slice depends on the other's before it: the ratio by turns is off by about -2.2 %"
    )


def test_without_an_effect_nothing_is_told() -> None:
    found = carry_over([t for seed in range(20) for t in pair(seed, 0.0)])
    assert all(one.low < one.share < one.high for one in found)
    assert carry_over_sentence(found) == ""


def test_too_few_processes_tell_nothing() -> None:
    assert carry_over(pair(0, 0.03)) == []
    assert carry_over_sentence([]) == ""
