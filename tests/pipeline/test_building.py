"""Real builds: TensorFlow runs in its worker process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.pipeline import Builder, candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.errors import BuildError

RECIPES = ["float32", "float16", "dynamic_int8", "int8"]

MODELS = '''
"""Factories a user might write."""
import pathlib
import keras
import numpy as np
from harness.pipeline import Dataset, TrainedModel
from sizes import HIDDEN

def trained():
    with (pathlib.Path(__file__).parent / "calls").open("a") as calls:
        calls.write("x")
    rng = np.random.default_rng(1)
    inputs = rng.random((96, 6), dtype=np.float32)
    labels = (inputs[:, :3].sum(1) > inputs[:, 3:].sum(1)).astype(int)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(HIDDEN, "relu"), keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(inputs[:32], labels[:32], epochs=2, verbose=0)
    print("a chatty factory")
    return TrainedModel(model, Dataset("sums", inputs[32:64], inputs[64:], labels[64:]))

def two_inputs():
    a, b = keras.Input((3,), name="b"), keras.Input((5,), name="a")
    return keras.Model([a, b], [keras.layers.Dense(2)(a), keras.layers.Dense(3)(b)])

def raises():
    raise ValueError("first line\\nsecond line")

def gives_dict():
    return {}

def gives_nothing():
    pass

def any_size():
    x = keras.Input((None, 3))
    return keras.Model(x, keras.layers.Dense(2)(x))

def batch_of_eight():
    x = keras.Input(batch_shape=(8, 3))
    return keras.Model(x, keras.layers.Dense(2)(x))

def unbuilt():
    return keras.Sequential([keras.layers.Dense(2)])

def dies():
    import os
    os._exit(9)

def wrong_shape():
    x = keras.Input((3,))
    data = np.zeros((4, 2), np.float32)
    return TrainedModel(keras.Model(x, keras.layers.Dense(2)(x)), Dataset("zeros", data, data, np.zeros(4)))

number = 3
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("user")
    (path / "models.py").write_text(MODELS)
    (path / "sizes.py").write_text("HIDDEN = 8\n")
    (path / "broken.py").write_text("import no_such_thing\n")
    return path


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def builder(folder, told):
    with Builder(cache_dir=folder / "cache", progress=told.append) as made:
        yield made


@pytest.fixture(scope="module")
def four(builder, folder) -> dict[str, Artifact]:
    named = candidates_from_paths(["models:trained"], recipes=RECIPES, base_dir=folder)
    return {str(candidate.recipe): builder.build(candidate) for candidate in named}


def refusal(builder: Builder, folder: Path, factory: str) -> str:
    with pytest.raises(BuildError) as caught:
        builder.build(candidates_from_paths([factory], base_dir=folder)[0])
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    return str(caught.value)


def test_four_recipes_of_one_training(four, folder):
    assert [made.recipe for made in four.values()] == RECIPES
    assert len({made.sha256 for made in four.values()}) == 4
    assert (folder / "calls").read_text() == "x"
    assert not any(made.cached for made in four.values())


def test_batch_is_one_and_int8_is_integer_from_end_to_end(four):
    assert {made.inputs[0].shape for made in four.values()} == {(1, 6)}
    assert {(made.inputs[0].dtype, made.outputs[0].dtype) for made in four.values()} == {
        ("float32", "float32"), ("int8", "int8"),
    }  # fmt: skip
    assert four["int8"].inputs[0].dtype == "int8" and four["int8"].inputs[0].scale > 0


def test_accuracy_is_counted_over_the_whole_test_part(four):
    for made in four.values():
        assert (
            made.verification.accuracy is not None
            and made.verification.accuracy.n == 32
            and made.verification.accuracy.dataset == "sums"
        )
        assert made.verification.accuracy.value == made.verification.accuracy.correct / 32


def test_golden_outputs_come_from_real_test_samples(four):
    for made in four.values():
        assert (
            made.verification.golden is not None
            and made.verification.golden.real
            and made.verification.golden.samples == 32
        )
        with (
            np.load(made.verification.golden.inputs_path) as inputs,
            np.load(made.verification.golden.outputs_path) as outputs,
        ):
            assert inputs["i0"].shape == (32, 1, 6) and outputs["o0"].shape == (32, 1, 2)
            assert inputs["i0"].dtype == made.inputs[0].dtype


def test_versions_and_progress_are_said(four, told):
    assert {"keras", "numpy"} <= set(four["int8"].versions)
    assert "models:trained/int8: converting" in told


def test_a_second_build_converts_nothing(four, folder, told):
    before = [line for line in told if "converting" in line]
    with Builder(cache_dir=folder / "cache", progress=told.append) as again:
        for candidate in candidates_from_paths(["models:trained"], recipes=RECIPES, base_dir=folder):
            made = again.build(candidate)
            assert made.cached and made.sha256 == four[str(candidate.recipe)].sha256
    assert [line for line in told if "converting" in line] == before


def test_a_damaged_artifact_is_built_anew(four, folder, builder):
    path = four["float16"].local_path
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    candidate = candidates_from_paths(["models:trained"], recipes=["float16"], base_dir=folder)[0]
    made = builder.build(candidate)
    assert not made.cached and made.sha256 == four["float16"].sha256


def test_two_inputs_without_data(builder, folder):
    made = builder.build(candidates_from_paths(["models:two_inputs"], recipes=["int8"], base_dir=folder)[0])
    assert sorted(tensor.shape for tensor in made.inputs) == [(1, 3), (1, 5)]
    assert made.verification.accuracy is None and made.verification.accuracy_reason == "the factory gave no data set"
    assert made.verification.golden is not None and not made.verification.golden.real


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("models:raises", "models:raises raised ValueError: first line second line ("),
        ("models:raises", "models.py, line "),
        ("models:gives_dict", "models:gives_dict returned dict"),
        ("models:gives_nothing", "returned NoneType"),
        ("models:any_size", "give real samples, whose shapes they get"),
        ("models:batch_of_eight", "has shape (8, 3)"),
        ("models:unbuilt", "not built"),
        ("models:wrong_shape", "(n, 3)"),
        ("models:number", "no function number"),
        ("models:gone", "no function gone"),
        ("broken:make", "No module named 'no_such_thing' ("),
        ("broken:make", "broken.py, line "),
        ("nowhere:make", "there is no module nowhere"),
    ],
)
def test_what_a_factory_may_do_wrong(builder, folder, factory, said):
    assert said in refusal(builder, folder, factory)


def test_after_a_death_the_next_one_is_built(builder, folder):
    assert "the process that builds it ended with exit status 9" in refusal(builder, folder, "models:dies")
    candidate = candidates_from_paths(["models:trained"], recipes=["float32"], base_dir=folder)[0]
    (folder / "sizes.py").write_text("HIDDEN = 9\n")
    try:
        assert not builder.build(candidate).cached
    finally:
        (folder / "sizes.py").write_text("HIDDEN = 8\n")


def test_two_processes_build_once_and_the_same_bytes_as_another(four, folder, tmp_path):
    for name in ("models.py", "sizes.py"):
        (tmp_path / name).write_text((folder / name).read_text())
    script = (
        "import sys; from pathlib import Path; from harness.pipeline import *\n"
        "here = Path(sys.argv[1])\n"
        "named = candidates_from_paths(['models:trained'], recipes=['float32', 'int8'], base_dir=here)\n"
        "with Builder(cache_dir=here / 'cache') as builder:\n"
        "    for made in map(builder.build, named):\n"
        "        print(made.recipe, made.cached, made.sha256, 'tensorflow' in sys.modules)\n"
    )
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in pair]
    assert [err for _, err in said] == ["", ""]
    rows = sorted(line for out, _ in said for line in out.splitlines())
    assert rows == [
        f"{recipe} {cached} {four[recipe].sha256} False" for recipe in ("float32", "int8") for cached in (False, True)
    ]
    assert (tmp_path / "calls").read_text() == "x"
