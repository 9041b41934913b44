"""How often does the gate err beside a busy neighbour? Prints a table; exit status 1 where a session ended wrong.

    python tests/by_turns/sessions.py [--sessions 20] [--neighbour random] [--case "same, 1 ms"] [WORD...]

Each session is a ``pytest`` run with a base and a limit on p50's regression, over a real sshd on this machine, which
in its own network namespace needs root. Meanwhile a process takes a core: for 1 to 4 s and pauses as long (random), or
every 10 s for 1 s (periodic). The models are networks of equal layers, so that the truth is known: the same ones, of
which none may fail, or one of n + k layers against one of n, of which each has to. Further words go to pytest, such as
``--design=trials``. A JSON line on stderr tells of each session.
"""

import argparse
import contextlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.made_graphs import equal_layers
from support.own_lease import own_lease
from support.sshd import Sshd, loopback_sshd

BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
@pytest.mark.budget(latency_p50_regression="{limit}")
def test_models(bench, candidate):
    bench(candidate)
"""
NEIGHBOURS = ("none", "random", "periodic")
RANDOM_S = (1.0, 4.0)
PERIOD_S, BURST_S = 10.0, 1.0
RUN_S = 600
"""A session that takes longer hangs."""
UNUSED = b"\0" * 16
"""Behind the end of a model's file, where nobody reads: another artifact, and the same model."""


@dataclass(frozen=True)
class Case:
    """Two networks of equal layers, dense ones of so many units for each of ``rows`` inputs, and a limit."""

    name: str
    layers: tuple[int, int]
    """Of the candidate and of its base."""
    width: int
    rows: int
    limit: str = "2 %"

    @property
    def wanted(self) -> str:
        """The verdict that is right."""
        return "PASS" if self.layers[0] == self.layers[1] else "FAIL"

    def write(self, folder: Path) -> Path:
        """The candidate as models/model.tflite of a folder; the path of its base, beside it."""
        candidate, base = (equal_layers(count, self.width, self.rows) for count in self.layers)
        (folder / "models").mkdir()
        (folder / "models" / "model.tflite").write_bytes(candidate)
        path = folder / "base.tflite"
        path.write_bytes(base + UNUSED)
        return path


CASES = (
    Case("same, 0.05 ms", (20, 20), 48, 96),
    Case("same, 0.2 ms", (20, 20), 96, 96),
    Case("same, 1 ms", (20, 20), 128, 256),
    Case("same, 4 ms", (20, 20), 256, 256),
    Case("same, 15 ms", (20, 20), 512, 256),
    Case("41 against 40", (41, 40), 48, 96, limit="1 %"),
    Case("22 against 20", (22, 20), 48, 96),
)


@dataclass(frozen=True)
class Outcome:
    """What a session came to."""

    case: str
    neighbour: str
    ended: str
    """The entry's status; what was said where there is none."""
    right: bool
    measuring_s: float
    whole_s: float
    blocks: int
    ratio: float | None
    low: float | None
    high: float | None
    p50_ms: float | None
    sentence: str


def occupy(neighbour: str, seed: int) -> None:
    """Take a core now and then, for ever."""
    chance = random.Random(seed)  # noqa: S311 - a load, no secret
    while neighbour != "none":
        busy, idle = (
            (chance.uniform(*RANDOM_S), chance.uniform(*RANDOM_S))
            if neighbour == "random"
            else (BURST_S, PERIOD_S - BURST_S)
        )
        until = time.monotonic() + busy
        while time.monotonic() < until:
            pass
        time.sleep(idle)


