"""An operating point in words: what a board was set to, what was wanted, and what was not taken."""

import pytest

from harness.records.operating_point import ClockSetting, OperatingPoint, SettingReached, fingerprint_at
from harness.records.units import format_quantity, parse_quantity


def clock(low: int | None, high: int | None, governor: str | None = "performance", cpus: str | None = None) -> str:
    return ClockSetting(name="dmc", cpus=cpus, governor=governor, min_hz=low, max_hz=high).words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (clock(600_000_000, 1_500_000_000), "dmc performance, 600 MHz to 1.5 GHz"),
        (clock(2_112_000_000, 2_112_000_000), "dmc performance, 2.112 GHz"),
        (clock(None, 1_500_000_000, governor=None), "dmc to 1.5 GHz"),
        (clock(600_000_000, None, cpus="0-3"), "dmc (CPUs 0-3) performance, from 600 MHz"),
        (clock(None, None), "dmc performance"),
        (clock(None, None, governor=None), "dmc unknown"),
    ],
)
def test_a_clock_in_words(said, words):
    assert said == words


def setting(what="governor of policy0", before="ondemand", reached="performance", problem=None):
    return SettingReached(
        what=what, wanted="performance", before=before, reached=reached, problem=problem, denied=False
    )


@pytest.mark.parametrize(
    ("one", "words", "changed"),
    [
        (setting(), "governor of policy0 from ondemand to performance", True),
        (setting(before="performance"), "governor of policy0 performance", False),
        (setting(before=None), "governor of policy0 performance", True),
        (
            setting(reached="ondemand", problem="Invalid argument"),
            "governor of policy0 is ondemand, not performance: Invalid argument",
            False,
        ),
        (setting(reached=None, problem="gone"), "governor of policy0 is unknown, not performance: gone", False),
    ],
)
def test_a_setting_in_words(one, words, changed):
    assert (one.words, one.changed) == (words, changed)


def test_a_point_tells_what_changed_what_was_refused_and_what_sets_it_apart():
    fast = ClockSetting(name="policy0", cpus="0-3", governor="performance", min_hz=None, max_hz=10**9)
    unknown = ClockSetting(name="dmc", cpus=None, governor="userspace", min_hz=None, max_hz=None)
    settings = (
        setting(),
        setting("highest frequency of policy0", "1.5 GHz", "1 GHz"),
        setting("power mode", "15W", None, "the board has to be started anew for it"),
        setting("interrupts", "0 of 3 there", "2 of 3 there"),
    )
    point = OperatingPoint(power_mode="15W", clocks=(fast, unknown), cpus="4-7", settings=settings)
    assert point.changed == (
        "measuring on CPUs 4-7",
        "governor of policy0 from ondemand to performance",
        "highest frequency of policy0 from 1.5 GHz to 1 GHz",
        "interrupts from 0 of 3 there to 2 of 3 there",
    )
    assert [one.what for one in point.refused] == ["power mode"]
    assert point.set_apart == ("highest frequency of policy0 1 GHz", "power mode unknown")
    assert point.limits == "policy0 to 1 GHz; measuring on CPUs 4-7"
    assert point.words == "power mode 15W; policy0 (CPUs 0-3) performance, to 1 GHz; dmc userspace; " + (
        "measuring on CPUs 4-7"
    )
    bare = OperatingPoint(power_mode=None, clocks=(), cpus=None)
    assert (bare.changed, bare.refused, bare.set_apart, bare.limits, bare.words) == ((), (), (), "none", "")


def test_an_entrys_own_point_makes_another_fingerprint():
    point = OperatingPoint(power_mode="15W", clocks=(), cpus=None)
    assert fingerprint_at("abc (a board)", point) == "abc (a board) at power mode 15W"
    assert (fingerprint_at("abc", None), fingerprint_at(None, point)) == ("abc", None)


def test_a_frequency_is_written_with_its_unit():
    assert parse_quantity("1.5 GHz", "Hz") == 1.5e9
    assert format_quantity(408e6, "Hz") == "408 MHz"
