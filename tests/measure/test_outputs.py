"""Whether the board computes what the host computed."""

import pytest

from harness.measure.outputs import judge_outputs, unchecked
from harness.records.status import Status
from harness.testing import OUTPUTS, make_golden

REAL, RANDOM = make_golden(), make_golden(real=False)


def _check(**changes):
    return OUTPUTS["wrong"].model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "golden", "allowed", "right"),
    [
        ({"bit_equal": True}, REAL, 0.0, True),
        ({"top1_agree": 99}, REAL, 0.0, True),
        ({"top1_agree": 98}, REAL, 0.0, False),
        ({"top1_agree": 100}, RANDOM, 0.0, False),
        ({"sqnr_db": 30.0}, RANDOM, 0.0, True),
        ({"sqnr_db": 29.9}, REAL, 0.0, False),
        ({"top1_agree": None, "sqnr_db": 31.0}, REAL, 0.0, True),
        ({"max_error": 0.05}, RANDOM, 0.05, True),
        ({"max_error": 0.06}, REAL, 0.05, False),
        ({"nonfinite": 1, "top1_agree": 100}, REAL, 0.0, False),
        ({"nonfinite": 1, "sqnr_db": 300.0}, REAL, 0.0, True),
        ({"nonfinite": 1, "bit_equal": True}, REAL, 0.0, True),
        ({"samples": 3, "bit_equal": True}, REAL, 0.0, False),
    ],
)
def test_the_rule(changes, golden, allowed, right):
    verdict = judge_outputs(_check(**changes), golden, max_output_error=allowed)
    assert (verdict.finding is None) is right


def test_the_sentence_for_wrong_outputs():
    verdict = judge_outputs(OUTPUTS["wrong"], REAL, max_output_error=0.0)
    assert verdict.finding.status is Status.FAIL
    assert verdict.finding.reason == verdict.sentence
    assert verdict.sentence == (
        "wrong output on the board: top-1 agrees on 71 of 100 samples, SQNR 3.1 dB, largest error 0.9 of the range; "
        "expected the same top-1 on 99 of 100 or an SQNR of 30 dB"
    )


def test_the_sentence_for_equal_outputs():
    verdict = judge_outputs(OUTPUTS["equal"], REAL, max_output_error=0.0)
    assert verdict.sentence == (
        "bit-equal with litert 2.3.0 on the host (x86_64, xnnpack, num_threads 1) (100 samples)"
    )


def test_nan_is_named():
    assert "12 values are NaN or infinite" in judge_outputs(OUTPUTS["nan"], REAL, max_output_error=1.0).sentence


def test_nan_on_both_sides_is_shown():
    verdict = judge_outputs(_check(bit_equal=True, nonfinite=4), REAL, max_output_error=0.0)
    assert "4 values NaN or infinite on both" in verdict.sentence


def test_random_inputs_are_named():
    assert "seeded random" in judge_outputs(OUTPUTS["close"], RANDOM, max_output_error=0.0).sentence


def test_the_profiles_allowance_stands_in_the_sentence():
    assert "at most 0.01 of the range" in judge_outputs(OUTPUTS["wrong"], REAL, max_output_error=0.01).sentence


@pytest.mark.parametrize(("reason", "told"), [(None, "outputs unchecked"), ("no x", "outputs unchecked: no x")])
def test_unchecked(reason, told):
    assert unchecked(reason).sentence == told
    assert unchecked(reason).finding is None
