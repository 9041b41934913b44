"""The budgets of a pytest session: markers and budgets.toml, each file read once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.gates import Budgets, Limit, find_budgets, limits_for, load_budgets, parse_limits, unused_keys
from harness.plugin.expecting import candidates_of
from harness.profiles import available
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.errors import BudgetsError


@dataclass
class BudgetBook:
    """Finds the limits that hold for a test, and refuses wrong ones."""

    rootdir: Path
    profiles: dict[str, DeviceProfile]
    devices_dir: Path | None
    left_out: bool = False
    """Whether tests were deselected, whoever did it: then a table that matches nothing may be theirs."""
    _files: dict[Path, Budgets] = field(default_factory=dict)

    def limits(self, item: pytest.Item, candidate: Candidate, device: str) -> tuple[Limit, ...]:
        """The limits on a test's candidate on a device. Raises BudgetsError."""
        return limits_for(self._nearest(item.path), self.profiles[device].lineage, str(candidate), self._markers(item))

    def check(self, items: Iterable[pytest.Item], config: pytest.Config) -> None:
        """Read every marker and file, and where whole folders were collected refuse entries that match nothing.

        Raises BudgetsError.
        """
        benchmarks = [item for item in items if "bench" in getattr(item, "fixturenames", ())]
        for item in benchmarks:
            self._nearest(item.path)
            self._markers(item)
        if self.left_out or config.getoption("keyword") or config.getoption("markexpr"):
            return
        folders = [config.invocation_params.dir / argument for argument in config.args if "::" not in argument]
        seen = {(name, str(value)) for item in benchmarks for value in candidates_of(item) for name in self._lineages()}
        for path, budgets in self._files.items():
            if any(path.parent.is_relative_to(folder.resolve()) for folder in folders):
                self._refuse_unused(budgets, seen)

    def _refuse_unused(self, budgets: Budgets, seen: set[tuple[str, str]]) -> None:
        unused = unused_keys(budgets, seen, devices=list(available(self.devices_dir)))
        if unused:
            raise BudgetsError("; ".join(unused))

    def _lineages(self) -> set[str]:
        return {name for profile in self.profiles.values() for name in profile.lineage}

    def _nearest(self, test_file: Path) -> Budgets | None:
        path = find_budgets(test_file, self.rootdir)
        if path is None:
            return None
        if path not in self._files:
            self._files[path] = load_budgets(path, rootdir=self.rootdir)
        return self._files[path]

    def _markers(self, item: pytest.Item) -> list[Limit]:
        limits: list[Limit] = []
        for marker in item.iter_markers("budget"):
            if marker.args:
                raise BudgetsError(f"{item.nodeid}: budget takes keywords, e.g. budget(latency_p50='4 ms')")
            limits += parse_limits(marker.kwargs, origin=f"marker of {item.nodeid}")
        return limits
