"""What ``python3 -c`` runs on the board before anything of ours lies there; valid Python 2.7 and 3.

Words: the agent's sha256, the name of an upload of it (or ""), then the agent's own words, in which the word
CACHE stands for the cache folder. It prints one JSON line; where the agent is there and Python is new enough,
it then becomes the steward, so that a warm board is ready after one round trip.

This module is sent as source text; the host takes only the constant from it.
"""

# Python 2 has neither annotations nor pathlib nor keyword-only print:
# ruff: noqa: ANN001, ANN201, T201, S606, UP024
# ruff: noqa: PTH103, PTH104, PTH107, PTH111, PTH112, PTH118, PTH123

import hashlib
import json
import os
import sys

MINIMUM_PYTHON = (3, 7)


def sound(path, sha256):
    # type: (str, str) -> bool
    """Whether a file is there with that content."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == sha256
    except EnvironmentError:
        return False


def boot(sha256, upload, words):
    # type: (str, str, list[str]) -> None
    """Say what is here, take an upload in, become the steward."""
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = os.path.join(base if base.startswith("/") else os.path.join(home, ".cache"), "edge-harness")
    said = {"python": list(sys.version_info[:3]), "home": home, "cache": cache, "agent": False, "error": None}
    agent = os.path.join(cache, "agents", sha256 + ".pyz")
    try:
        for name in ("agents", "incoming"):
            folder = os.path.join(cache, name)
            if not os.path.isdir(folder):
                os.makedirs(folder, 0o700)
        if upload:
            sent = os.path.join(cache, "incoming", upload)
            if sound(sent, sha256):
                os.rename(sent, agent)
            else:
                os.remove(sent)
    except EnvironmentError as problem:
        said["error"] = str(problem)
    said["agent"] = sound(agent, sha256)
    print(json.dumps(said))
    sys.stdout.flush()
    if said["agent"] and not said["error"] and sys.version_info >= MINIMUM_PYTHON:
        os.execv(sys.executable, [sys.executable, agent] + [cache if w == "CACHE" else w for w in words])


if __name__ == "__main__":
    boot(sys.argv[1], sys.argv[2], sys.argv[3:])
