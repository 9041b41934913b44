"""Does memory add up, come again, and tell the limit that fits? Prints a table; exit status 1 where a bound is broken.

    python tests/memory_sum/memory_sum.py [MODEL.tflite...] [--runtime litert,tflite] [--processes 6] [--out TABLE.md]

Each row is a model with a runtime, measured by the agent in processes exec'd anew: what of PSS no part explains, at
most; by how much PSS, VmHWM and the growth by the model differ from process to process, (largest - least) / mean; and
the smallest memory limit that passes, beside what the cgroup could not take back and beside VmHWM. Without models eight
of the zoo are built, from 10 kB to 14 MB, which takes minutes the first time. The runtimes are put into a cache of the
script's own, so that no other process shares their pages. Limits need root, or a memory cgroup that may be made.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agent.agent_conversation import Steward, pack_agent, run, trial, unpack_agent

from harness.measure.memory_account import memory_account
from harness.measure.trial_summary import model_peak
from harness.records.board import NO_FIT, Trial, TrialMemory

UNEXPLAINED, TOTAL_RANGE, MODEL_RANGE, LIMIT_RANGE = 0.05, 0.01, 0.03, 0.10
"""The bounds, as shares: of PSS, of the mean, of the mean, of what cannot be taken back."""
HARNESS = str(Path(sys.executable).with_name("harness"))
HELD, MOST_TRIES, WAIT_S = 11, 60, 5.0
FREE = 1 << 40
STEPS = 6
"""Of halving the room between limits from 0.8 to 1.4 of what cannot be taken back: to 1 % of it."""
ZOO = """
from harness import candidates
import pytest

NAMES = ["digits_cnn(width=0.5)", "digits_cnn", "kws_ds_cnn", "ic_resnet8", "vww_mobilenet_v1"]
FLOAT = ["ad_autoencoder", "mobilenet_v3_small", "mobilenet_v2"]
ALL = [*candidates(*NAMES, recipes=["int8"]), *candidates(*FLOAT, recipes=["float32"])]

@pytest.mark.parametrize("candidate", ALL, ids=str)
def test_memory(bench, candidate):
    bench(candidate)
"""


@dataclass(frozen=True)
class Row:
    """A model with a runtime: shares as fractions, sizes in bytes; no limits where no cgroup can be made."""

    model: str
    size: int
    runtime: str
    pss: float
    unexplained: float
    total_range: float
    peak_range: float
    model_range: float
    peak: float
    held: float | None
    smallest: float | None

    @property
    def broken(self) -> list[str]:
        """The bounds that do not hold, by name."""
        bounds = [
            ("unexplained", self.unexplained <= UNEXPLAINED),
            ("PSS", self.total_range <= TOTAL_RANGE),
            ("VmHWM", self.peak_range <= TOTAL_RANGE),
            ("model memory", self.model_range <= MODEL_RANGE),
            ("limit", self.held is None or abs((self.smallest or 0.0) / self.held - 1.0) <= LIMIT_RANGE),
        ]
        return [name for name, holds in bounds if not holds]


@dataclass(frozen=True)
class Runtime:
    """A runtime in a folder, and Python's library in another, that no other process uses."""

    name: str
    site: Path
    libraries: Path


def measure(model: Path, runtime: Runtime, start: Callable[[], Steward], processes: int) -> Row:
    """One row, in processes exec'd anew."""
    steward = start()
    try:
        sha256 = steward.put(model)

        def run_once(limit: int = 0) -> Trial:
            one = trial(sha256, kind="memory", warmup_runs=1, memory_limit_bytes=limit)
            own: dict[str, Any] = {
                "package": runtime.name,
                "site": str(runtime.site),
                "env": {"LD_LIBRARY_PATH": str(runtime.libraries)},
            }
            return run(steward, [one], start="exec", **own)[0]

        trials = [run_once() for _ in range(processes)]
        told = [one.memory for one in trials if one.memory is not None]
        accounts = [account for one in trials if (account := memory_account([one], "candidate")) is not None]
        if len(accounts) < processes:
            raise SystemExit(f"{model.name} with {runtime.name}: {trials[0].died or 'the kernel tells no parts'}")
        held, smallest = limits(run_once)
    finally:
        steward.end()
    return Row(
        model=model.stem,
        size=model.stat().st_size,
        runtime=runtime.name,
        pss=sum(one.pss_bytes for one in accounts) / processes,
        unexplained=max(abs(one.unexplained_share) for one in accounts),
        total_range=spread([one.pss_bytes for one in accounts]),
        peak_range=spread([float(one.hwm_bytes) for one in told]),
        model_range=spread([float(growth(one)) for one in told]),
        peak=max(float(one.hwm_bytes) for one in told),
        held=held,
        smallest=smallest,
    )


