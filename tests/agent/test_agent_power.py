"""Power sensors under a made-up root."""

import json
import time
from pathlib import Path

import pytest
from edge_agent import energy_trial, power
from edge_agent.interpreters import TrialFailedError
from edge_agent.sysfs import Root

from harness.records.board import SensorFound
from harness.records.energy import EnergyReading


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
    busy = energy_trial.watch(sensor, lambda: time.sleep(5 * energy_trial.INTERVAL_S))
    idle = energy_trial.Window(3.0, busy.ended - 9.0, 1.0, 30)
    told = json.dumps(energy_trial.record(sensor, idle, busy, 7))
    reading = EnergyReading.model_validate_json(told)
    assert (reading.mean_w, reading.idle_w, reading.inferences) == (pytest.approx(3.0), 1.0, 7)
    assert reading.readings == len(reading.watts) == len(reading.at_s) >= 3
    assert set(reading.watts) == {3.0}
    assert reading.idle_ended_ago_s >= reading.ended_ago_s + 9.0 - reading.window_s


def test_a_counter_is_read_at_both_ends(tmp_path: Path) -> None:
    path = rapl(tmp_path, at=0, name="package-0", energy_uj=0, range_uj=10_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("rapl",))
    window = energy_trial.watch(sensor, lambda: path.write_text("2000000") and None)
    assert window.readings == 2
    assert window.mean_w * window.seconds == pytest.approx(2.0)


def test_a_sensor_that_fails_for_good_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hwmon(tmp_path, "ina226", power1_input=3_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("hwmon:ina226",))
    monkeypatch.setattr(energy_trial, "MOST_MISSED", 2)

    def fail() -> None:
        (tmp_path / "sys/class/hwmon/hwmon0/power1_input").unlink()
        time.sleep(6 * energy_trial.INTERVAL_S)

    with pytest.raises(TrialFailedError, match="the power sensor failed"):
        energy_trial.watch(sensor, fail)


def test_reads_that_fail_now_and_then_are_counted(tmp_path: Path) -> None:
    hwmon(tmp_path, "ina226", power1_input=3_000_000)
    sensor = energy_trial.pick(Root(str(tmp_path)), ("hwmon:ina226",))
    path = tmp_path / "sys/class/hwmon/hwmon0/power1_input"

    def drop_out() -> None:
        path.rename(path.with_name("away"))
        time.sleep(3 * energy_trial.INTERVAL_S)
        path.with_name("away").rename(path)
        time.sleep(3 * energy_trial.INTERVAL_S)

    window = energy_trial.watch(sensor, drop_out)
    assert window.missed >= 1
    assert set(window.watts) == {3.0}


def test_of_an_ina3221_shunt_voltages_sums_and_channels_that_are_off_are_no_rails(tmp_path: Path) -> None:
    """in4 to in6 are shunt voltages, in7 and curr4 sums; a channel that is off has no reading."""
    channels = {f"in{number}_input": 5_000 for number in range(1, 8)} | {f"curr{n}_input": 1_000 for n in range(1, 5)}
    hwmon(tmp_path, "ina3221", **channels, in2_enable=0, shunt1_resistor=10_000)
    sensor = power.find_power(Root(str(tmp_path)), "hwmon:ina3221")
    assert sensor.watts() == 10.0
    assert [rail.describe()["shunt_uohm"] for rail in sensor.rails] == [10_000, None]


def test_devices_of_one_name_are_added_up_and_rails_taken_by_their_labels(tmp_path: Path) -> None:
    for at, label in enumerate(("VDD_GPU_SOC", "VIN_SYS_5V0")):
        hwmon(tmp_path, "ina3221", at=at, in1_input=5_000, curr1_input=1_000 + at, in1_label=label)
    both = power.find_power(Root(str(tmp_path)), "hwmon:ina3221")
    assert (both.watts(), both.devices) == (pytest.approx(10.005), 2)
    assert power.find_power(Root(str(tmp_path)), "hwmon:ina3221/VIN_SYS_5V0").watts() == pytest.approx(5.005)
    with pytest.raises(power.SensorError, match="no rail VDD_CPU; rails are VDD_GPU_SOC, VIN_SYS_5V0"):
        power.find_power(Root(str(tmp_path)), "hwmon:ina3221/VDD_CPU")


