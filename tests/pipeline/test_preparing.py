"""Exporting a trained Keras model: batch of one, all kinds of inputs and outputs, its data beside it."""

from pathlib import Path

import numpy as np
import pytest
from pipeline.workbench import Prepared, Workbench

from harness.pipeline import inspect_file
from harness.records.artifact import Inside

MODELS = '''
"""Factories a user might write."""
import dataclasses
from pathlib import Path
import keras
import numpy as np
from harness.pipeline import Dataset, TrainedModel

def _labels(inputs):
    return (inputs[:, :3].sum(1) > inputs[:, 3:].sum(1)).astype(int)

def _data(dtype=np.float32, **more):
    inputs = np.random.default_rng(1).random((96, 6)).astype(dtype)
    return Dataset("sums", inputs[:32], inputs[32:], _labels(inputs[32:]), **more)

def _dense(outputs=2, dtype="float32"):
    x = keras.Input((6,), dtype=dtype)
    return keras.Model(x, keras.layers.Dense(outputs)(keras.layers.Dense(4, "relu")(x)))

def one_input():
    return TrainedModel(_dense(), _data())

def doubles():
    return TrainedModel(_dense(), _data(np.float64))

def sequential():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

def two_inputs():
    a, b = keras.Input((3,), name="b"), keras.Input((5,), name="a")
    return keras.Model([a, b], [keras.layers.Dense(2)(a), keras.layers.Dense(3)(b)])

def inputs_in_a_dict():
    a, b = keras.Input((3,), name="zz"), keras.Input((5,), name="aa")
    joined = keras.layers.Concatenate()([keras.layers.Dense(2)(a), keras.layers.Dense(2)(b)])
    return keras.Model({"zz": a, "aa": b}, joined)

def nested_inputs():
    a, b, c = (keras.Input((size,), name=f"of_{size}") for size in (3, 5, 7))
    return keras.Model([a, (b, c)], keras.layers.Concatenate()([a, b, c]))

def outputs_in_a_dict():
    x = keras.Input((3,), name="x")
    return keras.Model(x, {"size": keras.layers.Dense(1)(x), "kind": keras.layers.Dense(4)(x)})

def half_input():
    return _dense(dtype="float16")

def index_input():
    x = keras.Input((3,), dtype="int32")
    return keras.Model(x, keras.layers.Embedding(100, 4)(x))

def byte_input():
    x = keras.Input((3,), dtype="uint8")
    return keras.Model(x, keras.layers.Rescaling(1 / 255)(x))

def whole_outputs():
    x = keras.Input((3,))
    return keras.Model(x, keras.ops.cast(keras.layers.Dense(4)(x) * 100, "int32"))

def truth_outputs():
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dense(4)(x) > 0)

def shared_layers():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    x = keras.Input((3,))
    return keras.Model(x, inner(inner(x)))

def behaves_otherwise_in_training():
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dropout(0.5)(keras.layers.Dense(3)(x)))

def augments():
    layers = [keras.layers.RandomFlip(), keras.layers.RandomRotation(0.2), keras.layers.RandomZoom(0.2)]
    return keras.Sequential([keras.Input((6, 6, 1)), *layers, keras.layers.Conv2D(2, 3)])

def augments_inside():
    """As Keras' tutorial does it: augmentation is a model of its own, called with training=True by default."""
    inner = keras.Sequential([keras.layers.RandomFlip("horizontal"), keras.layers.RandomContrast(0.5)])
    x = keras.Input((6, 6, 1))
    return keras.Model(x, keras.layers.GaussianNoise(0.5)(keras.layers.Flatten()(inner(x))))

def augments_one_of_two():
    a, b = keras.Input((6, 6, 1), name="a"), keras.Input((3,), name="b")
    picture = keras.layers.Flatten()(keras.layers.RandomTranslation(0.2, 0.2)(a))
    return keras.Model({"a": a, "b": b}, keras.layers.Concatenate()([picture, b]))

def _narrow(policy):
    x = keras.Input((8, 8, 1))
    y = keras.layers.Conv2D(4, 3, activation="relu", dtype=policy)(x)
    inner = keras.Sequential([keras.layers.BatchNormalization(dtype=policy), keras.layers.Flatten(dtype=policy)])
    y = keras.layers.Dense(3, dtype=policy)(inner(y))
    return keras.Model(x, keras.layers.Activation("softmax", dtype="float32")(y))

def mixed_float16():
    return _narrow("mixed_float16")

def mixed_bfloat16():
    return _narrow("mixed_bfloat16")

def wholly_float16():
    x = keras.Input((8,))
    return keras.Model(x, keras.layers.Dense(3, dtype="float16")(x))

class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(dtype="mixed_float16")
        self.last = keras.layers.Dense(2, dtype="mixed_float16")

    def call(self, x):
        return self.last(x)

def subclassed_mixed():
    model = Subclassed()
    model(np.zeros((1, 3), np.float32))
    return model

def rebuilds():
    rng = np.random.default_rng(1)
    inputs, labels = rng.random((40, 6), dtype=np.float32), np.arange(30) % 2
    return TrainedModel(_dense(6), Dataset("odd ones", inputs[:10], inputs[10:], labels, score="auc"))

def rebuilds_nothing():
    given = rebuilds()
    return TrainedModel(_dense(5), given.dataset)

def two_classes_by_one_number():
    return TrainedModel(_dense(1), _data())

def one_number():
    data = _data()
    return TrainedModel(_dense(1), dataclasses.replace(data, test_labels=data.test_labels * 2))

def two_answers():
    x = keras.Input((6,))
    return TrainedModel(keras.Model(x, [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)]), _data())

def synthetic():
    return TrainedModel(_dense(), _data(accuracy_reason="made up"))

def with_raw_samples():
    raw = tuple(np.full((size, 2), size, np.uint8) for size in (1, 2, 3))
    stages = Path(__file__).with_name("stages.py")
    return TrainedModel(_dense(), _data(raw_test=raw, preprocessing=stages))
'''


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    (workbench.folder / "exported.py").write_text(MODELS, encoding="utf-8")
    (workbench.folder / "stages.py").write_text("def preprocess(raw):\n    return raw\n", encoding="utf-8")
    return workbench


