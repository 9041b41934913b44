"""Files as given: run on the host in a limited process, whatever they are."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from support import needs
from support.tiny_model import BOOL, INT8, INT32, STRING, add_model, write

from harness.pipeline import candidates_from_paths
from harness.pipeline.builder.build import build, build_many
from harness.records.artifact import Artifact
from harness.records.errors import BuildError, ModelFileError


def artifact(path: Path, cache: Path, samples: Path | None = None) -> Artifact:
    return build(candidates_from_paths([path], samples=samples)[0], cache_dir=cache)


def golden(made: Artifact) -> tuple[dict, dict]:
    assert made.verification.golden is not None, made.verification.golden_reason
    for path, sha256 in (
        (made.verification.golden.inputs_path, made.verification.golden.inputs_sha256),
        (made.verification.golden.outputs_path, made.verification.golden.outputs_sha256),
    ):
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == sha256
    with (
        np.load(made.verification.golden.inputs_path) as inputs,
        np.load(made.verification.golden.outputs_path) as outputs,
    ):
        return dict(inputs), dict(outputs)


def test_random_inputs_and_what_came_out(tmp_path):
    made = artifact(write(tmp_path / "add.tflite", add_model((2, 3))), tmp_path)
    inputs, outputs = golden(made)
    assert set(inputs) == {"i0", "i1"} and set(outputs) == {"o0"}
    assert inputs["i0"].shape == outputs["o0"].shape == (16, 2, 3)
    assert inputs["i0"].min() >= 0 and inputs["i0"].max() < 1
    np.testing.assert_array_equal(outputs["o0"], inputs["i0"] + inputs["i1"])
    assert (
        made.verification.golden is not None
        and not made.verification.golden.real
        and made.verification.golden.num_threads == 1
    )
    assert made.recipe is None and made.verification.accuracy is None and made.verification.accuracy_reason


def test_the_second_time_nothing_is_run_and_the_inputs_are_the_same(tmp_path):
    path = write(tmp_path / "add.tflite", add_model())
    first, second, elsewhere = (artifact(path, tmp_path / cache) for cache in ("a", "a", "b"))
    assert (first.cached, second.cached, elsewhere.cached) == (False, True, False)
    assert first.verification.golden and second.verification.golden and elsewhere.verification.golden
    assert first.verification.golden == second.verification.golden
    assert first.verification.golden.inputs_sha256 == elsewhere.verification.golden.inputs_sha256


@pytest.mark.parametrize(("dtype", "scale", "low", "high"), [(INT8, 0.5, -100, 100), (INT32, 0.0, 10, 90)])
def test_integers_cover_their_range(tmp_path, dtype, scale, low, high):
    made = artifact(write(tmp_path / "add.tflite", add_model((1, 64), dtype=dtype, scale=scale)), tmp_path)
    values = golden(made)[0]["i0"]
    assert values.min() < low and values.max() > high


def test_text_has_no_golden_outputs_and_the_reason(tmp_path):
    made = artifact(write(tmp_path / "text.tflite", add_model(dtype=STRING)), tmp_path)
    assert made.verification.golden is None and made.verification.golden_reason


def test_a_model_the_host_refuses_is_left_to_the_board(tmp_path):
    made = artifact(write(tmp_path / "bools.tflite", add_model(dtype=BOOL)), tmp_path)
    assert made.verification.golden is None and made.verification.golden_reason is not None
    assert "LiteRT on this host" in made.verification.golden_reason and "\n" not in made.verification.golden_reason


def test_given_samples_are_quantised_by_the_models_own_parameters(tmp_path):
    path = write(tmp_path / "add.tflite", add_model((1, 2), dtype=INT8, inputs=1, scale=0.5))
    np.save(tmp_path / "samples.npy", np.array([[0.0, 1.0], [-2.0, 1000.0]], dtype=np.float32))
    made = artifact(path, tmp_path, tmp_path / "samples.npy")
    inputs, _ = golden(made)
    assert (
        made.verification.golden is not None and made.verification.golden.real and made.verification.golden.samples == 2
    )
    np.testing.assert_array_equal(inputs["i0"], np.array([[[3, 5]], [[-1, 127]]], dtype=np.int8))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"i0": np.zeros((3, 5), np.float32), "i1": np.zeros((3, 5), np.float32)}, "have shape"),
        ({"i0": np.zeros((3, 4), np.float32)}, "i0 to i1"),
        ({"i0": np.zeros((3, 4), np.float32), "i1": np.zeros((2, 4), np.float32)}, "differ in length"),
        ({"i0": np.zeros((3, 4), np.int8), "i1": np.zeros((3, 4), np.int8)}, "int8"),
    ],
)
def test_samples_that_do_not_fit_are_said(tmp_path, arrays, said):
    path = write(tmp_path / "add.tflite", add_model())
    np.savez(tmp_path / "samples.npz", **arrays)
    with pytest.raises(BuildError, match=r"do not fit add\.tflite") as caught:
        artifact(path, tmp_path, tmp_path / "samples.npz")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_pickles_are_never_opened(tmp_path):
    path = write(tmp_path / "add.tflite", add_model(inputs=1))
    np.save(tmp_path / "samples.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BuildError, match="cannot be read as arrays"):
        artifact(path, tmp_path, tmp_path / "samples.npy")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x93NUMPY"])
def test_samples_that_are_no_arrays(tmp_path, content):
    path = write(tmp_path / "add.tflite", add_model(inputs=1))
    with pytest.raises(BuildError, match="cannot be read as arrays"):
        artifact(path, tmp_path, write(tmp_path / "samples.npz", content))


def test_one_bad_file_leaves_the_others(tmp_path):
    bad = write(tmp_path / "bad.tflite", b"no model at all")
    good = write(tmp_path / "good.tflite", add_model())
    first, second = build_many(candidates_from_paths([bad, good]), cache_dir=tmp_path)
    assert isinstance(first, ModelFileError) and isinstance(second, Artifact)


def test_a_model_that_aborts_the_process_takes_only_that_along(tmp_path):
    made = artifact(needs.need_shared("bad/abort_blockwise_quantized.tflite"), tmp_path)
    assert (
        made.verification.golden is None
        and made.verification.golden_reason == "LiteRT on this host was killed by SIGABRT"
    )


def test_a_model_without_inputs_runs(tmp_path):
    made = artifact(needs.need_shared("bad/made_zero_inputs_const_add.tflite"), tmp_path)
    inputs, outputs = golden(made)
    assert inputs == {} and outputs["o0"].shape == (1, 4)


@pytest.mark.parametrize("name", ["alloc_fail_squeeze.tflite", "invoke_fail_invalid_buffer.bin"])
def test_models_that_fail_late_have_the_runtimes_own_words(tmp_path, name):
    made = artifact(needs.need_shared(f"bad/{name}"), tmp_path)
    assert made.verification.golden is None and made.verification.golden_reason is not None
    assert (
        made.verification.golden_reason.startswith("LiteRT on this host")
        and "\n" not in made.verification.golden_reason
    )
