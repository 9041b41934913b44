"""The series on energy in small: bands hold, more energy is found, sick sensors are named."""

import numpy as np
from energy import series
from energy.sick_sensors import SICK


def test_bands_hold_the_truth_and_no_healthy_sensor_is_called_sick():
    held = series.replay(60, np.random.default_rng(11))
    assert (held.covered, held.sick) == (60, 0)
    assert 0.01 < held.median_band < 0.06


def test_more_energy_is_found_and_the_same_is_no_alarm():
    rng = np.random.default_rng(12)
    more = series.verdicts(series.MORE, 6, rng)
    assert (more["pass"], more["fail"] >= 5) == (0, True)
    assert series.verdicts(0.0, 6, rng)["fail"] == 0


def test_all_of_twenty_sick_sensors_are_named():
    assert len(SICK) == 20
    assert [sensor for sensor, said in series.named() if not said] == []


def test_the_script_prints_its_figures():
    said: list[object] = []
    assert series.main(["--replays", "2", "--sessions", "1"], said.append) == 0
    assert [str(line).split(":")[0] for line in said[:5]] == ["covered", "found", "alarms", "at the limit", "named"]
