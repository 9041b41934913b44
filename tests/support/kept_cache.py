"""The cache of builds that tests keep from run to run.

Its keys are made of all that decides what is built, so what an earlier run left is never wrong. For tests that want
models, not for those of building itself. ``TESTS_CACHE`` names another folder; with an empty one all is built anew.
"""

import atexit
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from harness.pipeline.cache import building_versions, fill_folder, lock, quantizing_versions

_HARNESS = Path(__file__).resolve().parents[2] / "harness"
_KEPT_S = 7 * 24 * 3600.0


def kept_cache_home() -> Path:
    """What takes the place of the user's cache folder, as XDG_CACHE_HOME."""
    return Path(os.environ.get("TESTS_CACHE") or user_cache_path("edge-harness-tests", appauthor=False))


def kept_cache() -> Path:
    """The harness' own folder in it."""
    return kept_cache_home() / "edge-harness"


def kept_folder(name: str, text: str, make: Callable[[Path], None]) -> Path:
    """What a script trains or converts, made anew where its text, the harness' code or what is installed changed.

    ``make`` writes into the folder it is given. Where coverage is measured it is always made.
    """
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="edge-scripts-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        make(folder)
        return folder
    key = sha256(repr((text, _code(), _versions())).encode()).hexdigest()
    folder = kept_cache_home() / "scripts" / name / key[:16]
    with lock(folder):
        if not folder.is_dir():
            _remove_old(folder.parent)
            with fill_folder(folder) as partial:
                make(partial)
        os.utime(folder)
    return folder


def _remove_old(parent: Path) -> None:
    """Remove what no run has used for a week."""
    for path in parent.glob("*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > _KEPT_S:
            shutil.rmtree(path, ignore_errors=True)


@cache
def _code() -> tuple[str, ...]:
    """All that the harness' files say, and the machine."""
    files = [path.read_bytes() for path in sorted(_HARNESS.rglob("*.py"))]
    return (sha256(b"\0".join(files)).hexdigest(), platform.machine(), platform.python_version())


def _versions() -> list[tuple[str, str]]:
    return sorted((building_versions() | quantizing_versions()).items())
