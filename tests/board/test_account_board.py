"""A board whose user is a new, ordinary account: what a session leaves there, and who may read it."""

import pwd
import stat
import subprocess

from sshd import loopback_sshd

from harness.board import open_board
from harness.records.device import Connection, DeviceProfile


def test_a_session_leaves_only_the_cache_folder_and_no_process(tmp_path):
    with loopback_sshd(tmp_path, account="edge") as server:
        connection = Connection(
            host=server.host,
            port=server.port,
            user=server.user,
            identity_file=str(server.identity_file),
            known_hosts=str(server.known_hosts),
            python=server.python,
        )
        profile = DeviceProfile(name="pi", lineage=("pi",), connection=connection)
        with open_board(profile, lease=f"edge-harness-test-{server.user}") as board:
            assert board.facts.cache_dir == str(server.cache)
            assert board.seconds["boot"] > 0
        files = [path for path in server.home.rglob("*") if path.is_file()]
        assert files
        assert all(server.cache in path.parents for path in files)
        assert all(path.owner() == server.user for path in files)
        assert stat.S_IMODE((server.cache / "agents").stat().st_mode) & 0o077 == 0
        assert _left_by(server.user) == []


def _left_by(user: str) -> list[str]:
    """Commands of the account that still run; the session's own sshd is about to end and counts as none."""
    found = subprocess.run(
        ["ps", "-u", str(pwd.getpwnam(user).pw_uid), "-o", "comm="], capture_output=True, text=True, check=False
    )
    return [name for name in found.stdout.split() if name != "sshd"]
