"""Every number format, from a small trained model to a file; and what a converter's refusal is told as."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.kept_cache import kept_folder
from support.warm_builds import run_with_tensorflow

from harness.pipeline import inspect_file
from harness.pipeline.model.conversion.converter_errors import describe_failure

BUILD = """
import json
import sys
from pathlib import Path
import numpy as np
import keras
from harness.pipeline.model.job import BuildJob, ModelSource
from harness.pipeline.model.conversion.convert import convert
from harness.pipeline.model.export.export_keras import export_keras
from harness.records.errors import BuildError

folder = Path(sys.argv[1])

def prepared(model, name):
    place = folder / name
    export_keras(model, place / "saved_model", name)
    samples = np.random.default_rng(0).random((40, *model.input_shape[1:]), dtype=np.float32)
    np.savez(place / "calibration.npz", **{model.inputs[0].name: samples})
    return place

def build(place, recipe, label):
    job = BuildJob(model=ModelSource(kind="factory", source="m:m", label=label), trainings=[], recipe=recipe, seed=0,
                   prepared=str(place), output=str(place / f"{recipe}.tflite"))
    try:
        convert(job, place)
    except BuildError as error:
        return str(error)
    return ""

class Steps(keras.layers.Layer):
    def call(self, x):
        return keras.ops.floor(x)

keras.utils.set_random_seed(0)
image = keras.Input((8, 8, 1), name="image")
x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="first")(image)
x = keras.layers.Flatten()(x)
network = prepared(keras.Model(image, keras.layers.Dense(4, activation="softmax", name="last")(x)), "network")
given = keras.Input((6,), name="x")
x = Steps(name="whole_steps")(keras.layers.Dense(5, name="before")(given))
stepped = prepared(keras.Model(given, keras.layers.Dense(2, name="after")(x)), "stepped")
told = {recipe: build(stepped, recipe, "stepped") for recipe in sys.argv[2:]}
told |= {f"network/{recipe}": build(network, recipe, "network") for recipe in sys.argv[2:]}
(folder / "told.json").write_text(json.dumps(told))
"""
FORMATS = {
    "float32": "float32",
    "float16": "float32",
    "dynamic_int8": "float32",
    "int8": "int8",
    "int8_float_io": "float32",
    "int16x8": "int16",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    kept = kept_folder("formats", BUILD + repr(FORMATS), lambda made: run_with_tensorflow(BUILD, made, *FORMATS))
    return shutil.copytree(kept, tmp_path_factory.mktemp("formats"), dirs_exist_ok=True)


@pytest.fixture(scope="module")
def built(folder) -> Path:
    """The files of a network that every format can hold."""
    assert not any(line for recipe, line in refusals(folder).items() if recipe.startswith("network/"))
    return folder / "network"


def refusals(folder: Path) -> dict[str, str]:
    return json.loads((folder / "told.json").read_text())


@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8", "int8_float_io"])
def test_an_operator_without_integers_is_converted_where_floats_are_allowed(folder, recipe):
    assert refusals(folder)[recipe] == ""
    assert dict(operator_counts(folder / f"stepped/{recipe}.tflite"))["FLOOR"] == 1


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("int8", 'TensorFlow Lite computes FLOOR (layer "whole_steps") with floats only, and int8 is integers'),
        ("int16x8", 'TensorFlow Lite has no such integer form of FLOOR (layer "whole_steps")'),
    ],
)
def test_an_operator_without_integers_is_named_with_its_layer(folder, recipe, reason):
    line = refusals(folder)[recipe]
    assert line.startswith(f"stepped/{recipe}: {reason}")
    assert len(line.splitlines()) == 1
    assert not (folder / f"stepped/{recipe}.tflite").exists()


def operator_counts(path: Path) -> list[tuple[str, int]]:
    return [(tally.name, tally.count) for tally in inspect_file(path).inside.operators]


@pytest.mark.parametrize(("recipe", "ends"), FORMATS.items())
def test_inputs_and_outputs_of_each_format(built, recipe, ends):
    info = inspect_file(built / f"{recipe}.tflite")
    assert {tensor.dtype for tensor in (*info.inputs, *info.outputs)} == {ends}
    quantised = ends != "float32"
    assert all((tensor.scale > 0) == quantised for tensor in (*info.inputs, *info.outputs))
    assert all(tensor.shape[0] == 1 for tensor in (*info.inputs, *info.outputs))


def test_integers_are_smaller_than_halves_and_those_than_floats(built):
    size = {recipe: (built / f"{recipe}.tflite").stat().st_size for recipe in FORMATS}
    assert size["int8"] < size["float16"] < size["float32"]
    assert size["dynamic_int8"] < size["float16"]


def test_the_work_is_the_same_in_every_format(built):
    works = {recipe: inspect_file(built / f"{recipe}.tflite").inside.macs for recipe in FORMATS}
    assert set(works.values()) == {8 * 8 * 9 * 8 + 8 * 8 * 8 * 4}


def test_dense_weights_have_one_scale(built):
    """tflite-runtime 2.14 takes dynamic-range dense layers in no other form, and the file is smaller."""
    kinds = inspect_file(built / "int8.tflite").contents.weights
    assert any(kind.dtype == "int8" and "tensor" in str(kind) for kind in kinds)


def told(text: str) -> str:
    line = describe_failure(RuntimeError(text))
    assert len(line.splitlines()) == 1
    return line


LACKING = (
    'Could not translate MLIR to FlatBuffer.<unknown>:0: error: loc(callsite(fused["Digamma:", '
    '"functional_1/{layer}/Digamma@__inference___call___98"] at callsite(fused["StatefulPartitionedCall:", '
    '"StatefulPartitionedCall@__inference_signature_wrapper___call___125"] at fused["X:", "X_1"]))): '
    "'tf.Digamma' op is neither a custom op nor a flex op\n<unknown>:0: note: called from\n" + "more " * 2000
)


@pytest.mark.parametrize(("layer", "name"), [("odd_layer_1", "odd_layer"), ("odd", "odd")])
def test_an_operator_that_is_lacking_is_named_with_its_layer(layer, name):
    line = told(LACKING.format(layer=layer))
    assert 'no operator Digamma, which is needed in the layer "' in line
    assert f'"{name}"' in line


def test_other_reasons_keep_the_converter_s_words_on_one_line():
    assert "no calibration data" in told("representative_dataset must be\nspecified")
    assert "overflow" in told("op 3: no_integer_overflow_from_quantization was not true")
    assert told("something\nelse").endswith("something else")


def test_a_large_calibration_part_is_taken_from_its_whole_length(tmp_path):
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from harness.pipeline.model.conversion import convert\n"
        "folder = Path(sys.argv[1])\n"
        "np.savez(folder / 'calibration.npz', x=np.arange(2000, dtype=np.float32).reshape(2000, 1))\n"
        "taken = [float(sample['x'][0, 0]) for sample in convert._calibration(folder, 'm/int8')]\n"
        "print(len(taken), taken[0], taken[-1], len(set(taken)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True)
    count, first, last, unlike = done.stdout.split()
    assert (int(count), float(first), float(last), int(unlike)) == (500, 0.0, 1999.0, 500)
