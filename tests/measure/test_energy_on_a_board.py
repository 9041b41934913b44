"""Energy and fitness end to end: a real agent measures a real model on a board whose sysfs is made up."""

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.board import choose_runner, open_board
from harness.board.runtime_proof import addition_model
from harness.measure import execute, make_plan
from harness.records.candidate import Candidate
from harness.records.device import Connection, Power, PowerModel
from harness.records.entry import Entry, Measurement
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.describe import describe_device
from harness.testing import make_artifact, make_profile

WATTS = 2.5
MODEL = PowerModel(idle_w=2.0, full_w=6.0, bands=[(0.0, 0.40), (0.5, 0.15)], source="a published fit")
SENSORS = ("hwmon:ina226", "rapl")
DOMAIN = "sys/class/powercap/intel-rapl:0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A board with a power meter at its input and a processor that counts its energy."""
    made = tmp_path / "root"
    write(made, "sys/class/hwmon/hwmon0/name", "ina226")
    write(made, "sys/class/hwmon/hwmon0/power1_input", int(WATTS * 1e6))
    write(made, f"{DOMAIN}/name", "package-0")
    write(made, f"{DOMAIN}/max_energy_range_uj", 262_143_328_850)
    write(made, f"{DOMAIN}/energy_uj", 0)
    return made


def write(root: Path, relative: str, text: object) -> None:
    """A file made or replaced at once, as the kernel's are never half written."""
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(f"{text}\n")
    draft.replace(path)


@contextmanager
def drawing(root: Path) -> Iterator[None]:
    """The processor's counter goes up all the time, and the meter's reading is never twice the same."""
    over = threading.Event()

    def count() -> None:
        joules = 0
        while not over.wait(0.02):
            joules += 1
            write(root, f"{DOMAIN}/energy_uj", joules * 1_000_000)
            write(root, "sys/class/hwmon/hwmon0/power1_input", int(WATTS * 1e6) + joules % 7)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, power: Power, root: str = "/") -> Entry:
    """An entry of this machine with a power profile; windows of sensors are short, all else is as ever."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = tmp_path / "add.tflite"
    model.write_bytes(addition_model())
    artifact = make_artifact("add", path=str(model), sha256=hashlib.sha256(model.read_bytes()).hexdigest())
    profile = make_profile("board", connection=Connection(transport="local"), power=power)
    settings = Settings(trials=3, num_runs=5, min_secs=0.02, warmup_runs=1)
    with open_board(profile, lease=f"edge-harness-test-{secrets.token_hex(6)}", root=root) as board:
        assert (describe_device(board).label == "sysfs under a made-up root") == (root != "/")
        readable = tuple(sensor.name for sensor in board.facts.sensors if sensor.readable)
        wanted = tuple(name for name in power.sensors if name in readable)
        plan = make_plan(settings, artifact, choose_runner(profile, board.facts), sensors=wanted)
        short = replace(plan, energy_window_s=0.3)
        candidate = Candidate(name="add", kind="tflite", source=str(model))
        return execute(board, short, artifact, candidate=candidate, sleep=lambda _: None)


def value(entry: Entry, metric: str) -> Measurement:
    return next(found for found in entry.measurements if found.metric == metric)


def test_a_power_meter_gives_joules_with_their_source(tmp_path, monkeypatch, root):
    with drawing(root):
        entry = measured(tmp_path, monkeypatch, power=Power(sensors=list(SENSORS), model=MODEL), root=str(root))
    assert entry.status is Status.MEASURED, entry.reason
    joules = value(entry, "energy_per_inference")
    (window,) = [told for told in entry.figures if told.kind == "energy"]
    assert joules.value == pytest.approx(window.values["energy_per_inference"])
    assert value(entry, "inferences_per_wh").value == pytest.approx(3600.0 / joules.value)
    assert joules.source is not None
    assert joules.source.startswith("sensor hwmon:ina226, window 0.3")
    assert joules.power_source is not None
    assert joules.power_source.readings >= 2
    assert joules.idle_share == pytest.approx(1.0)
    assert joules.unit == "J"
    assert value(entry, "power_mean").value == pytest.approx(WATTS, rel=1e-5)
    assert value(entry, "power_idle").value == pytest.approx(WATTS, rel=1e-5)


def test_a_meter_that_stands_still_is_named(tmp_path, monkeypatch, root):
    entry = measured(tmp_path, monkeypatch, power=Power(sensors=["hwmon:ina226"], model=MODEL), root=str(root))
    assert value(entry, "energy_per_inference").reason == (
        "no power source: sensor hwmon:ina226 stands at 2.5 W, at rest as under load: it is stuck; "
        "the power model needs the cores' utilisation, which the board did not tell"
    )


def test_a_processors_counter_gives_joules_of_its_package(tmp_path, monkeypatch, root):
    with drawing(root):
        entry = measured(tmp_path, monkeypatch, power=Power(sensors=["rapl"]), root=str(root))
    joules, watts = value(entry, "energy_per_inference"), value(entry, "power_mean")
    (window,) = [told for told in entry.figures if told.kind == "energy"]
    assert (joules.value, watts.value) == (
        pytest.approx(window.values["energy_per_inference"]),
        pytest.approx(window.values["power_mean"]),
    )
    assert 0 < watts.value < 60
    assert joules.source is not None
    assert joules.source.startswith("sensor rapl, window")
    assert joules.source.endswith("the processor's package only")


def test_a_counter_that_stands_still_is_no_figure(tmp_path, monkeypatch, root):
    entry = measured(tmp_path, monkeypatch, power=Power(sensors=["rapl"]), root=str(root))
    joules = value(entry, "energy_per_inference")
    assert joules.value is None
    assert joules.reason is not None
    assert joules.reason == "no power source: sensor rapl stands still: it counted nothing while the model ran"


def test_without_a_sensor_the_profiles_model_stands_in_with_its_band(tmp_path, monkeypatch):
    entry = measured(tmp_path, monkeypatch, power=Power(model=MODEL))
    joules, watts = value(entry, "energy_per_inference"), value(entry, "power_mean")
    used = [trial.telemetry.utilisation for trial in entry.trials if trial.telemetry is not None]
    assert len(used) == 3
    mean = sum(used) / len(used)
    assert watts.value == pytest.approx(2.0 + 4.0 * mean)
    assert joules.value == pytest.approx(watts.value * value(entry, "latency_mean").value)
    assert joules.source is not None
    assert joules.source.startswith("model: 2 W + 4 W x utilisation")
    assert "a published fit" in joules.source
    assert joules.band == (0.15 if mean >= 0.5 else 0.40)


def test_on_a_weak_supply_nothing_is_measured(tmp_path, monkeypatch, root):
    write(root, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005")
    entry = measured(tmp_path, monkeypatch, power=Power(), root=str(root))
    assert entry.status is Status.INVALID
    assert entry.reason == (
        "board not fit: under-voltage, throttled, after waiting 120 s; nothing was measured and your change was not "
        "judged"
    )
    assert (entry.trials, entry.measurements) == ([], [])


def test_trials_come_with_what_the_made_up_board_says(tmp_path, monkeypatch, root):
    write(root, "sys/class/thermal/thermal_zone0/type", "cpu-thermal")
    write(root, "sys/class/thermal/thermal_zone0/temp", 51_500)
    entry = measured(tmp_path, monkeypatch, power=Power(), root=str(root))
    assert {trial.telemetry.temp_after_c for trial in entry.trials if trial.telemetry} == {51.5}
