"""Is the harness' latency_p50 that of a bare loop? Prints a table; exit status 1 where a model is outside.

    python tests/fidelity/fidelity.py MODEL.tflite...

Per model, bare loops and ``harness run`` take turns on one core with one thread (A B B A ...), every figure
from several processes; LiteRT's CompiledModel stands beside them for information. Imports nothing of the harness.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOOPS = Path(__file__).with_name("loops.py")
DEVICE = "fidelity"
PROFILE = """extends = "local"
[runtime]
package = "litert"
num_threads = 1
[tuning]
cpus = "{core}"
"""
SLOW_US = 70.0
"""Models slower than this are judged; below it a Python call's own cost is a visible share."""
RELATIVE = 0.02
ABSOLUTE_US = 2.0
PROCESS_DEADLINE_S = 120


@dataclass(frozen=True)
class Options:
    """How to measure: harness command, processes a turn, turns a side, seconds a process, the core."""

    harness: tuple[str, ...]
    processes: int
    turns: int
    seconds: float
    core: int
    work: Path


@dataclass(frozen=True)
class Row:
    """One model's medians in microseconds; None with a reason where a side gave none."""

    model: str
    bare_us: float | None
    harness_us: float | None
    compiled_us: float | None
    reasons: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What the row shows: within, OUTSIDE, or why it is not judged."""
        if self.bare_us is None:
            return "no bare loop"
        if not self.judged:
            return "fast: not judged"
        return "OUTSIDE" if self.outside else "within 2 % or 2 us"

    @property
    def judged(self) -> bool:
        """True for a model slow enough."""
        return self.bare_us is not None and self.bare_us > SLOW_US

    @property
    def outside(self) -> bool:
        """True where a judged model's figures differ by more than both bounds, or the harness gave none."""
        if self.bare_us is None or not self.judged:
            return False
        if self.harness_us is None:
            return True
        return abs(self.harness_us - self.bare_us) > max(RELATIVE * self.bare_us, ABSOLUTE_US)


class NoFigureError(Exception):
    """A process gave no figure; the message is its last line."""


def loop_us(path: str, model: Path, options: Options, *, seed: int) -> float:
    """The median inference of one fresh process, microseconds."""
    command = [sys.executable, str(LOOPS), path, str(model), str(options.seconds), str(options.core), str(seed)]
    return int(output_of(command, name=path)) / 1e3


def loops_us(path: str, model: Path, options: Options, *, turn: int) -> list[float]:
    """One turn: the medians of several fresh processes."""
    first = turn * options.processes
    return [loop_us(path, model, options, seed=first + i) for i in range(options.processes)]


def harness_us(model: Path, options: Options) -> float:
    """One turn: latency_p50 of a ``harness run`` with as many trials, microseconds."""
    command = [*options.harness, "run", str(model), "--device", DEVICE, "--devices-dir", str(options.work)]
    command += ["--reports-dir", str(options.work / "reports"), "--num-threads", "1", "--json"]
    command += ["--trials", str(options.processes), "--min-secs", str(options.seconds)]
    return p50_us(output_of(command, name="harness", any_status=True))


def p50_us(text: str) -> float:
    """latency_p50 of the only entry of a results file, microseconds."""
    try:
        results = json.loads(text)
        if not results["entries"]:
            raise NoFigureError(f"harness: no entry: {'; '.join(results['run']['notes'])}")
        entry = results["entries"][0]
        value = {m["metric"]: m["value"] for m in entry["measurements"]}.get("latency_p50")
    except (ValueError, KeyError, TypeError) as error:
        raise NoFigureError(f"harness: no results on stdout ({type(error).__name__})") from error
    if value is None:
        raise NoFigureError(f"harness: {entry['status']}: {entry['reason']}")
    return float(value) * 1e6


