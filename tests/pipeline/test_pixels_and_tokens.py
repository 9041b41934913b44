"""What goes into a model file: pixels in the range that it takes, whole numbers into inputs of integers."""

import json
from pathlib import Path

import numpy as np
import pytest
from pipeline.workbench import Workbench

from harness.pipeline import inspect_file
from harness.pipeline.model.data import load_dataset
from harness.pipeline.model.training.pixel_range import pixel_range_of_file
from harness.records.artifact import TensorInfo
from harness.records.errors import BuildError

WRITER = '''
"""Writes Keras files that take pictures or tokens. The factory itself gives any model."""
import json
from pathlib import Path
import keras
import numpy as np
from keras import layers
from harness.pipeline.model.training.pixel_range import pixel_range_of_model

HERE = Path(__file__).parent
SIZE = (32, 32, 3)

def _whole(start, *, dtype="float32"):
    x = keras.Input(SIZE, dtype=dtype)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Conv2D(2, 3)(start(x)))))

def _inner(x):
    return keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)])(x)

def _published(name, **more):
    classes = {} if more else {"classes": 2}
    return getattr(keras.applications, name)(input_shape=SIZE, weights=None, **classes, **more)

STARTS = {
    "rescaled": lambda x: layers.Rescaling(1 / 127.5, offset=-1)(x),
    "divided": lambda x: x / 255.0,
    "prepared": lambda x: keras.applications.mobilenet_v2.preprocess_input(x),
    "inside": _inner,
    "normalised": lambda x: layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)(x),
    "plain": lambda x: x,
    "of_0_to_1": lambda x: layers.Rescaling(2, offset=-1)(x),
}

def write():
    for name, start in STARTS.items():
        _whole(start).save(HERE / f"{name}.keras")
    keras.Sequential([keras.Input(SIZE), layers.Rescaling(1 / 255), layers.Conv2D(2, 3), layers.Flatten(),
                      layers.Dense(2)]).save(HERE / "in_a_row.keras")
    top = _published("MobileNetV3Small", include_top=False, pooling="avg")
    x = keras.Input(SIZE)
    published = {
        "MobileNetV3": _published("MobileNetV3Small"),
        "EfficientNetV2": _published("EfficientNetV2B0"),
        "transferred": keras.Model(x, layers.Dense(2)(top(x, training=False))),
        "MobileNetV2": _published("MobileNetV2"),
    }
    ranges = {name: pixel_range_of_model(model) for name, model in published.items()}
    (HERE / "ranges.json").write_text(json.dumps(ranges), encoding="utf-8")
    _whole(lambda x: layers.Rescaling(1 / 255)(x), dtype="uint8").save(HERE / "bytes.keras")
    words = keras.Input((5,), dtype="int32", name="words")
    table = layers.Flatten()(layers.Embedding(20, 3)(words))
    keras.Model(words, layers.Dense(2)(table)).save(HERE / "words.keras")
    a, b = keras.Input((5,), name="a"), keras.Input((2,), dtype="int64", name="b")
    inner = keras.Sequential([keras.Input((2,), dtype="int64"), layers.Embedding(7, 3), layers.Flatten()])
    both = layers.Concatenate()([layers.Flatten()(layers.Embedding(11, 3)(a)), inner(b)])
    keras.Model([a, b], layers.Dense(2)(both)).save(HERE / "two_tables.keras")
    return keras.Sequential([keras.Input((1,)), layers.Dense(1)])
'''
SCALED = ["rescaled", "divided", "prepared", "inside", "normalised", "in_a_row"]


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    folder = workbench.folder
    (folder / "takers.py").write_text(WRITER, encoding="utf-8")
    workbench.prepare("takers:write")
    rng, labels = np.random.default_rng(0), np.arange(30) % 2
    parts = {"train_x": 30, "test_x": 30}
    pictures = {name: rng.integers(0, 256, (count, 32, 32, 3), np.uint8) for name, count in parts.items()}
    np.savez(folder / "pictures.npz", **pictures, train_y=labels, test_y=labels)
    words = {name: rng.integers(0, 20, (count, 5), np.int64) for name, count in parts.items()}
    np.savez(folder / "words.npz", **words, train_y=labels, test_y=labels)
    return workbench


def prepared(tools: Workbench, name: str, data: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    where = None if data is None else str(tools.folder / data)
    found = tools.prepare(str(tools.folder / f"{name}.keras"), kind="keras", label=name, data=where)
    return found.arrays("test.npz")["i0"], found.info.notes


@pytest.mark.parametrize("name", SCALED)
def test_pixels_stay_bytes_where_the_model_scales_them(tools, name):
    inputs, notes = prepared(tools, name, "pictures.npz")
    assert inputs.dtype == np.float32 and inputs.max() > 250
    assert "pixels of pictures.npz stay 0 to 255, since the model scales them itself" in notes


def test_published_networks_are_told_too(tools):
    ranges = json.loads((tools.folder / "ranges.json").read_text(encoding="utf-8"))
    assert ranges == {
        "MobileNetV3": "bytes",
        "EfficientNetV2": "bytes",
        "transferred": "bytes",
        "MobileNetV2": "untold",
    }


@pytest.mark.parametrize("name", ["plain", "of_0_to_1"])
def test_others_get_them_from_0_to_1_and_it_is_said_where_that_is_a_choice(tools, name):
    inputs, notes = prepared(tools, name, "pictures.npz")
    assert 0.9 < inputs.max() <= 1
    assert any("were divided by 255, since nothing in the model tells" in note for note in notes) == (name == "plain")


def test_an_input_of_bytes_gets_bytes(tools):
    inputs, notes = prepared(tools, "bytes", "pictures.npz")
    assert inputs.dtype == np.uint8 and inputs.max() > 250 and notes == ()


def test_tokens_go_to_an_input_of_integers(tools):
    inputs, _ = prepared(tools, "words", "words.npz")
    assert inputs.dtype == np.int32 and inputs.min() >= 0 and inputs.max() < 20


@pytest.mark.parametrize(("name", "sizes"), [("words", {"words": 20}), ("two_tables", {"a": 11, "b": 7})])
def test_made_up_tokens_stay_in_the_vocabulary(tools, name, sizes):
    found = tools.prepare(str(tools.folder / f"{name}.keras"), kind="keras", label=name)
    for port, array in found.arrays("calibration.npz").items():
        assert array.min() == 0 and array.max() == sizes[port] - 1
    kept = found.arrays("samples.npz")
    assert sorted(kept) == sorted(sizes) and all(len(one) == 16 for one in kept.values())


def test_a_file_tells_by_its_input_or_its_first_operator(tools):
    quantised = {(1 / 255, -128): "scaled", (1.0, -128): "bytes", (1 / 127.5, 0): "untold"}
    for (scale, zero_point), range_ in quantised.items():
        first = TensorInfo(name="x", shape=(1, 4), dtype="int8", scale=scale, zero_point=zero_point)
        assert pixel_range_of_file(Path("not read"), first) == range_
    for name, range_ in {"normalised": "bytes", "plain": "untold"}.items():
        file = tools.convert(str(tools.folder / f"{name}.keras"), kind="keras")
        assert pixel_range_of_file(file, inspect_file(file).inputs[0]) == range_


def test_scans_that_are_no_bytes_are_refused_where_bytes_are_scaled():
    with pytest.raises(BuildError, match="0 to 255"):
        load_dataset("digits", shape=(8, 8, 1), classes=10, pixels="bytes")
