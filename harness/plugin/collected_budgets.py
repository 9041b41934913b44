"""The budgets of a pytest session: budgets.toml and markers, and the part of alpha that each limit may take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from harness.gates import (
    BudgetedCandidate,
    Budgets,
    Limit,
    find_budgets,
    is_asked,
    is_sampled,
    limits_for,
    load_budgets,
    parse_limits,
    unused_keys,
    unused_waivers,
)
from harness.measure import check_trials
from harness.plugin.benchmarks import candidates_of, device_of, is_benchmark
from harness.profiles import available, lineages
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.entry import Entry
from harness.records.errors import BudgetsError
from harness.records.metrics import METRICS
from harness.records.nearest import nearest
from harness.records.settings import Settings
from harness.session.plan_preview import PlannedEntry

_MARKER = "budget"
_LIKENESS = 0.75
"""From which on a marker's name is taken for a misspelt one: "budgets" and "buget" are, "widget" is not."""
_EXAMPLE = "budget(latency_p50='4 ms')"
_WITHOUT_MEASURING: Final = ("identical", "new", "missing", "unlike")
"""States of a baseline that no limit on a regression is tested against."""
_HARDLY_ANY: Final = 1e-6
"""Of alpha: what rounding leaves."""
_UNPLANNED_PART: Final = 0.5
"""Of alpha, for tests whose parameters do not tell what they measure."""


