"""Limits on energy, answered by a sensor's windows pair by pair in a time of their own."""

import json
from pathlib import Path

import pytest

from harness.measure.host_meter import HostMeter, read_watts, run_with_meter
from harness.records.board import SensorFound
from harness.records.device import Power
from harness.records.energy import EnergyReading
from harness.records.plan import MeterCommand
from harness.records.status import Status
from harness.testing import BoardState, SimulatedBoard, SimulatedModel, make_facts, make_profile, make_trial, simulate

SENSOR = "hwmon:ina226"


def board(**said):
    sensors = {SENSOR: (4.0, 2.0), "rapl": (3.0, 1.5)} | said.pop("sensors", {})
    return SimulatedBoard(
        profile=make_profile(power=Power(sensors=list(sensors))),
        facts=make_facts(sensors=tuple(SensorFound(name=name, readable=True) for name in sensors)),
        sensors=sensors,
        **said,
    )


def judged(factor, *, text="2 %", said=None, **more):
    ours, base = (SimulatedModel(latency_s=0.004 * times, between_sd=0.01) for times in (factor, 1.0))
    return simulate(
        ours, baseline=base, budget={"energy_per_inference_regression": text}, board=said or board(), **more
    )


def test_more_energy_fails_by_windows_in_turns_and_ends_there():
    entry = judged(1.05)
    (found,) = [one for one in entry.findings if one.metric == "energy_per_inference"]
    assert (entry.status, found.status) == (Status.FAIL, Status.FAIL)
    assert entry.most_windows == 12
    assert 6 <= found.blocks <= 12
    windows = [one for one in entry.figures if one.kind == "energy"]
    assert len(windows) == 2 * found.blocks
    assert f"after {found.blocks} windows an arm, false alarm at most 0.5 %" in found.detail
    assert {ratio.metric for ratio in entry.baseline.ratios} >= {"energy_per_inference", "inferences_per_wh"}


def test_the_same_energy_passes_by_windows():
    entry = judged(1.0, text="3 %")
    assert entry.status is Status.PASS, entry.reason


def test_windows_take_no_time_of_the_trials():
    short = simulate(SimulatedModel(), board=board(), budget={"energy_per_inference": "1 J"}, time_limit_s=20.0)
    assert short.status is Status.PASS, short.reason
    assert len(short.trials) == 10
    assert sum(one.kind == "energy" for one in short.figures) >= 6


def test_a_sick_sensor_gives_way_to_the_next_one():
    entry = judged(1.05, said=board(sensors={SENSOR: (0.0, 0.0)}))
    assert entry.status is Status.FAIL
    joules = entry["energy_per_inference"]
    assert joules.source.startswith("sensor rapl")
    assert "hwmon:ina226 stands still" in joules.source


def test_without_a_healthy_sensor_the_limit_is_not_judged():
    entry = judged(1.05, said=board(sensors={SENSOR: (0.0, 0.0), "rapl": (-3.0, 1.0)}))
    assert entry.status is Status.INVALID
    assert entry.most_windows is None
    assert "rapl reads -3 W, which is negative" in entry["energy_per_inference"].reason


def test_a_window_that_is_void_takes_its_pair_along():
    hot = (BoardState(), BoardState(from_s=60.0, throttled=0x4), BoardState(from_s=75.0))
    entry = judged(1.0, text="5 %", said=board(states=hot))
    (found,) = [one for one in entry.findings if one.metric == "energy_per_inference"]
    assert found.status is Status.PASS, entry.reason


def meter(tmp_path: Path, text: str, interval_s: float = 0.01) -> MeterCommand:
    path = tmp_path / "meter.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return MeterCommand(command=(str(path),), interval_s=interval_s)


def test_a_hosts_meter_is_read_in_the_windows_of_the_board(tmp_path):
    command = meter(tmp_path, "date +'%N 4.5'")
    assert read_watts(command) == 4.5
    running = HostMeter(command)
    running._points = [(100.0 + 0.5 * at, 2.0 if at < 10 else 4.5 + 0.01 * (at % 3)) for at in range(40)]
    told = EnergyReading(
        sensor="host-meter", window_s=10.0, mean_w=0.0, idle_w=0.0, readings=1, inferences=9, idle_s=3.0,
        ended_ago_s=1.0, idle_ended_ago_s=13.0,
    )  # fmt: skip
    reading = running.completed(make_trial(kind="energy", energy=told), 117.0).energy
    assert (reading.sensor, reading.readings) == ("meter", 19)
    assert reading.mean_w == pytest.approx(4.51, abs=0.01)
    assert set(reading.idle_watts) == {2.0}
    assert min(reading.at_s) >= 0.0 and max(reading.at_s) <= 10.0


@pytest.mark.parametrize(
    ("text", "why"),
    [("echo n/a", "printed no number: 'n/a'"), ("exit 2", "ended with status 2"), ("true", "no number")],
)
def test_a_hosts_meter_without_watts_is_a_sensor_that_failed(tmp_path, text, why):
    with pytest.raises(ValueError, match=why):
        read_watts(meter(tmp_path, text))
    running = HostMeter(meter(tmp_path, text))
    running.start()
    running.stop()
    trial = running.completed(make_trial(kind="energy", energy=_window()), 1.0)
    assert "meter.sh" in trial.died
    assert trial.energy is None


def _window():
    return EnergyReading(sensor="host-meter", window_s=0.5, mean_w=0.0, idle_w=0.0, readings=1, inferences=1)


def test_only_blocks_of_the_hosts_meter_run_its_command(tmp_path):
    from harness.measure import make_plan
    from harness.measure.block_order import order_of
    from harness.records.device import Meter
    from harness.records.settings import Settings
    from harness.testing import make_artifact, make_runner

    noted = tmp_path / "noted"
    command = meter(tmp_path, f"echo x >> {noted}; echo 3")
    plan = make_plan(
        Settings(), make_artifact(), make_runner(), sensors=("meter",), meter=Meter(command=list(command.command))
    )
    blocks = order_of(plan)
    for block in (blocks[0], blocks[-1]):
        trials = list(run_with_meter(lambda asked: iter([make_trial(asked.trials[0].index)]), block, plan))
        assert len(trials) == 1
        assert noted.exists() == (block is blocks[-1])
    assert json.dumps([trial.kind for trial in blocks[-1].trials]) == '["energy"]'
