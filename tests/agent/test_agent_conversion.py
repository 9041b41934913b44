"""Between arrays and tensors: the board does exactly what the host does when it computes the answers to expect."""

from typing import Any

import numpy as np
import pytest
from edge_agent import conversion
from edge_agent.interpreters import TensorDetails
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.pipeline.check.stages import stages_arrays
from harness.records.artifact import TensorInfo

FLOATS = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    (2, 3),
    elements=st.floats(-1000, 1000, width=16),
)


def both(
    dtype: str, *, scale: float = 0.0, zero_point: int = 0, shape: tuple[int, ...] = (1, 2, 3)
) -> tuple[TensorDetails, TensorInfo]:
    told = TensorInfo(name="x", shape=shape, dtype=dtype, scale=scale, zero_point=zero_point)
    return TensorDetails(0, "x", list(shape), dtype, scale, zero_point), told


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(
    FLOATS,
    st.sampled_from([("int8", -128), ("uint8", 0), ("int16", 0), ("float32", 0), ("float16", 0)]),
    st.floats(2**-12, 8.0, width=32),
    st.integers(0, 100),
)
def test_the_host_and_the_board_feed_the_same(
    value: np.ndarray, kind: tuple[str, int], scale: float, offset: int
) -> None:
    dtype, lowest = kind
    quantised = dtype.startswith(("int", "uint"))
    board, host = both(dtype, scale=scale if quantised else 0.0, zero_point=lowest + offset if quantised else 0)
    (there,), (here,) = conversion.as_inputs(value, [conversion.Form(board)]), stages_arrays.as_inputs(value, (host,))
    assert same(there, here)
    assert (there.shape, there.dtype.name) == ((1, 2, 3), dtype)


@given(hnp.arrays(np.int8, (1, 2, 3)), st.floats(2**-12, 8.0, width=32), st.integers(-128, 127))
def test_the_host_and_the_board_read_the_same(value: np.ndarray, scale: float, zero_point: int) -> None:
    board, host = both("int8", scale=scale, zero_point=zero_point)
    there, (here,) = conversion.Form(board).floats(value), stages_arrays.as_floats([value], (host,))
    assert same(there, here)
    np.testing.assert_allclose(there, (value.astype(float) - zero_point) * scale, rtol=1e-6)


def test_floats_are_quantised_by_the_models_parameters_and_clipped() -> None:
    board, _ = both("uint8", scale=0.5, zero_point=10)
    (found,) = conversion.as_inputs(np.array([[0.0, 0.24, 0.26], [-9.0, 500.0, 1.0]]), [conversion.Form(board)])
    assert found.tolist() == [[[10, 10, 11], [0, 255, 12]]]


def test_the_models_own_type_is_taken_as_it_is() -> None:
    board, _ = both("uint8", scale=0.5, zero_point=10)
    raw = np.arange(6, dtype=np.uint8).reshape(2, 3)
    (found,) = conversion.as_inputs(raw, [conversion.Form(board)])
    assert found.tolist() == [raw.tolist()]


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16"])
def test_outputs_that_are_not_quantised(dtype: str) -> None:
    board, host = both(dtype)
    value = np.ones((1, 2, 3), dtype)
    there, (here,) = conversion.Form(board).floats(value), stages_arrays.as_floats([value], (host,))
    assert same(there, here)
    assert there.dtype.name == ("float32" if dtype == "float16" else dtype)


ANSWERS: list[Any] = [
    "cat",
    "Zürich\u202e",
    3,
    2.5,
    None,
    True,
    [["cat", 0.5]],
    {"b": 1, "a": [2]},
    np.float32(0.1),
    np.int64(7),
    np.bool_(True),
    np.arange(3),
    np.str_("cat"),
    {"scores": np.array([0.5, 0.25], np.float32)},
]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_the_host_and_the_board_write_the_same_answer(answer: object) -> None:
    text = conversion.answer_text(answer)
    assert text == stages_arrays.answer_text(answer)
    assert text.isascii()


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ([np.zeros(3), np.zeros(3)], "preprocess gives 2 arrays, where the model has 1 inputs"),
        (np.zeros(5), "preprocess gives shape (5,), where (1, 2, 3) was expected for x"),
        (np.zeros((2, 3), np.int32), "preprocess gives int32, where float32 was expected for x"),
        (None, "preprocess gives shape (), where (1, 2, 3) was expected for x"),
    ],
)
def test_what_does_not_fit_is_said(given_: object, said: str) -> None:
    with pytest.raises(conversion.StageMisfitError) as caught:
        conversion.as_inputs(given_, [conversion.Form(both("float32")[0])])
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "answer", [float("nan"), {1, 2}, object(), "x" * 20_000, {(1, 2): 3}], ids=lambda a: repr(a)[:9]
)
def test_answers_that_are_none(answer: object) -> None:
    with pytest.raises(conversion.StageMisfitError, match=r"^postprocess gives an answer"):
        conversion.answer_text(answer)
    with pytest.raises(stages_arrays.MisfitError):
        stages_arrays.answer_text(answer)
