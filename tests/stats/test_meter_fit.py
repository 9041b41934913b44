"""A power model fitted to a meter whose clock, rate, steps and noise are made up, and whose truth is known."""

import numpy as np
import pytest

from harness.cli.calibrate import STEPS
from harness.stats.meter_fit import LoadStep, fit_meter


def driven(begun_s=1000.0, steps=STEPS):
    found, at = [], begun_s
    for share, seconds in steps:
        found.append(LoadStep(at, at + seconds, 0.02 + 0.96 * share))
        at += seconds + 0.2
    return found


def metered(steps, *, lead_s=500.0, rate_hz=1.0, idle_w=2.1, full_w=6.3, bend=0.0, noise_w=0.03, step_w=0.04, seed=1):
    """What a meter reads, from 20 s before the steps until 20 s after them."""
    rng = np.random.default_rng(seed)
    at = np.arange(steps[0].begun_s - 20.0, steps[-1].ended_s + 20.0, 1.0 / rate_hz)
    used = np.array([next((s.utilisation for s in steps if s.begun_s <= one < s.ended_s), 0.02) for one in at])
    watts = idle_w + (full_w - idle_w) * (used + bend * used * (1.0 - used)) + rng.normal(0.0, noise_w, at.size)
    return at + lead_s, np.round(watts / step_w) * step_w


@pytest.mark.parametrize("rate_hz", [1.0, 10.0])
@pytest.mark.parametrize("lead_s", [0.0, -3600.0, 12.34])
def test_clocks_are_laid_over_each_other_and_the_truth_is_found(rate_hz, lead_s):
    steps = driven()
    found = fit_meter(*metered(steps, lead_s=lead_s, rate_hz=rate_hz), steps)
    assert found.lead_s == pytest.approx(lead_s, abs=0.8)
    assert (found.idle_w, found.full_w) == (pytest.approx(2.1, rel=0.02), pytest.approx(6.3, rel=0.02))
    assert found.correlation > 0.95
    assert found.mean_error < 0.02
    assert found.idle_error_w < 0.05 and found.full_error_w < 0.1


def test_what_a_line_does_not_describe_stands_in_its_errors():
    steps = driven()
    found = fit_meter(*metered(steps, bend=0.5), steps)
    assert 0.01 < found.mean_error < 0.05
    assert found.bands[0][0] == 0.0 and max(error for _, error in found.bands) > found.mean_error


def test_calibration_brings_the_mean_error_under_five_per_cent():
    """Boards of 30: idle, full load and bend unlike the published fit's, a meter of 0.5 to 10 Hz in steps of 10 mW."""
    rng = np.random.default_rng(5)
    for seed in range(30):
        idle, bend = float(rng.uniform(1.0, 4.0)), float(rng.uniform(0.0, 0.5))
        full = idle * float(rng.uniform(1.8, 3.5))
        steps = driven()
        found = fit_meter(
            *metered(
                steps, idle_w=idle, full_w=full, bend=bend, rate_hz=float(rng.uniform(0.5, 10.0)),
                step_w=0.01, seed=seed,
                lead_s=float(rng.uniform(-500.0, 500.0)),
            ),
            steps,
        )  # fmt: skip
        used = np.linspace(0.0, 1.0, 21)
        truth = idle + (full - idle) * (used + bend * used * (1.0 - used))
        told = found.idle_w + (found.full_w - found.idle_w) * used
        assert np.abs(told / truth - 1.0).mean() < 0.05


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda at, watts: (at, np.random.default_rng(2).normal(3.0, 0.2, at.size)), "cannot be found"),
        (lambda at, watts: (at, np.full(at.size, 3.0)), "cannot be found"),
        (lambda at, watts: (at[:5], watts[:5]), "too few"),
        (lambda at, watts: (at[:40], watts[:40]), "it has to read before the first and after the last"),
        (lambda at, watts: (at, 9.0 - watts), "cannot be found"),
        (
            lambda at, watts: (np.concatenate([at, at + 200.0]), np.concatenate([watts, watts])),
            "at two places in the meter's readings",
        ),
        (lambda at, watts: (at, watts - 5.0), "no board's power"),
    ],
)
def test_readings_that_do_not_show_the_steps_are_refused(changed, said):
    steps = driven()
    with pytest.raises(ValueError, match=said):
        fit_meter(*changed(*metered(steps)), steps)


def test_steps_that_are_alike_tell_no_line():
    steps = driven(steps=[(0.0, 6.0), (0.3, 7.0), (0.1, 5.0), (0.3, 8.0), (0.0, 5.0), (0.2, 6.0)])
    with pytest.raises(ValueError, match="half of the cores apart"):
        fit_meter(*metered(steps), steps)