def prepared(tools: Workbench, factory: str) -> Prepared:
    return tools.prepare(f"exported:{factory}")


def inside(file: Path) -> Inside:
    found = inspect_file(file).inside
    assert found is not None
    return found


def shapes(path: Path) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    info = inspect_file(path)
    return sorted(one.shape for one in info.inputs), sorted(one.shape for one in info.outputs)


@pytest.mark.parametrize(
    ("factory", "inputs", "outputs"),
    [
        ("one_input", [(1, 6)], [(1, 2)]),
        ("sequential", [(1, 3)], [(1, 2)]),
        ("two_inputs", [(1, 3), (1, 5)], [(1, 2), (1, 3)]),
        ("inputs_in_a_dict", [(1, 3), (1, 5)], [(1, 4)]),
        ("nested_inputs", [(1, 3), (1, 5), (1, 7)], [(1, 15)]),
        ("outputs_in_a_dict", [(1, 3)], [(1, 1), (1, 4)]),
        ("half_input", [(1, 6)], [(1, 2)]),
        ("index_input", [(1, 3)], [(1, 3, 4)]),
        ("byte_input", [(1, 3)], [(1, 3)]),
        ("whole_outputs", [(1, 3)], [(1, 4)]),
        ("truth_outputs", [(1, 3)], [(1, 4)]),
        ("shared_layers", [(1, 3)], [(1, 3)]),
        ("behaves_otherwise_in_training", [(1, 3)], [(1, 3)]),
    ],
)
def test_a_batch_of_one_from_the_export_to_the_file(tools, factory, inputs, outputs):
    assert shapes(tools.convert(f"exported:{factory}")) == (inputs, outputs)


def test_calibration_and_test_parts_are_kept_as_the_model_takes_them(tools):
    found = prepared(tools, "one_input")
    (calibration,) = found.arrays("calibration.npz").values()
    test = found.arrays("test.npz")
    assert (calibration.shape, calibration.dtype) == ((32, 6), np.float32)
    assert (test["i0"].shape, test["i0"].dtype, test["labels"].dtype) == ((64, 6), np.float32, np.int64)
    assert set(test["labels"]) == {0, 1}
    assert not (found.folder / "raw.npz").exists()


