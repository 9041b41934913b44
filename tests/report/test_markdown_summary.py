import re

import pytest
from report.told_results import told_results
from store.sample_results import HOSTILE, results

from harness.report.markdown import escaped, summary


def test_the_verdict_comes_first():
    assert summary(results()).splitlines()[:3] == [
        "# 1 error, 1 failed, 1 board unfit, 1 too close, 3 passed, 3 measured",
        "",
        "Exit code 1: something failed or could not be measured.",
    ]


def test_every_row_of_the_table_has_the_same_cells():
    rows = [line for line in summary(results()).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 10
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {10}


def test_findings_and_notes_follow():
    text = summary(results())
    assert text.index("\n| device") < text.index("## Findings") < text.index("## Notes")
    assert "failed: rpi4 (simulated board), digits\\_cnn/float32: budget on latency\\_p50" in text


def test_points_stages_and_gains_are_told():
    text = summary(told_results())
    assert "-1.11 pt against float32" in text
    assert (
        "local (this machine, no edge board), digits\\_cnn/int8: preprocess 400 µs (392–408 µs), "
        "inference 200 µs (196–204 µs), postprocess 100 µs (98–102 µs), their sum 700 µs, end to end 720 µs"
    ) in text
    assert "digits\\_cnn/int8: faster by int8: 0.340 of float32's latency" in text
    assert text.index("\n| device") < text.index("## Stages") < text.index("## What each step gained")
    assert not {"## Stages", "## What each step gained"} & set(summary(results()).splitlines())


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
        ("@someone", "\\@someone"),
    ],
)
def test_markup_is_escaped(text, expected):
    assert escaped(text) == expected


@pytest.mark.parametrize("made", [results, told_results])
def test_no_hostile_name_survives_as_markup(made):
    text = summary(made())
    assert HOSTILE not in text
    assert not re.search(r"(?<!\\)<", text)