def test_an_older_jetsons_monitor_is_an_io_device(tmp_path: Path) -> None:
    folder = "sys/bus/iio/devices/iio:device0"
    for file, text in {
        "name": "ina3221x", "in_power0_input": 2_500, "in_power1_input": 700, "rail_name_0": "POM_5V_IN",
        "rail_name_1": "POM_5V_GPU",
    }.items():  # fmt: skip
        write(tmp_path, f"{folder}/{file}", text)
    assert power.find_power(Root(str(tmp_path)), "iio:ina3221x").watts() == 2.5
    assert [one["name"] for one in power.find_sensors(Root(str(tmp_path)))] == ["iio:ina3221x"]


PMIC = """\
     3V7_WL_SW_A current(0)=0.00195166A
        3V3_SYS_A current(1)=0.05953100A
      VDD_CORE_A current(7)=1.20000000A
     3V7_WL_SW_V volt(8)=3.72044300V
        3V3_SYS_V volt(9)=3.31557800V
      VDD_CORE_V volt(15)=0.80000000V
          EXT5V_V volt(24)=5.14875000V
"""


def test_a_pi_5_s_power_chip_is_its_rails_by_the_published_fit() -> None:
    rails = 0.00195166 * 3.720443 + 0.059531 * 3.315578 + 1.2 * 0.8
    assert power.parse_pmic(PMIC) == pytest.approx(rails * 1.1451 + 0.5879)


@pytest.mark.parametrize("said", ["", 'error=1 error_msg="Command not registered"'])
def test_a_power_chip_that_is_not_supported_is_no_watts(said: str) -> None:
    with pytest.raises(power.SensorError, match="gave no rails"):
        power.parse_pmic(said)


def battery(root: Path, **files: object) -> None:
    for file, text in ({"type": "Battery", "status": "Discharging"} | files).items():
        write(root, f"sys/class/power_supply/BAT0/{file}", text)


def test_a_battery_tells_watts_while_it_discharges(tmp_path: Path) -> None:
    battery(tmp_path, voltage_now=3_700_000, current_now=-500_000)
    assert power.open_sensor(Root(str(tmp_path)), "battery").name == "battery"
    assert power.BatteryGauge(Root(str(tmp_path))).watts() == pytest.approx(1.85)
    battery(tmp_path, power_now=2_000_000)
    assert power.BatteryGauge(Root(str(tmp_path))).watts() == 2.0
    battery(tmp_path, status="Charging")
    with pytest.raises(power.SensorError, match="BAT0 is charging: its power is not the board's"):
        power.open_sensor(Root(str(tmp_path)), "battery")


def script(tmp_path: Path, text: str) -> power.MeterSpec:
    path = tmp_path / "meter.sh"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return power.MeterSpec((str(path),), 0.05)


def test_a_meters_command_prints_watts(tmp_path: Path) -> None:
    sensor = power.open_sensor(Root("/"), "meter", script(tmp_path, "echo Power: 4.25\necho more"))
    assert isinstance(sensor, power.CommandMeter)
    assert sensor.watts() == 4.25


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo n/a", "holds no number: 'n/a'"),
        ("echo not supported", "holds no number: 'supported'"),
        ("exit 3", "ended with status 3"),
        ("true", "it is empty"),
        ("echo nan", "holds no number"),
    ],
)
def test_a_meter_that_says_no_watts_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(power.SensorError, match=why):
        power.open_sensor(Root("/"), "meter", script(tmp_path, text))
