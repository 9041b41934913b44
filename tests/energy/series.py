"""Do energy's figures keep what they say? Prints a table against synthetic sensors whose truth is known.

    python tests/energy/series.py [--replays 1000] [--sessions 200] [--seed 1] [--between 0.007]

- covered: replays of one window whose stated band holds the true mean power. A sensor's gain and offset are anywhere
  within what is stated of it, or at the very end of that; it reads in steps of 40 mW or finer, makes a reading 1 to
  1000 times a second, of a moment or as a mean, and up to 30 % of its reads fail. The power has noise whose neighbours
  resemble each other.
- found, alarms: sessions with a limit of 2 % on the energy's regression, of at most 12 windows an arm, in which an
  inference takes 5 % more energy, or no more. Windows differ by 0.7 % among themselves beside all of the above, and the
  board's power drifts.
- named: sick sensors that are called by their fault, of 20.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agent" / "packed"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from energy.sick_sensors import SICK, name_fault
from energy.synthetic import Sensor, made_power, read

from harness.measure.power_source import describe_source, examine_windows
from harness.records.device import Power
from harness.records.energy import EnergyReading, SensorAccuracy
from harness.records.entry import TrialMetrics
from harness.records.limit_test import LimitTest, LimitTestResult
from harness.stats.limit_test import run_limit_test
from harness.stats.power_window import Readings

NAME = "hwmon:ina3221"
GAIN, OFFSET_W, STEP_W = 0.01, 0.02, 0.04
STATED = Power(sensors=[NAME], accuracy={NAME: SensorAccuracy(gain=GAIN, offset_w=OFFSET_W, source="made up")})
WINDOW_S, IDLE_S = 10.0, 3.0
MOST_PAIRS = 12
LIMIT, ALPHA, MISS = 0.02, 0.005, 0.05
BETWEEN = 0.007
"""By how much windows differ among themselves, as a standard deviation, unless --between says else."""
MORE = 0.05


def any_sensor(rng: np.random.Generator) -> Sensor:
    """One of the sensors that there may be; every fourth is as far off as its maker allows."""
    at_the_end = rng.random() < 0.25
    gain, offset = rng.choice([-1.0, 1.0], 2) if at_the_end else rng.uniform(-1.0, 1.0, 2)
    return Sensor(
        rate_hz=float(10.0 ** rng.uniform(0.0, 3.0)),
        averages=bool(rng.integers(2)),
        gain=GAIN * float(gain),
        offset_w=OFFSET_W * float(offset),
        step_w=float(rng.choice([0.0, 0.01, STEP_W])),
        noise_w=float(rng.choice([0.0, 0.005, 0.03])),
        dropouts=float(rng.choice([0.0, 0.1, 0.3])),
    )


def window(sensor: Sensor, rng: np.random.Generator, *, watts: float, inferences: int) -> tuple[EnergyReading, float]:
    """What the sensor says of a window of so many watts, and their true mean."""
    slow, over_s = float(rng.choice([0.0, 0.01, 0.02])), float(rng.choice([0.05, 0.3, 1.0]))
    power = made_power(rng, WINDOW_S, mean_w=watts, white=0.03, slow=slow, over_s=over_s)
    idle = read(sensor, made_power(rng, IDLE_S, mean_w=0.5 * watts, white=0.02), rng)
    return reading(read(sensor, power, rng, before_w=watts), idle, inferences), float(power.mean())


def reading(busy: Readings, idle: Readings, inferences: int = 1000) -> EnergyReading:
    """The record that an agent would send."""
    return EnergyReading(
        sensor=NAME,
        window_s=busy.seconds,
        mean_w=float(np.mean(busy.watts)) if len(busy.watts) else 0.0,
        idle_w=float(np.mean(idle.watts)),
        readings=len(busy.watts),
        inferences=inferences,
        at_s=tuple(map(float, busy.at_s)),
        watts=tuple(map(float, busy.watts)),
        missed=busy.missed,
        idle_s=idle.seconds,
        idle_at_s=tuple(map(float, idle.at_s)),
        idle_watts=tuple(map(float, idle.watts)),
    )


@dataclass(frozen=True)
class Replays:
    """Of how many replays the band holds the truth, how wide it is, and how many sensors were called sick."""

    covered: int
    of: int
    median_band: float
    sick: int


def replay(count: int, rng: np.random.Generator) -> Replays:
    """Windows of any sensors; one that is called sick wrongly counts as not covered."""
    covered, sick, bands = 0, 0, []
    for _ in range(count):
        told, truth = window(any_sensor(rng), rng, watts=float(rng.uniform(1.5, 8.0)), inferences=1000)
        found = examine_windows(NAME, [(0, told)], least_s=WINDOW_S, power=STATED)
        if not found.windows:
            sick += 1
            continue
        _, band = describe_source(found, STATED)
        watts = found.windows[0].power.watts
        covered += abs(watts - truth) <= band * watts
        bands.append(band)
    return Replays(covered, count, float(np.median(bands)), sick)


def session(more: float, rng: np.random.Generator, between: float = BETWEEN) -> LimitTestResult:
    """A session's answer to the limit, looked at after every pair; the candidate takes so much more energy."""
    sensor, watts, inference_s = any_sensor(rng), float(rng.uniform(1.5, 8.0)), 0.01
    asked = LimitTest(
        metric="energy_per_inference", better="lower", limit=LIMIT, relative=True, alpha=ALPHA, miss=MISS,
        most_blocks=MOST_PAIRS,
    )  # fmt: skip
    figures: list[TrialMetrics] = []
    drift = float(rng.normal(0.0, 0.002))
    for pair in range(MOST_PAIRS):
        arms = ("candidate", "baseline") if rng.random() < 0.5 else ("baseline", "candidate")
        for place, arm in enumerate(arms):
            factor = 1.0 + more if arm == "candidate" else 1.0
            noisy = watts * factor * np.exp(rng.normal(0.0, between) + drift * (2 * pair + place))
            told, _ = window(sensor, rng, watts=float(noisy), inferences=round(WINDOW_S / inference_s))
            found = examine_windows(NAME, [(0, told)], least_s=WINDOW_S, power=STATED)
            figures += [
                TrialMetrics(kind="energy", arm=arm, block=pair, values=one.figures(None), hidden=one.hidden)
                for one in found.windows
            ]
    return run_limit_test(asked, [], figures, final=True)


