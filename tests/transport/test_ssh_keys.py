"""Private keys in all the forms people have, and agents that hold many."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sshd import Sshd, loopback_sshd

from harness.records.device import Connection
from harness.records.errors import AuthenticationError
from harness.transport import connect
from harness.transport.ssh_auth import EncryptedKeyError, agent_keys, private_key, public_blob

BITS = {"rsa": "2048", "ecdsa": "256", "ed25519": "256"}


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Iterator[Sshd]:
    with loopback_sshd(tmp_path_factory.mktemp("board")) as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def agent(tmp_path, monkeypatch) -> Iterator[Path]:
    """The socket of an agent that holds nothing."""
    place = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        yield place
        process.terminate()


def new_key(path: Path, *words: str, lock: str = "") -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-N", lock, "-f", str(path), *(words or ("-t", "ed25519"))],
        check=True,
        capture_output=True,
    )
    return path


def add(*keys: Path) -> None:
    subprocess.run(["ssh-add", "-q", *map(str, keys)], check=True, capture_output=True)


def to(board: Sshd, identity_file: Path | None = None) -> Connection:
    return Connection(
        host=board.host,
        port=board.port,
        user=board.user,
        identity_file=str(identity_file) if identity_file else None,
        known_hosts=str(board.known_hosts),
    )


def logs_in(connection: Connection) -> bool:
    connect(connection, device="pi").close()
    return True


def refusal(connection: Connection) -> str:
    with pytest.raises(AuthenticationError) as caught:
        connect(connection, device="pi")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form", ["RFC4716", "PKCS8", "PEM"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_form_that_ssh_keygen_writes(tmp_path, kind, form):
    path = new_key(tmp_path / "key", "-t", kind, "-b", BITS[kind], "-m", form)
    public = path.with_suffix(".pub").read_text().split()
    assert private_key(path).get_base64() == public[1]
    locked = new_key(tmp_path / "locked", "-t", kind, "-b", BITS[kind], "-m", form, lock="secret")
    with pytest.raises(EncryptedKeyError):
        private_key(locked)


def test_pkcs8_of_openssl_logs_in(board, home):
    path = home / "pkcs8"
    new_key(path, "-t", "rsa", "-b", "2048", "-m", "PKCS8")
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    authorized = board.folder / "authorized_keys"
    authorized.write_text(authorized.read_text() + path.with_suffix(".pub").read_text())
    path.with_suffix(".pub").unlink()
    assert logs_in(to(board, path))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END"])
def test_what_is_no_key_is_named(board, home, content):
    (home / "key").write_bytes(content)
    assert f"{home}/key (unreadable: " in refusal(to(board, home / "key"))


def test_the_public_half_of_an_encrypted_key(tmp_path):
    path = new_key(tmp_path / "key", lock="secret")
    blob = public_blob(path.with_suffix(".pub"))
    path.with_suffix(".pub").unlink()
    assert blob is not None and public_blob(path) == blob
    assert public_blob(tmp_path / "absent") is None


def test_an_agent_with_many_keys_before_the_right_one(board, home, agent, tmp_path):
    add(*(new_key(tmp_path / f"wrong{number}") for number in range(7)), board.identity_file)
    said = refusal(to(board))
    assert f"[{board.host}]:{board.port} closed the connection after 6 keys for {board.user}: the agent's" in said
    assert "name the right one as connection.identity_file" in said
    assert logs_in(to(board, board.identity_file))
    public = tmp_path / "right.pub"
    public.write_bytes(board.identity_file.with_suffix(".pub").read_bytes())
    assert logs_in(to(board, public))
    (home / ".ssh/config").write_text(f"Host {board.host}\n  IdentityFile {public}\n")
    assert logs_in(to(board))


def test_identities_only_leaves_the_agents_other_keys_out(board, home, agent, tmp_path):
    add(board.identity_file)
    other = new_key(tmp_path / "other")
    (home / ".ssh/config").write_text(f"Host *\n  IdentityFile {other}\n")
    assert logs_in(to(board))
    (home / ".ssh/config").write_text(f"Host *\n  IdentityFile {other}\n  IdentitiesOnly yes\n")
    assert f"keys tried: {other};" in refusal(to(board))
    (home / ".ssh/config").write_text("Host *\n  IdentityAgent none\n")
    assert "keys tried: none" in refusal(to(board))
    (home / ".ssh/config").write_text(f"Host *\n  IdentityAgent {agent}\n")
    assert logs_in(to(board))


def test_an_encrypted_key_that_the_agent_holds(board, home, agent, tmp_path):
    locked = tmp_path / "locked"
    locked.write_bytes(board.identity_file.read_bytes())
    locked.chmod(0o600)
    add(locked)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(locked)], check=True, capture_output=True)
    assert logs_in(to(board, locked))


def test_what_is_no_agent_holds_no_keys(tmp_path):
    for place in (str(tmp_path / "absent"), str(tmp_path), "a" * 500, None):
        with agent_keys(place) as keys:
            assert not keys


def test_an_interpreter_in_the_home_folder(board, home):
    """~ is the board's to expand: quoted with the other words it would be a folder of that name."""
    folder = board.home / "venv of mine"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    transport = connect(to(board, board.identity_file), device="pi")
    process = transport.start(["~/venv of mine/python", "-c", "print('~/as it is')"])
    assert process.read_line(20.0) == b"~/as it is"
    transport.close()
