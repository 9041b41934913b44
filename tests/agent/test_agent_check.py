"""The comparison with expected outputs."""

import numpy as np
import pytest
from edge_agent import check_trial, model
from edge_agent.interpreters import TensorDetails, TrialFailedError
from hypothesis import given
from hypothesis import strategies as st

from harness.pipeline.check.verification import litert
from harness.records.board import OutputCheck


def tensor(dtype: str = "float32", scale: float = 0.0, zero_point: int = 0) -> TensorDetails:
    return TensorDetails(0, "output", [1, 4], dtype, scale, zero_point)


def compare(obtained: list[np.ndarray], expected: list[np.ndarray], of: TensorDetails | None = None) -> OutputCheck:
    tally = check_trial.OutputTally(of or tensor(), 0)
    for left, right in zip(obtained, expected, strict=True):
        tally.add(left, right)
    return OutputCheck.model_validate(check_trial.summary([tally], len(obtained)))


def floats(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_the_same_bits() -> None:
    found = compare([floats(0, 1, 2)], [floats(0, 1, 2)])
    assert found == OutputCheck(samples=1, bit_equal=True, nonfinite=0, top1_agree=1, sqnr_db=None, max_error=0.0)


def test_an_error_is_a_share_of_the_expected_range() -> None:
    found = compare([floats(0, 4), floats(0, 8)], [floats(0, 4), floats(0, 10)])
    assert (found.bit_equal, found.top1_agree, found.max_error) == (False, 2, 0.2)
    assert found.sqnr_db == pytest.approx(10 * np.log10(116 / 4))


def test_integers_are_compared_as_what_they_stand_for() -> None:
    of = tensor("int8", scale=0.5, zero_point=-128)
    left, right = np.array([[-128, -126]], np.int8), np.array([[-128, -124]], np.int8)
    found = compare([left], [right], of)
    assert found.max_error == 0.5
    assert found.sqnr_db == pytest.approx(10 * np.log10(2.0**2 / 1.0**2))


def test_quantised_outputs_are_told_in_steps_too() -> None:
    of = tensor("int8", scale=0.5, zero_point=-128)
    found = compare([np.array([[-128, 127]], np.int8)], [np.array([[-126, 124]], np.int8)], of)
    assert found.max_steps == 3
    assert compare([floats(1, 2)], [floats(1, 3)]).max_steps is None


@given(st.lists(st.floats(width=32), min_size=6, max_size=6), st.floats(width=32))
def test_host_and_board_clear_the_slots_that_a_detection_left_unwritten(values: list[float], count: float) -> None:
    outputs = [floats(*values), np.array([count], np.float32)]
    ours, theirs = litert.clear_unwritten_slots(outputs, {0: 1}), model.zero_unwritten(outputs, {0: 1})
    assert [one.tobytes() for one in ours] == [one.tobytes() for one in theirs]
    kept = int(count) if np.isfinite(count) and count > 0 else 0
    assert not ours[0][0, kept:].any()
    assert ours[0][0, :kept].tobytes() == outputs[0][0, :kept].tobytes()


def test_another_top_is_seen() -> None:
    assert compare([floats(1, 0)], [floats(0, 1)]).top1_agree == 0


def test_a_constant_output_does_not_agree() -> None:
    assert compare([floats(0, 0, 0)], [floats(0, 1, 0)]).top1_agree == 0


def test_one_value_has_no_top() -> None:
    assert compare([floats(1)], [floats(1)]).top1_agree is None


def test_nan_is_counted_and_is_the_full_error() -> None:
    found = compare([floats(np.nan, 1)], [floats(0, 1)])
    assert (found.nonfinite, found.max_error, found.sqnr_db) == (1, 1.0, -check_trial.SQNR_CAP_DB)


def test_zeros_of_either_sign_are_no_error() -> None:
    found = compare([floats(-0.0, 1)], [floats(0.0, 1)])
    assert (found.bit_equal, found.max_error, found.sqnr_db) == (False, 0.0, check_trial.SQNR_CAP_DB)


def test_another_shape_is_refused() -> None:
    with pytest.raises(TrialFailedError, match=r"output 0 has shape \(1, 2\), expected \(1, 3\)"):
        compare([floats(1, 2)], [floats(1, 2, 3)])


def test_texts_are_equal_or_lost() -> None:
    words = np.array([[b"a", b"b"]])
    assert compare([words], [words], tensor("string")).bit_equal
    assert compare([words], [words[:, ::-1]], tensor("string")).max_error == 1.0


numbers = st.lists(st.floats(width=32), min_size=3, max_size=3)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4))
def test_whatever_comes_makes_a_valid_record(pairs: list[tuple[list[float], list[float]]]) -> None:
    found = compare([floats(*left) for left, _ in pairs], [floats(*right) for _, right in pairs])
    assert found.samples == len(pairs)
    assert found.bit_equal == (found.sqnr_db is None)
    assert found.max_error >= 0
