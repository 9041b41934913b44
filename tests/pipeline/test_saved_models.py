"""SavedModels of the user's as candidates: which signature, which sizes, what they may hold."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pipeline.workbench import Workbench

from harness.pipeline import inspect_file
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.artifact import Inside

MAKERS = '''
"""Writes SavedModels as users have them. The factory itself gives any model."""
from pathlib import Path
import keras
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

HERE = Path(__file__).parent

def _module(shape, compute, name="x", dtype=tf.float32):
    """A module with one function."""
    module = tf.Module()
    module.serve = tf.function(compute, input_signature=[tf.TensorSpec(shape, dtype, name=name)])
    return module

def _write(folder, module, **signatures):
    tf.saved_model.save(module, str(HERE / folder), signatures=signatures or None)

def _image_model():
    x = given = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization()(keras.layers.DepthwiseConv2D(3)(x))
    x = keras.layers.Reshape((4,))(keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(given, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x)))

def _digits_model():
    x = keras.Input((8, 8, 1), name="image")
    return keras.Model(x, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x)))

def _table():
    module = tf.Module()
    keys, values = tf.constant([1, 2], tf.int64), tf.constant([10, 20], tf.int64)
    module.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)
    module.serve = tf.function(module.table.lookup, input_signature=[tf.TensorSpec((None, 2), tf.int64, name="x")])
    return module

FILE = str(HERE / "written")

def _size(text):
    return tf.cast(tf.strings.length(text), tf.float32)

def _printed(x):
    with tf.control_dependencies([tf.print("x", output_stream="file://" + FILE)]):
        return tf.identity(x)

def _saved(x):
    done = tf.raw_ops.SaveV2(prefix=FILE, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    with tf.control_dependencies([done]):
        return tf.identity(x)

def _summary(x):
    writer = tf.raw_ops.SummaryWriter()
    made = tf.raw_ops.CreateSummaryFileWriter(
        writer=writer, logdir=FILE, max_queue=1, flush_millis=1, filename_suffix=""
    )
    with tf.control_dependencies([made]):
        return tf.identity(x)

def _whole_file(x):
    reader = tf.raw_ops.WholeFileReaderV2()
    queue = tf.raw_ops.FIFOQueueV2(component_types=[tf.string])
    return x + _size(tf.raw_ops.ReaderReadV2(reader_handle=reader, queue_handle=queue)[1])

def _lines(x):
    lines = tf.data.TextLineDataset("/etc/hostname").reduce(0.0, lambda a, line: a + _size(line))
    return x + lines

def _restored(x):
    return x + tf.raw_ops.RestoreV2(prefix=FILE, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])[0]

def _in_a_branch(x):
    return tf.cond(x[0, 0] > 2, lambda: x + _size(tf.io.read_file("/etc/hostname")), lambda: x)

def _in_a_loop(x):
    return tf.while_loop(lambda y: y[0, 0] > 2, lambda y: [_printed(y)], [x])[0]

def _in_a_function_of_a_function(x):
    return tf.function(lambda y: tf.function(_in_a_branch)(y) * 2)(x)

def _memory_region(x):
    return x + tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=(4,), memory_region_name="/etc/hostname")

OPERATORS = {
    "PrintV2": _printed, "SaveV2": _saved, "SummaryWriter": _summary, "WholeFileReaderV2": _whole_file,
    "TextLineDataset": _lines, "RestoreV2": _restored, "branch": _in_a_branch, "loop": _in_a_loop,
    "nested": _in_a_function_of_a_function, "ImmutableConst": _memory_region,
    "WriteFile": lambda x: x + (0.0 if tf.io.write_file(FILE, "x") is None else 1.0),
    "MatchingFiles": lambda x: x + tf.cast(tf.size(tf.io.matching_files("/etc/*")), tf.float32),
}

def _write_one_that_calls_its_saver():
    """What saves a model is never run, unless something else calls it."""
    fixed = _module((1, 4), lambda x: {"sum": tf.reduce_sum(x, 1)})
    _write("calls_its_saver", fixed, serving_default=fixed.serve)
    file = HERE / "calls_its_saver" / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    functions = {one.signature.name: one for one in model.meta_graphs[0].graph_def.library.function}
    saver = next(name for name in functions if "traced_save" in name)
    served = next(one for name, one in functions.items() if "signature_wrapper" in name)
    served.node_def.add(name="call", op="StatefulPartitionedCall").attr["f"].func.name = saver
    file.write_bytes(model.SerializeToString())

def write():
    _image_model().export(str(HERE / "dynamic"), verbose=False)
    _digits_model().export(str(HERE / "digits_model"), verbose=False)
    a, b = keras.Input((3,), name="b"), keras.Input((5,), name="a")
    keras.Model([a, b], {"two": keras.layers.Dense(2)(a), "three": keras.layers.Dense(3)(b)}).export(
        str(HERE / "several"), verbose=False
    )
    doubled = _module((None, 4), lambda x: {"twice": 2 * x})
    _write("doubled", doubled, only=doubled.serve)
    _write("two_signatures", doubled, one=doubled.serve, other=doubled.serve)
    with_default = _module((None, 4), lambda x: {"twice": 2 * x})
    half = tf.function(lambda x: {"half": x / 2}, input_signature=[tf.TensorSpec((None, 4), tf.float32, name="x")])
    with_default.half = half
    _write("with_default", with_default, serving_default=with_default.serve, other=half)
    _write("no_signature", tf.Module())
    fixed = _module((1, 4), lambda x: {"sum": tf.reduce_sum(x, 1)})
    _write("fixed", fixed, serving_default=fixed.serve)
    whole = _module((None, 4), lambda x: {"top": tf.argmax(x, 1, tf.int32)})
    _write("whole_numbers", whole, serving_default=whole.serve)
    for name, shape in {"any_length": (None, None, 3), "any_shape": None, "eight": (8, 3), "scalar": ()}.items():
        module = _module(shape, lambda x: {"y": x + 1.0})
        _write(name, module, serving_default=module.serve)
    picks = _module((None, 4), lambda x: {"some": tf.boolean_mask(x, x[0] > 0.5, axis=1)})
    _write("picks", picks, serving_default=picks.serve)
    size = lambda: tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)
    rows = _module((None, 4), lambda x: {"some": tf.boolean_mask(x, x[:, 0] > 2)})
    _write("rows", rows, serving_default=rows.serve)
    reads = _module((None, 4), lambda x: {"y": x + size()})
    _write("reads_a_file", reads, serving_default=reads.serve)
    calls = _module((None, 4), lambda x: {"y": tf.reshape(tf.py_function(lambda v: v, [x], tf.float32), (1, 4))})
    _write("runs_python", calls, serving_default=calls.serve)
    for name, op in OPERATORS.items():
        reaching = _module((None, 4), lambda x: {"y": x + op(x)})
        _write(name, reaching, serving_default=reaching.serve)
    endless = _module((None, 4), lambda x: {"y": tf.while_loop(lambda y: y[0, 0] > -1, lambda y: [y * 1.5], [x])[0]})
    _write("endless", endless, serving_default=endless.serve)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), "x")
        y = tf.matmul(x, tf.compat.v1.get_variable("w", initializer=tf.ones((4, 2))))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(HERE / "first_version"), {"x": x}, {"y": y})
    _write_one_that_calls_its_saver()
    inner = keras.Sequential([keras.Input((6, 3)), keras.layers.Bidirectional(keras.layers.LSTM(4))])
    inner.export(str(HERE / "recurrent"), verbose=False)
    words = _module((None, 1), lambda x: {"y": tf.strings.lower(x)}, dtype=tf.string)
    _write("words", words, serving_default=words.serve)
    table = _table()
    _write("table", table, serving_default=table.serve)
    broken = _module((None, 4), lambda x: {"y": x * float("nan")})
    _write("nan", broken, serving_default=broken.serve)
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
'''


REACHING = (
    "PrintV2",
    "SaveV2",
    "SummaryWriter",
    "WholeFileReaderV2",
    "TextLineDataset",
    "RestoreV2",
    "ImmutableConst",
    "WriteFile",
    "MatchingFiles",
)
"""Operators that touch files."""
_CPU_S = 6.0


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    (workbench.folder / "makers.py").write_text(MAKERS, encoding="utf-8")
    workbench.prepare("makers:write")
    return workbench


def path(tools: Workbench, name: str) -> str:
    return str(tools.folder / name)


def inside(file: Path) -> Inside:
    found = inspect_file(file).inside
    assert found is not None
    return found


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_dynamic_batch_is_fixed_and_nothing_computes_it_any_more(tools, recipe):
    file = tools.convert(path(tools, "dynamic"), recipe, kind="saved_model")
    operators = {one.name for one in inside(file).operators}
    assert {"CONV_2D", "FULLY_CONNECTED"} <= operators
    assert not operators & {"SHAPE", "STRIDED_SLICE", "PACK"}
    assert [one.shape for one in inspect_file(file).inputs] == [(1, 16, 16, 3)]


def test_several_inputs_and_named_outputs(tools):
    info = inspect_file(tools.convert(path(tools, "several"), kind="saved_model"))
    assert sorted(one.shape for one in info.inputs) == [(1, 3), (1, 5)]
    assert sorted(one.shape for one in info.outputs) == [(1, 2), (1, 3)]


@pytest.mark.parametrize("name", ["doubled", "with_default", "fixed", "whole_numbers"])
def test_the_default_signature_or_the_only_one_is_taken(tools, name):
    info = inspect_file(tools.convert(path(tools, name), kind="saved_model"))
    assert [one.shape for one in info.inputs] == [(1, 4)]


def test_the_default_signature_is_not_another_one(tools):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(model_path=str(tools.convert(path(tools, "with_default"), kind="saved_model")))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.full((1, 4), 3, np.float32))
    interpreter.invoke()
    assert interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist() == [[6, 6, 6, 6]]


def test_without_data_no_accuracy_is_claimed_and_calibration_is_made_up(tools):
    found = tools.prepare(path(tools, "dynamic"), kind="saved_model")
    assert found.info.dataset is None
    assert found.info.accuracy_reason == "no data set was named, so that no accuracy is claimed"
    assert found.info.trainings == ()
    assert found.arrays("calibration.npz")["image"].shape == (100, 16, 16, 3)


def test_with_data_the_whole_test_part_is_kept(tools):
    found = tools.prepare(path(tools, "digits_model"), kind="saved_model", data="digits")
    assert (found.info.dataset, found.info.accuracy_reason, found.info.score) == ("scikit-learn digits", None, "top1")
    assert len(found.arrays("test.npz")["labels"]) == 500


def test_data_of_another_shape_is_one_line(tools):
    message = tools.refusal(path(tools, "dynamic"), kind="saved_model", data="digits")
    assert "8, 8, 1" in message and "(n, 16, 16, 3)" in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_signatures", ["one, other", "serving_default"]),
        ("no_signature", ["no signature"]),
        ("any_length", ['input "x"', "(None, None, 3)", "--samples", "fixed sizes"]),
        ("any_shape", ['input "x"', "any shape"]),
        ("eight", ['input "x"', "(8, 3)", "a batch of None or 1"]),
        ("scalar", ['input "x"', "()"]),
        ("picks", ['output "some"', "(1, None)", "known before it runs"]),
        ("rows", ['output "some"', "(0, 4)", "(1, 4)"]),
        ("reads_a_file", ["is ReadFile, which reaches out of the graph"]),
        ("runs_python", ["EagerPyFunc", "reaches out of the graph"]),
        *((name, [f" {name}", "which reaches out of the graph"]) for name in REACHING if name != "TextLineDataset"),
        ("TextLineDataset", ["is FlatMapDataset (and ReduceDataset, TensorSliceDataset, TextLineDataset), which"]),
        ("branch", ["is ReadFile, which"]),
        ("nested", ["is ReadFile, which"]),
        ("loop", ["is PrintV2, which"]),
        ("calls_its_saver", ["is MergeV2Checkpoints (and SaveV2, ShardedFilename), which"]),
        ("words", ['input "x"', "string"]),
        ("nan", ['output "y"', "NaN"]),
        ("gone", ["saved_model.pb", "No such file"]),
    ],
)
def test_what_a_saved_model_may_not_be(tools, name, words):
    message = tools.refusal(path(tools, name), kind="saved_model", label=name)
    assert message.startswith(name)
    assert all(word in message for word in words), message


def test_a_loop_without_end_is_given_up_and_the_next_model_is_read(tools):
    with WorkerClient(cpu_s=_CPU_S) as worker:
        bench = Workbench(tools.folder, worker)
        message = bench.refusal(path(tools, "endless"), kind="saved_model", label="endless", prepared="loops")
        assert message.startswith("endless: ") and "6 s of processor time" in message and "loop" in message
        assert bench.prepare(path(tools, "fixed"), kind="saved_model", prepared="after the loop").info


@pytest.mark.parametrize("name", ["first_version", "recurrent"])
def test_models_of_other_makes_are_read(tools, name):
    assert tools.prepare(path(tools, name), kind="saved_model").info


def test_a_saved_model_is_not_trained_further(tools):
    message = tools.refusal(path(tools, "dynamic"), kind="saved_model", steps=["prune(0.8)"])
    assert ".keras" in message


@pytest.mark.parametrize("damage", ["proto", "variables"])
def test_damaged_files_are_one_line(tools, damage, tmp_path):
    copy = shutil.copytree(tools.folder / "dynamic", tmp_path / "damaged")
    for file in [copy / "saved_model.pb"] if damage == "proto" else (copy / "variables").iterdir():
        file.write_bytes(b"\xff" + file.read_bytes()[:100])
    message = tools.refusal(str(copy), kind="saved_model", label="damaged")
    assert message.startswith("damaged: "), message


def test_the_same_file_twice_gives_the_same_bytes(tools):
    first = tools.convert(path(tools, "several"), kind="saved_model", prepared="first").read_bytes()
    tools.convert(path(tools, "dynamic"), kind="saved_model", prepared="between")
    assert tools.convert(path(tools, "several"), kind="saved_model", prepared="second").read_bytes() == first


def test_tables_come_along(tools):
    assert list(tools.prepare(path(tools, "table"), kind="saved_model").arrays("calibration.npz")) == ["x"]


def test_nothing_is_written_into_the_users_folder(tools):
    before = listing(tools.folder / "fixed")
    tools.prepare(path(tools, "fixed"), kind="saved_model", prepared="elsewhere")
    assert listing(tools.folder / "fixed") == before


def listing(folder: Path) -> str:
    return json.dumps(sorted([str(one), one.stat().st_mtime_ns] for one in folder.rglob("*")))
