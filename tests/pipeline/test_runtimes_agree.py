"""One artifact, three runtimes: LiteRT on the host, TensorFlow's own interpreter, tflite-runtime as boards have it."""

import os
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support import needs
from support.kept_cache import kept_cache
from support.warm_builds import run_with_tensorflow

from harness.board import LiveBoard, choose_runner, open_board
from harness.board.provision import provision
from harness.measure.output_check import SQNR_DB, OutputVerdict, check_outputs
from harness.pipeline import Builder, candidates_from_paths
from harness.pipeline.check.inspection.flatbuffer import root
from harness.pipeline.check.inspection.graph import read_graphs
from harness.pipeline.check.verification.golden_client import HostInputs, run_on_host
from harness.pipeline.model.conversion.quantize_client import quantize_file
from harness.profiles import load
from harness.records.artifact import Artifact, GoldenOutputs
from harness.records.board import Trial
from harness.records.errors import BoardUnfitError
from harness.records.plan import BlockSpec, TrialSpec

LEASE = f"agreeing-tests-{os.getpid()}"
"""Not the machine's own: another harness may be at work on it."""
INTEGER = ["int8", "int8_float_io", "int16x8"]
RECIPES = ["float32", *INTEGER]
FLOAT_ERROR = 1e-4
"""Of the outputs' range, for floats in runtimes that add in another order."""

TENSORFLOW = """
import sys
import numpy as np
import tensorflow as tf
for model, inputs, outputs in zip(*[iter(sys.argv[1:])] * 3):
    interpreter = tf.lite.Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for sample in np.load(inputs)["i0"]:
        interpreter.set_tensor(given["index"], sample)
        interpreter.invoke()
        rows.append(interpreter.get_tensor(gives["index"]))
    np.savez(outputs, o0=np.stack(rows))
"""


@pytest.fixture(scope="module")
def artifacts() -> dict[str, Artifact]:
    """The digits network, hardly trained, in every number format that is compared."""
    named = candidates_from_paths(["digits_cnn(epochs=3)"], recipes=RECIPES)
    with Builder(cache_dir=kept_cache()) as builder:
        made = dict(zip(RECIPES, builder.build_all(named), strict=True))
    assert all(isinstance(one, Artifact) for one in made.values()), made
    return made


