"""What tests of whole sessions share: a tiny model, a folder like a user's, an environment with the wheel."""

import os
import shutil
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from support.own_lease import own_lease
from support.user_folder import Place, run

from harness.board.runtime_proof import addition_model
from harness.pipeline import Builder, candidates_from_paths

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .tflite file of one addition."""
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(addition_model())
    return path


@pytest.fixture(scope="session")
def checked_model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A cache that knows what the tiny model answers on the host: asking it starts two processes."""
    cache = tmp_path_factory.mktemp("checked") / "edge-harness"
    with Builder(cache_dir=cache) as builder:
        builder.build(candidates_from_paths([str(tiny_model)])[0])
    return cache


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel and what it needs to measure, one for all processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    python, whole = folder / "env" / "bin" / "python", folder / "env-is-whole"
    with FileLock(folder / "env.lock"):
        if not whole.exists():
            _install(python, folder)
            whole.touch()
    return python.parent


def _install(python: Path, folder: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    venv.create(folder / "env", with_pip=True)
    (wheel,) = folder.glob("*.whl")
    quiet = ("--quiet", "--no-compile", "--disable-pip-version-check", "--constraint", ROOT / "constraints.txt")
    run(python, "-m", "pip", "install", *quiet, wheel, cwd=folder)


@pytest.fixture
def leased() -> Iterator[None]:
    """Nobody else has this machine's lease."""
    with own_lease():
        yield


@pytest.fixture
def place(tmp_path: Path, tiny_model: Path, checked_model: Path, leased: None) -> Place:
    """A folder with models/tiny.tflite, no benchmark yet; its cache knows the model."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.tflite").write_bytes(tiny_model.read_bytes())
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    place = Place(tmp_path)
    _copy_cache(checked_model, Path(place.homes()["XDG_CACHE_HOME"]) / checked_model.name)
    return place


def _copy_cache(one: Path, other: Path) -> None:
    """A copy of a cache; what it says of its own files it says of the copy's."""
    shutil.copytree(one, other)
    for file in other.glob("golden/*/*.json"):
        file.write_text(file.read_text(encoding="utf-8").replace(str(one), str(other)), encoding="utf-8")
