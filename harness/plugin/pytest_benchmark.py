"""Device latencies among pytest-benchmark's own: in its table, its JSON, what it saves and compares.

Its session lists what was measured, and saves, compares and prints the list when the tests are done. Ours are put
into that list from the results, one round a trial, each the trial's own median; its timer never runs for them.
Under xdist, where it measures nothing, the controller's list is filled all the same.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.stats import Metadata

from harness.plugin.benchmarks import is_benchmark
from harness.plugin.properties import add_junit_properties
from harness.records.comparable import is_usable, trial_medians
from harness.records.entry import Entry
from harness.records.results import DeviceRecord, Results
from harness.records.text import visible
from harness.report.labels import device_title, entry_name
from harness.report.numbers import value_of

if TYPE_CHECKING:
    from harness.plugin.benchmark_session import BenchmarkSession

_ONLY = "--benchmark-only"
_REGRESSION = "PerformanceRegression"
_PROGRAM = ("python_compiler", "python_implementation", "python_implementation_version", "python_build")
"""What pytest-benchmark says of the Python that runs pytest, not of a board."""


@dataclass(eq=False)
class BenchmarkTable:
    """A pytest plugin object, for sessions that name devices."""

    bench_session: "BenchmarkSession"
    _saved: list[Mapping[str, Any]] = field(default_factory=list)
    """The devices of each saved run that this one is compared with."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Its --benchmark-only keeps our benchmarks, and its --benchmark-skip skips them."""
        result = yield
        for item in items:
            if not is_benchmark(item):
                continue
            item.own_markers[:] = [mark for mark in item.own_markers if not _leaves_out_others(mark)]
            if config.getoption("benchmark_skip", False) and not config.getoption("benchmark_only", False):
                item.add_marker(pytest.mark.skip(reason="Skipping benchmark (--benchmark-skip active)."))
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Close the run before pytest-benchmark saves its list, and fill the list; an interrupted run is not saved.

        Under xdist an interrupted run is closed later, when its workers are gone. What the run found is shown when
        pytest has said all it says.
        """
        self.bench_session.hold_signals()
        if exitstatus != pytest.ExitCode.INTERRUPTED and not self.bench_session.worker:
            self.bench_session.finish(session)
            self._fill(session.config)
        if self.bench_session.started and not self.bench_session.worker:
            run, code = self.bench_session.steps.start.id, self.bench_session.current_exit_code(session)
            add_junit_properties(session.config, run=run, code=code)
        result = yield
        self.bench_session.summarise(session.config)
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_machine_info(self, config: pytest.Config, machine_info: dict[str, Any]) -> None:
        """Add the boards; where all that was measured was measured on one board, the machine is that board."""
        results = self.bench_session.results
        if results is None:
            return
        machine_info["devices"] = {name: facts_of(record) for name, record in results.devices.items()}
        own = all(hasattr(entry.fixture, "of_device") for entry in config._benchmarksession.benchmarks)  # type: ignore[attr-defined]
        if own and len(results.devices) == 1:
            _describe_board(machine_info, *results.devices.values())

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_benchmark_compare_machine_info(
        self, machine_info: dict[str, Any], compared_benchmark: Mapping[str, Any]
    ) -> Generator[None, object, object]:
        """It compares machines before a board was reached: ours are compared when the boards are known."""
        saved = compared_benchmark["machine_info"].get("devices")
        if isinstance(saved, dict):
            self._saved.append(saved)
            machine_info.clear()
            machine_info.update(compared_benchmark["machine_info"])
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        """Let its --benchmark-compare-fail fail without a traceback; tell of boards that are not what they were.

        Verdicts, which stand in the run's own summary, have no section among pytest's failures.
        """
        if self.bench_session.results is not None:
            self.bench_session.failures.fold(terminalreporter)
        try:
            result = yield
        except Exception as error:
            if type(error).__name__ != _REGRESSION:
                raise
            result = None  # it has said which, and the run says that it failed
        results = self.bench_session.results
        if results is not None:
            for line in dict.fromkeys(line for saved in self._saved for line in unlike(saved, results)):
                terminalreporter.write_line(visible(f"harness: {line}"))
        return result

    def _fill(self, config: pytest.Config) -> None:
        session = getattr(config, "_benchmarksession", None)
        off = config.getoption("benchmark_disable", False) and not config.getoption("benchmark_enable", False)
        if session is None or off or self.bench_session.results is None or not _asked_for(config):
            return
        session.benchmarks += make_metadata(self.bench_session.results)


def _asked_for(config: pytest.Config) -> bool:
    """Whether any of its options was given: its table is 230 columns wide, and ours has what it tells."""
    options = [option for group in config._parser._groups for option in group.options]
    of_benchmark = {option.dest: option.attrs().get("default") for option in options if _is_of_benchmark(option)}
    return any(config.getoption(dest, default) != default for dest, default in of_benchmark.items())


def _is_of_benchmark(option: Any) -> bool:  # noqa: ANN401 - pytest's own class has no public name
    return any(name.startswith("--benchmark-") for name in option.names())


@dataclass(frozen=True)
class _Fixture:
    """What pytest-benchmark asks of the fixture that measured something."""

    name: str
    fullname: str
    group: str
    param: str | None
    params: dict[str, str | int | None]
    extra_info: dict[str, Any]
    of_device: str
    cprofile_stats: None = None
    has_error: bool = False


def make_metadata(results: Results) -> list[Metadata]:
    """One for each entry measured on a fit board with right outputs: a round a trial, its median in seconds."""
    measured = [entry for entry in results.entries if is_usable(entry) and trial_medians(entry)]
    tests = Counter(entry.test for entry in measured)
    seen: Counter[str] = Counter()
    made = []
    for entry in measured:
        name = _unique(entry, seen, alone=tests[entry.test] == 1)
        metadata = Metadata(_make_fixture(results, entry, name), iterations=1, options={})
        for median in trial_medians(entry):
            metadata.update(median)
        made.append(metadata)
    return made


def _unique(entry: Entry, seen: Counter[str], *, alone: bool) -> str:
    """The test's id; with the candidate where the test measured several, and numbered where it was measured again."""
    name = entry.test if alone else f"{entry.test} {visible(entry_name(entry))}"
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} #{seen[name]}"


