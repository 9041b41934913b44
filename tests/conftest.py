"""What every test shares."""

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Timings on a shared machine are noisy, so no test has a deadline of its own.
settings.register_profile("harness", deadline=None, max_examples=60)
settings.load_profile("harness")


@pytest.fixture(scope="session", autouse=True)
def data_folder() -> Iterator[None]:
    """A user's data folder for the tests alone: histories of repositories are kept there."""
    before = os.environ.get("XDG_DATA_HOME")
    with tempfile.TemporaryDirectory(prefix="edge-harness-data-") as folder:
        os.environ["XDG_DATA_HOME"] = folder
        yield
        if before is None:
            del os.environ["XDG_DATA_HOME"]
        else:
            os.environ["XDG_DATA_HOME"] = before
