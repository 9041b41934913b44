"""The agent as the host packs it, and a steward to talk to."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent.agent_conversation import AGENT, Steward


@pytest.fixture(scope="session")
def agent_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip file as the protocol describes it."""
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        for source in sorted(AGENT.glob("*.py")):
            name = source.name if source.name == "__main__.py" else f"edge_agent/{source.name}"
            archive.write(source, name)
    return path


@pytest.fixture(scope="session")
def agent(agent_zip: Path) -> Path:
    """The zip file unpacked, as boards keep it."""
    folder = agent_zip.with_suffix("")
    with zipfile.ZipFile(agent_zip) as archive:
        archive.extractall(folder)
    return folder


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
