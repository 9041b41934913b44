"""What was read around a trial, beside temperature and clock at its ends, as a reason that it does not count."""

import os
import platform

import pytest

from harness.measure.fitness import FitnessRule, fitness_rule, holding_clock
from harness.measure.void_trials import voids
from harness.records.conditions import Conditions, CoolingState, DeviceState, PolicyClock
from harness.records.device import Connection
from harness.testing import make_facts, make_profile, make_telemetry, make_trial

RULE = FitnessRule(
    max_temp_c=75.0,
    steady_clock=True,
    governor="performance",
    caps_khz=(1_500_000,),
    power_mode="MAXN",
    device_bounds=("dmc to 2112 MHz, performance",),
    alone=True,
    own_processors=True,
)
DMC = DeviceState(
    name="dmc", hz_before=2_112_000_000, hz=2_112_000_000, bounds="dmc to 2112 MHz, performance", held=True
)
CALM = Conditions(
    governor="performance",
    caps_khz=(1_500_000,),
    clocks=(PolicyClock(name="policy0", khz=(1_500_000,), ms=(500,)),),
    throttled_before=0,
    supply_alarm=False,
    cooling_moves=0,
    devices=(DMC,),
    power_mode="MAXN",
    swapped_pages=0,
    memory_pressure=0.0,
    steal=0.0,
    others=0.1,
)


def _found(rule=RULE, *, throttled=0, runqueue_wait_s=0.0, **changes):
    conditions = CALM.model_copy(update=changes)
    telemetry = make_telemetry(conditions=conditions, throttled=throttled, runqueue_wait_s=runqueue_wait_s)
    return voids(make_trial(telemetry=telemetry), rule)


def _policy(khz, ms):
    return (PolicyClock(name="policy0", khz=khz, ms=ms),)


def _dmc(**changes):
    return (DMC.model_copy(update=changes),)


EVENTS = [
    ({"clocks": _policy((1_500_000, 600_000), (300, 200))},
     "another frequency", "policy0 at 600 MHz for 200 of 500 ms, held at 1500 MHz"),
    ({"clocks": (), "lowest_khz": 600_000, "clock_reads": 12},
     "another frequency", "clock at 600 MHz in one of 12 readings, held at 1500 MHz"),
    ({"governor": "powersave"}, "governor changed", "governor changed from performance to powersave"),
    ({"caps_khz": (1_000_000,)}, "clock capped", "clock capped to 1000 MHz, was 1500 MHz when the board was opened"),
    ({"power_mode": "15W"}, "power mode changed", "power mode changed from MAXN to 15W"),
    ({"devices": _dmc(bounds="dmc to 1056 MHz, performance")}, "device clock capped",
     "dmc to 1056 MHz, performance, was dmc to 2112 MHz, performance when the board was opened"),
    ({"devices": _dmc(hz=1_056_000_000)}, "another device clock", "dmc went from 2112 to 1056 MHz"),
    ({"devices": _dmc(lowest_hz=528_000_000, low_ms=200)}, "another device clock", "dmc went from 2112 to 528 MHz"),
    ({"cooling": (CoolingState(kind="thermal-cpufreq-0", state=2),)},
     "held down by cooling", "clock held down by cooling: thermal-cpufreq-0 at 2"),
    ({"cooling_moves": 2}, "held down by cooling", "cooling moved 2 times within the trial"),
    ({"throttled_before": 0, "throttled": 0x10000}, "under-voltage", "under-voltage for a while within the trial"),
    ({"throttled_before": 0x4, "throttled": 0x40000}, "throttled", "throttled"),
    ({"supply_alarm": True}, "under-voltage", "under-voltage, by the supply's alarm"),
    ({"swapped_pages": 4096}, "swapping", "4096 pages went to swap or came from it"),
    ({"memory_pressure": 0.42}, "memory pressure", "processes waited for memory in 42 % of the time"),
    ({"steal": 0.3}, "steal", "the hypervisor gave 0.30 cores' time to others"),
    ({"others": 0.97}, "other processes", "other processes took 0.97 cores' time"),
    ({"runqueue_wait_s": 9.0}, "kept from the processor", "waited for a processor in 95 % of its time"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "cause", "detail"), EVENTS)
def test_each_event_has_its_reason(changes, cause, detail):
    rule = holding_clock(RULE, [make_trial(telemetry=make_telemetry(conditions=CALM))])
    assert [(void.cause, void.detail) for void in _found(rule, **changes)] == [(cause, detail)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clocks": _policy((1_500_000, 600_000), (490, 10))},
        {"devices": _dmc(lowest_hz=528_000_000, low_ms=10)},
        {"swapped_pages": 3},
        {"memory_pressure": 0.02},
        {"others": 0.3, "steal": 0.04},
        {"throttled_before": 0xF0000, "throttled": 0xF0000},
        {"runqueue_wait_s": 0.01},
    ],
)
def test_what_a_board_in_order_shows_is_no_reason(changes):
    assert _found(**changes) == ()


def test_what_is_not_known_is_no_reason():
    telemetry = make_telemetry(conditions=Conditions(), throttled=None)
    assert voids(make_trial(telemetry=telemetry), RULE) == ()
    nothing_known = FitnessRule(max_temp_c=None, steady_clock=True, alone=True)
    assert _found(nothing_known) == ()


def test_a_clock_that_follows_the_load_is_no_reason_but_what_bounds_it_is():
    moving = FitnessRule(max_temp_c=None, steady_clock=False, governor="schedutil", caps_khz=(1_500_000,))
    dip = _policy((1_500_000, 600_000), (300, 200))
    assert _found(moving, governor="schedutil", clocks=dip) == ()
    capped = _found(moving, governor="schedutil", clocks=dip, caps_khz=(600_000,))
    assert [void.cause for void in capped] == ["clock capped"]


def test_a_device_whose_governor_follows_the_load_may_move():
    assert _found(devices=_dmc(held=False, hz=528_000_000)) == ()


def test_a_clock_that_stayed_down_is_held_against_the_first_trial():
    first = make_trial(1, telemetry=make_telemetry(conditions=CALM))
    low = {"clocks": _policy((600_000,), (500,)), "devices": _dmc(hz_before=528_000_000, hz=528_000_000)}
    assert _found(**low) == ()
    rule = holding_clock(RULE, [make_trial(4, telemetry=make_telemetry()), first])
    assert [void.detail for void in _found(rule, **low)] == [
        "policy0 at 600 MHz for 500 of 500 ms, held at 1500 MHz",
        "dmc went from 2112 to 528 MHz",
    ]


def test_the_work_of_others_does_not_count_on_this_machine():
    facts = make_facts().model_copy(update={"simulated": None})
    local = make_profile(connection=Connection(transport="local"))
    assert not fitness_rule(local, facts).alone
    made_up = fitness_rule(local, facts.model_copy(update={"simulated": "made up"}))
    assert (made_up.alone, made_up.own_processors) == (True, False)
    ours = {"hostname": platform.node(), "kernel": platform.release(), "arch": platform.machine()}
    assert not fitness_rule(make_profile(), facts.model_copy(update=ours | {"cpu_count": os.cpu_count()})).alone
    assert fitness_rule(make_profile(), facts.model_copy(update=ours | {"cpu_count": 64})).alone
    here = FitnessRule(max_temp_c=None, steady_clock=False)
    assert _found(here, others=2.0, steal=1.0, swapped_pages=900, memory_pressure=0.5, runqueue_wait_s=9.0) == ()
