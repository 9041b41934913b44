"""Quantities as people write them, and back."""

import math
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.records.metrics import METRICS
from harness.records.units import (
    QuantityError,
    format_change,
    format_interval,
    format_quantity,
    format_share,
    format_share_interval,
    parse_duration,
    parse_quantity,
    parse_rate,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("4 ms", "s", 0.004),
        ("4ms", "s", 0.004),
        ("217 us", "s", 217e-6),
        ("217 µs", "s", 217e-6),
        ("217 μs", "s", 217e-6),
        ("1.5 s", "s", 1.5),
        (".5 ns", "s", 0.5e-9),
        ("60 MB", "B", 60e6),
        ("60 kB", "B", 60e3),
        ("1e3 B", "B", 1000.0),
        ("15 mJ", "J", 0.015),
        ("2.5 W", "W", 2.5),
        ("100 /s", "1/s", 100.0),
        ("100 1/s", "1/s", 100.0),
        ("4.6 k/s", "1/s", 4600.0),
        ("98 %", "1", 0.98),
        ("2%", "1", 0.02),
        ("1 pt", "1", 0.01),
        ("1 pt", "pt", 0.01),
        ("-0.5 pt", "pt", -0.005),
    ],
)
def test_reads_what_people_write(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("4", "s", '"4" has no unit: expected a time in s, ms'),
        ("4 msec", "s", 'unknown unit "msec"'),
        ("4 msec", "s", "did you mean ms?"),
        ("60 KB", "B", "did you mean kB?"),
        ("60 Mb", "B", "did you mean MB?"),
        ("60 MiB", "B", "did you mean MB?"),
        ("4 ms", "B", '"4 ms" is a time: expected a size in bytes'),
        ("1 %", "pt", 'expected percentage points in pt, such as "1 pt"'),
        ("98", "1", "expected a share in %"),
        ("1e400 s", "s", "expected a finite number"),
        ("nan s", "s", "is no quantity"),
        ("soon", "s", "is no quantity"),
        ("", "s", "is no quantity"),
        ("４ ms", "s", '"４ ms" is no quantity'),
        ("٤ ms", "s", '"٤ ms" is no quantity'),
        ("4.٥ ms", "s", "unknown unit"),
        ("1e٣ ms", "s", "unknown unit"),
        ("4 m\x1b[31ms", "s", "unknown unit"),
        ("1e31 s", "s", "expected a finite number of at most 1e+30"),
        ("1" * 65 + " s", "s", "has 67 characters, more than the 64 of any quantity"),
        ("1" * 5000 + " %", "1", "has 5002 characters"),
        ("9" * 10**7, "s", "has 10000000 characters"),
    ],
)
def test_refuses_the_rest_in_one_line(text, unit, said):
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, unit)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (217.4e-6, "s", "217.4 µs"),
        (0.00392, "s", "3.92 ms"),
        (0.99999e-3, "s", "1 ms"),
        (0.0, "s", "0 s"),
        (41_237_000, "B", "41.24 MB"),
        (4608.2, "1/s", "4608 /s"),
        (1.2345678e6, "1/s", "1235000 /s"),
        (0.5, "1/s", "0.5 /s"),
        (2.286, "W", "2.286 W"),
        (0.983, "1", "98.3 %"),
        (1.0, "1", "100 %"),
        (0.01, "pt", "1 pt"),
    ],
)
def test_shows_four_digits_with_a_prefix(value, unit, shown):
    assert format_quantity(value, unit) == shown


@given(st.floats(min_value=1e-8, max_value=900.0), st.sampled_from(["s", "B", "J", "W", "1/s", "1", "pt"]))
@example(999.96e-6, "s")
def test_what_is_shown_is_read_back(value, unit):
    if unit in ("B", "1/s"):
        value = value * 1e8 + 1
    assert math.isclose(parse_quantity(format_quantity(value, unit), unit), value, rel_tol=6e-4)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_by_our_error(text):
    try:
        value = parse_quantity(text, "s")
    except QuantityError as refusal:
        assert "expected" in str(refusal)
    else:
        assert math.isfinite(value)


def test_every_metric_has_a_readable_unit():
    for metric in METRICS.values():
        assert parse_quantity(format_quantity(2.0, metric.unit), metric.unit) == 2.0


def test_the_library_is_imported_only_on_use():
    probe = "import sys, harness.records.units; print('quantiphy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("low", "high", "unit", "told"),
    [
        (0.00428, 0.00435, "s", "4.28-4.35 ms"),
        (0.00098, 0.00102, "s", "980 µs to 1.02 ms"),
        (999_000.0, 1_002_000.0, "B", "999 kB to 1.002 MB"),
        (-0.01, 0.02, "1", "-1 to 2 %"),
        (-0.000_001, 0.002, "s", "-1 µs to 2 ms"),
        (0.0, 0.002, "s", "0 s to 2 ms"),
        (0.0, 0.02, "1", "0-2 %"),
        (90.0, 110.0, "1/s", "90-110 /s"),
    ],
)
def test_an_interval_tells_the_units_of_both_ends_where_they_differ(low, high, unit, told):
    assert format_interval(low, high, unit) == told


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (300, 300.0),
        ("300", 300.0),
        (" 1.5 h ", 5400.0),
        ("5m", 300.0),
        ("2 MIN", 120.0),
        ("90 seconds", 90.0),
        ("500 ms", 0.5),
        ("-1e2 s", -100.0),
        ("2.s", 2.0),
    ],
)
def test_a_time_is_read_with_its_unit_or_in_seconds(text, seconds):
    read = parse_duration(text)
    assert (read, type(read)) == (seconds, float)


