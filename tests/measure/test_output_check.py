"""Whether the board computes what the host computed."""

import pytest

from harness.measure.output_check import check_outputs, unchecked_outputs
from harness.records.artifact import BuiltinOutputs
from harness.records.status import Status
from harness.testing import OUTPUTS, made_up_sha256, make_golden

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
    verdict = check_outputs(_check(**changes), golden, max_output_error=allowed)
    assert (verdict.finding is None) is right


@pytest.mark.parametrize(
    ("steps", "share", "right"), [(2, 0.03, True), (3, 0.03, False), (2, 0.06, False), (None, 0.03, False)]
)
def test_outputs_within_two_steps_of_many_are_right(steps, share, right):
    check = _check(max_steps=steps, max_error=share)
    assert (check_outputs(check, REAL, max_output_error=0.0).finding is None) is right


APART = BuiltinOutputs(outputs_path="builtin.npz", outputs_sha256=made_up_sha256("5"), sqnr_db=21.8)
BOTH = make_golden(real=False, builtin=APART)


def test_the_nearer_family_of_kernels_counts():
    same = _check(bit_equal=True, sqnr_db=None)
    for xnnpack, builtin, told in ((OUTPUTS["wrong"], same, "no delegate"), (same, OUTPUTS["wrong"], "xnnpack")):
        verdict = check_outputs(xnnpack, BOTH, max_output_error=0.0, builtin=builtin)
        assert verdict.finding is None
        assert f"(x86_64, {told}, num_threads 1)" in verdict.sentence


def test_random_inputs_do_not_tell_where_the_families_are_as_far_apart():
    far, near = _check(sqnr_db=18.7), _check(sqnr_db=18.9)
    judged = check_outputs(far, BOTH, max_output_error=0.0, builtin=far)
    assert judged.finding is not None
    verdict = check_outputs(near, BOTH, max_output_error=0.0, builtin=far)
    assert verdict.finding is None
    assert verdict.sentence.startswith("outputs not judged: on random inputs XNNPACK and the built-in kernels")
    assert "litert 2.3.0 are themselves 21.8 dB apart" in verdict.sentence


def test_real_inputs_do_tell():
    real = make_golden(builtin=APART)
    near = _check(sqnr_db=21.8)
    assert check_outputs(near, real, max_output_error=0.0, builtin=near).finding is not None


def test_the_sentence_for_wrong_outputs():
    verdict = check_outputs(OUTPUTS["wrong"], REAL, max_output_error=0.0)
    assert verdict.finding.status is Status.FAIL
    assert verdict.finding.reason == verdict.sentence
    assert verdict.sentence == (
        "wrong output on the board: top-1 agrees on 71 of 100 samples, SQNR 3.1 dB, largest error 0.9 of the range; "
        "expected the same top-1 on 99 of 100 or an SQNR of 30 dB"
    )


def test_the_sentence_for_equal_outputs():
    verdict = check_outputs(OUTPUTS["equal"], REAL, max_output_error=0.0)
    assert verdict.sentence == (
        "bit-equal with litert 2.3.0 on the host (x86_64, xnnpack, num_threads 1) (100 samples)"
    )


def test_nan_is_named():
    assert "12 values are NaN or infinite" in check_outputs(OUTPUTS["nan"], REAL, max_output_error=1.0).sentence


def test_nan_on_both_sides_is_shown():
    verdict = check_outputs(_check(bit_equal=True, nonfinite=4), REAL, max_output_error=0.0)
    assert "4 values NaN or infinite on both" in verdict.sentence


def test_random_inputs_are_named():
    assert "seeded random" in check_outputs(OUTPUTS["close"], RANDOM, max_output_error=0.0).sentence


def test_the_profiles_allowance_stands_in_the_sentence():
    assert "at most 0.01 of the range" in check_outputs(OUTPUTS["wrong"], REAL, max_output_error=0.01).sentence


@pytest.mark.parametrize(("reason", "told"), [(None, "outputs unchecked"), ("no x", "outputs unchecked: no x")])
def test_unchecked(reason, told):
    assert unchecked_outputs(reason).sentence == told
    assert unchecked_outputs(reason).finding is None
