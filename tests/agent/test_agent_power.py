"""Power sensors under a made-up root."""

import time
from pathlib import Path

import pytest
from edge_agent import energy_trial, power
from edge_agent.interpreters import TrialFailedError
from edge_agent.sysfs import Root

from harness.records.board import EnergyReading, SensorFound


def write(root: Path, relative: str, text: object) -> Path:
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
    return path


def hwmon(root: Path, name: str, at: int = 0, **files: object) -> None:
    write(root, f"sys/class/hwmon/hwmon{at}/name", name)
    for file, value in files.items():
        write(root, f"sys/class/hwmon/hwmon{at}/{file}", value)


def rapl(root: Path, *, at: int, name: str, energy_uj: int, range_uj: int) -> Path:
    folder = f"sys/class/powercap/intel-rapl:{at}"
    write(root, f"{folder}/name", name)
    write(root, f"{folder}/max_energy_range_uj", range_uj)
    return write(root, f"{folder}/energy_uj", energy_uj)


def test_microwatts(tmp_path: Path) -> None:
    hwmon(tmp_path, "cpu_thermal", temp1_input=40_000)
    hwmon(tmp_path, "ina226", at=1, power1_input=2_500_000, in1_input=5_000, curr1_input=1_000)
    assert power.find_power(Root(str(tmp_path)), "hwmon:ina226").watts() == 2.5


def test_millivolts_times_milliamperes(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina3221", in1_input=5_000, curr1_input=1_000, in2_input=1_000, curr2_input=500, in4_input=9)
    assert power.find_power(Root(str(tmp_path)), "hwmon:ina3221").watts() == 5.5


def test_the_boards_input_counts_alone(tmp_path: Path) -> None:
    hwmon(
        tmp_path,
        "ina3221",
        in1_input=5_000,
        curr1_input=1_000,
        in1_label="VDD_IN",
        in2_input=1_000,
        curr2_input=500,
        in2_label="VDD_CPU",
    )
    assert power.find_power(Root(str(tmp_path)), "hwmon:ina3221").watts() == 5.0


def test_an_unknown_sensor_is_named(tmp_path: Path) -> None:
    with pytest.raises(power.SensorError, match="hwmon:ina226"):
        power.find_power(Root(str(tmp_path)), "hwmon:ina226")


def test_packages_alone_are_counted(tmp_path: Path) -> None:
    first = rapl(tmp_path, at=0, name="package-0", energy_uj=1_000_000, range_uj=10_000_000)
    second = rapl(tmp_path, at=1, name="package-1", energy_uj=0, range_uj=10_000_000)
    psys = rapl(tmp_path, at=2, name="psys", energy_uj=0, range_uj=10_000_000)
    counter = power.find_counter(Root(str(tmp_path)))
    start = counter.read()
    for path, value in ((first, 3_000_000), (second, 500_000), (psys, 9_000_000)):
        path.write_text(str(value))
    assert counter.joules(start, counter.read()) == 2.5


def test_a_counter_wraps(tmp_path: Path) -> None:
    path = rapl(tmp_path, at=0, name="package-0", energy_uj=9_999_999, range_uj=9_999_999)
    counter = power.find_counter(Root(str(tmp_path)))
    start = counter.read()
    path.write_text("1000000")
    assert counter.joules(start, counter.read()) == pytest.approx(1.000001)


def test_what_is_found_is_told(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina226", power1_input=1)
    hwmon(tmp_path, "broken", at=1, power1_input="none")
    hwmon(tmp_path, "cpu_thermal", at=2, temp1_input=1)
    rapl(tmp_path, at=0, name="package-0", energy_uj=1, range_uj=2)
    found = [SensorFound.model_validate(record) for record in power.find_sensors(Root(str(tmp_path)))]
    assert [(sensor.name, sensor.readable) for sensor in found] == [
        ("hwmon:ina226", True),
        ("hwmon:broken", False),
        ("rapl", True),
    ]
    assert "holds no number" in (found[1].reason or "")


def test_the_first_readable_sensor_is_taken(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina226", power1_input=1_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("rapl", "hwmon:ina226"))
    assert sensor.name == "hwmon:ina226"


def test_no_sensor_gives_every_reason(tmp_path: Path) -> None:
    with pytest.raises(TrialFailedError, match=r"hwmon:ina226: no hwmon.*; rapl: this machine"):
        energy_trial.pick(Root(str(tmp_path)), ("hwmon:ina226", "rapl"))


def test_steady_power_is_its_mean(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina226", power1_input=3_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("hwmon:ina226",))
    busy = energy_trial.watch(sensor, lambda: time.sleep(2 * energy_trial.INTERVAL_S))
    idle = energy_trial.Window(3.0, 1.0, 30)
    reading = EnergyReading.model_validate(energy_trial.record(sensor, idle, busy, 7))
    assert (reading.mean_w, reading.idle_w, reading.inferences) == (pytest.approx(3.0), 1.0, 7)
    assert reading.readings >= 3


def test_a_counter_is_read_at_both_ends(tmp_path: Path) -> None:
    path = rapl(tmp_path, at=0, name="package-0", energy_uj=0, range_uj=10_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("rapl",))
    window = energy_trial.watch(sensor, lambda: path.write_text("2000000") and None)
    assert window.readings == 2
    assert window.mean_w * window.seconds == pytest.approx(2.0)


def test_a_sensor_that_fails_meanwhile_is_no_number(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina226", power1_input=3_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("hwmon:ina226",))
    with pytest.raises(TrialFailedError, match="the power sensor failed"):
        energy_trial.watch(sensor, (tmp_path / "sys/class/hwmon/hwmon0/power1_input").unlink)
