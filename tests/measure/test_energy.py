"""Energy: a sensor, else the model, else unknown; never invented."""

import numpy as np
import pytest

from harness.measure import energy
from harness.measure.arm_evidence import ArmEvidence
from harness.records.board import SensorFound
from harness.records.device import Power, PowerModel
from harness.records.energy import EnergyReading, PowerRail, SensorAccuracy
from harness.testing import make_artifact, make_facts, make_profile, make_telemetry, make_trial

MODEL = PowerModel(idle_w=2.286, full_w=6.820, bands=[(0.0, 0.40), (0.5, 0.15)], source="PowerJoular")
SENSOR = "hwmon:ina226"


def _reading(**changes):
    values = {
        "sensor": SENSOR, "window_s": 10.2, "mean_w": 4.0, "idle_w": 3.0, "readings": 100, "inferences": 2500,
    }  # fmt: skip
    return EnergyReading(**(values | changes))


def _energy_trial(index=20, **changes):
    return make_trial(index, **{"kind": "energy", "samples_ns": (), "energy": _reading(), **changes})


def _latency(*utilisations):
    return [
        make_trial(i, samples_ns=(4_000_000, 4_000_000 + i), telemetry=make_telemetry(utilisation=u))
        for i, u in enumerate(utilisations)
    ]


def _evidence(*trials, sensors=(), model=None, found=(), rate=None, accuracy=None):
    return ArmEvidence(
        trials=trials,
        artifact=make_artifact(),
        profile=make_profile(power=Power(sensors=list(sensors), model=model, accuracy=accuracy or {})),
        facts=make_facts(sensors=found),
        rate=rate,
    )


def _all(*trials, **said):
    return {one.metric: one for one in energy.compute(_evidence(*trials, **said))}


def _compute(*trials, **said):
    told = _all(*trials, **said)
    return told["energy_per_inference"], told["power_mean"]


def test_a_sensor_comes_before_the_model():
    joules, watts = _compute(*_latency(0.2, 0.2, 0.3), _energy_trial(), sensors=[SENSOR], model=MODEL)
    assert joules.value == pytest.approx(4.0 * 10.2 / 2500)
    assert joules.source == watts.source == "sensor hwmon:ina226, window 10.2 s"
    assert joules.idle_share == pytest.approx(0.75)
    assert (joules.power_source.name, joules.power_source.window_s) == (SENSOR, 10.2)
    assert (watts.value, watts.ci_low, watts.n) == (4.0, None, 1)


def test_rapl_counts_the_package_only():
    trial = _energy_trial(energy=_reading(sensor="rapl"))
    assert _compute(*_latency(0.2), trial, sensors=["rapl"])[0].source.endswith("the processor's package only")


def test_the_profiles_first_sensor_is_the_best():
    other = _energy_trial(21, energy=_reading(sensor="rapl", mean_w=50.0))
    assert _compute(*_latency(0.2), other, _energy_trial(), sensors=[SENSOR, "rapl"])[1].value == 4.0


def test_a_short_window_is_not_believed():
    trial = _energy_trial(energy=_reading(window_s=2.0))
    joules, _ = _compute(*_latency(0.2), trial, sensors=[SENSOR])
    assert joules.value is None
    assert joules.reason == "no power source: sensor hwmon:ina226 was read for 2.0 s only, under 10 s"


def test_the_model_takes_the_mean_utilisation_over_trials():
    joules, watts = _compute(*_latency(0.2, 0.3, 0.4), model=MODEL)
    power = np.prod([2.286 + 4.534 * used for used in (0.2, 0.3, 0.4)]) ** (1 / 3)
    assert watts.value == pytest.approx(power)
    assert watts.ci_low < power < watts.ci_high
    assert joules.value == pytest.approx(power * 0.004, rel=1e-4)
    assert joules.band == 0.40
    assert joules.idle_share == pytest.approx(2.286 / power)
    assert joules.source == "model: 2.286 W + 4.534 W x utilisation 0.30 (PowerJoular)"


@pytest.mark.parametrize(("utilisation", "band"), [(0.0, 0.40), (0.49, 0.40), (0.5, 0.15), (1.0, 0.15)])
def test_the_band_is_the_one_that_holds_at_the_utilisation(utilisation, band):
    assert _compute(*_latency(utilisation), model=MODEL)[0].band == band


