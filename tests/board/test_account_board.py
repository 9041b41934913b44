"""A board whose user is a new, ordinary account: what a session leaves there, and who may read it."""

import os
import pwd
import stat
import subprocess

import pytest
from support.needs import need
from support.sshd import Sshd, loopback_sshd

from harness.board import open_board
from harness.records.device import Connection, DeviceProfile, Tuning


def test_a_session_leaves_only_the_cache_folder_and_no_process(tmp_path):
    with loopback_sshd(tmp_path, account="edge") as server:
        with open_board(_profile(server), lease=f"edge-harness-test-{server.user}") as board:
            assert board.facts.cache_dir == str(server.cache)
            assert board.seconds["boot"] > 0
        files = [path for path in server.home.rglob("*") if path.is_file()]
        assert files
        assert all(server.cache in path.parents for path in files)
        assert all(path.owner() == server.user for path in files)
        assert stat.S_IMODE((server.cache / "agents").stat().st_mode) & 0o077 == 0
        assert _left_by(server.user) == []


@pytest.mark.parametrize("shell", ["tcsh", "fish", "zsh", "dash"])
def test_any_login_shell_will_do(tmp_path, shell):
    program = need(shell)
    with loopback_sshd(tmp_path, account="edge") as server:
        subprocess.run(["usermod", "-s", program, server.user], check=True)
        with open_board(_profile(server), holder="it's mine!", lease=f"edge-harness-test-{server.user}") as board:
            assert board.facts.cache_dir == str(server.cache)


def test_another_account_is_told_what_a_killed_run_left(tmp_path, here):
    root = tmp_path / "board"
    policy = root / "sys/devices/system/cpu/cpufreq/policy0"
    policy.mkdir(parents=True)
    (root / "tmp").mkdir()
    (policy / "scaling_governor").write_text("ondemand\n")
    (policy / "scaling_available_governors").write_text("ondemand performance\n")
    for folder in (root, *list(root.parents)[:-2]):
        folder.chmod(0o755)
    copy = root / "tmp" / f"edge-harness-{os.getuid()}.json"
    tuned = here.profile.model_copy(update={"tuning": Tuning(governor="performance")})
    with open_board(tuned, lease=here.lease, root=str(root)):
        left = copy.read_text()
    copy.write_text(left)
    (policy / "scaling_governor").write_text("performance\n")
    with (
        loopback_sshd(tmp_path / "sshd", account="edge") as server,
        open_board(_profile(server), lease=here.lease, root=str(root), tune=False) as board,
    ):
        (sentence,) = board.restored
    assert "is still performance, as a run of account root left it" in sentence
    assert sentence.endswith("cannot be put back to ondemand: Permission denied")


def _profile(server: Sshd) -> DeviceProfile:
    connection = Connection(
        host=server.host,
        port=server.port,
        user=server.user,
        identity_file=str(server.identity_file),
        known_hosts=str(server.known_hosts),
        python=server.python,
    )
    return DeviceProfile(name="pi", lineage=("pi",), connection=connection)


def _left_by(user: str) -> list[str]:
    """Commands of the account that still run; the session's own sshd is about to end and counts as none."""
    found = subprocess.run(
        ["ps", "-u", str(pwd.getpwnam(user).pw_uid), "-o", "comm="], capture_output=True, text=True, check=False
    )
    return [name for name in found.stdout.split() if name != "sshd"]
