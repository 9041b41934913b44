"""The cache of builds that tests keep from run to run.

Its keys are made of all that decides what is built, so what an earlier run left is never wrong. For tests that want
models, not for those of building itself. ``TESTS_CACHE`` names another folder; with an empty one all is built anew.
"""

import os
from pathlib import Path

from platformdirs import user_cache_path


def kept_cache_home() -> Path:
    """What takes the place of the user's cache folder, as XDG_CACHE_HOME."""
    return Path(os.environ.get("TESTS_CACHE") or user_cache_path("edge-harness-tests", appauthor=False))


def kept_cache() -> Path:
    """The harness' own folder in it."""
    return kept_cache_home() / "edge-harness"
