"""``harness run`` with recipes and data: files of a user's are built and measured, and what is wrong is one line."""

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.user_folder import Place, Said

WRITER = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
keras.utils.set_random_seed(1)
x = keras.Input((8, 8, 1), name="image")
model = keras.Model(x, keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(x)))
model.save("digits.keras")
model.export("exported", verbose=False)
"""
QUICK = ("--trials=2", "--min-secs=0.02", "--num-runs=5")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> "Place":
    """A folder with a Keras file and a SavedModel, written once."""
    from support.user_folder import Place

    pytest.importorskip("tensorflow")
    place = Place(tmp_path_factory.mktemp("files"))
    place.write("writer.py", WRITER)
    place.write("pyproject.toml", "")
    done = place.run(sys.executable, "writer.py", TF_CPP_MIN_LOG_LEVEL="3")
    assert done.code == 0, done.text
    return place


def run(place: "Place", *arguments: str) -> "Said":
    return place.harness("run", *arguments, "--device=local", *QUICK)


@pytest.mark.usefixtures("leased")
def test_recipes_and_data_of_a_keras_file_and_a_saved_model(files: "Place") -> None:
    said = run(files, "digits.keras", "exported", "--recipe=float32", "--recipe=int8", "--data=digits", "--json")
    assert said.code == 0, said.text
    entries = json.loads(said.out)["entries"]
    assert [(entry["candidate"], entry["recipe"]) for entry in entries] == [
        ("digits", "float32"),
        ("digits", "int8"),
        ("exported", "float32"),
        ("exported", "int8"),
    ]
    for entry in entries:
        assert entry["artifact"]["verification"]["accuracy"]["n"] == 500
        assert entry["artifact"]["verification"]["accuracy"]["dataset"] == "scikit-learn digits"
    sizes = {entry["recipe"]: entry["artifact"]["inputs"][0]["dtype"] for entry in entries}
    assert sizes == {"float32": "float32", "int8": "int8"}


@pytest.mark.usefixtures("leased")
def test_without_data_the_accuracy_is_not_claimed(files: "Place") -> None:
    said = run(files, "exported", "--json")
    assert said.code == 0, said.text
    (entry,) = json.loads(said.out)["entries"]
    assert entry["recipe"] == "float32"
    assert entry["artifact"]["verification"]["accuracy"] is None
    assert "no data set was named" in entry["artifact"]["verification"]["accuracy_reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits.keras", "--recipe=int9"], ["int9", "did you mean int8"]),
        (["digits.keras", "--data=digit"], ["digit", "digits"]),
        (["digits.keras", "--stages=gone.py"], ["gone.py", "does not exist"]),
        (["digits.keras", "--samples=gone.npz"], ["gone.npz", "does not exist"]),
        (["gone.keras"], ["gone.keras", "does not exist"]),
        (["exported", "--recipe=prune(0.8)+int8", "--data=digits"], ["exported", ".keras"]),
        (["digits.keras", "--artifacts=nowhere"], ["--artifacts", "nowhere"]),
        (["digits.keras", "--jobs=0"], ["--jobs"]),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_4(files: "Place", arguments: list[str], words: list[str]) -> None:
    said = run(files, *arguments)
    assert said.code == 4, said.text
    assert len(said.err.strip().splitlines()) == 1, said.err
    assert all(word in said.err for word in words), said.err
    assert said.out == ""


@pytest.mark.usefixtures("leased")
def test_what_cannot_be_built_is_an_entry_with_its_reason(files: "Place") -> None:
    files.write("broken.keras", "no model")
    said = run(files, "broken.keras", "--json")
    assert said.code == 1, said.text
    (entry,) = json.loads(said.out)["entries"]
    assert entry["status"] == "ERROR"
    assert "broken" in entry["reason"] and "cannot be read" in entry["reason"]
