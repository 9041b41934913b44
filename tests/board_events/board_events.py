"""Does whatever happens to a board make the trial void that it struck? Prints a table; exit status 1 where not.

    python tests/board_events/board_events.py [--events 300] [--clean 300] [--seed 1] [--board rpi4 ...] [--axis ...]

Needs root and sshd. Each run is one latency trial on a scripted board, by the real agent. An event happens in its
midst, short or to its end, and the trial must be void with the right reason; in a clean run nothing happens, or what
does no harm, and the trial must count. A run whose event missed the trial, as the machine was busy, is made again.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness.session
from harness.board import LiveBoard, choose_runner, open_board
from harness.measure.fitness import FitnessRule, fitness_rule, holding_clock
from harness.measure.void_trials import voids
from harness.profiles import load
from harness.records.board import Trial
from harness.records.plan import BlockSpec, TrialSpec
from harness.testing.scripted import BOARDS, Event, ScriptedBoard, scripted_board

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.own_lease import own_lease

MODEL = Path(harness.session.__file__).with_name("selftest_model.tflite")
TRIAL_S = 0.6
MARGIN_S = 0.03
"""The simulation writes every 10 ms, and is late on a busy machine."""
MOST_TRIES = 20
EXTRA = '[tuning]\ngovernor = "performance"\n[limits]\nmax_temp_c = 75\n'
SHORT_S = (0.06, 0.2)
PIS = ("rpi4", "rpi5")
OTHERS = ("jetson-orin-nano", "rock-5b", "imx8mp-evk")
DEVFREQ = ("rock-5b", "imx8mp-evk")
FIXED = {
    # What a lab would have set before, so that these clocks stand still.
    "rock-5b": {"memory_governor": "performance", "gpu_governor": "performance", "npu_governor": "performance"},
    "imx8mp-evk": {"memory_governor": "performance"},
    "jetson-orin-nano": {"gpu_governor": "performance"},
}
LEAST_S = 0.3
"""Of a trial, in which an event that goes on to its end must have been."""
KEPT_FROM = "kept from the processor"
"""Not of the script's doing: others on this machine really took the trial's processor, so that it is made again."""
_CLEARLY = 0.9
"""A clock that is lower by less may be one that a trial is not void for."""
Draw = Callable[[random.Random, str], dict[str, Any]]


@dataclass(frozen=True)
class Axis:
    """One thing that happens: on which boards, how, and one of which words the reason must have."""

    name: str
    boards: tuple[str, ...]
    draw: Draw
    reasons: tuple[str, ...]
    short: bool
    """Whether it may end within the trial and must be seen none the less."""
    lasting: bool = True
    """Whether it may go on to the trial's end."""
    again: bool = False
    """Whether it happened before since the board was started."""


def _points(kind: str) -> tuple[int, ...]:
    return BOARDS[kind].clusters[0].khz


def _lower_khz(random_: random.Random, kind: str) -> int:
    """Of a board of two kinds of cores, what either can run at."""
    modes = {mode.number: mode.cpu_khz for mode in BOARDS[kind].power_modes}
    top = modes.get(BOARDS[kind].first_mode, _points(kind)[-1])
    return random_.choice([khz for khz in _points(kind) if khz <= _CLEARLY * top])


def _mode(random_: random.Random, kind: str) -> str:
    kind_ = BOARDS[kind]
    return random_.choice([mode.name for mode in kind_.power_modes if mode.number != kind_.first_mode])


def _lower_hz(random_: random.Random, kind: str, role: str) -> int:
    device = next(device for device in BOARDS[kind].devices if device.role == role)
    modes = {mode.number: mode.gpu_hz for mode in BOARDS[kind].power_modes}
    top = modes.get(BOARDS[kind].first_mode, device.hz[-1])
    return random_.choice([hz for hz in device.hz if hz <= _CLEARLY * top])


def _firmware(bit: str, *, slows: bool) -> Draw:
    def draw(_random: random.Random, kind: str) -> dict[str, Any]:
        return {bit: True, **({"firmware_khz": _points(kind)[0]} if slows else {})}

    return draw