@pytest.mark.parametrize("text", ["", "5 x", "m", "1.5.2", "５m", "1e200 s", "x" * 100])
def test_what_is_no_time_says_what_is_expected(text):
    with pytest.raises(QuantityError) as caught:
        parse_duration(text)
    told = f'{text[:40]!r} is no time: expected seconds, or one with its unit, such as "90s" or "5m"'
    assert str(caught.value) == told


@pytest.mark.parametrize(("text", "rate"), [(10, 10.0), ("10", 10.0), ("0.5 /s", 0.5), ("1 k/s", 1000.0), (0.25, 0.25)])
def test_a_rate_is_read_with_its_unit_or_a_second(text, rate):
    read = parse_rate(text)
    assert (read, type(read)) == (rate, float)


@pytest.mark.parametrize(("text", "size"), [("128MB", 128_000_000), (" 128 ", 128), (128, 128), ("1.5 kB", 1500)])
def test_a_size_is_whole_bytes(text, size):
    read = parse_size(text)
    assert (read, type(read)) == (size, int)


@pytest.mark.parametrize(("text", "share"), [("0.5 %", 0.005), ("50%", 0.5), ("0.005", 0.005), (0.5, 0.5), (1, 1.0)])
def test_a_share_is_read_with_its_sign_or_as_a_fraction(text, share):
    read = parse_share(text)
    assert (read, type(read)) == (pytest.approx(share), float)


def test_what_is_no_share_says_what_is_expected():
    with pytest.raises(QuantityError) as caught:
        parse_share("half" * 20)
    assert str(caught.value) == f'{"half" * 10!r} is no share: expected one such as "0.5 %" or 0.005'
    with pytest.raises(QuantityError, match="is no quantity: expected a share in %, pt"):
        parse_share("half %")


def test_a_quantity_may_have_as_many_letters_as_any_needs_and_the_largest_number():
    assert parse_quantity(f"{'0' * 61}4 s", "s") == 4.0
    with pytest.raises(QuantityError, match=f'^"{"1" * 63} ..." has 65 characters, more than the 64 of any quantity'):
        parse_quantity(f"{'1' * 63} s", "s")
    assert parse_quantity("1e30 s", "s") == -parse_quantity("-1e30 s", "s") == 1e30
    with pytest.raises(QuantityError, match="at most 1e"):
        parse_quantity("-1.1e30 s", "s")


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("4", "s", '"4" has no unit: expected a time in s, ms, µs, us, ns, such as "4 ms"'),
        (
            "4 msec",
            "s",
            '"4 msec": unknown unit "msec", expected a time in s, ms, µs, us, ns, such as "4 ms"; did you mean ms?',
        ),
        ("4 ms", "B", '"4 ms" is a time: expected a size in bytes in B, kB, MB, GB, TB, such as "60 kB"'),
        ("5 J", "W", '"5 J" is an energy: expected a power in W, mW, µW, uW, nW, kW, such as "2.5 W"'),
        ("5 %", "1/s", '"5 %" is a share: expected a rate in /s, 1/s, k/s, M/s, such as "100 /s"'),
        ("5 /s", "J", '"5 /s" is a rate: expected an energy in J, mJ, µJ, uJ, nJ, kJ, such as "15 mJ"'),
        ("soon", "pt", '"soon" is no quantity: expected percentage points in pt, such as "1 pt"'),
    ],
)
def test_a_complaint_is_one_sentence_with_all_spellings(text, unit, said):
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, unit)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (5.73e-6, 11.39e-6, "5.73 -> 11.39 µs"),
        (980e-6, 1.02e-3, "980 µs -> 1.02 ms"),
        (0.0040001, 0.0040002, "4 ms"),
    ],
)
def test_a_change_has_its_unit_once_where_both_share_it(before: float, after: float, text: str) -> None:
    assert format_change(before, after, "s") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.00 %"), (0.00314, "0.31 %"), (-0.0512, "5.1 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1.988, "199 %")],
)
def test_a_share_has_two_or_three_digits_and_no_sign(share: float, text: str) -> None:
    assert format_share(share) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.613, 1.082, "61 to 108 %"),
        (-0.004, 0.011, "-0.4 to 1.1 %"),
        (-0.00001, 0.005, "0.00 to 0.50 %"),
        (0.2498, 0.2502, "24.98 to 25.02 %"),
        (0.25, 0.25, "25.00 to 25.00 %"),
    ],
)
def test_an_interval_of_shares_has_the_digits_that_its_larger_end_needs(low: float, high: float, text: str) -> None:
    assert format_share_interval(low, high) == text
