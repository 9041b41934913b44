"""Energy: a sensor, else the model, else unknown; never invented."""

import numpy as np
import pytest

from harness.measure import energy
from harness.measure.arm_evidence import ArmEvidence
from harness.records.board import EnergyReading, SensorFound
from harness.records.device import Power, PowerModel
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


def _compute(*trials, sensors=(), model=None, found=()):
    evidence = ArmEvidence(
        trials=trials,
        artifact=make_artifact(),
        profile=make_profile(power=Power(sensors=list(sensors), model=model)),
        facts=make_facts(sensors=found),
    )
    joules, watts = energy.compute(evidence)
    assert (joules.metric, watts.metric) == ("energy_per_inference", "power_mean")
    return joules, watts


def test_a_sensor_comes_before_the_model():
    joules, watts = _compute(*_latency(0.2, 0.2, 0.3), _energy_trial(), sensors=[SENSOR], model=MODEL)
    assert joules.value == pytest.approx(0.016, rel=1e-4)
    assert joules.ci_low <= joules.value <= joules.ci_high
    assert joules.source == watts.source == "sensor hwmon:ina226, window 10.2 s"
    assert joules.idle_share == pytest.approx(0.75)
    assert (watts.value, watts.ci_low, watts.n) == (4.0, None, 1)


def test_rapl_counts_the_package_only():
    trial = _energy_trial(energy=_reading(sensor="rapl"))
    assert _compute(*_latency(0.2), trial, sensors=["rapl"])[0].source.endswith(", package only")


def test_the_profiles_first_sensor_is_the_best():
    other = _energy_trial(21, energy=_reading(sensor="rapl", mean_w=50.0))
    assert _compute(*_latency(0.2), other, _energy_trial(), sensors=[SENSOR, "rapl"])[1].value == 4.0


def test_a_short_window_is_not_believed():
    trial = _energy_trial(energy=_reading(window_s=2.0))
    joules, _ = _compute(*_latency(0.2), trial, sensors=[SENSOR])
    assert joules.value is None
    assert joules.reason == "no power source: the window of 2.0 s is under 10 s"


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


def test_power_without_latency_is_no_energy():
    joules, watts = _compute(_energy_trial(), sensors=[SENSOR])
    assert watts.value == 4.0
    assert joules.reason == "no latency trial counts"


def test_several_windows_are_averaged_and_their_scatter_is_in_the_interval():
    windows = [_energy_trial(20 + at, energy=_reading(mean_w=watts)) for at, watts in enumerate((3.8, 4.0, 4.2, 4.0))]
    joules, watts = _compute(*_latency(0.2, 0.2, 0.3), *windows, sensors=[SENSOR])
    one, _ = _compute(*_latency(0.2, 0.2, 0.3), _energy_trial(), sensors=[SENSOR])
    assert watts.value == pytest.approx(np.prod([3.8, 4.0, 4.2, 4.0]) ** 0.25)
    assert watts.ci_low < watts.value < watts.ci_high and watts.n == 4
    assert joules.source == "sensor hwmon:ina226, 4 windows of 10.2 s"
    assert joules.ci_high - joules.ci_low > 10 * (one.ci_high - one.ci_low)
    assert joules.value == pytest.approx(watts.value * 0.004, rel=1e-4)


def test_each_window_stands_among_the_figures_with_its_own_watts():
    trials = (*_latency(0.2, 0.2), _energy_trial(20, energy=_reading(mean_w=3.0)), _energy_trial(21))
    evidence = ArmEvidence(
        trials=trials,
        artifact=make_artifact(),
        profile=make_profile(power=Power(sensors=[SENSOR])),
        facts=make_facts(),
    )
    told = energy.of_each_trial(evidence)
    assert (told[20], told[21]) == ({"power_mean": 3.0}, {"power_mean": 4.0})
    assert told[0] == {"energy_per_inference": pytest.approx(12.0**0.5 * 0.004, rel=1e-4)}
