"""The host ends without a word amid a block: the board kills what runs, puts its settings back, and is free."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from board.board_watch import awaited, commands_with, has_no_holder
from support.needs import need_shared

from harness.board import open_board

POLICY = "sys/devices/system/cpu/cpufreq/policy0"
SILENCE_S = 2
HOST = """
import hashlib, sys
from pathlib import Path
from harness.board import choose_runner, open_board
from harness.records.device import DeviceProfile
from harness.records.plan import BlockSpec, TrialSpec

profile = DeviceProfile.model_validate_json(sys.argv[1])
lease, root, model, silence = sys.argv[2], sys.argv[3], Path(sys.argv[4]), float(sys.argv[5])
sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
words = dict(arm="candidate", kind="latency", model=sha256, warmup_runs=1, num_runs=1, min_secs=0.01, max_secs=0.02)
with open_board(profile, lease=lease, root=root, silence=silence) as board:
    board.ship(model, sha256)
    short = TrialSpec(index=0, deadline_s=30.0, **words)
    long = TrialSpec(index=1, deadline_s=300.0, **(words | dict(min_secs=200.0, max_secs=250.0)))
    for trial in board.run_block(BlockSpec(index=0, runner=choose_runner(profile, board.facts), trials=(short, long))):
        print("measuring", flush=True)
"""


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


def agents(place) -> list[int]:
    """The agent's processes: each has the path of the cache folder among its words."""
    return commands_with(str(place.cache))


@contextmanager
def host_amid_a_block(place, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the board and measures for minutes, its settings changed."""
    model = min(need_shared("models").glob("*.tflite"), key=lambda path: path.stat().st_size)
    tuning = place.profile.tuning.model_copy(update={"governor": "performance"})
    profile = place.profile.model_copy(update={"tuning": tuning})
    words = [profile.model_dump_json(), place.lease, str(root), str(model), str(SILENCE_S)]
    with subprocess.Popen([sys.executable, "-c", HOST, *words], stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout
            assert host.stdout.readline() == "measuring\n"
            yield host
        finally:
            host.kill()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "silent"])
def test_a_host_that_is_gone_leaves_no_process_and_no_setting(place, root, ending):
    with host_amid_a_block(place, root) as host:
        assert governor(root) == "performance"
        assert awaited(lambda: len(agents(place)) >= 3), "a steward, a block, a trial"
        os.kill(host.pid, ending)
        assert awaited(lambda: not agents(place))
    assert governor(root) == "ondemand"
    assert has_no_holder(place.lease)
    assert not (place.cache / "steward.json").exists()
    with open_board(place.profile, lease=place.lease) as board:
        assert board.restored == ()


def test_a_killed_steward_leaves_no_process_and_no_setting(place, root):
    with host_amid_a_block(place, root) as host:
        (steward,) = set(agents(place)) & set(commands_with("--silence"))
        os.kill(host.pid, signal.SIGSTOP)
        os.kill(steward, signal.SIGKILL)
        assert awaited(lambda: not agents(place)), "blocks die with their steward, its watchdog ends its work"
        assert governor(root) == "ondemand"
    with open_board(place.profile, lease=place.lease, root=str(root), tune=False) as board:
        assert board.restored == ()
