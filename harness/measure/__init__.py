"""A plan and a board to an entry: ``planning`` makes the plan, ``execution`` runs it, ``build_entry`` the entry of it.

``run_blocks`` measures until ``stopping_rule`` or the time limit ends it; ``void_trials`` says which do not count.

Importing the room loads no numpy; ``harness.measure.build_entry`` and what it needs does.
"""

from harness.measure.block_order import order_of
from harness.measure.execution import execute
from harness.measure.planning import (
    DEFAULT_TRIALS,
    LOAD_PAIRS,
    check_trials,
    energy_extent,
    expected_extent,
    make_plan,
    most_blocks,
)
from harness.measure.run_blocks import Progress

__all__ = [
    "DEFAULT_TRIALS",
    "LOAD_PAIRS",
    "Progress",
    "check_trials",
    "energy_extent",
    "execute",
    "expected_extent",
    "make_plan",
    "most_blocks",
    "order_of",
]
