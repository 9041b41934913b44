"""Accuracy and size against a baseline are told wherever a run is shown, whether a limit asks for them or not."""

import re

import pytest
from support.baseline_results import measured_against
from support.baseline_results import ratio as sampled_ratio
from support.sample_results import changed_artifact, results

from harness.records.artifact import AccuracyResult
from harness.records.units import format_quantity
from harness.report import table
from harness.report.baseline_changes import changes
from harness.report.page import page
from harness.report.summary import summary

N, NOW = 500, 400


def scored(entry, correct, *, dataset="digits"):
    accuracy = AccuracyResult(value=correct / N, correct=correct, n=N, dataset=dataset, obtained="LiteRT")
    return changed_artifact(entry.artifact, accuracy=accuracy)


def entry_against(before, *, dataset="digits", size=412_000, ratios=()):
    """An entry with NOW of N right, whose base had ``before``; None: it has no accuracy."""
    entry = results().entries[0]
    entry = entry.model_copy(update={"artifact": scored(entry, NOW)})
    made = measured_against(entry, *ratios, was={"model_size": size})
    artifact = None if before is None else scored(entry, before, dataset=dataset)
    return made.model_copy(update={"baseline": made.baseline.model_copy(update={"artifact": artifact})})


def run_of(*entries):
    return results().model_copy(update={"entries": list(entries)})


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).replace("\u00a0", " ")


@pytest.mark.parametrize(("before", "said"), [(474, "▼ 14.8 pt lost"), (393, "▲ 1.40 pt gained"), (NOW, "identical")])
def test_accuracy_in_points_is_a_row_of_summary_report_and_terminal_without_a_limit(before, said):
    made, was = run_of(entry_against(before)), format_quantity(before / N, "1")
    section = text_of(re.search(r'<section id="baseline">.*?</section>', page(made, []), re.DOTALL)[0])
    assert f"accuracy no budget {was} 80 % {said} exact, {N} samples none" in section
    above, _, folded = summary(made).replace("\u00a0", " ").partition("<details>")
    (row,) = [line for line in folded.splitlines() if "| accuracy |" in line and "<br>was " in line]
    assert said in row and f"80 %<br>was {was}" in row and f"exact, {N} samples" in row
    counted = {"▼": "lost in 1", "▲": "gained in 1"}.get(said[0], "identical in 1")
    assert f"Accuracy: {counted}. Model size: identical in 1." in above
    line = f"{said}** accuracy {was} → 80 %, exact, {N} samples" if "lost" in said else f"{said} accuracy {was} → 80 %"
    assert (said == "identical") != (line in above)
    told = re.sub(r"\s+", " ", table(made))
    assert f" identical {said.removesuffix(' lost').removesuffix(' gained')} ±40 % " in told


def test_what_got_worse_comes_first_and_a_lost_accuracy_before_all():
    slower = entry_against(474, size=400_000, ratios=(sampled_ratio("latency_p50", 2.0),))
    faster = entry_against(NOW, size=500_000, ratios=(sampled_ratio("latency_p50", 0.5),))
    told = [(one.metric, one.kind) for one in changes([faster, slower])]
    assert told == [
        ("accuracy", "worse"),
        ("latency_p50", "worse"),
        ("model_size", "worse"),
        ("latency_p50", "better"),
        ("model_size", "better"),
        ("accuracy", "identical"),
    ]
    first = summary(run_of(faster, slower)).replace("\u00a0", " ").partition("\n- ")[2].splitlines()[0]
    assert first.startswith("**▼ 14.8 pt lost** accuracy 94.8 % → 80 %, exact, 500 samples: digits\\_cnn/float32")


@pytest.mark.parametrize(
    ("before", "dataset", "why"),
    [(None, "digits", "the baseline has none"), (474, "others", "scored on another test set")],
)
def test_an_accuracy_that_cannot_be_compared_says_why(before, dataset, why):
    made = run_of(entry_against(before, dataset=dataset))
    for text in (summary(made), page(made, [])):
        assert f"not compared: {why}" in re.sub(r"\s+", " ", text)
    assert " identical not compared ±40 % " in re.sub(r"\s+", " ", table(made))


def test_many_identical_entries_are_one_row_a_metric():
    made = run_of(*(entry_against(NOW) for _ in range(30)))
    rows = [line for line in summary(made).splitlines() if line.startswith("| identical")]
    assert [row.split(" | ")[1::3] for row in rows] == [["accuracy", "30 entries |"], ["model size", "30 entries |"]]
