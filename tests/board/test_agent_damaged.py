"""What a power cut leaves of the agent on a board is noticed at the next start, and mended."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.agent_damage import COMPILED, SOURCES, Damage, missing_module

from harness.board import open_board
from harness.board.boot import agent_package, boot_command
from harness.transport.local import LocalTransport


def agent_of(place) -> Path:
    return place.cache / "agents" / agent_package().sha256


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
def test_a_damaged_agent_is_asked_for_again(here, boot, damage: Damage) -> None:
    damage(agent_of(here))
    assert not boot()["agent"]
    assert not agent_of(here).exists()


@pytest.mark.parametrize("damage", COMPILED, ids=lambda damage: damage.__name__)
def test_damaged_compiled_modules_are_made_again(here, boot, damage: Damage) -> None:
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
