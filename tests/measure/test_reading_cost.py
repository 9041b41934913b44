"""What reading a board's state costs, by trials with and without it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.measure.block_order import order_of
from harness.measure.planning import make_plan
from harness.measure.reading_cost import CostRatio, ReadingCost, measure_reading_cost
from harness.records.conditions import Conditions
from harness.records.errors import TrialError
from harness.records.settings import Settings
from harness.testing import SimulatedBoard, SimulatedModel, make_artifact, make_runner


@dataclass
class Costly(SimulatedBoard):
    """A board whose trials are slower by a share where the state is read, which takes 2 ms."""

    slower: float = 0.0

    def run_block(self, block):
        asked = {spec.index: spec for spec in block.trials}
        for trial in super().run_block(block):
            if trial.telemetry is None or not asked[trial.index].read_state:
                yield trial.model_copy(update={"telemetry": None})
                continue
            samples = tuple(round(sample * (1 + self.slower)) for sample in trial.samples_ns)
            told = trial.telemetry.model_copy(update={"conditions": Conditions(reading_s=0.002)})
            yield trial.model_copy(update={"samples_ns": samples, "telemetry": told})


def _cost(board, blocks=12):
    settings = Settings(num_runs=20, min_secs=0.0)
    plan = make_plan(settings, make_artifact(), make_runner())
    trial = next(one for one in order_of(plan)[0].trials if one.kind == "latency")
    board.ship(Path("model.tflite"), trial.model)
    return measure_reading_cost(board, trial, plan.runner, blocks=blocks, now=board.now)


def test_what_it_does_to_the_latency_is_found_with_its_interval():
    found = _cost(Costly(slower=0.05))
    assert found.latency.low < 1.05 < found.latency.high
    assert found.latency.low > 1.0
    assert found.blocks == 12


def test_where_it_does_nothing_the_interval_holds_1():
    found = _cost(Costly())
    assert found.latency.low < 1.0 < found.latency.high
    assert found.share == pytest.approx(0.002 / found.trial_s)


def test_a_trial_that_dies_ends_it():
    with pytest.raises(TrialError, match="died: killed by SIGSEGV"):
        _cost(Costly(model=SimulatedModel(deaths={"latency": "killed by SIGSEGV"})))


def test_one_block_gives_no_interval():
    with pytest.raises(TrialError, match="expected at least two"):
        _cost(Costly(), blocks=1)


def test_it_is_told_as_a_share():
    cost = ReadingCost(10, CostRatio(1.0021, 0.998, 1.0062), reading_s=0.002, trial_s=0.5)
    assert str(cost.latency) == "+0.21 % (-0.20 to +0.62 %)"
    assert cost.share == 0.004
