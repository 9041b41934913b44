"""What a power cut leaves of the agent on a board is noticed at the next start, and mended."""

import json
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.board import open_board
from harness.board.boot import boot_command
from harness.board.package import agent_package
from harness.transport.local import LocalTransport


def agent_of(place) -> Path:
    return place.cache / "agents" / agent_package().sha256


def compiled(agent: Path, module: str) -> Path:
    return next((agent / "edge_agent" / "__pycache__").glob(f"{module}.*.pyc"))


def empty_module(agent: Path) -> None:
    (agent / "edge_agent" / "lease.py").write_bytes(b"")


def missing_module(agent: Path) -> None:
    (agent / "edge_agent" / "steward.py").unlink()


def missing_start(agent: Path) -> None:
    (agent / "__main__.py").unlink()


def one_bit(agent: Path) -> None:
    path = agent / "edge_agent" / "latency.py"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def stray_module(agent: Path) -> None:
    (agent / "edge_agent" / "json.py").write_text("raise SystemExit(9)")


def file_in_its_place(agent: Path) -> None:
    shutil.rmtree(agent)
    agent.write_bytes(agent_package().content[:1000])


def empty_folder(agent: Path) -> None:
    shutil.rmtree(agent)
    agent.mkdir()


def cut_off_compiled(agent: Path) -> None:
    path = compiled(agent, "steward")
    path.write_bytes(path.read_bytes()[:200])


def empty_compiled(agent: Path) -> None:
    compiled(agent, "probe").write_bytes(b"")


def other_compiled(agent: Path) -> None:
    """Compiled from something else, with the header of the right one: Python itself would not notice."""
    path = compiled(agent, "wire")
    source = agent.parent / "other.py"
    source.write_text("raise SystemExit(9)")
    other = Path(py_compile.compile(str(source), cfile=str(agent.parent / "other.pyc"), doraise=True) or "")
    path.write_bytes(path.read_bytes()[:16] + other.read_bytes()[16:])
    source.unlink()
    other.unlink()


SOURCES = (empty_module, missing_module, missing_start, one_bit, stray_module, file_in_its_place, empty_folder)
COMPILED = (cut_off_compiled, empty_compiled, other_compiled)


@pytest.fixture
def boot(here) -> Callable[[], dict[str, object]]:
    """Boots the agent, of which an unknown subcommand is asked: it must run to refuse that."""

    def start(upload: str = "") -> dict[str, object]:
        words = [boot_command(), agent_package().sha256, upload, "nothing"]
        ended = subprocess.run([sys.executable, "-c", *words], capture_output=True, text=True, check=False)
        said: dict[str, object] = json.loads(ended.stdout)
        assert ended.returncode == (2 if said["agent"] else 0), ended.stderr
        return said

    start()
    (here.cache / "incoming" / "agent-whole").write_bytes(agent_package().content)
    assert start("agent-whole")["agent"]
    return start


@pytest.mark.parametrize("damage", SOURCES, ids=lambda damage: damage.__name__)
def test_a_damaged_agent_is_asked_for_again(here, boot, damage: Callable[[Path], None]) -> None:
    damage(agent_of(here))
    assert not boot()["agent"]
    assert not agent_of(here).exists()


@pytest.mark.parametrize("damage", COMPILED, ids=lambda damage: damage.__name__)
def test_damaged_compiled_modules_are_made_again(here, boot, damage: Callable[[Path], None]) -> None:
    kept = {path: path.read_bytes()[16:] for path in agent_of(here).rglob("*.pyc")}
    damage(agent_of(here))
    assert boot()["agent"]
    assert {path: path.read_bytes()[16:] for path in agent_of(here).rglob("*.pyc")} == kept


def test_a_damaged_note_on_what_was_compiled_is_written_again(here, boot) -> None:
    note = agent_of(here).with_name(f"{agent_of(here).name}.compiled")
    kept = note.read_text()
    note.write_bytes(b"\xff\xfe")
    assert boot()["agent"]
    assert note.read_text() == kept


def test_a_session_sends_a_damaged_agent_again(here) -> None:
    with open_board(here.profile, lease=here.lease):
        pass
    missing_module(agent_of(here))
    with open_board(here.profile, lease=here.lease) as board:
        assert board.bytes_sent == len(agent_package().content)


def test_an_upload_that_arrives_damaged_once_is_sent_again(here, monkeypatch) -> None:
    whole, sent = LocalTransport.put, []

    def put(self: LocalTransport, source: Path, target: str) -> None:
        whole(self, source, target)
        sent.append(target)
        if len(sent) == 1:
            Path(target).write_bytes(source.read_bytes()[:5000])

    monkeypatch.setattr(LocalTransport, "put", put)
    with open_board(here.profile, lease=here.lease) as board:
        assert board.facts.hostname
    assert len(sent) == 2