@dataclass
class CollectedBudgets:
    """Finds the limits that hold for a test on the day ``today`` (UTC), and refuses wrong ones."""

    rootdir: Path
    profiles: dict[str, DeviceProfile]
    devices_dir: Path | None
    today: date
    paired: bool = False
    """Whether there is a baseline; without one, limits on regressions are skipped."""
    left_out: bool = False
    """Whether tests were deselected, whoever did it: then a table that matches nothing may be theirs."""
    waiting: dict[str, list[BudgetedCandidate]] = field(default_factory=dict)
    """Files, collected whole, of tests that name their candidates only when they run, and what is known of those."""
    _benchmarks: list[pytest.Item] = field(default_factory=list)
    _alpha: "AlphaBudget | None" = None
    _kept: frozenset[tuple[str, str, str]] = frozenset()
    """Entries of a run that is resumed, whose limits are not among those that alpha is divided over."""
    _measured: set[tuple[str, str]] = field(default_factory=set)
    _files: dict[Path, Budgets] = field(default_factory=dict)

    def expect(self, items: Iterable[pytest.Item]) -> None:
        """Take note of the collected benchmarks, over whose limits the error rates are divided."""
        self._benchmarks = [item for item in items if is_benchmark(item)]

    @property
    def files(self) -> tuple[Path, ...]:
        """The benchmarks' files, each once."""
        return tuple(dict.fromkeys(item.path for item in self._benchmarks))

    def limit_alpha(
        self,
        item: pytest.Item,
        candidate: Candidate,
        limits: Sequence[Limit],
        *,
        alpha: float,
        kept: Mapping[tuple[str, str, str], Entry] = MappingProxyType({}),
    ) -> float:
        """The chance of a false alarm that each of these limits may take.

        ``kept`` are entries of a run that is resumed, by device, test and candidate: what their limits took of alpha is
        spent, whatever is selected now. Raises BudgetsError.
        """
        if self._alpha is None:
            self._alpha = self.alpha_budget(alpha, kept)
            self._kept = frozenset(kept)
        sampled = self._count_sampled(limits)
        call = (item.nodeid, str(candidate))
        if sampled == 0 or (candidate in candidates_of(item) and call not in self._measured):
            self._measured.add(call)
            return self._alpha.planned_alpha(sampled)
        return self._alpha.unplanned_alpha(sampled, where=item.nodeid)

    def leave_alpha(self, limits: Sequence[Limit], entry: Entry, share: float) -> None:
        """Leave to later entries what an entry's limits on regressions had no use for, as builds alone told.

        Its artifact is the base's, or there is none to compare with: never because of what was measured.
        """
        unused = entry.baseline is not None and entry.baseline.state in _WITHOUT_MEASURING
        planned = (entry.test, entry.subject) in self._measured
        if (
            unused
            and planned
            and self._alpha is not None
            and (entry.device, entry.test, entry.subject) not in self._kept
        ):
            self._alpha.leave(self._count_sampled(one for one in limits if one.kind == "regression"), share)

    def planned_entries(self) -> list[PlannedEntry]:
        """Every entry that the collected benchmarks will make, as far as their parameters tell."""
        return [
            PlannedEntry(device_of(item), str(candidate), self.limits(item, candidate, device_of(item)))
            for item in self._benchmarks
            for candidate in candidates_of(item)
        ]

    def alpha_budget(
        self, alpha: float, kept: Mapping[tuple[str, str, str], Entry] = MappingProxyType({})
    ) -> "AlphaBudget":
        """Alpha over all limits of the collected benchmarks in which chance has a part. Raises BudgetsError.

        Of a run that is resumed, what its ``kept`` entries left over, over the limits of others.
        """
        planned = sum(
            self._count_sampled(self.limits(item, candidate, device_of(item)))
            for item in self._benchmarks
            for candidate in candidates_of(item)
            if (device_of(item), item.nodeid, str(candidate)) not in kept
        )
        unplanned = any(not candidates_of(item) for item in self._benchmarks)
        left = alpha - sum(_alpha_spent(entry) for entry in kept.values())
        if planned and left <= alpha * _HARDLY_ANY:
            raise BudgetsError(
                "--resume: the run's entries have spent its --alpha, so that limits on others would raise its rate of "
                "false alarms: begin a new run for them"
            )
        return AlphaBudget(max(left, 0.0), planned, unplanned, processes=len(self.profiles))

    def count_skipped(self) -> int:
        """How many limits of the collected benchmarks need a baseline, where none was given."""
        if self.paired:
            return 0
        planned = (limit for entry in self.planned_entries() for limit in entry.limits)
        return sum(limit.kind == "regression" for limit in planned)

    def _count_sampled(self, limits: Iterable[Limit]) -> int:
        """How many limits take a share of alpha."""
        return sum(is_sampled(limit, paired=self.paired) for limit in limits)

    def limits(self, item: pytest.Item, candidate: Candidate, device: str) -> tuple[Limit, ...]:
        """The limits on a test's candidate on a device. Raises BudgetsError."""
        lineage = self.profiles[device].lineage
        return limits_for(self._nearest(item.path), lineage, str(candidate), marker_limits(item), today=self.today)

    def check(self, items: Sequence[pytest.Item], config: pytest.Config, settings: Settings) -> None:
        """Read every marker and file, and refuse waivers that do not relax.

        Where whole folders were collected, whatever matches nothing is refused too, but for files of tests that name
        their candidates only when they run: what those match is seen at the end. Raises UsageError.
        """
        benchmarks = [item for item in items if is_benchmark(item)]
        check_markers(items)
        for item in benchmarks:
            self._nearest(item.path)
        for item in benchmarks:
            for candidate in candidates_of(item):
                self._refuse_few_trials(self.limits(item, candidate, device_of(item)), settings)
        if not (self.left_out or config.getoption("keyword") or config.getoption("markexpr")):
            self._refuse_unused(benchmarks, _folders(config))

    def _refuse_few_trials(self, limits: Iterable[Limit], settings: Settings) -> None:
        """Refuse --trials that a limit cannot be judged by, before any board is touched. Raises UsageError."""
        if settings.trials is not None:
            asked = [limit.metric for limit in limits if is_asked(limit, paired=self.paired)]
            check_trials(settings, asked, arms=2 if self.paired else 1)

    def _refuse_unused(self, benchmarks: Sequence[pytest.Item], folders: Sequence[Path]) -> None:
        """Raise BudgetsError where a file below one of the folders has tables or waivers that match nothing."""
        names = list(available(self.devices_dir))
        own = {name for profile in self.profiles.values() for name in profile.lineage}
        seen = {(name, str(value)) for item in benchmarks for value in candidates_of(item) for name in own}
        for path, budgets in self._files.items():
            if any(path.parent.is_relative_to(folder) for folder in folders):
                tests = [item for item in benchmarks if self._nearest(item.path) is budgets]
                told = all(candidates_of(item) for item in tests)
                holding = [waiver for waiver in budgets.waivers if waiver.holds(self.today)]
                waived = list(self._list_budgeted(tests, budgets)) if holding or not told else []
                _refuse(unused_keys(budgets, seen, devices=names, all_seen=told))
                _refuse(unused_waivers(holding, waived, devices={*names, *own}, all_seen=told))
                if not told:
                    self.waiting[str(path)] = waived

    def record_call(self, item: pytest.Item, candidate: Candidate) -> None:
        """Keep that a test measures a candidate, where its file waits for that."""
        budgets = self._nearest(item.path)
        if budgets is not None and str(budgets.path) in self.waiting:
            self.waiting[str(budgets.path)] += self._budgeted_on_devices(item, candidate, budgets)

    def for_controller(self) -> dict[str, list[tuple[tuple[str, ...], str, frozenset[str]]]]:
        """What a worker's tests called, for the controller's ``add_calls``."""
        return {
            path: [(one.lineage, one.candidate, one.keys) for one in dict.fromkeys(budgeted)]
            for path, budgeted in self.waiting.items()
        }

    def add_calls(self, handed: Mapping[str, Iterable[tuple[tuple[str, ...], str, frozenset[str]]]]) -> None:
        """Add what a worker's tests called."""
        for path, budgeted in handed.items():
            self.waiting.setdefault(path, []).extend(BudgetedCandidate(*one) for one in budgeted)

    def list_unused(self) -> list[str]:
        """At the end: a sentence for each table and waiver of a waiting file that no test named or measured."""
        said: list[str] = []
        for path, budgeted in self.waiting.items():
            budgets = self._read(Path(path))
            seen = {(name, one.candidate) for one in budgeted for name in one.lineage}
            devices = {*available(self.devices_dir), *(name for name, _ in seen)}
            holding = [waiver for waiver in budgets.waivers if waiver.holds(self.today)]
            said += [*unused_keys(budgets, seen), *unused_waivers(holding, budgeted, devices=devices)]
        return said

    def _list_budgeted(self, tests: Iterable[pytest.Item], budgets: Budgets) -> Iterator[BudgetedCandidate]:
        """What the file and markers limit, as far as the tests' parameters tell."""
        for item in tests:
            for candidate in candidates_of(item):
                yield from self._budgeted_on_devices(item, candidate, budgets)

    def _budgeted_on_devices(
        self, item: pytest.Item, candidate: Candidate, budgets: Budgets
    ) -> Iterator[BudgetedCandidate]:
        """What is limited of a candidate on every device there is, whether it is measured now or not."""
        for lineage in {profile.lineage for profile in self.profiles.values()} | set(lineages(self.devices_dir)):
            limits = limits_for(budgets, lineage, str(candidate), marker_limits(item), today=None)
            yield BudgetedCandidate(tuple(lineage), str(candidate), frozenset(limit.key for limit in limits))

    def _nearest(self, test_file: Path) -> Budgets | None:
        path = find_budgets(test_file, self.rootdir)
        return None if path is None else self._read(path)

    def _read(self, path: Path) -> Budgets:
        if path not in self._files:
            self._files[path] = load_budgets(path, rootdir=self.rootdir)
        return self._files[path]


