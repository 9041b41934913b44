"""What the page tells of the artifacts: what is inside, how they were checked, stages, what steps gained."""

import re
from html import unescape

import pytest
from support.sample_results import HOSTILE, changed_artifact, results
from support.told_results import LONG_RECIPES, drop, told_results

from harness.records.results import Results
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import groups
from harness.report.page import page
from harness.report.sections.checks import CHECKS
from harness.report.sections.comparison import GAINS
from harness.report.sections.contents import CONTENTS
from harness.report.sections.stages import ANSWERS_SHOWN, STAGES
from harness.store import load_results

GOLDEN = "tests/store/golden/v2.json"


def undrawn(of):
    return [GroupCharts(group, ()) for group in groups(of)]


def text_of(section, of=None):
    """A section's text without markup, one space between words."""
    of = of or told_results()
    whole = page(of, undrawn(of))
    body = whole.split(f'<section id="{section.name}">')[1].split("</section>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def changed(recipe, **update):
    """The run with another artifact for a recipe."""
    entries = [
        one.model_copy(update={"artifact": changed_artifact(one.artifact, **update)})
        if one.artifact and one.recipe == recipe
        else one
        for one in told_results().entries
    ]
    return told_results().model_copy(update={"entries": entries})


def test_sizes_zeros_and_work_of_every_file_are_told_once():
    text = text_of(CONTENTS)
    row = "float32 412 kB 61 kB 38,106 1,234,567 152.4 kB 16.38 kB 80.1 %"
    assert text.count(row) == 1  # on two devices, one file
    assert "int8 112.7 kB – 38,106" in text


def test_files_with_the_same_operators_share_a_column():
    found = CONTENTS.context(told_results(), [])["candidates"][0]
    assert found["columns"] == [", ".join(("float32", "float16", "dynamic_int8", *LONG_RECIPES)), "int8"]
    assert dict(found["operators"]) == {
        "CONV_2D": [("3", "1,234,567 MACs", "3 by XNNPACK")] * 2,
        "SOFTMAX": [("1",)] * 2,
        "QUANTIZE": [("–",), ("2", "0 by XNNPACK")],
    }


def test_quantised_ends_and_custom_operators_are_named():
    text = text_of(CONTENTS)
    assert "1×8×8×1 int8 (scale 0.003922, zero point -128) → 1×8×8×1 float32" in text
    assert "Operators outside TensorFlow Lite's own as given Mine<script>" in text


def test_accuracy_stands_with_the_points_lost_and_how_near_outputs_are():
    row = "int8 97.11 % n 450 -1.11 pt -2.01 to -0.22 pt 6 lost, 1 gained 33.5 dB 0.999870 0.0213 2.15 % of the range"
    found = CHECKS.context(told_results(), [])["candidates"][0]
    cells = " ".join(part for cell in dict(found["rows"])["int8"] for part in cell)
    assert f"int8 {cells}" == row.replace("97.11 % n 450", "97.11 % 442 of 450")


def test_equal_outputs_are_said_to_be_equal():
    found = CHECKS.context(told_results(), [])["candidates"][0]
    assert dict(found["rows"])["float16"][2] == ("equal",)


@pytest.mark.parametrize(
    "told",
    [
        "dense_1<script>alert(1)</script>",
        "(FULLY_CONNECTED): 12.3 dB, 18.2 dB below what it was given",
        "trained, 1 epoch, 12.5 s",
        "stopped early: no better loss in 3 epochs",
        "distilled(width=0.5), 9 epochs, weights from the cache",
        "97.2 % against 96.8 % right for the same student trained alone (+0.40 pt; n 450, seed 0, in Keras)",
        "outputs against float32 on 450 real samples",
        "paired over the same samples; 95 % interval, p 0.0625",
        "local (this machine, no edge board), rpi4 (simulated board): bit-equal with LiteRT 2.3.0",
        "synthetic data: accuracy not claimed",
        "digits, LiteRT on the host",
        "there is nothing to compare it with",
    ],
)
def test_how_it_was_checked_and_trained_is_told(told):
    assert told in text_of(CHECKS)


def test_why_layers_were_not_compared_is_told():
    assert "the time did not suffice" in text_of(CHECKS, changed("int8", layers_reason="the time did not suffice"))


def test_an_area_under_the_curve_is_named_and_counts_no_samples_lost():
    auc = told_results().entries[0].artifact.verification.accuracy.model_copy(update={"score": "auc", "correct": None})
    lost = drop().model_copy(update={"lost": None, "gained": None})
    cells = dict(CHECKS.context(changed("int8", accuracy=auc, accuracy_drop=lost), [])["candidates"][0]["rows"])["int8"]
    assert cells[0][1] == "AUC, n 450"
    assert cells[1] == ("-1.11 pt", "-2.01 to -0.22 pt")


def test_stages_their_sum_and_the_whole_stand_side_by_side():
    text = text_of(STAGES)
    assert "preprocess inference postprocess their sum end to end" in text
    assert "400 µs 392-408 µs n 10 200 µs" in text
    assert "700 µs 720 µs 705.6-734.4 µs n 10" in text


def test_a_recipe_measured_with_and_without_stages_needs_no_number_there():
    of = told_results()
    bare = next(one for one in results().entries if one.recipe == "int8")
    text = text_of(STAGES, of.model_copy(update={"entries": [bare, *of.entries]}))
    assert "int8 400 µs" in text and "#2" not in text


def test_the_first_answers_are_shown_as_text_and_the_rest_counted():
    text = text_of(STAGES)
    assert '{"label": "<script>alert(1)</script>' in text
    assert f"{8 - ANSWERS_SHOWN} more in results.json" in text
    assert "x" * 250 not in text


def test_a_long_answer_is_cut():
    entries = [
        one.model_copy(update={"answers": ('"' + "x" * 300 + '"',)}) if one.answers else one
        for one in told_results().entries
    ]
    text = text_of(STAGES, told_results().model_copy(update={"entries": entries}))
    assert "x" * 199 not in text and "xxx…" in text
    assert "more in results.json" not in text


def test_what_steps_gained_is_told_by_candidate_and_device():
    text = text_of(GAINS)
    assert "digits_cnn on local this machine, no edge board int8 faster by int8: 0.340 of float32's latency" in text
    assert "its 95 % interval over trials" in text


def test_no_hostile_name_becomes_markup_in_any_section():
    of = told_results()
    whole = page(of, undrawn(of))
    assert HOSTILE not in whole and whole.count("<script") == 1  # the page's own


@pytest.mark.parametrize("section", [CONTENTS, GAINS, STAGES], ids=lambda section: section.name)
def test_a_run_that_tells_nothing_of_it_has_no_such_section(section):
    assert section.context(results(), undrawn(results())) is None
    assert section.context(Results(run=results().run, devices={}, entries=[]), []) is None


def test_files_of_earlier_versions_still_make_a_page(request):
    of = load_results(request.config.rootpath / GOLDEN)
    whole = page(of, undrawn(of))
    assert '<section id="verdicts">' in whole and '<section id="contents">' not in whole
