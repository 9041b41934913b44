"""A USB or socket meter that this host reads, by a command of the user's that prints watts, while a board measures."""

import math
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from harness.records.board import Trial
from harness.records.device import METER
from harness.records.energy import HOST_METER, EnergyReading
from harness.records.plan import BlockSpec, MeterCommand, Plan

_EDGE_S: Final = 0.25
"""Left out at both ends of a window: by so much the two machines' clocks may be apart after a slow link."""
_PATIENCE_S: Final = 5.0
_MOST_MISSED: Final = 5


def run_with_meter(run: Callable[[BlockSpec], Iterator[Trial]], block: BlockSpec, plan: Plan) -> Iterator[Trial]:
    """The block's trials; of those that the host's meter is for with what it read in their windows."""
    by_meter = any(HOST_METER in trial.sensors for trial in block.trials)
    if not by_meter or plan.meter is None:
        yield from run(block)
        return
    meter = HostMeter(plan.meter)
    meter.start()
    try:
        for trial in run(block):
            yield meter.completed(trial, time.monotonic())
    finally:
        meter.stop()


class HostMeter:
    """Runs the command again and again; what it prints is kept with the time at which it did."""

    def __init__(self, command: MeterCommand) -> None:
        self._command = command
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._points: list[tuple[float, float]] = []
        self._missed: list[float] = []
        self._trouble = ""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()
        self._thread.join(_PATIENCE_S + self._command.interval_s)

    def completed(self, trial: Trial, now: float) -> Trial:
        """The trial with the meter's readings of its windows, which ended so long before ``now``."""
        told = trial.energy
        if told is None:
            return trial
        ended = now - told.ended_ago_s
        busy = self._within(ended - told.window_s, ended)
        if not busy:
            return trial.model_copy(
                update={
                    "died": f"the power sensor failed: meter: {self._trouble or 'it printed nothing'}",
                    "energy": None,
                }
            )
        idle_ended = now - told.idle_ended_ago_s
        idle = self._within(idle_ended - told.idle_s, idle_ended)
        missed = sum(ended - told.window_s <= at <= ended for at in self._missed)
        return trial.model_copy(update={"energy": _reading(told, busy, idle, missed)})

    def _within(self, began: float, ended: float) -> list[tuple[float, float]]:
        """Readings by the seconds from a window's beginning."""
        return [(at - began, watts) for at, watts in list(self._points) if began + _EDGE_S <= at <= ended - _EDGE_S]

    def _run(self) -> None:
        while not self._ended.is_set() and len(self._missed) < _MOST_MISSED * max(1, len(self._points)):
            try:
                watts = read_watts(self._command)
                self._points.append((time.monotonic(), watts))
            except ValueError as error:
                self._missed.append(time.monotonic())
                self._trouble = str(error)
            self._ended.wait(self._command.interval_s)


def read_watts(meter: MeterCommand) -> float:
    """The last number of the first line that the command prints. Raises ValueError, one line, saying what it did."""
    name = meter.command[0]
    patience = max(_PATIENCE_S, 2.0 * meter.interval_s)
    try:
        done = subprocess.run(
            meter.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"{name} printed nothing for {patience:g} s") from None
    except OSError as error:
        raise ValueError(f"{name}: {(error.strerror or str(error)).lower()}") from error
    if done.returncode:
        raise ValueError(f"{name} ended with status {done.returncode}")
    words = done.stdout.decode("utf-8", "replace").strip().partition("\n")[0].split()
    try:
        watts = float(words[-1]) if words else math.nan
    except ValueError:
        watts = math.nan
    if not math.isfinite(watts):
        raise ValueError(f"{name} printed no number: {' '.join(words)[:40]!r}")
    return watts


def _reading(
    told: EnergyReading, busy: list[tuple[float, float]], idle: list[tuple[float, float]], missed: int
) -> EnergyReading:
    watts, at_rest = [one for _, one in busy], [one for _, one in idle]
    return told.model_copy(
        update={
            "sensor": METER,
            "chip": METER,
            "mean_w": sum(watts) / len(watts),
            "readings": len(watts),
            "at_s": tuple(max(0.0, at) for at, _ in busy),
            "watts": tuple(watts),
            "missed": missed,
            "idle_w": sum(at_rest) / len(at_rest) if at_rest else None,
            "idle_at_s": tuple(max(0.0, at) for at, _ in idle),
            "idle_watts": tuple(at_rest),
        }
    )
