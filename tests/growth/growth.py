"""How cost grows: sessions of many entries closed and drawn, runs beside many others, a history of many runs.

    python tests/growth/growth.py session 1000     closing, report, index and table of a session of so many entries
    python tests/growth/growth.py beside 199       closing a run of one entry beside so many runs of 100 entries
    python tests/growth/growth.py history 10000    queries of a history of so many runs of three entries

Prints a JSON line: CPU seconds with children, the peak of memory, sizes of what was written.
Every figure is of this process alone, so each is measured in a process of its own.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np

from harness.records.entry import Entry, Finding, Histogram, Measurement, TrialSummary
from harness.records.metrics import METRICS
from harness.records.results import DeviceRecord, Results, Run
from harness.records.settings import Settings
from harness.records.status import Status
from harness.report import table
from harness.report.renderer import ReportRenderer
from harness.session.finish_run import RunStart, close_run
from harness.stats import histogram
from harness.store import RunFolder
from harness.store.history import History
from harness.testing import make_entry, make_facts, make_memory, make_profile, make_telemetry

TRIALS = 10
LIMITED = ("latency_p50", "peak_memory", "model_size", "accuracy")
READS = 2_000
RECIPES = ("float32", "float16", "dynamic_int8", "int8", "int16x8")
DEVICE = "simulated"
DATABASE = "history.db"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def entry_of(number: int, *, seed: int = 0, trials: int = TRIALS) -> Entry:
    """A measured entry: five recipes to a candidate, full histograms, every common metric, four limits."""
    random = Random(f"{seed}/{number}")  # noqa: S311 - made-up figures
    p50 = 0.004 * (1 + number % 5) * random.gauss(1, 0.01)
    measurements = [_measurement(metric, p50) for metric in METRICS if METRICS[metric].kind != "stages"]
    return make_entry(
        device=DEVICE,
        test=f"benchmarks/test_many.py::test_model[{number}]",
        candidate=f"network_{number // len(RECIPES)}",
        recipe=RECIPES[number % len(RECIPES)],
        status=Status.PASS,
        measurements=measurements,
        findings=[_finding(measurement) for measurement in measurements if measurement.metric in LIMITED],
        trials=[_trial(block, p50, random) for block in range(trials)],
    )


def _finding(measurement: Measurement) -> Finding:
    """A limit that holds, 30 % away, with a sentence as long as those of a session."""
    value = measurement.value or 0.0
    return Finding(
        gate="budget",
        metric=measurement.metric,
        status=Status.PASS,
        reason=f"{measurement.metric} {value:.4g} (95 %, {TRIALS} trials) is within its limit on {DEVICE} (made up)",
        limit=value * (1.3 if measurement.better == "lower" else 0.7),
        value=value,
        ci_low=measurement.ci_low,
        ci_high=measurement.ci_high,
    )


def _measurement(metric: str, p50: float) -> Measurement:
    known = METRICS[metric]
    value = p50 if known.unit == "s" else 0.9 if known.unit == "1" else 40_000 * (1 + p50)
    return Measurement(
        metric=metric,
        unit=known.unit,
        better=known.better,
        value=value,
        ci_low=value * 0.99,
        ci_high=value * 1.01,
        confidence=0.95,
        n=TRIALS,
        obtained="median over trials; made up",
    )


def _trial(block: int, p50: float, random: Random) -> TrialSummary:
    scale = p50 * random.gauss(1, 0.005)
    edges, counts = _shape(block)
    return TrialSummary(
        arm="candidate",
        block=block,
        n=READS,
        batch=1,
        mean_s=scale * 1.01,
        quantiles={"p50": scale, "p90": scale * 1.05, "p99": scale * 1.3},
        histogram=Histogram(edges_s=[edge * scale for edge in edges], counts=list(counts)),
        init_s=0.003,
        first_inference_s=p50 * 3,
        memory=make_memory(),
        telemetry=make_telemetry(),
    )


@cache
def _shape(block: int) -> tuple[list[float], list[int]]:
    """Edges around 1 and counts of a trial whose reads spread by 1 %, with some late ones."""
    generator = np.random.default_rng(block)
    bulk, late = generator.normal(0, 0.01, READS - 10), generator.exponential(1, 10)
    edges, counts = histogram(np.exp(np.concatenate([bulk, late])) * 0.001)
    return [edge * 1000 for edge in edges], counts


def close_session(reports_dir: Path, entries: Iterator[Entry], *, run_id: str) -> Path:
    """A run of such entries, closed as a session closes it: results.json, history, report, index."""
    settings = Settings(
        devices=(DEVICE,), reports_dir=reports_dir, history=str(reports_dir / DATABASE), command="made up"
    )
    folder = RunFolder.create(reports_dir, run_id=run_id)
    facts = make_facts()
    record = DeviceRecord(profile=make_profile(), facts=facts, fingerprint="made up", label=facts.simulated)
    folder.append_device(DEVICE, record, bytes_sent=0, seconds={"measure": 1.0})
    for entry in entries:
        folder.append_entry(entry)
    results = close_run(folder, settings=settings, start=RunStart.of(folder), seconds={"measure": 1.0})
    ReportRenderer().render(folder.path, results)
    table(results)
    return folder.path


def measure_session(count: int, where: Path) -> dict[str, float]:
    """A session of ``count`` entries."""
    with spent() as cost:
        path = close_session(where, map(entry_of, range(count)), run_id="5e5510")
    written = {f"{name}_bytes": (path / name).stat().st_size for name in ("results.json", "report.html", "summary.md")}
    return {**cost, **written}


def measure_beside(count: int, where: Path) -> dict[str, float]:
    """A run of one entry closed beside ``count`` runs of 100 entries of other candidates."""
    fill(where, runs=count, entries=100, first=1_000)
    with spent() as cost:
        close_session(where, iter([entry_of(0)]), run_id="0ca5e0")
    return cost


def measure_history(count: int, where: Path) -> dict[str, float]:
    """Queries of a history of ``count`` runs, in milliseconds of CPU, the best of five."""
    fill(where, runs=count, entries=3, first=0)
    history = History.open(str(where / DATABASE))
    commit = f"{count - 1:040x}"
    asked: dict[str, Callable[[], object]] = {
        "series": lambda: history.series(device=DEVICE, candidate="network_0", metrics=["latency_p50"], newest=100),
        "series_of_run": lambda: history.series_of_run(f"{count - 1:06x}", metrics=["latency_p50"], newest=100),
        "attempts": lambda: history.attempts(commit),
        "artifacts": lambda: history.artifacts(commit),
        "selftests": lambda: history.selftests(DEVICE),
    }
    return {f"{name}_ms": min(_cpu_ms(query) for _ in range(5)) for name, query in asked.items()}


def fill(where: Path, *, runs: int, entries: int, first: int) -> None:
    """A history of so many runs, written by a process of its own, whose memory is not ours."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(_fill, where, runs, entries, first).result()