def verdicts(more: float, count: int, rng: np.random.Generator, between: float = BETWEEN) -> dict[str, int]:
    """How many sessions end in which verdict."""
    found = [session(more, rng, between).verdict for _ in range(count)]
    return {verdict: found.count(verdict) for verdict in ("fail", "pass", "open")}


def named() -> list[tuple[str, str]]:
    """Every sick sensor with what it is called."""
    return [(sensor, name_fault(sensor)) for sensor in SICK]


def table(replays: int, sessions: int, seed: int, between: float = BETWEEN) -> Iterator[str]:
    """The table, line by line."""
    rng = np.random.default_rng(seed)
    held = replay(replays, rng)
    yield (
        f"covered: {held.covered} of {held.of} ({100 * held.covered / held.of:.1f} %), "
        f"median band {100 * held.median_band:.1f} %, {held.sick} called sick wrongly"
    )
    for more, what in ((MORE, "found"), (0.0, "alarms"), (LIMIT, "at the limit")):
        told = verdicts(more, sessions, rng, between)
        yield f"{what}: {told['fail']} of {sessions} fail, {told['pass']} pass, {told['open']} open at {more:+.0%}"
    faults = named()
    yield f"named: {sum(bool(said) for _, said in faults)} of {len(faults)} sick sensors"
    yield from (f"  {sensor}: {said or 'NOT NAMED'}" for sensor, said in faults)


def main(words: list[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Print the table; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--replays", 1000), ("--sessions", 200), ("--seed", 1)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--between", type=float, default=BETWEEN)
    asked = parser.parse_args(words)
    for line in table(asked.replays, asked.sessions, asked.seed, asked.between):
        say(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
