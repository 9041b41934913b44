"""The budgets of a pytest session: markers and budgets.toml, each file read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.gates import (
    Budgets,
    Limit,
    find_budgets,
    is_asked,
    is_sampled,
    limits_for,
    load_budgets,
    parse_limits,
    unused_keys,
)
from harness.measure import check_trials
from harness.plugin.expecting import candidates_of, device_of
from harness.plugin.purse import Purse
from harness.profiles import available
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.errors import BudgetsError
from harness.records.settings import Settings


@dataclass
class BudgetBook:
    """Finds the limits that hold for a test, and refuses wrong ones."""

    rootdir: Path
    profiles: dict[str, DeviceProfile]
    devices_dir: Path | None
    left_out: bool = False
    """Whether tests were deselected, whoever did it: then a table that matches nothing may be theirs."""
    _benchmarks: list[pytest.Item] = field(default_factory=list)
    _purse: Purse | None = None
    _measured: set[tuple[str, str]] = field(default_factory=set)
    _files: dict[Path, Budgets] = field(default_factory=dict)

    def expect(self, items: Iterable[pytest.Item]) -> None:
        """Take note of the collected benchmarks, over whose limits the error rates are divided."""
        self._benchmarks = [item for item in items if "bench" in getattr(item, "fixturenames", ())]

    @property
    def files(self) -> tuple[Path, ...]:
        """The benchmarks' files, each once."""
        return tuple(dict.fromkeys(item.path for item in self._benchmarks))

    def share(self, item: pytest.Item, candidate: Candidate, limits: Sequence[Limit], *, alpha: float) -> float:
        """The chance of a false alarm that each of these limits may take. Raises BudgetsError."""
        if self._purse is None:
            self._purse = self.purse(alpha)
        sampled = sum(map(is_sampled, limits))
        call = (item.nodeid, str(candidate))
        if sampled == 0 or (candidate in candidates_of(item) and call not in self._measured):
            self._measured.add(call)
            return self._purse.planned_share()
        return self._purse.surprise_share(sampled, where=item.nodeid)

    def purse(self, alpha: float) -> Purse:
        """Alpha over all limits of the collected benchmarks in which chance has a part. Raises BudgetsError."""
        planned = sum(
            sum(map(is_sampled, self.limits(item, candidate, device_of(item))))
            for item in self._benchmarks
            for candidate in candidates_of(item)
        )
        surprises = any(not candidates_of(item) for item in self._benchmarks)
        return Purse(alpha, planned, surprises, processes=len(self.profiles))

    def limits(self, item: pytest.Item, candidate: Candidate, device: str) -> tuple[Limit, ...]:
        """The limits on a test's candidate on a device. Raises BudgetsError."""
        return limits_for(self._nearest(item.path), self.profiles[device].lineage, str(candidate), self._markers(item))

    def check(self, items: Iterable[pytest.Item], config: pytest.Config, settings: Settings) -> None:
        """Read every marker and file, and where whole folders were collected refuse entries that match nothing.

        Raises UsageError.
        """
        benchmarks = [item for item in items if "bench" in getattr(item, "fixturenames", ())]
        for item in benchmarks:
            self._nearest(item.path)
            self._markers(item)
            for candidate in candidates_of(item) if settings.trials is not None else ():
                self._refuse_few_trials(item, candidate, settings)
        if self.left_out or config.getoption("keyword") or config.getoption("markexpr"):
            return
        folders = [config.invocation_params.dir / argument for argument in config.args if "::" not in argument]
        seen = {(name, str(value)) for item in benchmarks for value in candidates_of(item) for name in self._lineages()}
        for path, budgets in self._files.items():
            if any(path.parent.is_relative_to(folder.resolve()) for folder in folders):
                self._refuse_unused(budgets, seen)

    def _refuse_few_trials(self, item: pytest.Item, candidate: Candidate, settings: Settings) -> None:
        """Refuse --trials that a limit cannot be judged by, before any board is touched. Raises UsageError."""
        limits = [limit for limit in self.limits(item, candidate, device_of(item)) if is_asked(limit)]
        paired = settings.baseline is not None
        asked = [limit.metric for limit in limits if paired or limit.kind == "absolute"]
        check_trials(settings, asked, arms=2 if paired else 1)

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
