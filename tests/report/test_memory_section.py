"""The report's section on memory: a bar of parts and the same parts as figures."""

import re

from support.sample_results import results

from harness.records.memory import MemoryAccount
from harness.records.results import Results
from harness.report.page import page
from harness.report.sections.memory import MEMORY, MOST_ROWS
from harness.report.summary_folds import summary_folds


def account(**changes: object) -> MemoryAccount:
    return MemoryAccount.model_validate(
        {
            "pss_bytes": 50e6, "runtime_bytes": 30e6, "weights_bytes": 10e6, "weights_mapped": True,
            "packed_bytes": 5e6, "arena_bytes": 3e6, "stacks_bytes": 0.0, "libraries_bytes": 1e6,
            "unexplained_bytes": 1e6, "processes": 2, "peak_bytes": 61e6, "load_peak_bytes": 58e6,
            "run_peak_bytes": 61e6, **changes,
        },
        strict=False,
    )  # fmt: skip


def told(*accounts: MemoryAccount) -> Results:
    found = results()
    entries = [found.entries[0].model_copy(update={"memory": one, "test": f"t{at}"}) for at, one in enumerate(accounts)]
    return found.model_copy(update={"entries": entries})


def test_a_bar_has_a_segment_for_each_part_that_can_be_seen() -> None:
    context = MEMORY.context(told(account()), [])
    assert context
    (row,) = context["rows"]
    assert [(one.x, one.width, one.shade) for one in row.segments] == [
        (0.0, 60.0, 1), (60.0, 20.0, 2), (80.0, 10.0, 3), (90.0, 6.0, 4), (96.0, 2.0, 6), (98.0, 2.0, 7),
    ]  # fmt: skip
    assert row.alternative.endswith(
        "50 MB: runtime, no model 30 MB, weights 10 MB, packed weights, heap 5 MB, tensor arena 3 MB, stacks 0 B, "
        "libraries 1 MB, unexplained 1 MB"
    )


def test_bars_of_a_page_have_one_scale_and_what_is_less_than_nothing_is_no_segment() -> None:
    context = MEMORY.context(told(account(), account(runtime_bytes=80e6, unexplained_bytes=-49e6)), [])
    assert context
    small, large = context["rows"]
    assert large.segments[0].width > small.segments[0].width
    assert [one.shade for one in large.segments] == [1, 2, 3, 4, 6]
    assert large.cells[6] == ("-49 MB", "-98.0 % of PSS")


def test_the_page_shows_figures_beside_the_bar() -> None:
    text = page(told(account(weights_mapped=False, load_peak_bytes=None)), [])
    section = re.search(r'<section id="memory".*?</section>', text, re.DOTALL)
    assert section
    assert "<small>copied</small>" in section[0]
    assert "<b>61 MB</b><small>running 61 MB</small>" in section[0]
    assert "2.0 % of PSS" in section[0]
    assert 'role="img"' in section[0]


def test_many_entries_are_cut_and_counted() -> None:
    context = MEMORY.context(told(*[account()] * (MOST_ROWS + 3)), [])
    assert context
    assert len(context["rows"]) == MOST_ROWS
    assert context["more"] == "3 more entries in results.json."


def test_where_nothing_is_told_there_is_no_section() -> None:
    assert MEMORY.context(results(), []) is None
    context = MEMORY.context(told(account(peak_bytes=None, load_peak_bytes=None, run_peak_bytes=None)), [])
    assert context
    assert context["rows"][0].cells[-1] == ("–",)


def test_the_summary_has_a_line_for_each_entry_that_told() -> None:
    (fold,) = [one for one in summary_folds(told(account()), [], open_room=0) if one.title == "Memory"]
    (line,) = fold.lines
    assert line.endswith(
        ": PSS 50 MB: runtime, no model 30 MB, weights 10 MB, packed weights, heap 5 MB, tensor arena 3 MB, "
        "stacks 0 B, libraries 1 MB, unexplained 1 MB"
    )
    assert "Memory" not in [one.title for one in summary_folds(results(), [], open_room=0)]