AXES = (
    Axis("throttled", PIS, _firmware("throttled", slows=True), ("throttled",), short=True),
    Axis("under-voltage", PIS, _firmware("under_voltage", slows=True), ("under-voltage",), short=True),
    Axis("frequency capped", PIS, _firmware("frequency_capped", slows=True), ("frequency capped",), short=True),
    Axis(
        "soft temperature limit",
        PIS,
        _firmware("soft_temperature_limit", slows=False),
        ("soft temperature limit",),
        short=True,
    ),
    Axis(
        "throttled again since boot",
        PIS,
        _firmware("throttled", slows=True),
        ("throttled",),
        short=True,
        lasting=False,
        again=True,
    ),
    Axis(
        "clock capped",
        tuple(BOARDS),
        lambda r, kind: {"cpu_max_khz": _lower_khz(r, kind)},
        ("clock capped", "another frequency"),
        short=True,
    ),
    Axis(
        "dip of the clock",
        tuple(BOARDS),
        lambda r, kind: {"cpu_dip_khz": _lower_khz(r, kind)},
        ("another frequency",),
        short=True,
        lasting=False,
    ),
    Axis(
        "memory clock",
        ("rock-5b", "imx8mp-evk"),
        lambda r, kind: {"memory_dip_hz": _lower_hz(r, kind, "memory")},
        ("another device clock",),
        short=True,
    ),
    Axis(
        "memory clock of a Jetson",
        ("jetson-orin-nano",),
        lambda r, _: {"memory_dip_hz": r.choice((665_600_000, 2_133_000_000))},
        ("another device clock",),
        short=False,
    ),
    Axis(
        "memory clock capped",
        DEVFREQ,
        lambda r, kind: {"memory_max_hz": _lower_hz(r, kind, "memory")},
        ("device clock capped", "another device clock"),
        short=True,
    ),
    Axis(
        "GPU or NPU capped",
        ("rock-5b", "jetson-orin-nano"),
        lambda r, kind: (
            {f"{role}_max_hz": _lower_hz(r, kind, role)}
            if (role := r.choice(("gpu", "npu")) if kind == "rock-5b" else "gpu")
            else {}
        ),
        ("device clock capped", "another device clock"),
        short=True,
    ),
    Axis(
        "power mode",
        ("jetson-orin-nano",),
        lambda r, kind: {"power_mode": _mode(r, kind)},
        ("power mode changed", "clock capped"),
        short=False,
    ),
    Axis(
        "cooling device",
        OTHERS,
        lambda r, kind: {"cooling": r.randint(1, min(4, len(_points(kind)) - 1))},
        ("held down by cooling",),
        short=True,
    ),
    Axis("temperature", tuple(BOARDS), lambda r, _: {"temp_c": r.uniform(76.0, 96.0)}, ("hotter than",), short=False),
    Axis(
        "governor changed by someone else",
        tuple(BOARDS),
        lambda r, kind: {"governor": r.choice([one for one in BOARDS[kind].governors if one != "performance"])},
        ("governor changed", "another frequency"),
        short=False,
    ),
    Axis(
        "swap",
        tuple(BOARDS),
        lambda r, _: {"swap_used_kb": r.randint(4096, 60_000), "swap_pages_per_s": float(r.randint(1000, 8000))},
        ("swapping",),
        short=True,
    ),
    Axis("steal", tuple(BOARDS), lambda r, _: {"steal": r.uniform(0.2, 0.6)}, ("steal",), short=False),
    Axis(
        "memory pressure",
        tuple(BOARDS),
        lambda r, _: {"memory_pressure": r.uniform(0.5, 0.95)},
        ("memory pressure",),
        short=False,
    ),
    Axis(
        "competing process",
        tuple(BOARDS),
        lambda r, _: {"busy_cores": r.uniform(1.0, 2.0)},
        ("other processes",),
        short=False,
    ),
)
HARMLESS: dict[str, tuple[str, Callable[[random.Random], Any]]] = {
    "rpi4": ("gpio_fan", lambda r: r.randint(0, 1)),
    "rpi5": ("pwm_fan", lambda r: r.randint(0, 4)),
    "jetson-orin-nano": ("pwm_fan", lambda r: r.randint(0, 3)),
    "rock-5b": ("pwm_fan", lambda r: r.randint(0, 4)),
    "imx8mp-evk": ("io_pressure", lambda r: r.uniform(0.0, 0.1)),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one run: the causes that made its trial void, and whether that is right."""

    axis: str
    board: str
    short: bool
    causes: tuple[str, ...]
    right: bool
    told: str = ""


class Desk:
    """An open board with a model on it, and the rule that its trials are held against."""

    def __init__(self, board: ScriptedBoard, opened: LiveBoard) -> None:
        self.board = board
        self.opened = opened
        self.sha256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
        opened.ship(MODEL, self.sha256)
        self.number = 0
        self.changes: dict[str, Any] = {}
        """What was had happen last."""
        self.made_again = 0
        self.lead_s = 0.4
        self.rule: FitnessRule = fitness_rule(opened.profile, opened.facts)
        self.rule = holding_clock(self.rule, [self.trial()[0] for _ in range(2)])

    def trial(self) -> tuple[Trial, float, float]:
        """A latency trial, and the times at which it began and ended."""
        self.number += 1
        runner = choose_runner(self.opened.profile, self.opened.facts, num_threads=1)
        limits = {"warmup_runs": 1, "num_runs": 10, "min_secs": TRIAL_S, "max_secs": 5.0, "deadline_s": 30.0}
        spec = TrialSpec(index=self.number, arm="candidate", kind="latency", model=self.sha256, **limits)
        asked = time.monotonic()
        block = BlockSpec(index=self.number, runner=runner, trials=(spec,))
        (trial,) = list(self.opened.run_block(block))
        wall_s = trial.telemetry.wall_s if trial.telemetry is not None else 0.0
        ended = self.board.looks[-1]
        self.lead_s = max(ended - wall_s - asked, 0.05)
        return trial, ended - wall_s, ended

    def strike(self, axis: Axis, random_: random.Random) -> Outcome:
        """A trial in whose midst the event happens."""
        kind = self.board.name.removeprefix("scripted-")
        short = axis.short and (not axis.lasting or random_.random() < 0.5)
        for _ in range(MOST_TRIES):
            self.board.reset()
            if axis.again:
                self.board.play([Event(0.0, axis.draw(random_, kind), 0.02)])
            lasting_s = random_.uniform(*SHORT_S) if short else LEAST_S
            latest = max(TRIAL_S - lasting_s - 0.1, 0.08)
            at_s = self.lead_s + random_.uniform(0.06, latest)
            self.changes = axis.draw(random_, kind)
            begun = at_s + self.board.play([Event(at_s, self.changes, lasting_s if short else None)])
            trial, first, last = self.trial()
            within = begun + lasting_s
            if first + MARGIN_S < begun and within + MARGIN_S < last:
                return self._judge(axis.name, trial, axis.reasons, short=short)
        return Outcome(axis.name, kind, short, (), right=False, told="the machine is too busy: no event met a trial")

    def clean(self, random_: random.Random) -> Outcome:
        """A trial while nothing happens, or what does no harm."""
        kind = self.board.name.removeprefix("scripted-")
        self.board.reset()
        self.changes = {}
        name, draw = HARMLESS[kind]
        harmless = random_.choice(({}, {name: draw(random_)}, {"temp_c": random_.uniform(40.0, 74.0)}))
        if harmless:
            self.board.play([Event(self.lead_s + random_.uniform(0.0, TRIAL_S), harmless)])
        trial, _, _ = self.trial()
        for _ in range(MOST_TRIES):
            if {void.cause for void in voids(trial, self.rule)} != {KEPT_FROM}:
                break
            self.made_again += 1
            trial, _, _ = self.trial()
        return self._judge("clean", trial, (), short=False)

    def _judge(self, axis: str, trial: Trial, reasons: tuple[str, ...], *, short: bool) -> Outcome:
        found = voids(trial, self.rule)
        causes = tuple(void.cause for void in found)
        told = trial.died or "; ".join(void.detail for void in found) or f"the trial counts: {self.changes}"
        kind = self.board.name.removeprefix("scripted-")
        right = any(cause.startswith(reason) for cause in causes for reason in reasons) if reasons else not causes
        return Outcome(axis, kind, short, causes, right and trial.died is None, told)


def series(kinds: Sequence[str], axes: Sequence[Axis], *, events: int, clean: int, seed: int) -> list[Outcome]:
    """All runs, board by board; axes, and the boards of an axis, take turns."""
    random_ = random.Random(seed)  # noqa: S311 - a drawn order, not a secret
    known = [axis for axis in axes if set(axis.boards) & set(kinds)]
    wanted: dict[str, list[Axis | None]] = defaultdict(list)
    for number in range(events):
        axis = known[number % len(known)]
        offered = [kind for kind in axis.boards if kind in kinds]
        wanted[offered[number // len(known) % len(offered)]].append(axis)
    for number in range(clean):
        wanted[kinds[number % len(kinds)]].append(None)
    found, again = [], 0
    for kind, runs in wanted.items():
        random_.shuffle(runs)
        with tempfile.TemporaryDirectory() as devices, own_lease(), scripted_board(kind) as board:
            board.set(**FIXED.get(kind, {}))
            if kind == "jetson-orin-nano":
                board.run("jetson_clocks")
            (Path(devices) / f"{board.name}.toml").write_text(board.profile_text(EXTRA))
            with open_board(load(board.name, Path(devices))) as opened:
                board.keep()
                desk = Desk(board, opened)
                for axis in runs:
                    outcome = desk.clean(random_) if axis is None else desk.strike(axis, random_)
                    found.append(outcome)
                    again += desk.made_again
                    desk.made_again = 0
                    if not outcome.right:
                        short = ", short" if outcome.short else ""
                        _say(f"{kind}: {outcome.axis}{short}: {outcome.told}")
    if again:
        _say(f"{again} clean runs were made again: this machine's other work kept them from its processors")
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each axis: its runs on each board, right of all."""
    kinds = [kind for kind in BOARDS if any(one.board == kind for one in outcomes)]
    lines = [f"| what happened | {' | '.join(kinds)} | right | reasons |", "|---" * (len(kinds) + 3) + "|"]
    for axis in dict.fromkeys(one.axis for one in sorted(outcomes, key=lambda one: one.axis == "clean")):
        rows = [one for one in outcomes if one.axis == axis]
        cells = [[one.right for one in rows if one.board == kind] for kind in kinds]
        causes = Counter(cause for one in rows for cause in one.causes)
        told = ", ".join(f"{cause} {count}" for cause, count in causes.most_common(3))
        counts = " | ".join(f"{sum(cell)} of {len(cell)}" if cell else "" for cell in cells)
        lines.append(f"| {axis} | {counts} | {sum(one.right for one in rows)} of {len(rows)} | {told} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """The table on stdout; 1 where an event was not caught, or a clean trial was void."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--clean", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--board", choices=list(BOARDS), action="append")
    parser.add_argument("--axis", choices=[axis.name for axis in AXES], action="append")
    options = parser.parse_args(words)
    axes = [axis for axis in AXES if options.axis is None or axis.name in options.axis]
    began = time.monotonic()
    found = series(options.board or list(BOARDS), axes, events=options.events, clean=options.clean, seed=options.seed)
    _say(table(found))
    struck = [one for one in found if one.axis != "clean"]
    void = sum(1 for one in found if one.axis == "clean" and one.causes)
    caught, clean = sum(one.right for one in struck), len(found) - len(struck)
    took = time.monotonic() - began
    _say(f"{caught} of {len(struck)} events caught with the right reason")
    _say(f"{void} of {clean} clean trials void; {took:.0f} s")
    return 0 if all(one.right for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
