"""One error rate for the whole session: how much of alpha each limit may take."""

from dataclasses import dataclass, field
from typing import Final

from harness.records.errors import BudgetsError

_KEPT_BACK: Final = 0.5
"""Of alpha, for tests whose parameters do not tell what they measure."""


@dataclass
class Purse:
    """Alpha divided at collection over ``planned`` limits of all devices; chance has a part in each of them.

    Where some tests do not tell by their parameters what they measure (``surprises``), half of alpha is theirs: the
    i-th call of such a test takes 1 / (i (i + 1)) of it, divided by the ``processes`` that count for themselves, so
    that all of them together never take more, however many they are.
    """

    alpha: float
    planned: int
    surprises: bool
    processes: int = 1
    _calls: int = field(default=0)

    def planned_share(self) -> float:
        """What each limit of a test may take whose parameters told of it."""
        return self.alpha * (1.0 - _KEPT_BACK if self.surprises else 1.0) / max(1, self.planned)

    def surprise_share(self, limits: int, *, where: str) -> float:
        """What each of a call's limits may take where collection did not know of them.

        Raises BudgetsError where nothing was kept back, because every test seemed to tell what it measures.
        """
        if not self.surprises:
            raise BudgetsError(
                f"{where}: measures something that its parameters do not name, so that its budgets have no share of "
                "--alpha: parametrize the test with candidates(...) and call bench once"
            )
        self._calls += 1
        part = self.alpha * _KEPT_BACK / self.processes / (self._calls * (self._calls + 1))
        return part / max(1, limits)
