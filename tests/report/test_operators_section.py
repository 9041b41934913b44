"""Operators on the page and in the summary: bars, changes, reasons, and texts that nobody can trust."""

from support.sample_results import results
from support.told_results import OPERATOR_KINDS as KINDS
from support.told_results import OPERATORS as PROFILE

from harness.records.entry import BaselineRecord
from harness.records.operators import OperatorChange, OperatorProfile
from harness.records.results import Results
from harness.report.page import page
from harness.report.summary import summary

CHANGES = tuple(
    OperatorChange(
        name=f"CONV_2D {place}", before_s=1e-5, after_s=1e-5 + d, difference_s=d, ci_low=d - 1e-6, ci_high=d + 1e-6
    )
    for place, d in enumerate((9e-6, 8e-6, 7e-6, 6e-6, 0.5e-6, -4e-6), start=1)
)


def with_operators(profile: OperatorProfile, changes: tuple[OperatorChange, ...] = ()) -> Results:
    run = results()
    base = BaselineRecord(given="main", state="measured", sentence="main", operator_changes=changes)
    first = run.entries[0].model_copy(update={"operators": profile, "baseline": base if changes else None})
    return run.model_copy(update={"entries": [first, *run.entries[1:]]})


def test_a_run_without_them_has_no_such_section():
    assert ">Operators</h2>" not in page(results(), [])
    assert "Operators" not in summary(results())


def test_the_page_tells_names_times_shares_and_how_they_were_obtained():
    shown = page(with_operators(PROFILE), [])
    for text in ("CONV_2D", "157.2 µs", "151-163 µs", "64.9 %", "6,690,816", "242 µs an inference while profiled"):
        assert text in shown
    assert "678 inferences in 3 processes, CompiledModel of litert 2.3.0, 1 thread, xnnpack" in shown
    assert '<rect class="ci" x="0.0%" width="100.0%"/>' in shown


def test_only_what_changed_beyond_noise_is_told_most_slowed_first():
    told = with_operators(PROFILE, CHANGES)
    shown = page(told, [])
    assert "CONV_2D 5" not in shown
    assert shown.index("CONV_2D 1<") < shown.index("CONV_2D 4<") < shown.index("CONV_2D 6<")
    assert "+9 µs" in shown
    assert "+8 µs to +10 µs" in shown
    line = summary(told)
    assert "most time: CONV\\_2D 64.9 %, SOFTMAX 0.2 %; slower operators: CONV\\_2D 1 (10 µs → 19 µs)" in line
    assert "and 1 more" in line


def test_nothing_beyond_noise_is_said():
    assert "None beyond noise." in page(with_operators(PROFILE, CHANGES[4:5]), [])


def test_a_reason_stands_where_they_are_not_known():
    why = OperatorProfile(reason="tflite has no profiler that tells operators; LiteRT has")
    assert "Not known: tflite has no profiler" in page(with_operators(why), [])
    assert "operators are not known: tflite has no profiler" in summary(with_operators(why))


def test_names_from_a_board_are_escaped():
    evil = KINDS[0].model_copy(update={"name": "<script>alert(1)</script>"})
    shown = page(with_operators(PROFILE.model_copy(update={"kinds": (evil,)})), [])
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown
