"""Files that leave open what is measured: sizes without a number, and more than one signature."""

from pathlib import Path

import numpy as np
import pytest
from pipeline.workbench import Workbench

from harness.pipeline import Builder, inspect_file
from harness.pipeline.candidates.make_candidates import candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.errors import BuildError, CandidateSpecError

litert = pytest.importorskip("ai_edge_litert.interpreter")

WRITER = '''
"""Writes files with open sizes and with several signatures. The factory itself gives any model."""
from pathlib import Path
import keras
import tensorflow as tf
from keras import layers

HERE = Path(__file__).parent

def _pictures():
    x = keras.Input((None, None, 3), name="image")
    return keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(x))))

def write():
    keras.utils.set_random_seed(1)
    pictures = _pictures()
    pictures.save(HERE / "pictures.keras")
    pictures.export(str(HERE / "pictures"), verbose=False)
    made = tf.lite.TFLiteConverter.from_saved_model(str(HERE / "pictures")).convert()
    (HERE / "pictures.tflite").write_bytes(made)
    a, b = keras.Input((None, 4), name="b"), keras.Input((3,), name="a")
    keras.Model([a, b], layers.Concatenate()([layers.GlobalMaxPooling1D()(a), b])).save(HERE / "two.keras")
    module = tf.Module()
    module.weights = tf.Variable(tf.reshape(tf.range(32.0), (8, 4)))
    module.encode = tf.function(lambda x: {"z": tf.matmul(x, module.weights)},
                                input_signature=[tf.TensorSpec((1, 8), tf.float32, name="x")])
    loop = lambda y: tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2.0), (0, y))[1]
    module.decode = tf.function(lambda y: {"o": loop(y)},
                                input_signature=[tf.TensorSpec((1, 16), tf.float32, name="y")])
    signatures = {"encode": module.encode, "decode": module.decode}
    tf.saved_model.save(module, str(HERE / "codec"), signatures=signatures)
    made = tf.lite.TFLiteConverter.from_saved_model(str(HERE / "codec"), signature_keys=["encode", "decode"]).convert()
    (HERE / "codec.tflite").write_bytes(made)
    return keras.Sequential([keras.Input((1,)), layers.Dense(1)])
'''
SIZES = (5, 24, 20, 3)


@pytest.fixture(scope="module")
def files(workbench: Workbench) -> Path:
    folder = workbench.folder
    (folder / "open_ends.py").write_text(WRITER, encoding="utf-8")
    workbench.prepare("open_ends:write")
    rng = np.random.default_rng(0)
    np.savez(folder / "pictures.npz", i0=rng.random(SIZES, dtype=np.float32))
    np.savez(folder / "grey.npz", i0=rng.random((5, 24, 20, 1), dtype=np.float32))
    np.savez(folder / "two.npz", i0=rng.random((6, 7, 4)), i1=rng.random((6, 3)))
    return folder


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    with Builder(cache_dir=tmp_path_factory.mktemp("cache")) as made:
        yield made


def built(builder: Builder, files: Path, source: str, **given: object) -> Artifact:
    if "samples" in given:
        given["samples"] = files / str(given["samples"])
    (candidate,) = candidates_from_paths([files / source], **given)
    return builder.build(candidate)


def outputs(path: Path, values: np.ndarray, *, signature: str | None = None) -> list[np.ndarray]:
    """What LiteRT gives itself, sizes or signature set by its own means."""
    interpreter = litert.Interpreter(model_path=str(path), num_threads=1)
    if signature is not None:
        return list(
            interpreter.get_signature_runner(signature)(**{"x" if signature == "encode" else "y": values}).values()
        )
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], values.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(one["index"]) for one in interpreter.get_output_details()]


@pytest.mark.parametrize("source", ["pictures.tflite", "pictures.keras", "pictures"])
def test_open_sizes_without_samples_are_refused_with_the_way_to_give_them(builder, files, source):
    with pytest.raises(BuildError, match=r"samples=.*--samples") as caught:
        built(builder, files, source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["pictures.tflite", "pictures.keras", "pictures"])
def test_real_samples_give_the_sizes_which_are_named(builder, files, source):
    artifact = built(builder, files, source, samples="pictures.npz")
    assert [one.shape for one in artifact.inputs] == [(1, 24, 20, 3)]
    assert artifact.verification.golden_reason is None and artifact.verification.golden is not None
    assert (artifact.verification.golden.samples, artifact.verification.golden.real) == (5, True)
    assert any("measured at 1x24x20x3, as its samples are" in note for note in artifact.notes)
    assert artifact.inside is not None and artifact.inside.macs == 11 * 9 * 4 * 27 + 4 * 4


def test_a_file_with_its_sizes_fixed_computes_what_the_file_does(builder, files):
    artifact = built(builder, files, "pictures.tflite", samples="pictures.npz")
    with np.load(files / "pictures.npz") as given:
        sample = given["i0"][:1]
    (wanted,) = outputs(files / "pictures.tflite", sample)
    with np.load(artifact.verification.golden.outputs_path) as golden:
        np.testing.assert_array_equal(golden["o0"][0], wanted)


@pytest.mark.parametrize("source", ["pictures.tflite", "pictures.keras"])
def test_samples_that_do_not_fit_are_one_line(builder, files, source):
    with pytest.raises(BuildError, match=r"24, 20, 1"):
        built(builder, files, source, samples="grey.npz")


def test_samples_of_several_inputs_find_theirs_by_name(builder, files):
    artifact = built(builder, files, "two.keras", samples="two.npz", recipes="int8_float_io")
    assert sorted(one.shape for one in artifact.inputs) == [(1, 3), (1, 7, 4)]
    assert (
        artifact.verification.fidelity is not None
        and artifact.verification.fidelity.real
        and artifact.verification.fidelity.sqnr_db > 30
    )


@pytest.mark.parametrize(("wanted", "measured", "other"), [(None, None, None), ("encode", 8, 16), ("decode", 16, 8)])
def test_the_signature_that_is_measured_is_named_and_chosen(builder, files, wanted, measured, other):
    info = inspect_file(files / "codec.tflite")
    first = next(one.name for one in info.signatures if one.graph == 0)
    assert sorted(one.name for one in info.signatures) == ["decode", "encode"]
    artifact = built(builder, files, "codec.tflite", signature=wanted)
    name = wanted or first
    assert any(f'measured is its signature "{name}", not ' in note for note in artifact.notes)
    assert any("--signature" in note for note in artifact.notes) == (wanted is None)
    (shape,) = [one.shape for one in artifact.inputs]
    assert shape == ((1, 8) if name == "encode" else (1, 16)) and shape[1] != other
    with (
        np.load(artifact.verification.golden.inputs_path) as given,
        np.load(artifact.verification.golden.outputs_path) as golden,
    ):
        (told,) = outputs(files / "codec.tflite", given["i0"][0], signature=name)
        np.testing.assert_allclose(golden["o0"][0], told, rtol=1e-5)


def test_a_signature_of_a_saved_model_is_chosen(builder, files):
    with pytest.raises(BuildError, match=r"decode, encode.*--signature"):
        built(builder, files, "codec")
    assert [one.shape for one in built(builder, files, "codec", signature="encode").inputs] == [(1, 8)]


def test_a_signature_that_is_not_there_is_one_line(builder, files):
    with pytest.raises(BuildError, match=r"did you mean encode"):
        built(builder, files, "codec.tflite", signature="encod")
    with pytest.raises(CandidateSpecError, match="a signature goes with"):
        candidates_from_paths([files / "pictures.keras"], signature="encode")