def _alpha_spent(entry: Entry) -> float:
    """What an entry's limits took of alpha, those included whose figures turned out not to vary."""
    share = next((finding.alpha for finding in entry.findings if finding.alpha is not None), 0.0)
    asked = [finding.metric for finding in entry.findings if finding.limit is not None]
    return share * sum(metric is not None and metric in METRICS and METRICS[metric].by_chance for metric in asked)


def _folders(config: pytest.Config) -> list[Path]:
    """The folders and files that were asked for whole."""
    return [(config.invocation_params.dir / argument).resolve() for argument in config.args if "::" not in argument]


def _refuse(sentences: Iterable[str]) -> None:
    said = "; ".join(sentences)
    if said:
        raise BudgetsError(said)


@dataclass
class AlphaBudget:
    """Alpha divided at collection over ``planned`` limits of all devices; chance has a part in each of them.

    Where some tests do not tell by their parameters what they measure (``unplanned``), half of alpha is theirs: the
    i-th call of such a test takes 1 / (i (i + 1)) of it, divided by the ``processes`` that count for themselves, so
    that all of them together never take more, however many they are. What limits leave that turn out to need none is
    shared by the limits that are still to come.
    """

    alpha: float
    planned: int
    unplanned: bool
    processes: int = 1
    _calls: int = field(default=0)
    _asked: int = field(default=0)
    _left_over: float = field(default=0.0)

    def planned_alpha(self, limits: int = 0) -> float:
        """What each of a call's limits may take whose test's parameters told of it."""
        even = self.alpha * (1.0 - _UNPLANNED_PART if self.unplanned else 1.0) / max(1, self.planned)
        to_come = max(limits, self.planned - self._asked, 1)
        more = self._left_over / to_come
        self._asked += limits
        self._left_over -= more * limits
        return even + more

    def leave(self, limits: int, share: float) -> None:
        """Take back what so many limits of this share had no use for."""
        self._left_over += limits * share

    def unplanned_alpha(self, limits: int, *, where: str) -> float:
        """What each of a call's limits may take where collection did not know of them.

        Raises BudgetsError where nothing was kept back, because every test seemed to tell what it measures.
        """
        if not self.unplanned:
            raise BudgetsError(
                f"{where}: measures something that its parameters do not name, so that its budgets have no share of "
                "--alpha: parametrize the test with candidates(...) and call bench once"
            )
        self._calls += 1
        part = self.alpha * _UNPLANNED_PART / self.processes / (self._calls * (self._calls + 1))
        return part / max(1, limits)


