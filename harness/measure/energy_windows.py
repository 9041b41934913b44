"""Blocks of energy trials: by which sensor, and whether the limits on energy are answered by the windows so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.measure.block_order import with_sensor
from harness.measure.fitness import FitnessRule
from harness.measure.power_source import MeasuredWindow, examine_windows
from harness.measure.void_trials import void_reason
from harness.records.board import Trial
from harness.records.device import METER, Power
from harness.records.energy import HOST_METER
from harness.records.entry import TrialMetrics
from harness.records.plan import BlockSpec, Plan
from harness.stats.limit_test import run_limit_test


@dataclass
class EnergyWindows:
    """The windows of a plan; a sensor whose first windows show that it is sick gives way to the next one."""

    plan: Plan
    power: Power
    latest: list[Trial] = field(default_factory=list)
    """The trials that were kept last."""
    _trials: list[Trial] = field(default_factory=list)
    _sick: list[str] = field(default_factory=list)

    def next_block(self, block: BlockSpec, rule: FitnessRule) -> BlockSpec | None:
        """The block to measure; None where every question is answered, or no sensor is left."""
        if not self.plan.energy_questions:
            return block
        left = [sensor for sensor in self.plan.sensors if sensor not in self._sick]
        if not left or self._is_settled(left[0], rule):
            return None
        return with_sensor(self.plan, block, left[0])

    def keep(self, trials: Sequence[Trial]) -> None:
        """Take note of a block's trials."""
        self.latest = list(trials)
        self._trials += trials
        sensor = next((sensor for sensor in self.plan.sensors if sensor not in self._sick), None)
        if sensor is not None and not any(self._windows(sensor, trials)):
            self._sick.append(sensor)

    def _windows(self, sensor: str, trials: Sequence[Trial]) -> tuple[MeasuredWindow, ...]:
        told = [
            (one.index, one.energy) for one in trials if one.energy is not None and _is_of(sensor, one.energy.sensor)
        ]
        least_s = self.plan.energy_window_s
        return examine_windows(sensor, told, least_s=least_s, power=self.power).windows

    def _is_settled(self, sensor: str, rule: FitnessRule) -> bool:
        """Whether no question is open; whole pairs count alone."""
        windows = {one.index: one for one in self._windows(sensor, self._trials)}
        figures = [
            TrialMetrics(
                kind="energy",
                arm=trial.arm,
                block=trial.block,
                values=windows[trial.index].figures(self.plan.rate),
                void=void_reason(trial, rule),
                hidden=windows[trial.index].hidden,
            )
            for trial in self._trials
            if trial.index in windows
        ]
        found = [run_limit_test(question, [], figures) for question in self.plan.energy_questions]
        return bool(found) and all(one.verdict != "open" for one in found)


def _is_of(sensor: str, told: str) -> bool:
    """Whether a reading is that sensor's; the agent does not know what the host's meter is called."""
    return told == sensor or (sensor == METER and told == HOST_METER)
