"""The board's state around an entry's trials in words, and the clock of the time line."""

from harness.records.conditions import Conditions, PolicyClock
from harness.records.entry import TrialMetrics
from harness.report.board_conditions import conditions_sentence, mean_khz
from harness.report.charts.timeline import timeline
from harness.testing import make_entry, make_telemetry


def _clocked(khz, ms, **more):
    return Conditions(clocks=(PolicyClock(name="policy0", khz=khz, ms=ms),), **more)


def _slices(count, conditions_of):
    return [
        TrialMetrics(
            kind="slices",
            arm=("candidate", "baseline")[place % 2],
            block=place // 4,
            values={"latency_p50": 0.004},
            telemetry=make_telemetry(conditions=conditions_of(place)),
        )
        for place in range(count)
    ]


def _entry(figures):
    return make_entry().model_copy(update={"trials": [], "figures": figures})


def test_clocks_others_and_what_is_not_known_are_told():
    calm = _clocked((1_500_000,), (500,), others=0.02, swapped_pages=0, memory_pressure=0.0)
    dip = _clocked((1_500_000, 600_000), (300, 200), others=0.31, swapped_pages=12, memory_pressure=0.0)
    told = conditions_sentence(_entry(_slices(2, lambda place: (calm, dip)[place])))
    assert told == (
        "policy0 at 1500 MHz 80 %, 600 MHz 20 % of the time; other processes took up to 0.31 cores; "
        "up to 12 pages swapped within a trial"
    )


def test_what_no_trial_could_read_is_not_known():
    found = Conditions(lowest_khz=1_400_000, clock_reads=12)
    figures = [
        one.model_copy(update={"telemetry": make_telemetry(temp_after_c=None, throttled=None, conditions=found)})
        for one in _slices(2, lambda _: found)
    ]
    assert conditions_sentence(_entry(figures)) == (
        "clock not below 1400 MHz in 24 readings; not known: temperature, time at each clock, throttling, swap, "
        "memory pressure, others' work"
    )


def test_runs_of_an_earlier_harness_say_nothing():
    assert conditions_sentence(make_entry()) == ""


def test_the_mean_clock_is_that_of_the_fastest_cores():
    slow = PolicyClock(name="policy0", khz=(1_000_000,), ms=(500,))
    fast = PolicyClock(name="policy4", khz=(2_000_000, 1_000_000), ms=(250, 250))
    assert mean_khz(Conditions(clocks=(slow, fast))) == 1_500_000
    assert mean_khz(Conditions()) is None and mean_khz(None) is None


def test_a_dip_between_two_readings_shows_in_the_time_line_of_slices():
    dips = {5: _clocked((1_500_000, 600_000), (250, 250))}
    figures = _slices(8, lambda place: dips.get(place, _clocked((1_500_000,), (500,))))
    line = timeline(_entry(figures))
    assert line is not None and line.trials == 8 and not line.is_calm
    assert "clock 1050 to 1500 MHz" in line.ranges
    assert line.caption.startswith(
        "Trials in the order in which they were measured. Clock: the mean over a trial, temperature at its end."
    )