def marker_limits(item: pytest.Item) -> list[Limit]:
    """The limits of a test's markers. Raises BudgetsError for one that names none."""
    limits: list[Limit] = []
    for marker in item.iter_markers(_MARKER):
        if marker.args or not marker.kwargs:
            said = "takes keywords" if marker.args else "limits nothing"
            raise BudgetsError(f"{item.nodeid}: @pytest.mark.budget {said}: write e.g. {_EXAMPLE}")
        limits += parse_limits(marker.kwargs, origin=f"marker of {item.nodeid}")
    return limits


def check_markers(items: Iterable[pytest.Item]) -> None:
    """Refuse markers by which somebody means a limit that would hold nothing. Raises BudgetsError.

    That are a budget without a limit, one on a test, class or file in which nothing takes ``bench``, and markers of
    another name with the keys of budgets or with a name almost like it.
    """
    useful: set[int] = set()
    useless: dict[int, pytest.Item] = {}
    for item in items:
        benchmark = is_benchmark(item)
        for marker in item.iter_markers():
            if marker.name != _MARKER:
                _refuse_lookalike(item, marker, benchmark=benchmark)
            elif benchmark:
                useful.add(id(marker))  # one object for all tests of the class or file it stands at
            else:
                useless.setdefault(id(marker), item)
        if benchmark:
            marker_limits(item)
    for marker_id, item in useless.items():
        if marker_id not in useful:
            raise BudgetsError(f"{item.nodeid}: has a budget, but no test it stands for takes bench: nothing is held")


def _refuse_lookalike(item: pytest.Item, marker: pytest.Mark, *, benchmark: bool) -> None:
    keys = [key for key in marker.kwargs if key == "accuracy_drop" or key.removesuffix("_regression") in METRICS]
    registered = {line.partition(":")[0].partition("(")[0].strip() for line in item.config.getini("markers")}
    alike = nearest(marker.name, [_MARKER], least=_LIKENESS) is not None
    if keys or (benchmark and alike and marker.name not in registered):
        raise BudgetsError(f"{item.nodeid}: @pytest.mark.{marker.name} limits nothing: did you mean {_EXAMPLE}?")
