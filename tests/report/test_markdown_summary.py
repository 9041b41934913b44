import re

import pytest
from support.baseline_results import BASE, NOT_COMPARED, PROMISE, SELF_TEST, UNLIKE, baseline_results, measured_against
from support.sample_results import HOSTILE, entry, results
from support.told_results import told_results

from harness.records.status import Status
from harness.report.markdown import LONGEST, escape, fit_lines
from harness.report.summary import LONGEST_COMMENT, MARKER, summary

OWN_TAGS = ("<!-- edge-harness -->", "<details>", "<details open>", "</details>", "<summary>", "</summary>", "<br>")


def test_the_verdict_comes_first_after_the_marker():
    assert summary(results()).splitlines()[:4] == [
        MARKER,
        "# ❌ 1 error, 1 failed, 1 board unfit, 1 too close, 3 passed, 3 measured",
        "",
        "Exit code 1: something failed or could not be measured. "
        "Measured on local (this machine, no edge board), rpi4 (simulated board).",
    ]


def test_what_the_gate_promises_is_folded():
    text = summary(baseline_results())
    assert f"<summary>What the verdicts promise</summary>\n\n{PROMISE.capitalize()}.\n" in text


def test_waivers_are_counted_in_the_first_lines_and_told_after_what_did_not_hold():
    lines = above(summary(baseline_results())).splitlines()
    assert lines[3].startswith("Exit code 1: something failed or could not be measured. **1 limit waived.** ")
    listed = [line for line in lines if line.startswith("- **")][:5]
    assert [line.split("**")[1] for line in listed] == ["error", "failed", "board unfit", "too close", "WAIVED"]
    assert listed[-1].startswith("- **WAIVED** rpi4 (simulated board), digits\\_cnn/int8, latency\\_p50: limit 2 %")


def above(text):
    return text.partition("<details")[0]


def test_what_changed_is_told_with_arrow_words_and_interval():
    lines = summary(baseline_results()).splitlines()
    rows = [row for line in lines if (row := changed(line))]
    assert [row[0] for row in rows] == [
        "**▲ 20 % slower**",
        "**▲ 19 % more**",
        "**▲ 5.1 % slower**",
        "▼ 10 % faster",
        "▼ 2.0 % smaller",
    ]
    assert rows[0][1:4] == ["latency p50", "4.25 ms<br>was 3.542 ms", "+18.8 to +21.2 % (95 %)<br>30 blocks"]
    text = "\n".join(lines)
    assert (
        f"7 metrics compared with {BASE}: 5 changed beyond their intervals, 2 did not. "
        "Of metrics that did not change, about 1 in 20 seems to have." in text
    )


def test_a_size_is_compared_without_an_interval():
    one = measured_against(results().entries[0], was={"model_size": 400_000})
    lines = summary(results().model_copy(update={"entries": [one]})).splitlines()
    (row,) = [row for line in lines if (row := changed(line))]
    assert row[:4] == ["**▲ 3.0 % larger**", "model size", "412 kB<br>was 400 kB", "exact"]
    same = measured_against(results().entries[0], was={"model_size": 412_000})
    assert "| identical | model size |" in summary(results().model_copy(update={"entries": [same]}))


def changed(line):
    cells = line.replace("\u00a0", " ").strip("| ").split(" | ")
    return cells if re.match(r"(\*\*)?[▲▼]", cells[0]) else None


def test_new_identical_and_what_could_not_be_compared_are_listed():
    text = summary(baseline_results())
    assert f"- not compared: local (this machine, no edge board), digits\\_cnn/float16: {escape(NOT_COMPARED)}" in text
    assert "- identical with its baseline, nothing was measured against it: local" in text
    assert "- new, there is nothing to compare it with: rpi4" in text
    assert "- not compared, the baseline is of another board or setting: rpi4 (simulated board), digits" in text
    assert escape(UNLIKE) in text


def test_boards_self_tests_stand_beside_what_is_promised():
    text = summary(baseline_results())
    assert text.index("What the verdicts promise") < text.index(f"- {SELF_TEST}") < text.index("<summary>Notes")


def test_every_row_of_the_table_has_the_same_cells():
    rows = [line for line in summary(results()).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 10
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}


