"""A .tflite file quantised without its sources, and without TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from pipeline.made_networks import Classifier, samples_of
from support.made_graphs import Graph, Made, Op, constant, model
from support.needs import need_shared
from support.tiny_model import add_model, write

from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.check.sandbox import Reply
from harness.pipeline.check.verification.litert import LiteRTModel, dequantize
from harness.pipeline.check.verification.samples import read_samples
from harness.pipeline.model.conversion import quantize_client
from harness.pipeline.model.conversion.quantize_client import QuantizeAnswer, QuantizeJob, quantize_file
from harness.records.errors import BuildError, CandidateSpecError

NETWORK = Classifier()


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "source.tflite", NETWORK.content())


@pytest.fixture
def samples(tmp_path):
    return samples_of(NETWORK, tmp_path / "calibration.npz", n=60)


def outputs_of(path, inputs):
    """Dequantised outputs of a file for an .npz of floats."""
    opened = LiteRTModel(str(path))
    (gives,) = opened.outputs
    fed = read_samples(str(inputs), opened.inputs)
    return np.array([dequantize(opened.run(fed.sample(index))[0], gives)[0] for index in range(len(fed))])


@pytest.mark.parametrize(
    "case",
    [
        ("float32", "float32", 120),
        ("float16", "float32", 55),
        ("dynamic_int8", "float32", 25),
        ("int8", "int8", 25),
        ("int8_float_io", "float32", 25),
        ("int16x8", "int16", 30),
    ],
    ids=lambda case: case[0],
)
def test_every_number_format_computes_what_the_source_does(source, samples, tmp_path, case):
    recipe, dtype, db = case
    made = tmp_path / "made.tflite"

    quantize_file(source, recipe, made, samples=samples, seed=0)

    info = inspect_file(made)
    assert (info.inputs[0].dtype, info.outputs[0].dtype) == (dtype, dtype)
    right = NETWORK(np.load(samples)["i0"])
    error = outputs_of(made, samples) - right
    assert 10 * np.log10((right**2).sum() / max((error**2).sum(), 1e-30)) > db
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.npz", "made.tflite", "source.tflite"]


def test_the_same_question_gives_the_same_bytes(source, tmp_path):
    first, second, other = (tmp_path / name for name in ("a", "b", "c"))

    for path, seed in ((first, 0), (second, 0), (other, 1)):
        quantize_file(source, "int8", path, samples=None, seed=seed)

    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_random_calibration_is_told_and_real_one_is_not(source, samples, tmp_path):
    told = []

    quantize_file(source, "int8", tmp_path / "a", samples=None, seed=0, say=told.append)
    assert told == ["calibrating with 100 random inputs in [0, 1), since no samples were given"]
    quantize_file(source, "int8", tmp_path / "b", samples=samples, seed=0, say=told.append)
    quantize_file(source, "float16", tmp_path / "c", samples=None, seed=0, say=told.append)
    assert len(told) == 1


def test_no_tensorflow_is_needed(source, tmp_path):
    job = QuantizeJob(
        source=str(source),
        number_format="int8",
        output=str(tmp_path / "made"),
        samples=None,
        made_up=10,
        most_samples=10,
        seed=0,
    )
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'sklearn']))\n"
        "from harness.pipeline.model.conversion.quantize_main import main\n"
        "main(sys.stdin.read(), lambda answer: print(answer.model_dump_json()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], input=job.model_dump_json(), capture_output=True, text=True, check=True
    )

    assert QuantizeAnswer.model_validate_json(done.stdout).refused is None
    assert inspect_file(tmp_path / "made").inputs[0].dtype == "int8"


def test_old_files_name_their_operators_in_one_byte(source, samples, tmp_path):
    """litert-quantizer reads only the newer field, and would take every operator for ADD."""
    old = schema.ModelT.InitFromPackedBuf(bytearray(source.read_bytes()), 0)
    for code in old.operatorCodes:
        code.builtinCode = 0
    builder = __import__("flatbuffers").Builder(1024)
    builder.Finish(old.Pack(builder), b"TFL3")
    write(source, bytes(builder.Output()))

    quantize_file(source, "int8", tmp_path / "made.tflite", samples=samples, seed=0)

    counts = {operator.name: operator.count for operator in inspect_file(tmp_path / "made.tflite").inside.operators}
    assert counts == {"FULLY_CONNECTED": 2, "RELU": 1}


def refusal(source, recipe, tmp_path, **more):
    made = tmp_path / "made.tflite"
    with pytest.raises(BuildError) as caught:
        quantize_file(source, recipe, made, **({"samples": None, "seed": 0} | more))
    assert "\n" not in str(caught.value) and str(source) in str(caught.value)
    assert not made.exists() and not list(tmp_path.glob(".quantising-*"))
    return str(caught.value)


@pytest.mark.parametrize("recipe", ["float16", "dynamic_int8", "int8"])
def test_what_is_quantised_already_is_refused(tmp_path, recipe):
    path = write(tmp_path / "m.tflite", NETWORK.rounded_as_a_whole())

    assert "is quantised already (it has int8 tensors): give the float32 file" in refusal(path, recipe, tmp_path)


def test_half_floats_are_quantised_already(source, tmp_path):
    quantize_file(source, "float16", tmp_path / "half.tflite", samples=None, seed=0)

    assert "it has float16 tensors" in refusal(tmp_path / "half.tflite", "int8", tmp_path)


def test_a_step_that_trains_needs_a_model_that_can_be_trained(source, tmp_path, monkeypatch):
    assert "a .tflite file cannot be trained" in refusal(source, "prune(0.8)+int8", tmp_path)


def test_a_recipe_that_is_none_is_an_error_of_its_own(source, tmp_path):
    with pytest.raises(CandidateSpecError, match="unknown step"):
        quantize_file(source, "int9", tmp_path / "made", samples=None, seed=0)


@pytest.fixture
def with_cosine(tmp_path):
    """A network with an operator that the runtime has in float32 only."""
    tensors = {
        "x": Made((1, 6)),
        "w": constant(NETWORK.first),
        "h": Made((1, 8)),
        "y": Made((1, 8)),
    }
    operators = [Op("FULLY_CONNECTED", ["x", "w", ""], ["h"]), Op("COS", ["h"], ["y"])]
    return write(tmp_path / "cosine.tflite", model(Graph(tensors, operators, ["x"], ["y"])))


@pytest.mark.parametrize("recipe", ["int8", "int16x8"])
def test_operators_that_stay_in_floats_are_named(with_cosine, tmp_path, recipe):
    said = refusal(with_cosine, recipe, tmp_path)

    assert f"cannot be made {recipe}: litert-quantizer leaves COS (1) in float32; choose int8_float_io" in said


def test_with_float_ends_operators_may_stay_in_floats_which_is_told(with_cosine, tmp_path):
    told = []

    quantize_file(with_cosine, "int8_float_io", tmp_path / "made.tflite", samples=None, seed=0, say=told.append)

    assert told[1:] == ["litert-quantizer leaves COS (1) in float32"]
    assert inspect_file(tmp_path / "made.tflite").inputs[0].dtype == "float32"


@pytest.mark.parametrize("recipe", ["float16", "dynamic_int8"])
def test_a_model_without_weights_is_not_made_smaller(tmp_path, recipe):
    path = write(tmp_path / "add.tflite", add_model((1, 4)))

    assert f"has no weights that {recipe} would make smaller" in refusal(path, recipe, tmp_path)


def test_samples_that_do_not_fit_are_named(source, tmp_path):
    np.savez(tmp_path / "s.npz", i0=np.zeros((3, 5), np.float32))

    said = refusal(source, "int8", tmp_path, samples=tmp_path / "s.npz")

    assert "s.npz do not fit: they have shape (3, 5), where (n, 1, 6) was expected" in said


def test_a_file_with_several_signatures_is_refused(tmp_path):
    path = need_shared("models/litert_multi_signatures.bin")

    with pytest.raises(BuildError, match="it has 2 signatures: export each as a file of its own"):
        quantize_file(path, "int8", tmp_path / "made", samples=None, seed=0)


def test_a_damaged_file_is_one_line(source, tmp_path):
    write(source, source.read_bytes()[:200])

    with pytest.raises(Exception, match="damaged") as caught:
        quantize_file(source, "int8", tmp_path / "made", samples=None, seed=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply((), "was killed by SIGSEGV"), "the process that quantises it was killed by SIGSEGV"),
        (Reply((), None), "gave no answer"),
        (Reply(("<html>",), None), "gave no answer"),
    ],
)
def test_a_process_that_dies_leaves_nothing(source, tmp_path, monkeypatch, reply, told):
    monkeypatch.setattr(sandbox, "run", lambda *_: reply)

    assert told in refusal(source, "int8", tmp_path)


def test_without_the_library_it_is_said_what_to_install(source, tmp_path, monkeypatch):
    monkeypatch.setattr(quantize_client, "find_spec", lambda _: None)

    with pytest.raises(BuildError, match=r"pip install 'edge-harness\[quantize\]'"):
        quantize_file(source, "int8", tmp_path / "made", samples=None, seed=0)
    quantize_file(source, "float32", tmp_path / "made", samples=None, seed=0)
    assert (tmp_path / "made").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ["tiny_ad01", "tiny_ic_resnet8"])
def test_the_mlperf_tiny_files_become_int8_from_end_to_end(tmp_path, name):
    path = need_shared(f"models/{name}_fp32.tflite")

    quantize_file(path, "int8", tmp_path / "made.tflite", samples=None, seed=0)

    before, after = inspect_file(path), inspect_file(tmp_path / "made.tflite")
    assert (after.inputs[0].dtype, after.outputs[0].dtype) == ("int8", "int8")
    assert after.inside.macs == before.inside.macs
    assert after.size_bytes < 0.35 * before.size_bytes