@pytest.fixture(scope="module")
def by_tensorflow(artifacts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorflow")
    words = [
        word
        for recipe, made in artifacts.items()
        for word in (made.path, made.verification.golden.inputs_path, str(folder / f"{recipe}.npz"))
    ]
    run_with_tensorflow(TENSORFLOW, *words)
    return {recipe: outputs(folder / f"{recipe}.npz") for recipe in artifacts}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """This machine as a board whose one runtime of interest is tflite-runtime, made by provisioning."""
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime is published up to Python 3.11")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("board")))
        try:
            provision(load("local"), "tflite", cache_dir=tmp_path_factory.mktemp("wheels"), lease=LEASE)
        except BoardUnfitError as error:
            needs.missing(f"tflite-runtime cannot be had here: {error}")
        with open_board(load("local"), tune=False, lease=LEASE) as opened:
            yield opened


def outputs(path):
    with np.load(path, allow_pickle=False) as content:
        return content["o0"]


def checked(board: LiveBoard, model: Path, golden: GoldenOutputs, delegate: str = "xnnpack") -> Trial:
    """A check trial, by tflite-runtime, as every measuring begins with."""
    digest = sha256(model.read_bytes()).hexdigest()
    board.ship(model, digest)
    for path, sha in golden.files.items():
        board.ship(Path(path), sha)
    trial = TrialSpec(
        index=0,
        arm="candidate",
        kind="check",
        model=digest,
        inputs=golden.inputs_sha256,
        expected=golden.outputs_sha256,
        expected_builtin=golden.builtin.outputs_sha256 if golden.builtin else None,
        warmup_runs=0,
        num_runs=1,
        min_secs=0.0,
        max_secs=1.0,
        deadline_s=60.0,
    )
    runner = choose_runner(board.profile, board.facts, package="tflite").model_copy(update={"delegate": delegate})
    assert (runner.package, runner.version) == ("tflite", "2.14.0")
    (done,) = board.run_block(BlockSpec(index=0, runner=runner, trials=(trial,)))
    return done


def judged(trial: Trial, golden: GoldenOutputs) -> OutputVerdict:
    return check_outputs(trial.check, golden, max_output_error=0.0, builtin=trial.check_builtin)


def expected(model: Path, folder: Path) -> GoldenOutputs:
    """What the host gives on random inputs."""
    digest = sha256(model.read_bytes()).hexdigest()
    given = HostInputs(None, 0)
    return run_on_host(model, digest, inputs=given, score=None, cache_dir=folder, deadline_s=60.0).golden


QUANTISED = ["tiny_ic_resnet8_int8", "support_mobilenet_v1_0.25_224_quant", "coral_mobilenet_v1_0.5_160_quant"]


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_models_are_bit_equal_where_the_same_kernels_compute(board, tmp_path, name, delegate):
    """On random inputs XNNPACK's outputs are 21 to 26 dB away, and tflite-runtime 2.14 never hands these to XNNPACK."""
    model = needs.need_shared(f"models/{name}.tflite")
    golden = expected(model, tmp_path)

    trial = checked(board, model, golden, delegate)

    assert not trial.check.bit_equal and trial.check.sqnr_db < SQNR_DB
    assert judged(trial, golden).sentence.startswith("bit-equal with litert 2.3.0 on the host (x86_64, no delegate")


@pytest.mark.parametrize("name", QUANTISED)
def test_another_weight_is_a_wrong_output_though_the_families_differ(board, tmp_path, name):
    """Some of a layer's weights with their top bit turned, measured against what the right file gives."""
    model = needs.need_shared(f"models/{name}.tflite")
    golden = expected(model, tmp_path)

    verdict = judged(checked(board, with_another_weight(model, tmp_path), golden), golden)

    assert verdict.finding is not None, verdict.sentence


def with_another_weight(model: Path, folder: Path) -> Path:
    """The file with the top bit of every seventh weight of its first convolution turned."""
    content = bytearray(model.read_bytes())
    graph = read_graphs(root(memoryview(bytes(content))))[0]
    first = next(operator for operator in graph.operators if operator.name == "CONV_2D")
    weights = graph.tensors[first.inputs[1]].data
    for place in range(weights.start, weights.start + weights.length, 7):
        content[place] ^= 0x80
    changed = folder / "changed.tflite"
    changed.write_bytes(content)
    return changed


@pytest.mark.parametrize("recipe", INTEGER)
def test_integer_artifacts_are_bit_equal_in_litert_and_tensorflow(artifacts, by_tensorflow, recipe):
    golden = artifacts[recipe].verification.golden

    assert golden.samples == 100 and golden.real
    np.testing.assert_array_equal(outputs(golden.outputs_path), by_tensorflow[recipe])


def test_floats_agree_in_litert_and_tensorflow(artifacts, by_tensorflow):
    ours = outputs(artifacts["float32"].verification.golden.outputs_path)

    assert np.abs(ours - by_tensorflow["float32"]).max() <= FLOAT_ERROR * np.ptp(ours)


@pytest.mark.parametrize("recipe", RECIPES)
def test_tflite_runtime_agrees_by_the_rule_or_refuses_in_one_line(artifacts, board, recipe):
    made = artifacts[recipe]

    trial = checked(board, made.local_path, made.verification.golden)

    if trial.died is not None:
        assert recipe not in ("float32", "int8"), trial.died
        assert "\n" not in trial.died and len(trial.died) < 400
        return
    verdict = judged(trial, made.verification.golden)
    assert verdict.finding is None, verdict.sentence
    if recipe == "float32":
        assert trial.check.max_error <= FLOAT_ERROR


def test_what_tflite_runtime_silently_computes_wrongly_is_caught(artifacts, board, tmp_path):
    """Dynamic models of litert-quantizer: LiteRT and TensorFlow agree on them, tflite-runtime 2.14 gives nonsense."""
    made = tmp_path / "dynamic.tflite"
    quantize_file(artifacts["float32"].local_path, "dynamic_int8", made, samples=None, seed=0)
    golden = run_on_host(
        made,
        sha256(made.read_bytes()).hexdigest(),
        inputs=HostInputs(Path(artifacts["float32"].verification.golden.inputs_path), 0),
        score=None,
        cache_dir=tmp_path / "cache",
        deadline_s=60.0,
    ).golden
    right = outputs(artifacts["float32"].verification.golden.outputs_path)
    assert (outputs(golden.outputs_path).argmax(-1) == right.argmax(-1)).mean() >= 0.99

    trial = checked(board, made, golden)

    assert trial.died is None
    verdict = judged(trial, golden)
    assert verdict.finding is not None
    assert verdict.sentence.startswith("wrong output on the board: top-1 agrees on ")
