"""xdist's distribution of benchmarks: all tests of a device go to one worker."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class BoardScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """One scope a device; tests that ask for no board are scoped as xdist's loadscope does."""

    def __init__(self, config: pytest.Config, log: Any, *, devices: tuple[str, ...]) -> None:  # noqa: ANN401
        super().__init__(config, log)
        self._devices = devices

    def remove_node(self, node: Any) -> str | None:  # noqa: ANN401
        """Give a worker's open tests to the others; returns the test in which it died, None where it had ended.

        That test is not given to another worker: it has failed, and would end that one too. xdist's own loadscope
        runs it again until it has no more workers to start.
        """
        for tests in self.assigned_work[node].values():
            for nodeid, completed in tests.items():
                if not completed:
                    tests[nodeid] = True
                    super().remove_node(node)
                    return str(nodeid)
        super().remove_node(node)
        return None

    def _split_scope(self, nodeid: str) -> str:
        return device_in_id(nodeid, self._devices) or str(super()._split_scope(nodeid))


def device_in_id(nodeid: str, devices: tuple[str, ...]) -> str | None:
    """The device named first in a test id's brackets, the longest name that fits; None without one."""
    _, _, inside = nodeid.partition("[")
    fitting = [name for name in devices if inside.startswith((f"{name}-", f"{name}]"))]
    return max(fitting, key=len, default=None)
