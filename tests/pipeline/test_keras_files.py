"""Keras files as candidates, from the file to the .tflite: with data or without, and what cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from pipeline.workbench import Workbench

from harness.pipeline import inspect_file

WRITER = '''
"""Writes files as Keras' own saving does. The factory itself gives any model."""
from pathlib import Path
import h5py
import keras
import numpy as np

HERE = Path(__file__).parent

class Unknown(keras.layers.Layer):
    """A layer whose code no file holds."""

class Network(keras.Model):
    def __init__(self, **more):
        super().__init__(**more)
        self.last = keras.layers.Dense(2)

    def call(self, x):
        return self.last(x)

@keras.saving.register_keras_serializable()
class Own(keras.layers.Layer):
    def call(self, x):
        return x * 2

def _digits():
    x = keras.Input((8, 8, 1), name="image")
    return keras.Model(x, keras.layers.Dense(10, "softmax", name="last")(keras.layers.Flatten()(x)))

def write():
    keras.utils.set_random_seed(1)
    model = _digits()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(HERE / "digits.keras")
    model.save(HERE / "digits.h5")
    x = keras.Input((3,))
    keras.Model(x, keras.layers.Lambda(lambda v: v * 2)(x)).save(HERE / "python_inside.keras")
    keras.Sequential([keras.Input((3,)), Unknown(), keras.layers.Dense(1)]).save(HERE / "custom_layer.keras")
    unknown = Network()
    unknown(np.zeros((1, 3), np.float32))
    unknown.save(HERE / "own_network.keras")
    x = keras.Input((4, 4, 1))
    keras.Model(x, keras.layers.DepthwiseConv2D(3)(x)).save(HERE / "of_another_keras.h5")
    with h5py.File(HERE / "of_another_keras.h5", "r+") as file:  # as Keras 2 wrote it
        config = file.attrs["model_config"]
        file.attrs["model_config"] = config.replace('"depth_multiplier": 1', '"depth_multiplier": 1, "groups": 1')
    kernel, bias = model.get_layer("last").get_weights()
    model.get_layer("last").set_weights([kernel * np.nan, bias])
    model.save(HERE / "nan.keras")
    model.save_weights(HERE / "only.weights.h5")
    x = keras.Input((None, 3), name="sound")
    keras.Model(x, keras.layers.Dense(2, name="first")(x)).save(HERE / "any_length.keras")
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
'''


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    (workbench.folder / "keras_writer.py").write_text(WRITER, encoding="utf-8")
    workbench.prepare("keras_writer:write")
    (workbench.folder / "garbage.keras").write_bytes(b"not a zip file")
    (workbench.folder / "garbage.h5").write_bytes(b"no HDF5 either")
    return workbench


def path(tools: Workbench, name: str) -> str:
    return str(tools.folder / name)


@pytest.mark.parametrize("name", ["digits.keras", "digits.h5"])
def test_a_file_with_data_is_converted_and_calibrated_on_it(tools, name):
    info = inspect_file(tools.convert(path(tools, name), "int8", kind="keras", data="digits"))
    assert [(one.shape, one.dtype) for one in info.inputs] == [((1, 8, 8, 1), "int8")]
    prepared = tools.prepare(path(tools, name), kind="keras", data="digits").info
    assert (prepared.dataset, prepared.accuracy_reason) == ("scikit-learn digits", None)
    assert [(training.what, training.epochs) for training in prepared.trainings] == [(f"trained before: {name}", None)]


def test_both_formats_give_the_same_model(tools):
    kept = [tools.prepare(path(tools, f"digits.{suffix}"), kind="keras", data="digits") for suffix in ("keras", "h5")]
    files = [tools.convert(path(tools, f"digits.{suffix}"), kind="keras", data="digits") for suffix in ("keras", "h5")]
    first, second = (found.arrays("test.npz") for found in kept)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_without_data_no_accuracy_is_claimed(tools):
    info = tools.prepare(path(tools, "digits.keras"), kind="keras").info
    assert info.dataset is None
    assert info.accuracy_reason == "no data set was named, so that no accuracy is claimed"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("garbage.keras", ["garbage.keras", "cannot be read"]),
        ("garbage.h5", ["garbage.h5", "cannot be read"]),
        ("gone.keras", ["gone.keras"]),
        ("python_inside.keras", ["cannot be read", "Lambda", "module:function"]),
        ("custom_layer.keras", ["Could not locate class 'Unknown'", "module:function"]),
        ("own_network.keras", ["Could not locate class 'Network'", "module:function"]),
        ("of_another_keras.h5", ["passed to DepthwiseConv2D: {'groups': 1}", "module:function"]),
        ("only.weights.h5", ["cannot be read"]),
        ("nan.keras", ["layer last", "NaN"]),
        ("any_length.keras", ['input "sound"', 'layer "first"', "--samples", "fixed sizes"]),
    ],
)
def test_what_cannot_be_read_is_one_line(tools, name, words):
    message = tools.refusal(path(tools, name), kind="keras", label=Path(name).stem)
    assert message.startswith(Path(name).stem)
    assert all(word in message for word in words), message


def test_data_of_another_shape_is_one_line(tools, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"x": rng.random((60, 5), dtype=np.float32), "y": np.arange(60) % 2}
    parts = {f"{part}_{axis}": array[at : at + 20] for at, part in ((0, "train"), (20, "calibration"), (40, "test"))
             for axis, array in arrays.items() if (part, axis) != ("calibration", "y")}  # fmt: skip
    np.savez(tmp_path / "mine.npz", **parts)
    message = tools.refusal(path(tools, "digits.keras"), kind="keras", label="digits", data=str(tmp_path / "mine.npz"))
    assert "5)" in message and "(n, 8, 8, 1)" in message, message


def test_further_training_needs_data(tools):
    message = tools.refusal(path(tools, "digits.keras"), kind="keras", label="digits", steps=["prune(0.8)"])
    assert "data" in message