def test_doubles_go_into_an_input_of_floats(tools):
    assert prepared(tools, "doubles").arrays("test.npz")["i0"].dtype == np.float32


def test_what_a_model_is_told_of(tools):
    info = prepared(tools, "one_input").info
    assert (info.dataset, info.accuracy_reason, info.score) == ("sums", None, "top1")
    assert [training.what for training in info.trainings] == ["trained by its factory"]


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("synthetic", "made up"),
        ("one_number", "the model's output is one number, and labels beyond 0 and 1 are no two classes"),
        ("two_classes_by_one_number", None),
        ("two_answers", "the model has 2 outputs, and which of them names the class is not known"),
        ("sequential", "the factory gave no data set"),
        ("rebuilds", None),
        ("rebuilds_nothing", "the model's output has shape (1, 5), which is no reconstruction of its input (1, 6)"),
    ],
)
def test_why_no_accuracy_is_claimed(tools, factory, reason):
    assert prepared(tools, factory).info.accuracy_reason == reason


@pytest.mark.parametrize("factory", ["augments", "augments_inside", "augments_one_of_two"])
def test_what_changes_training_samples_leaves_those_in_use_alone(tools, factory):
    operators = {one.name for one in inside(tools.convert(f"exported:{factory}")).operators}
    assert not operators & {"REVERSE_V2", "WHERE", "RANDOM_UNIFORM", "CustomOp", "MUL", "GATHER_ND", "SELECT_V2"}


@pytest.mark.parametrize(
    ("factory", "narrow"),
    [("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16"), ("wholly_float16", "float16")],
)
def test_layers_of_16_bits_are_exported_in_32_and_it_is_said(tools, factory, narrow):
    found = prepared(tools, factory)
    assert found.info.notes == (
        f"layers that compute in {narrow} were exported in float32, as TensorFlow Lite computes",
    )
    info = inspect_file(tools.convert(f"exported:{factory}"))
    assert [one.dtype for one in (*info.inputs, *info.outputs)] == ["float32", "float32"]


def test_the_score_of_the_data_set_is_kept(tools):
    assert prepared(tools, "rebuilds").info.score == "auc"


def test_without_data_every_input_gets_seeded_values_of_its_kind(tools):
    two = prepared(tools, "two_inputs").arrays("calibration.npz")
    assert {name: array.shape for name, array in two.items()} == {"a": (100, 5), "b": (100, 3)}
    assert all(array.min() >= 0 and array.max() < 1 for array in two.values())
    (indices,) = prepared(tools, "index_input").arrays("calibration.npz").values()
    assert indices.dtype == np.int32 and indices.min() >= 0 and 50 < indices.max() < 100
    (bytes_,) = prepared(tools, "byte_input").arrays("calibration.npz").values()
    assert bytes_.dtype == np.uint8 and bytes_.max() > 200
    assert not (prepared(tools, "two_inputs").folder / "test.npz").exists()


def test_another_seed_gives_other_values_and_the_same_one_the_same(tools):
    def values(seed: int, place: str) -> bytes:
        found = tools.prepare("exported:two_inputs", seed=seed, prepared=place)
        return (found.folder / "calibration.npz").read_bytes()

    assert values(0, "once") == values(0, "twice") != values(1, "once")


def test_raw_samples_and_their_processing_lie_beside(tools):
    found = prepared(tools, "with_raw_samples")
    raw = found.arrays("raw.npz")
    assert [raw[f"r{index}"].shape for index in range(3)] == [(1, 2), (2, 2), (3, 2)]
    assert found.info.preprocessing == str(found.folder / "preprocessing.py")
    assert Path(found.info.preprocessing).read_bytes() == (tools.folder / "stages.py").read_bytes()


def test_a_prepared_model_is_made_once(tools):
    first = prepared(tools, "one_input")
    before = (first.folder / "prepared.json").stat().st_mtime_ns
    assert prepared(tools, "one_input").folder == first.folder
    assert (first.folder / "prepared.json").stat().st_mtime_ns == before


def test_each_step_is_told(tools):
    tools.said.clear()
    tools.prepare("exported:one_input", prepared="told")
    assert tools.said[-2:] == ["exporting the model", "comparing the exported model with the original"]
