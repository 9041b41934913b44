"""What ``python3 -c`` runs on the board before anything of ours lies there; valid Python 2.7 and 3.

Words: the agent's sha256, the name of an upload of it (or ""), then the agent's own words, in which the word
CACHE stands for the cache folder. It prints one JSON line; where the agent is there and Python is new enough,
it then becomes the steward, so that a warm board is ready after one round trip.

The zip is unpacked beside its name: from a folder Python keeps compiled modules, from a zip it compiles them at
every start (0.10 against 0.22 s on a PC, several times that on a board, and every block of trials is a start).

This module is sent as source text; the host takes only the constant from it.
"""

# Python 2 has neither annotations nor pathlib nor keyword-only print:
# ruff: noqa: ANN001, ANN201, T201, S606, UP024, UP031
# ruff: noqa: PTH103, PTH104, PTH107, PTH111, PTH112, PTH118, PTH123

import hashlib
import json
import os
import shutil
import sys

MINIMUM_PYTHON = (3, 7)


def cache_folder():
    # type: () -> str
    """The one folder of ours on a board."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "edge-harness")


def make(folder):
    # type: (str) -> None
    """Make a folder for this user alone; another session may be making it too."""
    try:
        os.makedirs(folder, 0o700)
    except EnvironmentError:
        if not os.path.isdir(folder):
            raise


def take_in(upload, sha256, agent):
    # type: (str, str, str) -> None
    """Unpack an upload, if it is whole, to where the agent belongs; on disk before it has its name."""
    import zipfile

    with open(upload, "rb") as file:
        whole = hashlib.sha256(file.read()).hexdigest() == sha256
    if whole and not os.path.isdir(agent):
        making = "%s.%d" % (upload, os.getpid())
        with zipfile.ZipFile(upload) as archive:
            for name in archive.namelist():
                with open(archive.extract(name, making), "rb") as file:
                    os.fsync(file.fileno())
        try:
            os.rename(making, agent)
        except EnvironmentError:
            if not os.path.isdir(agent):
                raise
            shutil.rmtree(making)  # another session put the same agent there meanwhile
    os.remove(upload)


def boot(sha256, upload, words):
    # type: (str, str, list[str]) -> None
    """Say what is here, take an upload in, become the steward."""
    cache = cache_folder()
    agent = os.path.join(cache, "agents", sha256)
    fault = None
    try:
        make(os.path.join(cache, "agents"))
        make(os.path.join(cache, "incoming"))
        if upload:
            take_in(os.path.join(cache, "incoming", upload), sha256, agent)
    except EnvironmentError as problem:
        fault = "%s: %s" % (problem.filename or cache, problem.strerror or problem)
    there = os.path.isdir(agent)
    version = list(sys.version_info[:3])
    print(json.dumps({"python": version, "cache": cache, "agent": there, "error": fault}))
    sys.stdout.flush()
    if there and not fault and sys.version_info >= MINIMUM_PYTHON:
        os.execv(sys.executable, [sys.executable, agent] + [cache if w == "CACHE" else w for w in words])


if __name__ == "__main__":
    boot(sys.argv[1], sys.argv[2], sys.argv[3:])