def output_of(command: Sequence[str], *, name: str, any_status: bool = False) -> str:
    """What a process printed. Raises NoFigureError with its last line where it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoFigureError(f"{name}: {error}") from error
    if done.returncode != 0 and not (any_status and done.stdout.strip()):
        last = (done.stderr.strip() or "nothing was printed").splitlines()[-1]
        raise NoFigureError(f"{name}: exit status {done.returncode}: {last}")
    return done.stdout


def compare(model: Path, options: Options) -> Row:
    """Both sides in turns A B B A ..., then CompiledModel; a side that gives no figure ends the turns."""
    bare: list[float] = []
    ours: list[float] = []
    beside: list[float] = []
    reasons: list[str] = []
    try:
        for turn in range(options.turns):
            if turn % 2 == 0:
                bare += loops_us("interpreter", model, options, turn=turn)
                ours.append(harness_us(model, options))
            else:
                ours.append(harness_us(model, options))
                bare += loops_us("interpreter", model, options, turn=turn)
    except NoFigureError as error:
        reasons.append(str(error))
    try:
        beside = loops_us("compiled", model, options, turn=0)
    except NoFigureError as error:
        reasons.append(str(error))
    return Row(model.name, middle(bare), middle(ours), middle(beside), tuple(reasons))


def middle(values: list[float]) -> float | None:
    """The median, None of nothing."""
    return statistics.median(values) if values else None


def line(row: Row) -> str:
    """A table line, and below it why a figure is missing."""
    difference = share = None
    if row.bare_us is not None and row.harness_us is not None:
        difference = row.harness_us - row.bare_us
        share = 100 * difference / row.bare_us
    figures = [f"{figure(v):>9}" for v in (row.bare_us, row.harness_us)]
    figures += [f"{figure(difference, sign='+'):>9}", f"{figure(share, sign='+'):>8}"]
    shown = f"{row.model:<44}{' '.join(figures)} {figure(row.compiled_us):>9}  {row.verdict}"
    return "\n".join([shown, *(f"    {reason}" for reason in row.reasons)])


def figure(value: float | None, *, sign: str = "") -> str:
    """A number with two decimals, or a dash."""
    return "-" if value is None else f"{value:{sign}.2f}"


def heading() -> str:
    """The table's first line."""
    columns = f"{'bare us':>9} {'harness':>9} {'diff us':>9} {'diff %':>8} {'Compiled':>9}"
    return f"{'model (p50)':<44}{columns}  verdict"


def machine(core: int) -> str:
    """Where this is measured, and how busy it is: on a busy machine the two sides drift apart by themselves."""
    return f"core {core} of {os.cpu_count()}, load average before the start {os.getloadavg()[0]:.2f}"


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--harness", default=str(Path(sys.executable).with_name("harness")), help="its command")
    parser.add_argument("--processes", type=int, default=3, help="bare loops, and trials, in a turn")
    parser.add_argument("--turns", type=int, default=4, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=1.0, help="measuring seconds of a process")
    parser.add_argument("--core", type=int, default=0, help="the core everything is measured on")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure every model; 0 only where at least one was judged and none is outside."""
    given = parsed(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="fidelity-") as work:
        options = Options(
            harness=tuple(shlex.split(given.harness)),
            processes=given.processes,
            turns=given.turns,
            seconds=given.seconds,
            core=given.core,
            work=Path(work),
        )
        (options.work / f"{DEVICE}.toml").write_text(PROFILE.format(core=given.core), encoding="utf-8")
        sys.stdout.write(f"{machine(given.core)}\n{heading()}\n")
        for model in given.models:
            rows.append(compare(model.resolve(), options))
            sys.stdout.write(f"{line(rows[-1])}\n")
            sys.stdout.flush()
    judged, outside = sum(row.judged for row in rows), sum(row.outside for row in rows)
    sys.stdout.write(f"{judged} of {len(rows)} models slower than {SLOW_US:g} us judged, {outside} outside\n")
    return 0 if judged and not outside else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