def test_below_all_bands_the_widest_holds():
    model = MODEL.model_copy(update={"bands": [(0.3, 0.2), (0.6, 0.25)]})
    assert _compute(*_latency(0.1), model=model)[0].band == 0.25


def test_the_model_without_utilisation_knows_nothing():
    joules, watts = _compute(*_latency(None, None), model=MODEL)
    assert joules.value is None
    assert "utilisation, which the board did not tell" in watts.reason


def test_no_source_at_all():
    joules, watts = _compute(*_latency(0.5))
    assert (joules.value, watts.value) == (None, None)
    assert joules.reason == "no power source: the profile names no sensor and no power model"


def test_a_sensor_the_profile_does_not_name_is_offered():
    joules, _ = _compute(*_latency(0.5), found=(SensorFound(name=SENSOR, readable=True),))
    assert joules.value is None
    assert joules.reason.endswith("the board offers hwmon:ina226: name it in [power] sensors")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((), "sensor hwmon:ina226 is not on the board"),
        (
            (SensorFound(name=SENSOR, readable=False, reason="permission denied"),),
            "sensor hwmon:ina226 cannot be read: permission denied",
        ),
        ((SensorFound(name=SENSOR, readable=True),), "no room in the time limit"),
    ],
)
def test_why_the_named_sensor_gave_nothing(found, told):
    assert told in _compute(*_latency(0.5), sensors=[SENSOR], found=found)[0].reason


def test_the_model_says_why_it_stands_in_for_the_sensor():
    trial = _energy_trial(died="the sensor answers no more", energy=None)
    joules, _ = _compute(*_latency(0.5), trial, sensors=[SENSOR], model=MODEL)
    assert joules.source.startswith("model: ")
    assert joules.source.endswith("; sensor not read: the sensor answers no more")


def test_a_window_tells_energy_by_itself():
    joules, watts = _compute(_energy_trial(), sensors=[SENSOR])
    assert (watts.value, joules.value) == (4.0, pytest.approx(4.0 * 10.2 / 2500))


def test_several_windows_are_averaged_and_their_scatter_is_in_the_interval():
    windows = [_energy_trial(20 + at, energy=_reading(mean_w=watts)) for at, watts in enumerate((3.8, 4.0, 4.2, 4.0))]
    joules, watts = _compute(*_latency(0.2, 0.2, 0.3), *windows, sensors=[SENSOR])
    assert watts.value == pytest.approx(np.prod([3.8, 4.0, 4.2, 4.0]) ** 0.25)
    assert watts.ci_low < watts.value < watts.ci_high and watts.n == 4
    assert joules.source == "sensor hwmon:ina226, 4 windows of 10.2 s"
    assert joules.ci_low < joules.value < joules.ci_high and joules.n == 4
    assert joules.value == pytest.approx(watts.value * 10.2 / 2500)


def test_each_window_stands_among_the_figures_with_its_own():
    windows = (_energy_trial(20, energy=_reading(mean_w=3.0)), _energy_trial(21))
    told = energy.energy_figures(_evidence(*_latency(0.2, 0.2), *windows, sensors=[SENSOR])).by_trial
    assert {index: values["power_mean"] for index, values in told.items()} == {20: 3.0, 21: 4.0}
    assert told[20]["energy_per_inference"] == pytest.approx(3.0 * 10.2 / 2500)


def test_idle_power_stands_apart_and_a_watt_hour_is_3600_joules():
    told = _all(_energy_trial(), sensors=[SENSOR])
    assert (told["power_idle"].value, told["power_idle"].unit) == (3.0, "W")
    assert told["inferences_per_wh"].value == pytest.approx(3600 / (4.0 * 10.2 / 2500))
    assert told["inferences_per_wh"].better == "higher"


def test_the_power_at_a_rate_is_idle_power_and_the_share_of_time_that_inferences_take():
    told = _all(_energy_trial(), sensors=[SENSOR], rate=50.0)
    assert told["power_at_rate"].value == pytest.approx(3.0 + 50.0 * 10.2 / 2500 * 1.0)
    assert "reckoned" in told["power_at_rate"].obtained