def _make_fixture(results: Results, entry: Entry, fullname: str) -> _Fixture:
    function, bracket, parameters = fullname.partition("[")
    return _Fixture(
        name=function.rpartition("::")[2] + bracket + parameters,
        fullname=fullname,
        group=visible(device_title(entry.device, results.devices)),
        param=parameters.rpartition("]")[0] or None,
        params={
            "device": entry.device,
            "candidate": entry.candidate,
            "recipe": entry.recipe,
            "runtime": entry.runtime,
            "num_threads": entry.num_threads,
        },
        extra_info=_extra_info(results, entry),
        of_device=entry.device,
    )


def _extra_info(results: Results, entry: Entry) -> dict[str, Any]:
    record = results.devices.get(entry.device)
    told = {
        "round": "one trial: the median of its inferences, in seconds",
        "device": entry.device,
        "label": record.label if record else None,
        "fingerprint": record.fingerprint if record else None,
        "candidate": entry.candidate,
        "recipe": entry.recipe,
        "runtime": entry.runtime,
        "delegate": entry.delegate,
        "num_threads": entry.num_threads,
        "sha256": entry.artifact.sha256 if entry.artifact else None,
        "status": entry.status.value,
        "run": results.run.id,
        "latency_p50": _p50(entry),
    }
    several = record is not None and len(results.devices) > 1
    return told | {"board": facts_of(record)} if record and several else told


def _p50(entry: Entry) -> dict[str, float | int | None] | None:
    """The entry's own figure with its interval, in seconds: pytest-benchmark's are of the rounds."""
    p50 = value_of(entry, "latency_p50")
    if p50 is None:
        return None
    return {name: getattr(p50, name) for name in ("value", "ci_low", "ci_high", "confidence", "n")}


def facts_of(record: DeviceRecord) -> dict[str, Any]:
    """What a board said of itself that stays the same from run to run."""
    facts = record.facts
    if facts is None:
        return {"label": record.label, "fingerprint": record.fingerprint}
    kept = facts.model_dump(
        mode="json",
        include={
            "hostname",
            "model",
            "arch",
            "kernel",
            "os",
            "libc",
            "python",
            "cpu",
            "cpu_count",
            "max_freq_khz",
            "governor",
            "memory_bytes",
            "storage",
        },
    )
    return {"label": record.label, "fingerprint": record.fingerprint, **kept}


def unlike(saved: Mapping[str, Any], results: Results) -> Iterable[str]:
    """A line for each device that is not what it was in the saved run, with what differs."""
    for name, record in results.devices.items():
        was, now = saved.get(name), facts_of(record)
        if not isinstance(was, dict):
            continue
        differing = [key for key in now if key != "fingerprint" and was.get(key) != now[key]]
        if differing:
            told = "; ".join(f"{key} {_short(was.get(key))} there, {_short(now[key])} here" for key in differing)
            yield f"{name} is not what it was in the run that this one is compared with: {told}"


def _short(value: object) -> str:
    return repr(value)[:80]


def _leaves_out_others(mark: pytest.Mark) -> bool:
    return mark.name == "skip" and _ONLY in str(mark.kwargs.get("reason", ""))


def _describe_board(machine_info: dict[str, Any], record: DeviceRecord) -> None:
    facts = record.facts
    if facts is None:
        return
    for key in _PROGRAM:
        machine_info.pop(key, None)
    machine_info |= {
        "node": facts.hostname,
        "processor": facts.cpu or "",
        "machine": facts.arch,
        "python_version": facts.python,
        "release": facts.kernel,
        "system": facts.os or "",
        "cpu": {"brand_raw": facts.cpu, "arch_string_raw": facts.arch, "count": facts.cpu_count},
    }
