"""Recurrent layers in each number format: what cannot be made is named before the converter dies of it."""

from pathlib import Path

import pytest
from pipeline.workbench import Workbench

from harness.pipeline.builder.complete_artifact import _unchanged_weights
from harness.pipeline.check.sandbox import last_words
from harness.pipeline.model.conversion.quantize_client import quantize_file
from harness.records.errors import BuildError

MODELS = '''
"""Small recurrent networks."""
from pathlib import Path
import keras
from keras import layers

def _model(layer, width=4):
    return keras.Sequential([keras.Input((6, width)), layer, layers.Flatten(), layers.Dense(2)])

def lstm():
    return _model(layers.LSTM(4, name="memory"))

def gru_inside():
    inner = keras.Sequential([keras.Input((6, 4)), layers.GRU(4, name="gates", return_sequences=True)], name="inner")
    return _model(inner)

def both_ways():
    return _model(layers.Bidirectional(layers.SimpleRNN(4), name="ways"))

def of_any_batch():
    given = lstm()
    given.export(str(Path(__file__).with_name("of_any_batch")), verbose=False)
    return given

def unrolled():
    return _model(layers.LSTM(4, unroll=True))

def step_by_step():
    return _model(layers.TimeDistributed(layers.Dense(3)))
'''


@pytest.fixture(scope="module")
def tools(workbench: Workbench) -> Workbench:
    (workbench.folder / "recurrent.py").write_text(MODELS, encoding="utf-8")
    workbench.prepare("recurrent:of_any_batch")
    return workbench


@pytest.mark.parametrize("recipe", ["int8", "int8_float_io", "int16x8"])
@pytest.mark.parametrize(("factory", "layer"), [("lstm", "memory"), ("gru_inside", "gates"), ("both_ways", "_rnn")])
def test_a_loop_is_named_with_the_ways_that_work(tools, factory, layer, recipe):
    with pytest.raises(BuildError) as caught:
        tools.convert(f"recurrent:{factory}", recipe)
    said = str(caught.value)
    assert layer in said and all(way in said for way in ("unroll=True", "dynamic_int8", "float16")), said
    assert "SIG" not in said and "warn" not in said


@pytest.mark.parametrize("recipe", ["int8", "int8_float_io", "int16x8"])
@pytest.mark.parametrize("factory", ["unrolled", "step_by_step"])
def test_what_has_no_loop_is_made(tools, factory, recipe):
    assert tools.convert(f"recurrent:{factory}", recipe).stat().st_size


def test_weights_in_a_loop_stay_and_it_is_said(tools):
    same = tools.convert("recurrent:lstm", "dynamic_int8")
    assert "made no weights smaller" in _unchanged_weights(same, "dynamic_int8")[0]
    assert _unchanged_weights(tools.convert("recurrent:lstm", "float16"), "float16") == ()
    assert _unchanged_weights(same, "float32") == _unchanged_weights(same, None) == ()


def test_a_file_with_a_loop_is_refused_where_ranges_are_needed(tools, tmp_path):
    source = tools.convert("recurrent:lstm")
    for recipe in ("int8", "int16x8"):
        with pytest.raises(BuildError, match=r'WHILE \(layer "memory"\).*dynamic_int8') as caught:
            quantize_file(Path(source), recipe, tmp_path / "made.tflite", samples=None, seed=0)
        assert "\n" not in str(caught.value)


def test_a_saved_model_whose_loop_has_an_open_batch_is_told_the_way_out(tools):
    with pytest.raises(BuildError) as caught:
        tools.convert(str(tools.folder / "of_any_batch"), kind="saved_model")
    assert "export it with a batch of one" in str(caught.value), caught.value


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("Fatal: no\nx.py:3: UserWarning: old\n  warnings.warn(_OLD)\n", "Fatal: no"),
        ("/a/b.py:10: DeprecationWarning: gone\n  call(it)\n", ""),
        ("I0000 00:00:1 port.cc:153] on\n2026-11-28 10:00:00.1: W a.cc:3] slow\nINFO: made\n", ""),
        ("E0000 00:00:1 a.cc:1] broken\n", "E0000 00:00:1 a.cc:1] broken"),
        ("", ""),
    ],
)
def test_a_warning_is_no_reason(stderr, said):
    assert last_words(stderr) == said
