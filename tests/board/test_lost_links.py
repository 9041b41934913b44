"""Links that break, boards that fall silent, stewards that die: made again within a limit, or said in one line."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board.board_watch import awaited, commands_with, has_no_holder
from board.test_steward_wire import DONE, FACTS, steward
from board.test_steward_wire import block as scripted_block
from support.needs import need_shared

from harness.board import LiveBoard, choose_runner, link, live, open_board, wire
from harness.records.board import Trial
from harness.records.device import Connection
from harness.records.errors import (
    BlockLostError,
    BoardAnswerError,
    ConnectionLostError,
    HandshakeError,
    HarnessError,
    SilentBoardError,
    TrialError,
)
from harness.records.plan import BlockSpec, TrialSpec
from harness.transport.local import LocalTransport

POLICY = "sys/devices/system/cpu/cpufreq/policy0"
LATENCY = {"arm": "candidate", "kind": "latency", "warmup_runs": 0, "num_runs": 2, "min_secs": 0.01}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch) -> None:
    monkeypatch.setattr(link, "PAUSES_S", (0.1, 0.2))


@pytest.fixture
def root(tmp_path) -> Path:
    """A made-up board whose governor can be set."""
    policy = tmp_path / "root" / POLICY
    policy.mkdir(parents=True)
    (policy / "scaling_governor").write_text("ondemand\n")
    (policy / "scaling_available_governors").write_text("ondemand performance\n")
    return tmp_path / "root"


def governor(root: Path) -> str:
    return (root / POLICY / "scaling_governor").read_text().strip()


def shipped_model(board: LiveBoard) -> str:
    path = min(need_shared("models").glob("*.tflite"), key=lambda path: path.stat().st_size)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    board.ship(path, sha256)
    return sha256


def block(board: LiveBoard, model: str, *, seconds: float = 0.01, index: int = 0) -> BlockSpec:
    """A short trial and one that takes a while."""
    words = LATENCY | {"model": model, "max_secs": 60.0, "deadline_s": 90.0}
    trials = (
        TrialSpec.model_validate(words | {"index": 2 * index}),
        TrialSpec.model_validate(words | {"index": 2 * index + 1, "min_secs": seconds}),
    )
    return BlockSpec(index=index, runner=choose_runner(board.profile, board.facts), trials=trials)


def begun(board: LiveBoard, model: str) -> Iterator[Trial]:
    """A block whose first trial has come and whose second one runs."""
    running = board.run_block(block(board, model, seconds=50.0))
    assert next(running).index == 0
    return running


def steward_of(place) -> int:
    """The steward's process: the first that has the lease among its words."""
    return min(commands_with(place.lease))


def test_a_steward_killed_amid_a_run_is_followed_by_another(place, root):
    tuning = place.profile.tuning.model_copy(update={"governor": "performance"})
    profile = place.profile.model_copy(update={"tuning": tuning})
    with open_board(profile, lease=place.lease, root=str(root)) as board:
        model = shipped_model(board)
        sent = board.bytes_sent
        running = begun(board, model)
        os.kill(steward_of(place), signal.SIGKILL)
        with pytest.raises(BlockLostError, match=r"^pi: .* is gone \(cut off or killed\), amid block 0; it is there"):
            next(running)
        assert governor(root) == "performance"
        assert [trial.died for trial in board.run_block(block(board, model, index=1))] == [None, None]
        assert (board.losses, board.bytes_sent) == (1, sent)
    assert board.release_problem is None
    assert governor(root) == "ondemand"
    assert has_no_holder(place.lease)


def test_a_block_that_took_all_memory_and_the_steward_with_it_is_no_lost_link(place):
    """What the dead steward left says that the kernel has killed for memory since the block began."""
    with open_board(place.profile, lease=place.lease) as board:
        model = shipped_model(board)
        running = begun(board, model)
        mark = Path(board.facts.cache_dir) / "block.json"
        mark.write_text(json.dumps(json.loads(mark.read_text()) | {"kills": -1}))
        os.kill(steward_of(place), signal.SIGKILL)
        with pytest.raises(TrialError, match="out of memory: the kernel killed the steward while a block ran; "):
            next(running)
        assert [trial.died for trial in board.run_block(block(board, model, index=1))] == [None, None]


def test_a_small_request_begins_anew_on_another_link(place):
    with open_board(place.profile, lease=place.lease) as board:
        os.kill(steward_of(place), signal.SIGKILL)
        assert board.probe().hostname == board.facts.hostname
        assert board.losses == 1
        assert board.seconds["reconnect"] > 0


