"""The plugin of this checkout, also where it is not installed, and which benchmarks are left out of a folder's run.

What only tests share stands in tests/conftest.py.
"""

from pathlib import Path

import pytest

pytest_plugins = ["harness.plugin"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "slow: trains or measures for many minutes; run when its file is named or by -m")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless its file is named or markers choose."""
    if config.getoption("markexpr"):
        return
    named = {(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args}
    left_out = [item for item in items if item.get_closest_marker("slow") and not _is_named(item.path, named)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_named(path: Path, named: set[Path]) -> bool:
    return path.resolve() in named
