"""A simulated measurement goes the way of a real one."""

import pytest

from harness.records.device import Power
from harness.records.entry import Entry
from harness.records.errors import HarnessError
from harness.records.status import Status
from harness.testing import SimulatedBoard, SimulatedModel, make_profile, simulate

STEADY = SimulatedModel(latency_s=0.004)
LIMITS = {"latency_p50": "5 ms", "latency_p90": "5 ms", "model_size": "1 MB"}


def test_without_a_budget_it_is_measured() -> None:
    entry = simulate(STEADY)
    assert (entry.status, entry.reason, entry.findings) == (Status.MEASURED, "10 trials", [])
    assert entry["latency_p50"].value == pytest.approx(0.004, rel=0.03)


def test_the_same_arguments_give_the_same_entry_and_another_seed_another() -> None:
    assert simulate(STEADY, budget=LIMITS) == simulate(STEADY, budget=LIMITS)
    assert simulate(STEADY) != simulate(STEADY, board=SimulatedBoard(seed=1))


def test_the_entry_survives_its_file() -> None:
    entry = simulate(STEADY, baseline=STEADY, budget={"latency_p50_regression": "5 %"})
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


def test_sampled_limits_share_the_chance_of_a_false_alarm() -> None:
    details = {finding.metric: finding.detail for finding in simulate(STEADY, budget=LIMITS).findings}
    assert "false alarm at most 0.25 %" in details["latency_p50"]
    assert "false alarm at most 0.25 %" in details["latency_p90"]


def test_sensors_of_the_board_give_energy() -> None:
    board = SimulatedBoard(profile=make_profile(power=Power(sensors=["sim"])), sensors={"sim": (5.0, 2.0)})
    assert simulate(STEADY, board=board)["energy_per_inference"].value == pytest.approx(0.02, rel=0.05)


def test_a_limit_that_is_none_is_one_line() -> None:
    with pytest.raises(HarnessError, match=r"budget latency_p50.*4 kB"):
        simulate(STEADY, budget={"latency_p50": "4 kB"})
