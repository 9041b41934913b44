"""Models and data that cannot be built: each is one line that names what is wrong, and nothing half made stays."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline.workbench import Workbench
from support import needs

from harness.records.errors import BuildError

MODELS = '''
"""What a factory may get wrong."""
import keras
import numpy as np
from harness.pipeline import Dataset, TrainedModel

def _dense(inputs=6, outputs=2, **kwargs):
    x = keras.Input((inputs,), name="x", **kwargs)
    return keras.Model(x, keras.layers.Dense(outputs, name="last")(x))

def _model(calibration=None, test=None, labels=None, **more):
    good = np.random.default_rng(1).random((8, 6), dtype=np.float32)
    calibration = good if calibration is None else calibration
    test = good if test is None else test
    labels = np.arange(len(test)) % 2 if labels is None else labels
    return TrainedModel(_dense(**more.pop("model", {})), Dataset("mine", calibration, test, labels, **more))

def nan_weights():
    model = _dense()
    kernel, bias = model.get_layer("last").get_weights()
    kernel[1, 1] = np.nan
    model.get_layer("last").set_weights([kernel, bias])
    return model

def infinite_weights_inside():
    x = keras.Input((6,))
    inner = nan_weights()
    kernel, bias = inner.get_layer("last").get_weights()
    inner.get_layer("last").set_weights([np.nan_to_num(kernel), bias + np.inf])
    return keras.Model(x, keras.layers.Dense(2)(inner(x)))

def any_length():
    x = keras.Input((None, 3), name="sound")
    return keras.Model(x, keras.layers.Dense(2, name="first")(x))

def batch_of_eight():
    x = keras.Input(batch_shape=(8, 3), name="x")
    return keras.Model(x, keras.layers.Dense(2)(x))

@keras.saving.register_keras_serializable()
class Picks(keras.layers.Layer):
    def call(self, x):
        import tensorflow as tf
        return tf.boolean_mask(x, x[0] > 0.5, axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], None)

def size_found_while_running():
    x = keras.Input((6,), name="x")
    return keras.Model(x, Picks(name="picks")(keras.layers.Dense(6)(x)))

def nested_outputs():
    x = keras.Input((6,))
    return keras.Model(x, {"a": [keras.layers.Dense(2)(x), keras.layers.Dense(3)(x)]})

class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x):
        return self.dense(x)

def subclassed():
    model = Subclassed()
    model(np.zeros((1, 3), np.float32))
    return model

class Complains(keras.layers.Layer):
    def call(self, x):
        if x.shape[0] == 1:
            raise ValueError("I want more than one")
        return x

def refuses_a_batch_of_one():
    x = keras.Input((6,))
    return keras.Model(x, Complains()(x))

class Rolls(keras.layers.Layer):
    def call(self, x):
        import tensorflow as tf
        return x + tf.random.uniform((1, 6))

def gives_other_numbers_each_time():
    x = keras.Input((6,))
    return keras.Model(x, Rolls()(x))

def overflows():
    model = _dense()
    kernel, bias = model.get_layer("last").get_weights()
    model.get_layer("last").set_weights([kernel * 0 + 3e38, bias])
    return model

def index_beyond_the_table():
    x = keras.Input((3,), dtype="int32")
    return keras.Model(x, keras.ops.take(np.ones((2, 4), np.float32), x, axis=0))

def text_input():
    x = keras.Input((3,), dtype="string", name="words")
    return keras.Model(x, keras.layers.Identity()(x))

def wrong_shape():
    return _model(test=np.zeros((4, 5), np.float32))

def wrong_calibration_shape():
    return _model(calibration=np.zeros((4, 6, 1), np.float32))

def scalar_data():
    return _model(test=np.float32(3), labels=np.zeros(1))

def empty_test():
    return _model(test=np.zeros((0, 6), np.float32))

def nan_data():
    data = np.zeros((8, 6), np.float32)
    data[5, 2] = np.nan
    return _model(test=data)

def too_large_for_floats():
    return _model(test=np.full((8, 6), 1e300))

def text_data():
    return _model(test=np.full((8, 6), "a"))

def objects():
    return _model(test=np.full((8, 6), None))

def floats_for_indices():
    return _model(model={"dtype": "int32"})

def numbers_beyond_bytes():
    return _model(calibration=np.full((8, 6), 300), test=np.zeros((8, 6), int), model={"dtype": "uint8"})

def two_inputs():
    a, b = keras.Input((6,)), keras.Input((6,))
    return TrainedModel(keras.Model([a, b], keras.layers.Dense(2)(a + b)), _model().dataset)

def fewer_labels():
    return _model(labels=np.zeros(5))

def one_hot():
    return _model(labels=np.eye(2)[np.arange(8) % 2])

def labels_between():
    return _model(labels=np.full(8, 0.5))

def labels_beyond():
    return _model(labels=np.array([0, 1, 2, 3, 4, 9, -1, 1]))

def text_labels():
    return _model(labels=np.array(list("abcdefgh")))

def only_normal():
    return _model(labels=np.zeros(8), score="auc", model={"outputs": 6})

def anomalies_of_three_kinds():
    return _model(labels=np.arange(8) % 3, score="auc", model={"outputs": 6})

def raw_objects():
    return _model(raw_test=(np.zeros(2), np.array([None, "x"], dtype=object)))

def no_calibration():
    return _model(calibration=np.zeros((0, 6), np.float32))

def fills_the_disk():
    return _dense(512, 512)
'''


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    (workbench.folder / "wrong.py").write_text(MODELS, encoding="utf-8")
    return workbench


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("nan_weights", ["layer last", "NaN"]),
        ("infinite_weights_inside", ["last", "infinite"]),
        ("any_length", ['input "sound"', 'layer "first"', "(None, None, 3)", "--samples", "fixed sizes"]),
        ("batch_of_eight", ['input "x"', "(8, 3)", "a batch of None or 1"]),
        ("size_found_while_running", ['output "output_0"', "(1, None)", 'layer "picks"', "known before it runs"]),
        ("nested_outputs", ["nested too deeply", "a list or a dict"]),
        ("subclassed", ["not built", "keras.Input"]),
        ("refuses_a_batch_of_one", ["cannot take a batch of one", "complains"]),
        ("gives_other_numbers_each_time", ["differs from the original by", 'output "output_0"']),
        ("overflows", ['output "output_0"', "NaN or infinite"]),
        ("index_beyond_the_table", ["cannot be run on a sample that was made up", "data="]),
        ("text_input", ['input "words"', "string"]),
        ("wrong_shape", ["test data", "(4, 5)", "(n, 6)"]),
        ("wrong_calibration_shape", ["calibration data", "(4, 6, 1)", "(n, 6)"]),
        ("scalar_data", ["test data", "()", "(n, 6)"]),
        ("empty_test", ["test data is empty"]),
        ("nan_data", ["test data holds NaN", "sample 5"]),
        ("too_large_for_floats", ["beyond float32"]),
        ("text_data", ["test data is no numbers", "float32"]),
        ("objects", ["test data is no numbers"]),
        ("floats_for_indices", ["calibration data is float32", 'input "x" takes int32']),
        ("numbers_beyond_bytes", ["calibration data goes from 300 to 300", "uint8"]),
        ("two_inputs", ["one input", "has 2"]),
        ("fewer_labels", ["8 test inputs", "(5,)"]),
        ("one_hot", ["(8, 2)", "class index"]),
        ("labels_between", ["float64", "whole numbers"]),
        ("labels_beyond", ["-1, 2, 3 ...", "classes 0 to 1"]),
        ("text_labels", ["no numbers", "whole numbers"]),
        ("only_normal", ["hold 0,", "1 (anomalous)"]),
        ("anomalies_of_three_kinds", ["hold 0, 1, 2,", "1 (anomalous)"]),
        ("raw_objects", ["raw sample 1", "no plain array"]),
    ],
)
def test_what_is_wrong_is_one_line(tools: Workbench, factory: str, words: list[str]) -> None:
    message = tools.refusal(f"wrong:{factory}")
    assert message.startswith(f"wrong:{factory}")
    assert all(word in message for word in words), message


def test_without_calibration_data_only_what_needs_it_is_refused(tools: Workbench) -> None:
    assert tools.convert("wrong:no_calibration", "float32").exists()
    with pytest.raises(BuildError) as caught:
        tools.convert("wrong:no_calibration", "int8")
    assert "calibration" in str(caught.value) and "\n" not in str(caught.value)


@pytest.fixture
def small_disk(tools: Workbench) -> Iterator[Path]:
    """A folder on a file system of 600 kB."""
    needs.need_root()
    disk = tools.folder / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=False).returncode:
        needs.missing("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(tools: Workbench, small_disk: Path) -> None:
    message = tools.refusal("wrong:fills_the_disk", prepared="small")
    assert "free space" in message or "No space left" in message, message
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.suffix != ".lock"]
