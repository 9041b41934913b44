"""Real builds that go wrong: each is one line, nothing half made is left, and the others go on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import needs

from harness.pipeline import Builder, candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.errors import BuildError

MODELS = """
import os, pathlib, signal, time
import keras
import numpy as np

def good():
    x = keras.Input((6,))
    return keras.Model(x, keras.layers.Dense(2)(x))

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def hungry():
    bytearray(50_000_000_000)

def hungry_outside_python():
    import tensorflow as tf
    tf.zeros((10_000_000_000,)) + 1.0

def slow():
    here = pathlib.Path(__file__).parent
    (here / "begun").write_text(str(os.getpid()))
    time.sleep(600)
"""
WAIT_S = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("user")
    (path / "models.py").write_text(MODELS)
    return path


def left_over(cache: Path) -> list[str]:
    """What stands in the cache beside whole folders and locks."""
    return [str(path.relative_to(cache)) for path in cache.rglob("*.partial*")]


def test_whatever_becomes_of_one_the_others_are_built(folder):
    names = ["killed", "hungry", "hungry_outside_python", "good"]
    wanted = candidates_from_paths([f"models:{name}" for name in names], recipes=["float32", "int8"], base_dir=folder)
    ended = []
    with Builder(cache_dir=folder / "cache", jobs=2) as builder:
        results = builder.build_all(wanted, done=lambda candidate, _result: ended.append(candidate))
    told = {str(candidate): str(result) for candidate, result in zip(wanted, results, strict=True)}
    assert "was killed by SIGKILL" in told["models:killed/float32"]
    for name in ("hungry", "hungry_outside_python"):
        assert "emory" in told[f"models:{name}/float32"] or "OOM" in told[f"models:{name}/float32"]
    for candidate, result in zip(wanted, results, strict=True):
        assert isinstance(result, Artifact) == (candidate.name == "models:good"), told[str(candidate)]
        assert "\n" not in str(result) or isinstance(result, Artifact)
    assert sorted(map(str, ended)) == sorted(map(str, wanted))
    assert left_over(folder / "cache") == []


@pytest.fixture
def building(folder, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """``harness build`` amid a training, in a process group of its own."""
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "test_slow.py").write_text(
        "import pytest\nfrom harness import candidates\n\n"
        '@pytest.mark.parametrize("candidate", candidates("models:slow"), ids=str)\n'
        "def test_slow(bench, candidate):\n    bench(candidate)\n"
    )
    process = subprocess.Popen(
        # Started from a job in the background, it would ignore SIGINT.
        [
            "env",
            "--default-signal=INT",
            Path(sys.executable).parent / "harness",
            "build",
            "test_slow.py",
            "--cache-dir",
            "cache",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + WAIT_S
        while not (tmp_path / "begun").exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_build_leaves_no_process_and_no_half_file(building, tmp_path, number, code):
    time.sleep(0.2)
    worker = int((tmp_path / "begun").read_text())
    building.send_signal(number)
    _, said = building.communicate(timeout=WAIT_S)
    assert building.returncode == code, said
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert left_over(tmp_path / "cache") == []


@pytest.fixture
def full_disk(tmp_path) -> Iterator[Path]:
    """A file system of a few kilobytes."""
    needs.need_root()
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        needs.missing(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_one_line_and_no_half_artifact(folder, full_disk):
    (candidate,) = candidates_from_paths(["models:good"], base_dir=folder)
    with Builder(cache_dir=full_disk) as builder, pytest.raises(BuildError) as caught:
        builder.build(candidate)
    assert "No space left" in str(caught.value) and "\n" not in str(caught.value)
    assert left_over(full_disk) == []
    assert [path for path in full_disk.glob("*/*") if path.is_dir()] == []


def test_building_ahead_is_given_up_when_the_session_ends(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TESTS_FORKS", "")
    (tmp_path / "models.py").write_text(MODELS)
    good, slow = candidates_from_paths(["models:good", "models:slow"], base_dir=tmp_path)
    with Builder(cache_dir=tmp_path / "cache") as builder:
        builder.prefetch([good, slow])
        assert isinstance(builder.build(good), Artifact)
        until = time.monotonic() + WAIT_S
        while not (tmp_path / "begun").exists() and time.monotonic() < until:
            time.sleep(0.05)
    time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)
    assert left_over(tmp_path / "cache") == []
