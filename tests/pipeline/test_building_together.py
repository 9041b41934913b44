"""Several candidates at once: one training for all that share it, the same bytes in any order, building ahead."""

import os
from collections import Counter
from pathlib import Path

import pytest

from harness.pipeline import Builder, candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate

MODELS = """
import keras
import numpy as np
from harness.pipeline import Dataset, Schedule, UntrainedModel

def small(width=1.0):
    rng = np.random.default_rng(1)
    inputs = rng.random((160, 8, 8, 1), dtype=np.float32)
    labels = (inputs[:, :4].sum((1, 2, 3)) > inputs[:, 4:].sum((1, 2, 3))).astype(int)
    x = keras.Input((8, 8, 1))
    y = keras.layers.Conv2D(int(8 * width), 3, activation="relu")(x)
    y = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(y))
    data = Dataset("halves", inputs[:32], inputs[32:64], labels[32:64], inputs[64:], labels[64:])
    return UntrainedModel(keras.Model(x, y), data, Schedule(epochs=2, batch_size=32))
"""
RECIPES = ["float32", "float16", "int8"]
Sums = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("user")
    (path / "models.py").write_text(MODELS)
    return path


def wanted(folder: Path) -> list[Candidate]:
    return candidates_from_paths(["models:small", "models:small(width=0.5)"], recipes=RECIPES, base_dir=folder)


def built(builder: Builder, candidates: list[Candidate]) -> dict[str, Artifact]:
    results = builder.build_all(candidates)
    assert all(isinstance(result, Artifact) for result in results), results
    return {str(one): result for one, result in zip(candidates, results, strict=True) if isinstance(result, Artifact)}


def sums(made: dict[str, Artifact]) -> Sums:
    return {name: artifact.sha256 for name, artifact in made.items()}


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def first(folder, steps) -> dict[str, Artifact]:
    with Builder(cache_dir=folder / "cache", jobs=2, progress=steps.append) as builder:
        return built(builder, wanted(folder))


def test_each_model_is_trained_and_exported_once_for_all_its_recipes(first, steps, folder):
    ends = Counter(step.partition(": ")[2] for step in steps)
    assert ends["exporting the model"] == 2 and ends["converting"] == 6
    assert len([path for path in (folder / "cache/weights").iterdir() if path.is_dir()]) == 2
    assert len(set(sums(first).values())) == 6


def test_what_is_known_of_each_is_in_its_record(first):
    for artifact in first.values():
        assert not artifact.cached and artifact.build_s > 0 and artifact.inside is not None
        assert [training.epochs for training in artifact.trainings] == [2]
        assert artifact.verification.accuracy is not None and artifact.verification.accuracy.n == 32
    int8 = first["models:small/int8"]
    assert int8.verification.fidelity is not None and int8.verification.fidelity.real
    assert int8.verification.fidelity.against == "float32"
    assert int8.verification.accuracy_drop is not None and int8.verification.accuracy_drop.n == 32
    float32 = first["models:small/float32"]
    assert float32.verification.fidelity is None
    assert float32.verification.fidelity_reason == "it is the reference itself"


def test_the_same_bytes_in_another_order_place_and_number_of_processes(first, tmp_path):
    (tmp_path / "models.py").write_text("# another place\n" + MODELS)
    with Builder(cache_dir=tmp_path / "cache", jobs=1) as builder:
        again = {}
        for candidate in reversed(wanted(tmp_path)):
            again[str(candidate)] = builder.build(candidate)
    assert sums(again) == sums(first)


def test_converting_anew_keeps_the_weights_and_gives_the_same_bytes(first, folder):
    weights = {path: path.stat().st_mtime_ns for path in (folder / "cache/weights").rglob("*") if path.is_file()}
    steps: list[str] = []
    with Builder(cache_dir=folder / "cache", jobs=2, reconvert=True, progress=steps.append) as builder:
        again = built(builder, wanted(folder))
    assert sums(again) == sums(first)
    assert not any("epoch" in step for step in steps) and sum("converting" in step for step in steps) == 6
    assert all(not artifact.cached and artifact.trainings[0].cached for artifact in again.values())
    assert {path: path.stat().st_mtime_ns for path in weights} == weights


def test_a_whole_cache_starts_no_process(first, folder):
    steps: list[str] = []
    with Builder(cache_dir=folder / "cache", jobs=2, progress=steps.append) as builder:
        again = built(builder, wanted(folder))
    assert steps == [] and all(artifact.cached for artifact in again.values()) and sums(again) == sums(first)


def test_what_is_used_does_not_grow_old(first, folder):
    old = first["models:small/int8"].local_path.parent
    os.utime(old, (1.0, 1.0))
    with Builder(cache_dir=folder / "cache") as builder:
        builder.build(wanted(folder)[2])
    assert old.stat().st_mtime > 1.0


def test_what_is_built_ahead_is_there_when_it_is_asked_for(first, tmp_path):
    (tmp_path / "models.py").write_text(MODELS)
    candidates = wanted(tmp_path)[1:3]
    (missing,) = candidates_from_paths(["gone:make"], base_dir=tmp_path)
    steps: list[str] = []
    with Builder(cache_dir=tmp_path / "cache", progress=steps.append) as builder:
        builder.prefetch([missing, *candidates])
        made = {str(candidate): builder.build(candidate) for candidate in reversed(candidates)}
    assert sums(made) == {name: digest for name, digest in sums(first).items() if name in made}
    assert not any(artifact.cached for artifact in made.values())
    assert Counter(steps)["models:small/float32: exporting the model"] == 1


def test_the_reference_of_a_recipe_is_built_along(first, tmp_path):
    (tmp_path / "models.py").write_text(MODELS)
    with Builder(cache_dir=tmp_path / "cache") as builder:
        made = builder.build(wanted(tmp_path)[2])
    assert (
        made.recipe == "int8" and made.verification.fidelity is not None and made.verification.accuracy_drop is not None
    )
    assert len([path for path in (tmp_path / "cache/artifacts").iterdir() if path.is_dir()]) == 2
