"""SSH alone: who is trusted, who may log in, what is said when it does not work, and the way there."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from support.sshd import HOST, Sshd, free_port, loopback_sshd

from harness.records.device import Connection
from harness.records.errors import (
    AuthenticationError,
    BoardUnavailableError,
    ConnectionLostError,
    HostKeyError,
    ProfileError,
    UnreachableError,
)
from harness.transport import connect

WAIT_S = 20.0


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Iterator[Sshd]:
    with loopback_sshd(tmp_path_factory.mktemp("board")) as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home of the host's user without keys, agent or configuration."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


def to(board: Sshd, **changes) -> Connection:
    words = {
        "host": board.host,
        "port": board.port,
        "user": board.user,
        "identity_file": str(board.identity_file),
        "known_hosts": str(board.known_hosts),
    }
    return Connection(**(words | changes))


def says(connection: Connection) -> str:
    transport = connect(connection, device="pi")
    process = transport.start([sys.executable, "-c", "import os; print(os.environ['SSH_CONNECTION'])"])
    line = process.read_line(WAIT_S)
    transport.close()
    return (line or b"").decode()


def refusal(connection: Connection, error: type[BoardUnavailableError]) -> str:
    with pytest.raises(error) as caught:
        connect(connection, device="pi")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("pi: ")
    return message


def new_key(path: Path, *words: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(path), *(words or ("-t", "ed25519"))], check=True)
    return path


def test_an_unknown_host_key_is_refused_with_the_command_that_accepts_it(board, home, tmp_path):
    known = tmp_path / "known_hosts"
    message = refusal(to(board, known_hosts=str(known)), HostKeyError)
    assert "is unknown: ssh-ed25519 SHA256:" in message
    assert message.endswith(f"ssh-keyscan -p {board.port} {board.host} >> {known}")


def test_the_command_named_for_an_unknown_key_works(board, home, tmp_path):
    known = tmp_path / "known_hosts"
    message = refusal(to(board, known_hosts=str(known)), HostKeyError)
    subprocess.run(message.rpartition("with: ")[2], shell=True, check=True, capture_output=True)  # noqa: S602
    assert says(to(board, known_hosts=str(known)))


def test_a_changed_host_key_is_refused_and_the_commands_named_mend_it(board, home, tmp_path):
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"[{board.host}]:{board.port} {other}")
    message = refusal(to(board, known_hosts=str(known)), HostKeyError)
    assert "has changed" in message
    forget = message.partition("forget the old key with: ")[2].partition(" and accept")[0]
    accept = message.rpartition("with: ")[2]
    assert "-R" in forget
    for command in (forget, accept):
        subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602
    assert says(to(board, known_hosts=str(known)))


def test_a_known_host_by_hashed_name(board, home, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(board.known_hosts.read_text())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
    assert "127.0.0.1" not in known.read_text()
    assert says(to(board, known_hosts=str(known)))


def test_a_wrong_key_names_user_host_and_key(board, home, tmp_path):
    key = new_key(tmp_path / "stranger")
    message = refusal(to(board, identity_file=str(key)), AuthenticationError)
    assert f"{board.user}@{board.host} refused the login" in message
    assert str(key) in message


def test_a_key_file_that_is_not_there(board, home, tmp_path):
    message = refusal(to(board, identity_file=str(tmp_path / "absent")), AuthenticationError)
    assert f"{tmp_path / 'absent'} is not there" in message
    assert "ssh-keygen" in message


def test_an_encrypted_key_points_to_the_agent(board, home, tmp_path):
    key = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(key)], check=True)
    assert f"{key} (encrypted: ssh-add it" in refusal(to(board, identity_file=str(key)), AuthenticationError)


def test_a_file_that_is_no_key(board, home, tmp_path):
    key = tmp_path / "notes.txt"
    key.write_text("not a key\n")
    assert f"{key} (unreadable: " in refusal(to(board, identity_file=str(key)), AuthenticationError)


def test_no_key_at_all(board, home):
    assert "keys tried: none" in refusal(to(board, identity_file=None), AuthenticationError)


def test_an_unknown_user(board, home):
    assert f"nobody-here@{board.host}" in refusal(to(board, user="nobody-here"), AuthenticationError)


def test_a_default_key_of_the_home_is_tried(board, home):
    (home / ".ssh" / "id_ed25519").write_text(board.identity_file.read_text())
    assert says(to(board, identity_file=None))


def test_a_key_of_the_users_agent_is_tried(board, home, tmp_path, monkeypatch):
    agent_socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(agent_socket)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent_socket))
        subprocess.run(["ssh-add", "-q", str(board.identity_file)], check=True, capture_output=True)
        assert says(to(board, identity_file=None))
    finally:
        agent.terminate()
        agent.wait()
        assert agent.stdout is not None
        agent.stdout.close()


def test_a_refused_port(board, home):
    message = refusal(to(board, port=free_port()), UnreachableError)
    assert "Connection refused" in message


def test_an_unknown_host_name(board, home):
    message = refusal(to(board, host="no-such-board.invalid"), UnreachableError)
    assert "no-such-board.invalid" in message


def test_something_else_than_ssh_listens(home, tmp_path):
    with socket.create_server((HOST, 0)) as server:
        speaker = threading.Thread(target=_greet_as_web_server, args=(server,))
        speaker.start()
        connection = Connection(host=HOST, port=server.getsockname()[1], known_hosts=str(tmp_path / "k"))
        message = refusal(connection, UnreachableError)
        assert "not as an SSH server" in message
        assert "connection.port" in message
        speaker.join()


def _greet_as_web_server(server: socket.socket) -> None:
    link, _ = server.accept()
    with link:
        link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_server_with_sha1_signatures_only(home, tmp_path):
    with loopback_sshd(tmp_path / "old", options="HostKeyAlgorithms ssh-rsa") as old:
        new_key(tmp_path / "rsa", "-t", "rsa")
        config = old.folder / "sshd_config"
        config.write_text(config.read_text().replace(str(old.folder / "host_key"), str(tmp_path / "rsa")))
        old.reload()
        message = refusal(to(old), UnreachableError)
    assert "ssh-rsa (SHA-1) is refused" in message
    assert "ed25519" in message


def test_a_config_entry_gives_what_the_profile_leaves_out(board, home):
    (home / ".ssh" / "config").write_text(
        f"Host nickname\n HostName {board.host}\n Port {board.port}\n User {board.user}\n"
        f" IdentityFile {board.identity_file}\n"
    )
    assert says(Connection(host="nickname", known_hosts=str(board.known_hosts)))


def test_the_profile_wins_over_the_config(board, home):
    (home / ".ssh" / "config").write_text(f"Host {board.host}\n Port 1\n User nobody-here\n IdentityFile /absent\n")
    assert says(to(board))


def test_a_broken_config_is_one_line(board, home):
    (home / ".ssh" / "config").write_text("Host *\n Port many\n")
    with pytest.raises(ProfileError, match=r"pi: .*\.ssh/config"):
        connect(to(board, port=None), device="pi")


@pytest.mark.parametrize("from_config", [False, True])
def test_a_jump_host_by_profile_and_by_config(board, home, tmp_path, from_config):
    with loopback_sshd(tmp_path / "gate") as gate:
        known = _known_together(tmp_path, gate, board)
        (home / ".ssh" / "config").write_text(
            f"Host gate\n HostName {gate.host}\n Port {gate.port}\n IdentityFile {gate.identity_file}\n"
            + (f"Host {board.host}\n ProxyJump {gate.user}@gate\n" if from_config else "")
        )
        jump = None if from_config else f"{gate.user}@gate"
        assert says(to(board, known_hosts=str(known), proxy_jump=jump))
        assert "direct-tcpip" in gate.log


def _known_together(folder: Path, *servers: Sshd) -> Path:
    known = folder / "known_both"
    known.write_text("".join(server.known_hosts.read_text() for server in servers))
    return known


def test_the_jump_hosts_own_key_is_checked(board, home, tmp_path):
    with loopback_sshd(tmp_path / "gate") as gate:
        message = refusal(to(board, proxy_jump=f"{gate.host}:{gate.port}"), HostKeyError)
        assert f"[{gate.host}]:{gate.port} is unknown" in message


def test_a_jump_host_that_cannot_reach_the_board(board, home, tmp_path):
    with loopback_sshd(tmp_path / "gate") as gate:
        (home / ".ssh" / "config").write_text(f"Host {gate.host}\n IdentityFile {gate.identity_file}\n")
        connection = to(
            board,
            port=free_port(),
            known_hosts=str(gate.known_hosts),
            proxy_jump=f"{gate.user}@{gate.host}:{gate.port}",
        )
        assert "the jump host" in refusal(connection, UnreachableError)


@pytest.mark.parametrize("jump", ["gate:port", "user@", ","])
def test_a_jump_that_is_no_name(board, home, jump):
    with pytest.raises(ProfileError, match="is no \\[user@\\]host\\[:port\\]"):
        connect(to(board, proxy_jump=jump), device="pi")


def test_a_link_that_is_cut_ends_the_stream_and_refuses_more(home, tmp_path):
    with loopback_sshd(tmp_path / "board") as server:
        transport = connect(to(server), device="pi")
        process = transport.start([sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"])
        assert process.read_line(WAIT_S) == b"up"
        server.cut_links()
        assert process.read_line(WAIT_S) is None
        assert process.wait(WAIT_S) == -1
        with pytest.raises(ConnectionLostError, match="pi: "):
            process.write(b"more\n")
        with pytest.raises(ConnectionLostError, match="pi: the link broke while true was started"):
            transport.start(["true"])
        source = tmp_path / "model"
        source.write_bytes(b"x")
        with pytest.raises(ConnectionLostError, match="pi: the link broke while model was sent"):
            transport.put(source, str(tmp_path / "target"))
        transport.close()


def test_a_link_that_breaks_while_a_command_is_ended_is_no_error(home, board, monkeypatch):
    def broken(_channel: paramiko.Channel) -> None:
        raise EOFError

    transport = connect(to(board), device="pi")
    process = transport.start([sys.executable, "-c", "input()"])
    with monkeypatch.context() as patch:
        patch.setattr(paramiko.Channel, "close", broken)
        process.kill()
    transport.close()


def test_an_upload_that_stalls_has_lost_its_link(home, board, tmp_path, monkeypatch):
    def stalled(*_args: object, **_more: object) -> None:
        raise TimeoutError

    source = tmp_path / "model"
    source.write_bytes(b"x")
    transport = connect(to(board), device="pi")
    monkeypatch.setattr(paramiko.SFTPClient, "put", stalled)
    with pytest.raises(ConnectionLostError, match="pi: the link broke while model was sent: TimeoutError"):
        transport.put(source, str(tmp_path / "target"))
    transport.close()