@pytest.mark.parametrize(
    ("rate", "reason"), [(None, "no rate was given: --rate 10/s"), (400.0, "and 245.1 is what it manages")]
)
def test_a_rate_that_was_not_given_or_does_not_fit_is_said(rate, reason):
    found = _all(_energy_trial(), sensors=[SENSOR], rate=rate)["power_at_rate"]
    assert found.value is None and reason in found.reason


def test_a_models_idle_power_is_its_own_with_the_band_near_idle():
    found = _all(*_latency(0.9, 0.9), model=MODEL, rate=10.0)
    assert (found["power_idle"].value, found["power_idle"].band) == (2.286, 0.40)
    assert found["power_at_rate"].value == pytest.approx(2.286 + 10 * 0.004 * 4.534 * 0.9, rel=1e-4)


def _points(busy, idle, **changes):
    at = tuple(0.1 * place for place in range(len(busy)))
    busy, idle = tuple(busy), tuple(idle)
    return _reading(
        window_s=10.0, at_s=at, watts=busy, mean_w=float(np.mean(busy)), readings=len(busy),
        idle_s=3.0, idle_at_s=at[: len(idle)], idle_watts=idle, idle_w=float(np.mean(idle)), **changes,
    )  # fmt: skip


NOISE = np.random.default_rng(3)
BUSY, IDLE = (NOISE.normal(watts, 0.02, count).round(4).tolist() for watts, count in ((4.0, 100), (3.0, 30)))


def test_a_band_without_a_stated_error_says_so():
    joules, _ = _compute(_energy_trial(energy=_points(BUSY, IDLE)), sensors=[SENSOR])
    assert 0.0 < joules.band < 0.01
    assert "by how much the source itself errs is not known, and not in it" in joules.power_source.band_says
    assert joules.power_source.rate_hz == pytest.approx(10.0)
    assert joules.source == "sensor hwmon:ina226, window 10.0 s, read at 10 Hz"


def test_a_chips_own_error_is_its_makers_with_the_shunt_left_out():
    rail = PowerRail(label="in", volts=5.0, shunt_uohm=10_000)
    told = _points(BUSY, IDLE, chip="ina3221", rails=(rail,))
    joules, _ = _compute(_energy_trial(energy=told), sensors=[SENSOR])
    accuracy = joules.power_source.accuracy
    assert (accuracy.gain, accuracy.offset_w) == (pytest.approx(0.005 + 0.016 / 5), pytest.approx(0.04))
    assert accuracy.step_w == pytest.approx(0.02)
    assert joules.band > accuracy.gain + 0.04 / 4.0 + 0.01 / 4.0
    assert "SBOS576B" in joules.power_source.band_says and "shunt is not known" in joules.power_source.band_says


def test_the_profiles_word_goes_before_the_makers():
    stated = {SENSOR: SensorAccuracy(gain=0.03, offset_w=0.1, source="calibrated in May")}
    joules, _ = _compute(_energy_trial(energy=_points(BUSY, IDLE)), sensors=[SENSOR], accuracy=stated)
    assert joules.band == pytest.approx(0.03 + 0.1 / 4.0, abs=0.003)
    assert "3 % (calibrated in May)" in joules.power_source.band_says


def test_a_sick_sensor_is_named_and_the_next_one_stands_in():
    stuck = _energy_trial(20, energy=_points([3.3] * 100, [3.3] * 30))
    other = _energy_trial(21, energy=_reading(sensor="rapl"))
    joules, _ = _compute(stuck, other, sensors=[SENSOR, "rapl"])
    assert joules.source.startswith("sensor rapl")
    assert "hwmon:ina226 stands at 3.3 W, at rest as under load: it is stuck" in joules.source


def test_a_sick_sensor_without_another_is_no_joule():
    joules, _ = _compute(_energy_trial(energy=_points([0.0] * 100, [0.0] * 30)), sensors=[SENSOR])
    assert joules.value is None
    assert joules.reason == (
        "no power source: sensor hwmon:ina226 reads 0 W all the time: it is dead, or not connected"
    )


def test_a_window_with_a_fault_is_left_out_of_several():
    whole = [_energy_trial(20 + at, energy=_points(BUSY, IDLE)) for at in range(3)]
    joules, _ = _compute(*whole, _energy_trial(30, energy=_points([-4.0] * 100, IDLE)), sensors=[SENSOR])
    assert joules.n == 3
    assert "1 window left out: it reads -4 W, which is negative" in joules.source
