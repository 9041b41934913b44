"""pytest's hooks. Each is short: what it does stands in ``benchmark_session``, which only benchmark sessions load."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.plugin.benchmark_session import BenchmarkSession
    from harness.plugin.failures import FailureLog

BENCHMARK_SESSION: pytest.StashKey["BenchmarkSession"] = pytest.StashKey()
FAILURES: pytest.StashKey["FailureLog"] = pytest.StashKey()
BENCH_CALLS: pytest.StashKey[int] = pytest.StashKey()
"""How often a test that takes ``bench`` called it."""

_WORDS: dict[str, tuple[str, str, str]] = {
    "MEASURED": ("measured", "m", "MEASURED"),
    "PASS": ("passed", ".", "PASS"),
    "INCONCLUSIVE": ("inconclusive", "?", "INCONCLUSIVE"),
    "INVALID": ("invalid", "!", "INVALID"),
    "FAIL": ("failed", "F", "FAIL"),
    "ERROR": ("error", "E", "ERROR"),
}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Our options, where a conftest names this plugin; else they are added after the conftests' own, see below."""
    files = (getattr(plugin, "__file__", None) or "" for plugin in pluginmanager.get_plugins())
    if any(Path(file).name == "conftest.py" for file in files):
        from harness.plugin.options import add_options

        add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Add our options when all others are there, so that we step aside and nobody clashes with us."""
    from harness.plugin.options import add_options, forget_values

    forget_values(args, early_config.known_args_namespace.file_or_dir)
    try:
        return (yield)
    finally:
        add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options and the profiles: what is wrong is one line and exit code 4."""
    config.addinivalue_line(
        "markers", "budget(**limits): limits that hold on every board, e.g. budget(model_size='60 kB')"
    )
    config.addinivalue_line(
        "markers", "tuning(**settings): an operating point of this test's own, e.g. tuning(max_freq='1 GHz')"
    )
    from harness.plugin.failures import FailureLog
    from harness.plugin.options import read_settings, release_names

    release_names(config)
    config.stash[FAILURES] = FailureLog()
    config.pluginmanager.register(config.stash[FAILURES], "harness-failures")
    if read_settings(config).devices:
        from harness.plugin.benchmark_session import BenchmarkSession
        from harness.plugin.pytest_benchmark import BenchmarkTable

        bench_session = config.stash[BENCHMARK_SESSION] = BenchmarkSession.configure(config, config.stash[FAILURES])
        if bench_session.settings.plan_only:
            config.option.dist = "no"  # pytest-xdist's: what is only planned needs no workers
        config.pluginmanager.register(BenchmarkTable(bench_session), "harness-benchmark-table")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which boards, and which of our options' names are somebody else's here."""
    from harness.plugin.options import shadowed_flags, twin

    lines = []
    aside = shadowed_flags(config)
    if aside:
        lines.append(
            f"harness: another plugin or a conftest owns {', '.join(aside)} here; "
            f"ours have a prefix, such as {twin(aside[0])}"
        )
    bench_session = config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        lines.append(f"harness: {bench_session.heading()}")
    return lines


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Limits that are skipped, before a board is touched."""
    bench_session = config.stash.get(BENCHMARK_SESSION, None)
    said = bench_session.skipped_limits_note(items) if bench_session is not None else None
    return [f"harness: {said}"] if said else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for ``bench`` runs once on each device."""
    from harness.plugin.benchmarks import is_benchmark

    if not is_benchmark(metafunc):
        return
    bench_session = metafunc.config.stash.get(BENCHMARK_SESSION, None)
    devices = bench_session.settings.devices if bench_session is not None else ()
    if devices:
        metafunc.parametrize("harness_device", devices, scope="session", ids=list(devices))


def pytest_make_parametrize_id(val: object) -> str | None:
    """A candidate's name stands in its test's id without ``ids=str``: a place in a list would change with the list."""
    from harness.records.candidate import Candidate

    return str(val) if isinstance(val, Candidate) else None


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Budgets of tests that are left out match nothing, and are not wrong for that."""
    bench_session = items[0].config.stash.get(BENCHMARK_SESSION, None) if items else None
    if bench_session is not None:
        bench_session.budgets.left_out = True


def pytest_collection_finish(session: pytest.Session) -> None:
    """What will be measured is known now. Wrong budgets, and benchmarks that name no device, are usage errors."""
    from harness.plugin.options import refuse_without_device

    bench_session = session.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        bench_session.expect(session.items)
        bench_session.check_budgets(session)
    elif not (session.config.getoption("collectonly") or hasattr(session.config, "workerinput")):
        refuse_without_device(session)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --plan-only nothing runs."""
    bench_session = session.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is None:
        return None
    bench_session.started = True
    return True if bench_session.settings.plan_only else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse the benchmarks of a worker whose budgets are wrong: it has nobody else to tell."""
    bench_session = item.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None and bench_session.refusal:
        bench_session.refuse(item)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that takes ``bench`` and never calls it holds nothing: it fails."""
    result = yield
    if item.stash.get(BENCH_CALLS, None) == 0:
        pytest.fail("takes bench and never called it: nothing was measured, and no limit was held", pytrace=False)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist's WorkerController has no public type
    """Tell an xdist worker which run folder and run id are the controller's."""
    bench_session = node.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        node.workerinput["harness"] = bench_session.for_worker(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:  # noqa: ANN401 - as above
    """Know an xdist worker's process, where it runs on this machine."""
    bench_session = node.config.stash.get(BENCHMARK_SESSION, None)
    child = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if bench_session is not None and child is not None:
        bench_session.workers.append(child)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - as above
    """Hear from an xdist worker what its tests measured."""
    bench_session = node.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        bench_session.budgets.add_calls(getattr(node, "workeroutput", {}).get("harness", {}))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist's types
    """One worker a device, so that a board never measures two things at once."""
    bench_session = config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is None:
        return None
    from harness.plugin.scheduling import BoardScheduling

    return BoardScheduling(config, log, devices=bench_session.settings.devices)


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """The letter and word of an entry's status; pytest's own where the test failed for something else, or is xfail."""
    status = dict(getattr(report, "user_properties", [])).get("harness_status")
    if report.when != "call" or status is None or hasattr(report, "wasxfail"):
        return None
    if report.failed and not config.stash[FAILURES].is_verdict(report):
        return None
    return _WORDS.get(str(status))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Release the boards; the controller writes results and report, and sets the exit code."""
    bench_session = session.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        session.exitstatus = bench_session.finish(session)
    elif not hasattr(session.config, "workerinput"):
        session.config.stash[FAILURES].settle(session)
        session.exitstatus = session.config.stash[FAILURES].exit_status()


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Pytest has shown the failures at length; its short summary names them all."""
    terminalreporter.config.stash[FAILURES].unfold(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Where pytest came to no end, after an internal error for one, show what was found; let go of the signals."""
    bench_session = config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is not None:
        bench_session.unconfigure(config)
