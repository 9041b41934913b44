"""The agent as the host packs it, and a steward to talk to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent.agent_conversation import Steward, pack_agent, unpack_agent


@pytest.fixture(scope="session")
def agent_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file as the protocol describes it."""
    return pack_agent(tmp_path_factory.mktemp("agent") / "agent.pyz")


@pytest.fixture(scope="session")
def agent(agent_zip: Path) -> Path:
    """The zip file unpacked, as boards keep it."""
    return unpack_agent(agent_zip)


@pytest.fixture
def steward(agent: Path, tmp_path: Path) -> Iterator[Callable[..., Steward]]:
    """Starts stewards on one cache, root and lease of this test; ends those that are left."""
    started: list[Steward] = []
    root = tmp_path / "root"
    root.mkdir()

    def start(**changes: str) -> Steward:
        options = {
            "cache": str(tmp_path / "cache"),
            "root": str(root),
            "holder": "a test",
            "lease": f"edge-harness-{tmp_path}"[-90:],
            "silence": "20",
            **changes,
        }
        started.append(Steward(agent, options))
        return started[-1]

    yield start
    for one in started:
        one.end()