def growth(memory: TrialMemory) -> int:
    """What the model added to the process' peak."""
    return model_peak(memory) - memory.hwm_before_bytes


def spread(values: Sequence[float]) -> float:
    """How far the largest and the least are apart, as a share of their mean."""
    return (max(values) - min(values)) * len(values) / sum(values)


def limits(run_once: Callable[[int], Trial]) -> tuple[float | None, float | None]:
    """What the kernel could not take back of a process with all the room, and the smallest limit that passes."""
    free = run_once(FREE).limit
    if free is None or free.unreclaimable_bytes is None:
        return None, None
    held = free.unreclaimable_bytes
    low, high = 0.8 * held, 1.4 * held
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        fits = not (run_once(round(middle)).died or "").startswith(NO_FIT)
        low, high = (low, middle) if fits else (middle, high)
    return float(held), high


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown; a bound that is broken is named at the end of its row."""
    head = ["model", "file", "runtime", "PSS", "unexplained", "PSS range", "VmHWM range", "model memory range"]
    head += ["not taken back", "smallest limit", "ratio", "VmHWM", "broken"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        shares = [row.unexplained, row.total_range, row.peak_range, row.model_range]
        ratio = "-" if row.held is None or row.smallest is None else f"{row.smallest / row.held:.3f}"
        lines.append(
            [
                row.model,
                f"{row.size / 1e3:.1f} kB",
                row.runtime,
                megabytes(row.pss),
                *(f"{100 * share:.2f} %" for share in shares),
                megabytes(row.held),
                megabytes(row.smallest),
                ratio,
                megabytes(row.peak),
                ", ".join(row.broken),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def megabytes(size: float | None) -> str:
    """Of bytes; "-" where they are not known."""
    return "-" if size is None else f"{size / 1e6:.2f} MB"


@contextmanager
def stewards(folder: Path) -> Iterator[Callable[[], Steward]]:
    """Starts stewards of one agent and one cache."""
    agent = unpack_agent(pack_agent(folder / "agent.pyz"))
    options = {"cache": str(folder / "cache"), "root": "/", "holder": "memory_sum", "silence": "600"}

    def start() -> Steward:
        return Steward(agent, {**options, "lease": f"memory-sum-{os.getpid()}"})

    yield start


def copy_library(folder: Path) -> Path:
    """The folder with a copy of this Python's own library, where it has one, so that no other process shares pages."""
    folder.mkdir()
    for library in Path(sysconfig.get_config_var("LIBDIR")).glob(f"libpython{sysconfig.get_python_version()}.so*"):
        shutil.copy(library, folder / library.name)
    return folder


def provide(runtime: str, folder: Path) -> Path:
    """The folder of a runtime that no other process uses."""
    if runtime == "litert":
        # This Python has it, so that nothing would be provisioned.
        site = folder / "litert"
        installed = Path(sysconfig.get_path("platlib"))
        for package in ("ai_edge_litert", "numpy", "numpy.libs", "flatbuffers"):
            if (installed / package).is_dir():
                shutil.copytree(installed / package, site / package)
        return site
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    words = [HARNESS, "provision", "local", f"--runtime={runtime}"]
    for _ in range(MOST_TRIES):
        done = subprocess.run(words, env=environment, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode != HELD:
            break
        # Somebody measures this machine.
        time.sleep(WAIT_S)
    if done.returncode:
        raise SystemExit(done.stderr)
    return next((folder / "edge-harness" / "envs").glob(f"{runtime}-*/site"))


def build_zoo(folder: Path) -> list[Path]:
    """The models of the zoo, smallest first."""
    (folder / "test_memory_sum.py").write_text(ZOO)
    words = [HARNESS, "build", "test_memory_sum.py", "--jobs=1", "--out=models"]
    subprocess.run(words, cwd=folder, check=True)
    return sorted((folder / "models").glob("*.tflite"), key=lambda path: path.stat().st_size)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--runtime", default="litert,tflite", help="of litert and tflite (default: both)")
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, stewards(Path(place)) as start:
        folder = Path(place)
        models = options.models or build_zoo(folder)
        rows = []
        libraries = copy_library(folder / "lib")
        for name in options.runtime.split(","):
            runtime = Runtime(name, provide(name, folder), libraries)
            for model in models:
                rows.append(measure(model, runtime, start, options.processes))
                # The head with the first; a row as soon as it is known.
                sys.stdout.write("\n".join(table(rows).splitlines()[-1 if rows[1:] else 0 :]) + "\n")
                sys.stdout.flush()
        text = table(rows)
    if options.out is not None:
        options.out.write_text(f"{text}\n")
    return int(any(row.broken for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
