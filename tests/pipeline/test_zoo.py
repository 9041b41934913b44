"""The models that come with the harness: their architectures, widths, data, and what they refuse."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.experiments import outcome, put_experiments
from support.needs import need_shared

from harness.pipeline import ZOO, inspect_file
from harness.pipeline.model.dataset import Dataset, Schedule
from harness.pipeline.model.zoo.common import BRIEF, channels, check_width, class_count, image_shape, schedule_for
from harness.records.errors import BuildError

SMALL = ("ad_autoencoder", "dense_net", "digits_cnn", "ic_resnet8", "kws_ds_cnn", "vww_mobilenet_v1")

CONVOLUTIONS = {"AVERAGE_POOL_2D": 1, "RESHAPE": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
REFERENCES = {
    "resnet8": ("tiny_ic_resnet8", 98_496, 12_501_632, {"CONV_2D": 9, "ADD": 3, **CONVOLUTIONS}),
    "ds_cnn": ("tiny_kws_dscnn", 53_936, 2_656_768, {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 4, **CONVOLUTIONS}),
    "mobilenet_v1": ("tiny_vww96", 333_288, 7_489_664, {"CONV_2D": 14, "DEPTHWISE_CONV_2D": 13, **CONVOLUTIONS}),
    "autoencoder": ("tiny_ad01", 276_976, 264_192, {"FULLY_CONNECTED": 10}),
}
"""MLPerf Tiny's own: the name, the int8 file's bytes, the multiply-accumulates, the operators."""


def counted(path: Path) -> tuple[int, dict[str, int]]:
    inside = inspect_file(path).inside
    return inside.macs, {tally.name: tally.count for tally in inside.operators}


@pytest.mark.parametrize("factory", REFERENCES)
def test_the_four_are_the_published_ones_operator_by_operator(workbench, factory):
    put_experiments(workbench)
    _, _, macs, operators = REFERENCES[factory]
    assert counted(workbench.convert(f"zoo_models:{factory}")) == (macs, operators)


@pytest.mark.parametrize("factory", REFERENCES)
def test_in_integers_they_are_no_larger_than_the_published_files(workbench, factory):
    put_experiments(workbench)
    _, published, macs, operators = REFERENCES[factory]
    made = workbench.convert(f"zoo_models:{factory}", "int8")
    assert made.stat().st_size <= published
    assert counted(made) == (macs, operators)
    info = inspect_file(made)
    assert [tensor.dtype for tensor in (*info.inputs, *info.outputs)] == ["int8", "int8"]


@pytest.mark.parametrize("factory", REFERENCES)
def test_the_published_files_count_the_same(factory):
    name, published, macs, operators = REFERENCES[factory]
    assert counted(need_shared(f"models/{name}_fp32.tflite")) == (macs, operators)
    assert need_shared(f"models/{name}_int8.tflite").stat().st_size == published


def test_models_as_they_come(workbench):
    found = outcome(workbench, "zoo_models:as_they_come")
    assert {name: (one["input"], one["output"]) for name, one in found.items()} == {
        "ic_resnet8": ([32, 32, 3], [10]),
        "kws_ds_cnn": ([49, 10, 1], [12]),
        "vww_mobilenet_v1": ([96, 96, 3], [2]),
        "ad_autoencoder": ([640], [640]),
        "digits_cnn": ([8, 8, 1], [10]),
        "dense_net": ([8, 8, 1], [10]),
    }
    assert all(one["finite"] for one in found.values())
    made_up = {name for name, one in found.items() if one["data"].startswith("synthetic(0)")}
    assert made_up == {"ic_resnet8", "kws_ds_cnn", "vww_mobilenet_v1", "ad_autoencoder"}
    assert {found[name]["epochs"] for name in made_up} == {BRIEF.epochs}


def test_a_width_scales_channels_and_leaves_the_ends(workbench):
    whole, half = outcome(workbench, "zoo_models:as_they_come"), outcome(workbench, "zoo_models:half_as_wide")
    for name in SMALL:
        assert half[name]["layers"] == whole[name]["layers"]
        assert half[name]["output"] == whole[name]["output"]
        assert half[name]["first"] == whole[name]["first"] / 2
        assert 0.2 < half[name]["parameters"] / whole[name]["parameters"] < 0.6


def test_at_the_least_width_a_channel_is_left(workbench):
    for one in outcome(workbench, "zoo_models:hair_thin").values():
        assert one["first"] == 1 and one["finite"]


def test_mobilenets_are_those_of_keras_applications(workbench):
    found = outcome(workbench, "zoo_models:of_applications")
    for name, parameters in {"mobilenet_v2": 3_538_984, "mobilenet_v3_small": 2_554_968}.items():
        whole, small = found[name]["default"], found[name]["small"]
        # As keras.io/api/applications gives them: 3.5 M, and 2.5 M in the paper's table 1 for V3.
        assert (whole["input"], whole["output"], whole["parameters"]) == ([224, 224, 3], [1000], parameters)
        assert (small["input"], small["output"]) == ([64, 64, 3], [1000])
        assert small["parameters"] < 0.7 * parameters


def test_a_model_follows_its_data_or_refuses_it(workbench):
    found = outcome(workbench, "zoo_models:on_other_data")
    for name in ("ic_resnet8", "kws_ds_cnn"):
        assert (found[name]["input"], found[name]["output"], found[name]["train"]) == ([8, 8, 1], [10], 1097)
    assert (found["dense_net"]["input"], found["dense_net"]["output"]) == ([12], [3])
    assert found["dense_net"]["parameters"] == (12 + 1) * 10 + 2 * (10 + 1) * 10 + (10 + 1) * 3
    assert "takes images (height, width, channels), and a sample of" in found["rows for pictures"]
    for case in ("classes for anomalies", "pictures for anomalies"):
        assert found[case].startswith("ad_autoencoder: ") and "\n" not in found[case]


def test_arguments_that_cannot_be_are_one_line_each(workbench):
    found = outcome(workbench, "zoo_models:wrong_arguments")
    width = "where a number above 0 and up to 16 was expected, such as 0.5"
    assert found["no width"] == f"ic_resnet8: width is 0, {width}"
    assert found["negative"] == f"kws_ds_cnn: width is -1.0, {width}"
    assert found["a truth"] == f"vww_mobilenet_v1: width is True, {width}"
    assert found["a word"] == f"ad_autoencoder: width is 'half', {width}"
    assert found["huge"] == f"digits_cnn: width is 1000000000.0, {width}"
    assert found["no epochs"] == "digits_cnn: epochs is 0, where a whole number from 1 was expected"
    assert found["half an epoch"] == "digits_cnn: epochs is 0.5, where a whole number from 1 was expected"
    assert found["unknown"] == (
        "ic_resnet8: its factory has no argument widht: did you mean width? it takes width, data, epochs"
    )
    assert found["far off"] == (
        "dense_net: its factory has no argument colour: it takes width, data, units, depth, epochs"
    )
    assert found["data"].startswith("ic_resnet8: ") and "did you mean fashion_mnist?" in found["data"]
    assert found["depth"] == "dense_net: depth is -1, where a whole number from 0 to 100 was expected"
    assert found["units"] == "dense_net: units is 0, where a whole number from 1 was expected"
    assert found["size"] == "mobilenet_v2: size is 16, where a whole number from 32 to 1024 was expected"


@pytest.mark.parametrize("name", ZOO)
def test_every_factory_is_named_after_its_model_and_takes_width_and_data(name):
    module, _, function = ZOO[name].partition(":")
    factory = getattr(importlib.import_module(module), function)
    assert function == name and module.endswith(f".{name}")
    parameters = inspect.signature(factory).parameters
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert parameters["width"].default == 1.0
    assert parameters["data"].default == ("digits" if name in ("digits_cnn", "dense_net") else "synthetic(0)")
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters.values())
    assert factory.__doc__.splitlines()[0].endswith(".")


def test_naming_the_zoo_loads_nothing_heavy():
    code = "import harness.pipeline.model.zoo, sys; print(*{'numpy','tensorflow','keras','pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@given(st.integers(1, 2048), st.floats(0.001, 16))
def test_channels_are_near_what_the_width_asks_for(count, width):
    found = channels(count, width)
    assert found >= 1
    assert abs(found - count * width) <= 2
    assert found < 8 or count % 4 or found % 4 == 0
    assert channels(count, 1.0) == count


@pytest.mark.parametrize(
    ("count", "width", "expected"),
    [(16, 1, 16), (64, 0.5, 32), (64, 0.3, 20), (8, 0.1, 1), (8, 0.5, 4), (12, 0.6, 7), (10, 1, 10), (10, 2, 20)],
)
def test_channels_by_hand(count, width, expected):
    assert channels(count, width) == expected


@pytest.mark.parametrize("width", [0, -0.5, 17, "1", None, False, float("inf"), float("nan")])
def test_no_width(width):
    with pytest.raises(BuildError, match="where a number above 0 and up to 16 was expected"):
        check_width(width)


def data(train: int | None, **changes: Any) -> Dataset:
    samples = np.zeros((4, 3), np.float32)
    given = {
        "train_inputs": None if train is None else np.zeros((train, 3), np.uint8),
        "train_labels": None if train is None else np.zeros(train, np.int64),
    }
    return Dataset("some", samples, samples, np.arange(4), **{**given, **changes})


def test_a_schedule_has_fewer_epochs_the_more_data_there_are():
    few, middle, many = (schedule_for(data(count)) for count in (1_097, 10_000, 54_000))
    assert few.epochs >= middle.epochs > many.epochs
    assert schedule_for(data(480, accuracy_reason="made up")) == BRIEF
    own = Schedule(epochs=1)
    assert schedule_for(data(480, accuracy_reason="made up"), brief=own) == own
    assert schedule_for(data(1_097), brief=own) == few
    assert schedule_for(data(1_097), epochs=3).epochs == 3
    assert schedule_for(data(None)) == few


def test_classes_are_counted_in_both_parts():
    assert class_count(data(5), "a model") == 4
    assert class_count(data(5, train_labels=np.array([0, 9, 1, 1, 1])), "a model") == 10
    assert class_count(data(None), "a model") == 4
    with pytest.raises(BuildError, match="a model tells classes apart, and some has none"):
        class_count(data(5, train_labels=None, score="auc"), "a model")
    with pytest.raises(BuildError, match=r"a model takes images \(height, width, channels\), and a sample of some"):
        image_shape(data(5), "a model")
