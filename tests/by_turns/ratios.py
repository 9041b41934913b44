"""Are ratios by turns right? Prints a table of networks of equal layers, by turns and by whole trials.

    python tests/by_turns/ratios.py [--blocks 20] [--network small] [--slice-ms 20]

A network of n equal layers takes a + b n: both follow from whole trials of 10, 20, 40 and 80 layers, the line that
least squares lay through their logarithms. Where weights do not fit a core's caches a layer more costs more than its
share, and there is no such line: there the whole trials themselves are the truth. Each block has a process of its own
that starts all of its pairs and trials, in random order. Measures this machine, without sshd.
"""

import argparse
import os
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import stdtrit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agent.agent_conversation import Message, Steward, block, pack_agent, trial, unpack_agent
from support.made_graphs import equal_layers

Array = NDArray[np.float64]
BASE = 40
LINE = (10, 20, 40, 80)
ASKED = (40, 41, 42, 44, 80)
WHOLE = (10, 20, 40, 41, 42, 44, 80)
SHAPES = {"small": (48, 32), "cached": (64, 1), "streamed": (192, 1)}
"""Units and rows: weights of 9, 16 and 147 kB a layer."""


@dataclass(frozen=True)
class Estimate:
    """A mean over blocks with the half of its 95 % interval, on the logarithmic scale."""

    mean: float
    half: float

    @classmethod
    def of(cls, logs: Sequence[float]) -> "Estimate":
        """Student's."""
        found = np.asarray(logs, dtype=np.float64)
        return cls(float(found.mean()), float(stdtrit(found.size - 1, 0.975) * found.std(ddof=1) / found.size**0.5))

    def __str__(self) -> str:
        return f"{100 * np.expm1(self.mean):+.2f} +- {100 * self.half:.2f} %"


@dataclass(frozen=True)
class Found:
    """Of one network: log ratios to BASE layers by the number of layers, block by block, and log seconds."""

    by_turns: dict[int, list[float]]
    whole: dict[int, list[float]]

    def ratio(self, layers: int) -> Estimate:
        """By turns."""
        return Estimate.of(self.by_turns[layers])

    def whole_ratio(self, layers: int) -> Estimate:
        """Of whole trials of the same blocks."""
        return Estimate.of(np.subtract(self.whole[layers], self.whole[BASE]).tolist())

    def line_ratio(self, layers: int) -> float:
        """What the line through whole trials says of so many layers, logarithm of the ratio."""
        counts = np.asarray(LINE, dtype=np.float64)
        logs = np.array([np.mean(self.whole[count]) for count in LINE])
        line = least_squares(
            lambda x: np.log(np.maximum(x[0] + x[1] * counts, 1e-12)) - logs, (0.0, np.exp(logs[2]) / BASE)
        )
        fixed, each = line.x
        return float(np.log((fixed + each * layers) / (fixed + each * BASE)))


def measure(one: Steward, shape: tuple[int, int], *, blocks: int, slice_s: float, chance: random.Random) -> Found:
    """Blocks of pairs and blocks of whole trials in turn."""
    models = {layers: one.put(equal_layers(layers, *shape)) for layers in WHOLE}
    by_turns, whole = defaultdict(list), defaultdict(list)
    for number in range(blocks):
        for layers, log in _pairs(one, models, number=number, slice_s=slice_s, chance=chance):
            by_turns[layers].append(log)
        for layers, log in _trials(one, models, chance=chance):
            whole[layers].append(log)
    return Found(by_turns, whole)


def _pairs(
    one: Steward, models: dict[int, str], *, number: int, slice_s: float, chance: random.Random
) -> list[tuple[int, float]]:
    order = chance.sample(ASKED, len(ASKED))
    same = {"kind": "slices", "min_secs": 0.15, "slice_s": slice_s, "seed": number, "warmup_runs": 20}
    trials: list[Message] = []
    for layers in order:
        arms = chance.sample([("candidate", models[layers]), ("baseline", models[BASE])], 2)
        trials += [trial(model, arm=arm, index=len(trials) + at, **same) for at, (arm, model) in enumerate(arms)]
    told = {(found["index"], found["arm"]): found["turns"]["p50_ns"] for found in _run(one, trials)}
    p50s = [{arm: told[at, arm] for at, arm in told if at // 2 == place} for place in range(len(order))]
    return [
        (layers, float(np.log(pair["candidate"] / pair["baseline"]))) for layers, pair in zip(order, p50s, strict=True)
    ]


def _trials(one: Steward, models: dict[int, str], *, chance: random.Random) -> list[tuple[int, float]]:
    order = chance.sample(WHOLE, len(WHOLE))
    trials = [trial(models[layers], index=at, min_secs=0.1, warmup_runs=20) for at, layers in enumerate(order)]
    found = _run(one, trials, cpus=str(max(_cores())))
    return [(order[t["index"]], float(np.log(np.median(t["samples_ns"]) / t["batch"]))) for t in found]


def _cores() -> set[int]:
    return os.sched_getaffinity(0)


def _run(one: Steward, trials: list[Message], **runner: str) -> list[Message]:
    """The trials' records; raises RuntimeError where one has no numbers."""
    answers = one.ask("block", block=block(trials, **runner))
    found = [answer["trial"] for answer in answers if answer["event"] == "trial"]
    died = [each["died"] for each in found if each["died"]]
    if died or len(found) != len(trials):
        raise RuntimeError(died[0] if died else f"{len(found)} of {len(trials)} trials: {answers[-1]}")
    return found


def table(name: str, found: Found) -> list[str]:
    """Markdown lines of one network."""
    lines = [f"| {name} | {BASE} : {BASE} | 0 | | {found.ratio(BASE)} |"]
    for layers in ASKED:
        if layers != BASE:
            line = f"{100 * np.expm1(found.line_ratio(layers)):+.2f} %"
            cells = (name, f"{layers} : {BASE}", line, str(found.whole_ratio(layers)), str(found.ratio(layers)))
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--network", action="append", choices=SHAPES)
    parser.add_argument("--slice-ms", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 - an order, no secret
    lines = ["| layers | ratio | the line | whole trials | by turns |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="ratios-") as name:
        folder = Path(name)
        places = {"cache": str(folder / "cache"), "root": "/", "holder": "ratios", "lease": folder.name}
        one = Steward(unpack_agent(pack_agent(folder / "agent.pyz")), places)
        try:
            for network in options.network or SHAPES:
                found = measure(
                    one, SHAPES[network], blocks=options.blocks, slice_s=options.slice_ms / 1000, chance=chance
                )
                lines += table(network, found)
        finally:
            one.end()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
