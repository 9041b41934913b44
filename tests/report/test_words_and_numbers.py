import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_results import measured, results

from harness.records.energy import PowerSource
from harness.records.status import Status
from harness.records.text import visible
from harness.report.labels import STATUS_WORDS, device_title, exit_meaning, tally
from harness.report.numbers import interval_text, number_of, points


@given(st.text())
def test_visible_text_has_one_line_and_no_control_characters(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert visible(shown) == shown


def test_plain_text_is_left_alone():
    assert visible("digits_cnn/prune(0.8)+int8 µ–±") == "digits_cnn/prune(0.8)+int8 µ–±"


def test_every_status_has_a_word_of_its_own():
    assert len(set(STATUS_WORDS.values())) == len(Status) == len(STATUS_WORDS)


def test_a_device_is_named_with_its_label():
    assert device_title("local", results().devices) == "local (this machine, no edge board)"
    assert device_title("elsewhere", results().devices) == "elsewhere"


def test_tally_and_meaning():
    assert tally(results()) == "1 error, 1 failed, 1 board unfit, 1 too close, 3 passed, 3 measured"
    assert exit_meaning(results()) == "exit code 1: something failed or could not be measured"


def test_an_interval_names_its_unit_once():
    assert interval_text(measured("latency_p50", 0.000154, ci_low=0.000153, ci_high=0.000155)) == "153-155 µs"
    assert interval_text(measured("latency_p50", 0.001, ci_low=0.0009, ci_high=0.0011)) == "900 µs to 1.1 ms"
    assert interval_text(measured("latency_p50", 0.001)) == ""


def test_a_number_that_is_not_known_has_a_reason():
    shown = number_of(measured("energy_per_inference", None, reason="no power source"))
    assert (shown.value, shown.reason) == ("–", "no power source")


def test_a_modelled_number_shows_source_and_band():
    shown = number_of(measured("energy_per_inference", 0.01, source="a fit", band=0.15, idle_share=0.5))
    assert shown.source == "a fit, ±15 %, idle share 50 %"
    assert (shown.band, shown.modelled) == ("±15 %", True)


def test_a_sensors_number_says_what_its_band_holds():
    source = PowerSource(name="rapl", kind="counter", windows=1, window_s=10.0, band_says="of steps alone")
    told = measured("energy_per_inference", 0.01, source="sensor rapl, window 10.0 s", band=0.02, power_source=source)
    shown = number_of(told)
    assert shown.source == "sensor rapl, window 10.0 s, ±2 % of steps alone"
    assert not shown.modelled


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (-0.0111, "-1.11 pt"),
        (0.0022, "+0.22 pt"),
        (0.0, "0.00 pt"),
        (-0.00001, "0.00 pt"),
        (-0.123, "-12.3 pt"),
        (-0.09999, "-10.0 pt"),
        (-1.0, "-100 pt"),
    ],
)
def test_points_have_a_sign_and_fit_a_column(share, text):
    assert points(share) == text
    assert len(text) <= 8


@given(st.floats(-1, 1))
def test_points_always_fit_a_column(share):
    assert len(points(share)) <= 8