def test_a_link_cut_amid_a_block_frees_the_board_from_its_old_steward(remote):
    with open_board(remote.profile, lease=remote.lease, silence=60) as board:
        running = begun(board, shipped_model(board))
        remote.server.cut_links()
        with pytest.raises(BlockLostError):
            next(running)
        assert len(commands_with(remote.lease)) == 1
    assert awaited(lambda: not commands_with(remote.lease))


def test_a_stopped_steward_gives_way(place, monkeypatch):
    monkeypatch.setattr(live, "SILENCE_S", 1.0)
    monkeypatch.setattr(wire, "BEAT_S", 0.2)
    with open_board(place.profile, lease=place.lease) as board:
        model = shipped_model(board)
        running = begun(board, model)
        stopped = steward_of(place)
        os.kill(stopped, signal.SIGSTOP)
        with pytest.raises(BlockLostError, match="nothing came from the steward for 1 s"):
            next(running)
        assert stopped not in commands_with(place.lease)
        assert len(list(board.run_block(block(board, model, index=1)))) == 2
    assert board.release_problem is None


def test_a_stopped_steward_is_not_waited_for_at_the_end(here, monkeypatch):
    monkeypatch.setattr(link, "RELEASE_S", 0.5)
    monkeypatch.setattr(wire, "BEAT_S", 0.1)
    with open_board(here.profile, lease=here.lease) as board:
        time.sleep(0.3)
        os.kill(steward_of(here), signal.SIGSTOP)
    assert "pi: nothing came from the steward" in (board.release_problem or "")


def test_an_upload_goes_on_where_the_link_broke(remote, tmp_path, monkeypatch):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(1 << 20))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with open_board(remote.profile, lease=remote.lease) as board:
        transport = type(board._link.transport)
        whole, puts = transport.put, []

        def put(self, source: Path, target: str) -> int:
            puts.append(target)
            if len(puts) == 1:
                remote.server.cut_links()
            return whole(self, source, target)

        monkeypatch.setattr(transport, "put", put)
        board.ship(path, sha256)
        assert len(puts) == 2
        assert board.losses == 1
    assert (remote.cache / "store" / sha256).read_bytes() == path.read_bytes()
    assert list((remote.cache / "incoming").iterdir()) == []


@pytest.mark.parametrize("left", ["a part", "a damaged part", "the whole", "more"])
def test_what_a_cut_link_left_of_an_upload_is_gone_on_with(remote, tmp_path, left):
    content = os.urandom(1 << 20)
    half = len(content) // 2
    there = {
        "a part": content[:half],
        "a damaged part": b"x" * half,
        "the whole": content,
        "more": content + b"x",
    }[left]
    path = tmp_path / "large"
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with open_board(remote.profile, lease=remote.lease) as board:
        upload = remote.cache / "incoming" / f"upload-{sha256}"
        upload.write_bytes(there)
        account = remote.server.home.stat()
        os.chown(upload, account.st_uid, account.st_gid)
        before = board.bytes_sent
        board.ship(path, sha256)
        sent = {"a part": half, "a damaged part": half + len(content), "the whole": 0, "more": len(content)}[left]
        assert board.bytes_sent - before == sent
    assert (remote.cache / "store" / sha256).read_bytes() == content
    assert not upload.exists()


def test_what_the_disk_lost_with_the_link_is_sent_again(here):
    with open_board(here.profile, lease=here.lease) as board:
        model = shipped_model(board)
        os.kill(steward_of(here), signal.SIGKILL)
        board.probe()
        (here.cache / "store" / model).write_bytes(b"")
        assert [trial.died for trial in board.run_block(block(board, model))] == [None, None]


def test_a_board_that_does_not_come_back_is_said_once_and_for_all(here, monkeypatch):
    monkeypatch.setattr(link, "RECONNECT_S", 0.5)
    with open_board(here.profile, lease=here.lease) as board:
        monkeypatch.setattr(link, "connect", refuse)
        os.kill(steward_of(here), signal.SIGKILL)
        with pytest.raises(ConnectionLostError, match=r"^pi: .* is gone .*; not back after \d s: no route$") as caught:
            board.probe()
        with pytest.raises(ConnectionLostError) as again:
            board.probe()
        assert str(again.value) == str(caught.value)
    assert "puts its settings back by itself" in (board.release_problem or "")