def _fill(where: Path, runs: int, entries: int, first: int) -> None:
    history = History.open(str(where / DATABASE))
    for number in range(runs):
        found = [entry_of(first + one, seed=number, trials=0) for one in range(entries)]
        run = Run(
            id=f"{number:06x}",
            created_at=(BEGIN + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            harness_version="0",
            commit=f"{number:040x}",
            command="made up",
            settings={},
            status=Status.PASS,
            exit_code=0,
            seconds={},
            bytes_sent={},
        )
        history.append(Results(run=run, devices={}, entries=found))


@contextmanager
def spent() -> Iterator[dict[str, float]]:
    """The CPU seconds of what runs inside, of this process and its ended children, and its memory's peak so far."""
    cost: dict[str, float] = {}
    before = _cpu_s()
    yield cost
    cost["cpu_s"] = round(_cpu_s() - before, 2)
    cost["peak_memory_bytes"] = _peak_memory_bytes()


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _cpu_ms(query: Callable[[], object]) -> float:
    before = time.process_time()
    query()
    return round((time.process_time() - before) * 1000, 2)


def _peak_memory_bytes() -> int:
    """VmHWM: ru_maxrss is inherited from the process that started this one."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


MEASURED: dict[str, Callable[[int, Path], dict[str, float]]] = {
    "session": measure_session,
    "beside": measure_beside,
    "history": measure_history,
}


def main() -> None:
    """Measure what is named, in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description="How cost grows with entries, runs and history.")
    parser.add_argument("what", choices=MEASURED)
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = MEASURED[given.what](given.count, Path(folder))
    sys.stdout.write(json.dumps({"measured": given.what, "count": given.count, **found}) + "\n")


if __name__ == "__main__":
    main()
