"""What every test shares: its tier, a data folder, and a last line that names what this machine lacks."""

import gc
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from support.needs import pytest_sessionfinish
from support.order import place_of
from support.shared_charts import draw_by, relay
from support.tiers import TIERS, tier_of
from support.warm_builds import build_in_forks, offer_forks

__all__ = ["pytest_sessionfinish"]
TESTS = Path(__file__).parent

# Timings on a shared machine are noisy, so no test has a deadline of its own.
settings.register_profile("harness", deadline=None, max_examples=60)
settings.load_profile("harness")


def pytest_configure(config: pytest.Config) -> None:
    """Make the tiers known as markers, and offer processes that build to all of the run."""
    offer_forks()
    for name, what in TIERS.items():
        config.addinivalue_line("markers", f"{name}: {what}; given by tests/support/tiers.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier, before any is chosen by it, and put the longest files first."""
    for item in items:
        path = _path_in_tests(item.path)
        if not path:
            continue
        fixtures: list[str] = getattr(item, "fixturenames", [])
        marked = {mark.name for mark in item.iter_markers()}
        try:
            tier = tier_of(path, fixtures, marked)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        if tier not in marked:
            item.add_marker(tier)
    items.sort(key=lambda item: place_of(_path_in_tests(item.path)))


@cache
def _path_in_tests(path: Path) -> str:
    return path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looking for garbage: what is imported stays, and no later search goes through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


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


@pytest.fixture(scope="session", autouse=True)
def charts() -> None:
    """One drawing engine for all reports that this process makes."""
    draw_by(relay())


@pytest.fixture(scope="session", autouse=True)
def workers() -> None:
    """One TensorFlow for all that builds in the run."""
    build_in_forks()
