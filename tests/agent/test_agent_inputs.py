"""What models are fed."""

from pathlib import Path

import numpy as np
import pytest
from edge_agent import inputs
from edge_agent.interpreters import TensorDetails, TrialFailedError
from hypothesis import given
from hypothesis import strategies as st

from harness.pipeline.check.verification.samples import random_samples
from harness.records.artifact import TensorInfo


def tensor(dtype: str, *shape: int) -> TensorDetails:
    return TensorDetails(0, "input", list(shape), dtype, 0.0, 0)


@pytest.mark.parametrize(
    ("dtype", "lowest", "highest"),
    [
        ("float32", 0, 1),
        ("float16", 0, 1),
        ("int8", -128, 127),
        ("uint8", 0, 255),
        ("int16", -(2**15), 2**15 - 1),
        ("int32", 0, 99),
        ("int64", 0, 99),
        ("bool", 0, 1),
    ],
)
def test_random_values_fill_their_range(dtype: str, lowest: int, highest: int) -> None:
    value = inputs.random_sample([tensor(dtype, 200, 50)], 0)[0]
    assert (value.dtype, value.shape) == (np.dtype(dtype), (200, 50))
    assert lowest <= value.min() <= lowest + (highest - lowest) / 10
    assert highest - (highest - lowest) / 10 <= value.max() <= highest


@given(
    dtype=st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool", "float32"]),
    below=st.one_of(st.none(), st.integers(1, 2**40)),
)
def test_host_and_board_make_up_numbers_of_the_same_range(dtype: str, below: int | None) -> None:
    limit = None if dtype in ("bool", "float32") else below
    info = TensorInfo(name="input", shape=(400,), dtype=dtype, below=limit)
    ours = random_samples((info,), count=1, seed=0).sample(0)[0]
    theirs = inputs.random_sample([tensor(dtype, 400)], 0, [limit])[0]
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    lowest, highest = ([float(edge(each)) for each in (ours, theirs)] for edge in (np.min, np.max))
    span = max(highest) - min(lowest)
    assert abs(lowest[0] - lowest[1]) <= 0.05 * span + 1
    assert abs(highest[0] - highest[1]) <= 0.05 * span + 1


def test_a_seed_gives_the_same_values_again() -> None:
    of = [tensor("float32", 9), tensor("int8", 9)]
    first, again, other = (inputs.random_sample(of, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_texts_are_empty() -> None:
    assert inputs.random_sample([tensor("string", 1, 2)], 0)[0].tolist() == [[b"", b""]]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_stored_samples_come_back(tmp_path: Path, save: object) -> None:
    assert callable(save)
    path = tmp_path / "inputs.npz"
    first, second = np.arange(24, dtype=np.float32).reshape(4, 2, 3), np.arange(4, dtype=np.int8)
    save(path, i0=first, i1=second, o0=first)
    samples = inputs.read_samples(path, "i", 3)
    assert len(samples) == 3
    assert np.array_equal(samples[2][0], first[2])
    assert samples[2][1].shape == ()
    assert len(inputs.read_samples(path, "i", 100)) == 4


def test_order_is_by_number(tmp_path: Path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, **{f"i{at}": np.full((1, 1), at) for at in range(12)})
    assert [int(value[0]) for value in inputs.read_samples(path, "i", 1)[0]] == list(range(12))


def refusal(path: Path) -> str:
    with pytest.raises(TrialFailedError) as caught:
        inputs.read_samples(path, "i", 1)
    return str(caught.value)


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, i0=np.array([{"a": 1}], dtype=object))
    assert "no plain array" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"no zip file", b"PK\x03\x04 cut"])
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "inputs.npz"
    path.write_bytes(content)
    assert "cannot be read" in refusal(path)


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, i0=np.zeros((0, 1)), i1=np.zeros((3, 1)))
    assert "of one length" in refusal(path)


def test_other_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, x=np.zeros((1, 1)))
    assert "hold no arrays i0" in refusal(path)