def test_a_connection_that_breaks_before_the_login_is_tried_once_more(here, monkeypatch):
    errors: list[HarnessError] = [HandshakeError("pi: hung up")]
    whole = link.connect

    def connect(connection: Connection, *, device: str):
        if errors:
            raise errors.pop()
        return whole(connection, device=device)

    monkeypatch.setattr(link, "connect", connect)
    with open_board(here.profile, lease=here.lease) as board:
        assert board.losses == 0
    errors += [HandshakeError("pi: hung up"), HandshakeError("pi: hung up")]
    with pytest.raises(HandshakeError), open_board(here.profile, lease=here.lease):
        pass


def refuse(_connection: object, *, device: str) -> LocalTransport:
    raise ConnectionLostError(f"{device}: no route")


def test_a_board_that_comes_back_as_another_is_given_up(here, root, monkeypatch):
    with open_board(here.profile, lease=here.lease, root=str(root)) as board:
        (root / POLICY / "scaling_governor").write_text("powersave\n")
        os.kill(steward_of(here), signal.SIGKILL)
        with pytest.raises(ConnectionLostError, match=r"came back as another one: .*powersave.* instead of .*ondemand"):
            board.probe()


HANGS = """
import json, sys, time
print(json.dumps({"event": "ready", "protocol": 1, "restored": []}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "probe" and %r:
        print(json.dumps({"id": request["id"], "event": "facts", "facts": %r}), flush=True)
        print(json.dumps({"id": request["id"], "event": "done"}), flush=True)
    if request["op"] == "tune":
        point = {"power_mode": None, "clocks": [], "cpus": None}
        print(json.dumps({"id": request["id"], "event": "tuned", "point": point}), flush=True)
        print(json.dumps({"id": request["id"], "event": "done"}), flush=True)
    if request["op"] == "ping" and %r:
        print(json.dumps({"id": 0, "event": "done"}), flush=True)
"""


def hanging(*, probes: bool, beats: bool):
    from harness.board.boot import pack_agent

    return pack_agent({"__main__.py": (HANGS % (probes, FACTS, beats)).encode(), "__init__.py": b""})


@pytest.mark.parametrize(("beats", "error"), [(False, SilentBoardError), (True, BoardAnswerError)])
def test_a_board_that_hangs_after_its_greeting(here, monkeypatch, beats, error):
    monkeypatch.setattr(wire, "PROGRESS_S", 1.0)
    monkeypatch.setattr(wire, "BEAT_S", 0.1)
    agent = hanging(probes=False, beats=beats)
    with pytest.raises(error), open_board(here.profile, lease=here.lease, agent=agent):
        pass


def test_heartbeats_are_no_progress_of_a_block(here, monkeypatch):
    monkeypatch.setattr(live, "BLOCK_START_S", 1.0)
    monkeypatch.setattr(wire, "BEAT_S", 0.1)
    monkeypatch.setattr(link, "RELEASE_S", 0.5)
    with open_board(here.profile, lease=here.lease, agent=hanging(probes=True, beats=True)) as board:
        with pytest.raises(BoardAnswerError, match="the steward on the board lives"):
            list(board.run_block(scripted_block(1)))
        assert board.losses == 0
    assert board.release_problem


def test_a_board_that_falls_silent_amid_every_block_is_given_up(here, monkeypatch):
    monkeypatch.setattr(live, "SILENCE_S", 1.0)
    monkeypatch.setattr(wire, "BEAT_S", 0.1)
    with open_board(here.profile, lease=here.lease, agent=hanging(probes=True, beats=False)) as board:
        with pytest.raises(BlockLostError):
            list(board.run_block(scripted_block(1)))
        with pytest.raises(ConnectionLostError, match="as on the link before: it is not tried again") as caught:
            list(board.run_block(scripted_block(1)))
        assert not isinstance(caught.value, BlockLostError)
    assert board.losses == 1


def test_a_line_that_the_link_cut_off_is_a_lost_link(here, monkeypatch):
    monkeypatch.setattr(link, "RECONNECT_S", 0.0)
    cut = """import sys; sys.stdout.write('{"event":"rea'); sys.stdout.flush()"""
    from harness.board.boot import pack_agent

    agent = pack_agent({"__main__.py": cut.encode(), "__init__.py": b""})
    with (
        pytest.raises(ConnectionLostError, match=r"is gone \(exit status 0\)"),
        open_board(here.profile, lease=here.lease, agent=agent),
    ):
        pass


def test_what_libraries_say_on_stderr_is_no_reason_for_a_lost_link(here, monkeypatch):
    monkeypatch.setattr(link, "RECONNECT_S", 0.0)
    agent = steward(probe=["NOISE", DONE])
    with (
        pytest.raises(ConnectionLostError) as caught,
        open_board(here.profile, lease=here.lease, agent=agent),
    ):
        pass
    assert "delegate" not in str(caught.value)