def test_a_metric_that_no_entry_has_gets_no_column():
    one = results().entries[0]
    kept = [measurement for measurement in one.measurements if measurement.metric in ("latency_p50", "model_size")]
    entries = [one.model_copy(update={"measurements": kept})]
    text = summary(results().model_copy(update={"entries": entries}))
    assert "| device, candidate | status | latency p50 | model size |" in text.splitlines()


def test_a_run_without_entries_says_so():
    run = results().run.model_copy(update={"status": "EMPTY", "exit_code": 11, "notes": ["rpi4: no answer"]})
    lines = summary(results().model_copy(update={"entries": [], "run": run})).splitlines()
    assert lines[1:4] == ["# ⚠️ No entries", "", "Exit code 11: a board was not reached or not leased."]
    assert "- rpi4: no answer" in lines


def test_findings_and_notes_are_folded_below():
    text = summary(results())
    folds = ("All entries (10)", "Further figures", "Findings", "Notes")
    places = [text.index(f"<summary>{title}") for title in folds]
    assert places == sorted(places)
    assert "failed: rpi4 (simulated board), digits\\_cnn/float32: budget on latency\\_p50" in text
    assert text.count("<details>") == text.count("</details>") == 7


@pytest.mark.parametrize(("count", "opened"), [(2, 1), (6, 0)])
def test_where_all_held_the_table_is_open_if_it_fits_above_the_fold(count, opened):
    kept = [one for one in results().entries if one.status in (Status.PASS, Status.MEASURED)][:count]
    run = results().run.model_copy(update={"exit_code": 0})
    text = summary(results().model_copy(update={"entries": kept, "run": run}))
    assert text.splitlines()[1].startswith("# ✅ ")
    assert text.count("<details open>") == opened


def test_points_stages_and_gains_are_told():
    text = summary(told_results())
    assert "-1.11\u00a0pt against float32" in text
    assert (
        "local (this machine, no edge board), digits\\_cnn/int8: preprocess 400 µs (392-408 µs), "
        "inference 200 µs (196-204 µs), postprocess 100 µs (98-102 µs), their sum 700 µs, end to end 720 µs"
    ) in text
    assert "digits\\_cnn/int8: faster by int8: 0.340 of float32's latency" in text
    assert text.index("\n| device") < text.index("<summary>Stages") < text.index("<summary>What each step gained")
    assert "<summary>Stages" not in summary(results())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>", "\\<script\\>"),
        ("a|b", "a\\|b"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("![x](https://a.b/c)", "\\!\\[x\\](https\\://a.b/c)"),
        ("two\nlines", "two lines"),
        ("`code`", "\\`code\\`"),
        ("&lt;", "\\&lt;"),
        ("a\\|b", "a\\\\\\|b"),
        ("@someone", "@&#8203;someone"),
        ("www.a.b", "www\\.a.b"),
    ],
)
def test_markup_is_escaped(text, expected):
    assert escape(text) == expected


def test_a_long_text_is_cut():
    assert escape("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize("made", [results, told_results, baseline_results])
def test_no_hostile_name_survives_as_markup(made):
    text = summary(made())
    assert HOSTILE not in text
    for tag in OWN_TAGS:
        text = text.replace(tag, "")
    assert not re.search(r"(?<!\\)<", text)


@pytest.mark.parametrize("count", [50, 400, 3000])
def test_a_summary_of_any_run_fits_into_a_comment(count):
    reason = f"{HOSTILE} {'_' * 5000}"
    many = [entry("rpi4", f"model_{number}", "int8", Status.FAIL, reason=reason, p50_s=None) for number in range(count)]
    text = summary(baseline_results().model_copy(update={"entries": many}))
    assert len(text) < LONGEST_COMMENT
    assert "more lines. All of it is in the run's report.html." in text
    assert text.count("<details") == text.count("</details>")
    assert text.endswith("commit 9db751a.\n")
    assert SELF_TEST in text


def test_no_line_is_cut_in_its_middle():
    assert fit_lines(["four", "five!", "six"], 11) == ["four", "five!"]
    assert fit_lines(["four"], 4) == []
