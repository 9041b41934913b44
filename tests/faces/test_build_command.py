"""harness build as it is typed, and what it built measured on a machine without TensorFlow."""

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Place

WITHOUT = ("tensorflow", "keras", "sklearn", "scikit_learn", "harness", "edge_harness", "__editable__", "_virtualenv")
ROOT = Path(__file__).resolve().parents[2]
MODELS = """
import keras
import numpy as np
from harness.pipeline import Dataset, TrainedModel

def small():
    rng = np.random.default_rng(0)
    inputs = rng.random((64, 4), dtype=np.float32)
    labels = (inputs[:, 0] > 0.5).astype(int)
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(2)(x))
    return TrainedModel(model, Dataset("halves", inputs[:32], inputs[32:], labels[32:]))

def wrong():
    raise ValueError("not today")
"""
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("{name}", recipes={recipes}), ids=str)
@pytest.mark.budget(model_size="100 kB")
def test_small(bench, candidate):
    bench(candidate)
"""


@pytest.fixture
def project(place: "Place") -> "Place":
    place.write("models.py", MODELS)
    place.write("benchmarks/test_small.py", BENCHMARK.format(name="models:small", recipes='["float32", "int8"]'))
    place.write("benchmarks/models.py", MODELS)
    return place


def rows(text: str) -> dict[str, dict[str, Any]]:
    return {row["recipe"]: row for row in json.loads(text)}


def test_build_as_it_is_typed(project: "Place") -> None:
    said = project.harness("build", "benchmarks/", "--jobs=2", "--json")
    assert said.code == 0, said.text
    first = rows(said.out)
    assert set(first) == {"float32", "int8"}
    for row in first.values():
        assert row["candidate"] == "models:small" and not row["cached"] and row["seconds"] > 0
        assert Path(row["path"]).stat().st_size == row["size_bytes"] and 0 <= row["accuracy"] <= 1
    again = project.harness("build", "benchmarks/", "--json")
    assert all(row["cached"] for row in rows(again.out).values())
    for row in rows(project.harness("build", "benchmarks/", "--jobs=1", "--reconvert", "--json").out).values():
        assert not row["cached"] and row["sha256"] == first[row["recipe"]]["sha256"]
    told = project.harness("build", "benchmarks/").out.splitlines()
    assert told[0].split() == ["candidate", "size", "accuracy", "drop", "trained", "converted"]
    assert told[1].startswith("models:small/float32") and told[1].endswith("cached")
    assert told[-1] == "0 built, 2 from the cache"
    assert all(len(line) <= 80 for line in told)


def test_one_that_cannot_be_built_is_a_line_and_the_exit_code(place: "Place") -> None:
    place.write("models.py", MODELS)
    place.write("test_wrong.py", BENCHMARK.format(name="models:wrong", recipes='["float32"]'))
    said = place.harness("build", "test_wrong.py", "--jobs=1", "--json")
    assert said.code == 1 and json.loads(said.out) == []
    assert "ERROR models:wrong raised ValueError: not today" in said.err
    table = place.harness("build", "test_wrong.py")
    assert table.out == "0 built, 0 from the cache, 1 failed\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("build", "nowhere"), "nowhere: there is no such file or folder"),
        (("build", "test_none.py"), "no candidates in test_none.py"),
        (("build", "test_gone.py"), 'test_gone.py: "nonet" is neither a zoo model nor a file'),
        (("build", "test_import.py"), "test_import.py: ModuleNotFoundError: No module named 'nothing_there'"),
        (("build", "test_bench.py", "--memory=much"), "--memory much: expected a size such as 6 GB"),
        (("build", "test_bench.py", "--memory=10 MB"), "give at least 1 GB"),
        (("build", "test_bench.py", "--out=models/tiny.tflite"), "--out models/tiny.tflite: cannot be written"),
        (("cache", "prune", "weigths"), "did you mean weights?"),
        (("cache", "prune", "--older-than=-1"), "expected days, 0 or more"),
    ],
)
def test_wrong_words_are_one_line(place: "Place", argv: tuple[str, ...], words: str) -> None:
    place.benchmark()
    place.write("test_none.py", "def test_nothing():\n    pass\n")
    place.write("test_gone.py", "from harness import candidates\ncandidates('nonet')\n")
    place.write("test_import.py", "import nothing_there\n")
    said = place.harness(*argv)
    assert said.code == 4, said.text
    assert words in said.err.splitlines()[-1] and said.err.splitlines()[-1].startswith("harness: ")


def test_what_was_built_is_listed_sized_and_removed(project: "Place") -> None:
    shutil.rmtree(project.homes()["XDG_CACHE_HOME"])
    project.benchmark()
    assert project.harness("cache", "list").out.startswith("nothing was built yet in ")
    assert project.harness("build", "test_bench.py", "--json").code == 0
    listed = json.loads(project.harness("cache", "list", "--json").out)
    assert {entry["kind"] for entry in listed} == {"golden"}
    size = json.loads(project.harness("cache", "size", "--json").out)
    assert size["bytes"] == sum(entry["bytes"] for entry in listed) > 0
    assert project.harness("cache", "prune", "--older-than=1").out == "removed 0, 0 B\n"
    told = json.loads(project.harness("cache", "prune", "--json").out)
    assert told["bytes"] == size["bytes"] and told["in_use"] == []
    assert json.loads(project.harness("cache", "list", "--json").out) == []


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has everything of this one but TensorFlow, Keras and scikit-learn."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(WITHOUT):
            (site / package.name).symlink_to(package)
    (site / "harness.pth").write_text(f"{ROOT}\n")
    # The plugin is found by its entry point, which a path alone does not give.
    metadata = site / "edge_harness-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-harness\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nharness.plugin = harness.plugin\n")
    return folder / "bin" / "python"


@pytest.fixture
def bare_pytest(bare_python: Path, project: "Place") -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        quick = ("--trials=2", "--min-secs=0.02", "--num-runs=5", "-p", "no:cacheprovider")
        return subprocess.run(
            [bare_python, "-m", "pytest", *quick, "--device=local", *args],
            cwd=project.folder,
            capture_output=True,
            text=True,
            env=clean | {"XDG_CACHE_HOME": str(project.folder / "another cache"), "COLUMNS": "80"},
            check=False,
        )

    return run


def test_what_was_built_here_is_measured_where_there_is_no_tensorflow(
    project: "Place", bare_python: Path, bare_pytest: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert project.harness("build", "benchmarks/", "--jobs=1", "--out=exported").code == 0
    (project.folder / "cache").rename(project.folder / "gone")  # nothing but the folder is carried over
    assert subprocess.run([bare_python, "-c", "import tensorflow"], capture_output=True, check=False).returncode == 1

    done = bare_pytest("benchmarks/", "--artifacts=exported")
    assert done.returncode == 0, done.stdout + done.stderr
    entries = {entry["recipe"]: entry for entry in project.results()["entries"]}
    assert {recipe: entry["status"] for recipe, entry in entries.items()} == {"float32": "PASS", "int8": "PASS"}
    for entry in entries.values():
        accuracy = next(one for one in entry["measurements"] if one["metric"] == "accuracy")
        assert accuracy["value"] is not None

    project.write("test_more.py", BENCHMARK.format(name="models:small", recipes='["float16"]'))
    absent = bare_pytest("test_more.py", "--artifacts=exported")
    assert absent.returncode == 1 and "Traceback" not in absent.stdout + absent.stderr
    reason = project.results()["entries"][0]["reason"]
    assert reason.startswith(
        f"models:small/float16 is not in {project.folder / 'exported'}, which has models:small/float32"
    )

    without = bare_pytest("benchmarks/")
    assert "name a folder of built ones with --artifacts" in project.results()["entries"][0]["reason"]
    assert without.returncode == 1


def test_a_folder_that_is_no_shelf_is_one_line(project: "Place") -> None:
    said = project.pytest("benchmarks/", "--device=local", "--artifacts=nowhere")
    assert "--artifacts nowhere: there is no such folder" in said.text and "Traceback" not in said.text