@contextlib.contextmanager
def beside(neighbour: str, seed: int) -> Iterator[None]:
    """While the neighbour is there."""
    process = subprocess.Popen([sys.executable, __file__, "--occupy", neighbour, "--seed", str(seed)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def session(case: Case, neighbour: str, server: Sshd, words: Sequence[str]) -> Outcome:
    """One session of one entry, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="by-turns-") as name:
        folder = Path(name)
        base = case.write(folder)
        (folder / "devices").mkdir()
        (folder / "devices" / "board.toml").write_text(server.profile_text("board"))
        (folder / "test_bench.py").write_text(BENCHMARK.format(limit=case.limit))
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bench.py", "--device=board"]
        began = time.monotonic()
        said = subprocess.run(
            [*argv, f"--baseline={base}", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        whole_s = time.monotonic() - began
        results = folder / "reports" / "latest" / "results.json"
        if not results.exists():
            last = (said.stderr.strip() or said.stdout.strip() or "nothing was said").splitlines()[-1]
            return Outcome(case.name, neighbour, last, False, 0.0, whole_s, 0, None, None, None, None, "")
        (entry,) = json.loads(results.read_text())["entries"]
        return _outcome(case, neighbour, entry, whole_s)


def _outcome(case: Case, neighbour: str, entry: dict[str, Any], whole_s: float) -> Outcome:
    ratios = [one for one in (entry["baseline"] or {}).get("ratios", []) if one["metric"] == "latency_p50"]
    ratio = ratios[0] if ratios else {"ratio": None, "ci_low": None, "ci_high": None, "blocks": 0}
    p50 = next((one["value"] for one in entry["measurements"] if one["metric"] == "latency_p50"), None)
    judged = [one["reason"] for one in entry["findings"] if one["gate"] == "regression"]
    return Outcome(
        case=case.name,
        neighbour=neighbour,
        ended=entry["status"],
        right=entry["status"] == case.wanted,
        measuring_s=round(entry["seconds"].get("measure", 0.0), 2),
        whole_s=round(whole_s, 2),
        blocks=ratio["blocks"],
        ratio=ratio["ratio"],
        low=ratio["ci_low"],
        high=ratio["ci_high"],
        p50_ms=None if p50 is None else 1e3 * p50,
        sentence="; ".join(judged) or entry["reason"],
    )


def run_all(
    cases: Sequence[Case], neighbours: Sequence[str], sessions: int, *, words: Sequence[str], seed: int
) -> Iterator[Outcome]:
    """Outcomes as they come: all cases beside all neighbours, again and again."""
    folder = Path(tempfile.mkdtemp(prefix="by-turns-sshd-"))
    try:
        with own_lease(), loopback_sshd(folder) as server:
            for number in range(sessions):
                for neighbour in neighbours:
                    with beside(neighbour, seed + number):
                        for case in cases:
                            yield session(case, neighbour, server, words)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown: of each case and neighbour how sessions ended, the ratio found, blocks and seconds of measuring."""
    head = ("case", "neighbour", "p50", "sessions", "ended", "ratio", "blocks", "measuring, median (most)", "whole")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for case, neighbour in dict.fromkeys((one.case, one.neighbour) for one in outcomes):
        own = [one for one in outcomes if (one.case, one.neighbour) == (case, neighbour)]
        lines.append(f"| {case} | {neighbour} | {_cells(own)} |")
    seconds = [one.measuring_s for one in outcomes]
    wrong = sum(not one.right for one in outcomes)
    lines += ["", f"{len(outcomes)} sessions, {wrong} not right; {statistics.median(seconds):.1f} s of measuring"]
    return "\n".join(lines)


def _cells(own: Sequence[Outcome]) -> str:
    ended = ", ".join(f"{count} {word}" for word, count in Counter(one.ended for one in own).most_common())
    ratios = [one.ratio for one in own if one.ratio is not None]
    p50s = [one.p50_ms for one in own if one.p50_ms is not None]
    measuring = [one.measuring_s for one in own]
    told = [
        f"{statistics.median(p50s):.3g} ms" if p50s else "",
        str(len(own)),
        ended,
        f"{statistics.median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f})" if ratios else "",
        f"{statistics.median(one.blocks for one in own):.0f}",
        f"{statistics.median(measuring):.1f} s ({max(measuring):.1f} s)",
        f"{statistics.median(one.whole_s for one in own):.1f} s",
    ]
    return " | ".join(told)


def main() -> int:
    """Run, print, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20, help="of each case beside each neighbour")
    parser.add_argument("--neighbour", action="append", choices=NEIGHBOURS)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--occupy", choices=NEIGHBOURS, help=argparse.SUPPRESS)
    options, words = parser.parse_known_args()
    if options.occupy is not None:
        occupy(options.occupy, options.seed)
        return 0
    cases = [case for case in CASES if options.case is None or case.name in options.case]
    outcomes = []
    for outcome in run_all(
        cases, options.neighbour or NEIGHBOURS[1:], options.sessions, words=words, seed=options.seed
    ):
        outcomes.append(outcome)
        sys.stderr.write(json.dumps(asdict(outcome)) + "\n")
    sys.stdout.write(f"{table(outcomes)}\n")
    return 0 if all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
