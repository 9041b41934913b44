"""Before a board is measured on: wait until it is cool and quiet, with a limit; then it is refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.measure.fitness import FitnessRule
from harness.measure.void_trials import Void, voids
from harness.records.board import Trial

if TYPE_CHECKING:
    from harness.board import Board

STEP_S = 5.0
"""Between two looks at a board that is not fit."""
WATCH_S = 0.4
"""How long a board is watched: forty of the kernel's ticks. This machine is asked for its heat and set-up alone."""


def unfitness(board: "Board", rule: FitnessRule) -> tuple[Void, ...]:
    """Why a trial would not count now, by the rule that trials are judged by; empty where the board is fit."""
    telemetry = board.watch(WATCH_S if rule.alone else 0.0)
    return voids(Trial(index=0, block=0, arm="candidate", kind="latency", telemetry=telemetry), rule)


def wait_until_fit(
    board: "Board",
    rule: FitnessRule,
    *,
    most_s: float,
    on_wait: Callable[[str], None],
    sleep: Callable[[float], None],
) -> str:
    """Empty as soon as the board is fit; after ``most_s`` seconds why it is not. ``on_wait`` hears what is waited for.

    Raises what the board raises.
    """
    waited = 0.0
    while found := unfitness(board, rule):
        why = ", ".join(void.detail for void in found)
        if waited + STEP_S > most_s:
            return f"{why}, after waiting {waited:.0f} s"
        on_wait(why)
        sleep(STEP_S)
        waited += STEP_S
    return ""
