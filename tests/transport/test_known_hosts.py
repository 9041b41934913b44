"""Whose host keys are trusted: the same ones that the real ssh trusts, for the same known_hosts files."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sshd import HOST, Sshd, loopback_sshd

from harness.records.device import Connection
from harness.records.errors import HostKeyError
from harness.transport import connect
from harness.transport.known_hosts import read_known_hosts

CASES = {
    "nobody is known": (b"", False),
    "the key": (b"{name} {key}\n", True),
    "the key, without an end of line": (b"{name} {key}", True),
    "another key": (b"{name} {other}\n", False),
    "stray lines": (b"my notes about hosts\n\n# and a comment\n@\n{name} {key}\n", True),
    "lines with one or two words": (b"{name}\n{name} ssh-ed25519\n{name} {key}\n", True),
    "blanks, tabs and ends of another system": (b" \t{name}\t{key} a comment\r\n", True),
    "a comment in another encoding": (b"{name} {key} B\xfcro\n", True),
    "an authority alone": (b"@cert-authority {name} {key}\n", False),
    "an authority of others": (b"@cert-authority *.corp.example {other}\n{name} {key}\n", True),
    "the key is revoked": (b"@revoked {name} {key}\n", False),
    "the key is known and revoked": (b"{name} {key}\n@revoked {name} {key}\n", False),
    "the key is revoked everywhere": (b"{name} {key}\n@revoked * {key}\n", False),
    "the key is revoked elsewhere": (b"{name} {key}\n@revoked *.example {key}\n", True),
    "another key is revoked": (b"@revoked {name} {other}\n{name} {key}\n", True),
    "a marker that nobody knows": (b"@trusted {name} {key}\n", False),
    "a marker with nothing behind it": (b"@revoked{name} {key}\n{name} {key}\n", True),
    "two keys of a type, the right one last": (b"{name} {other}\n{name} {key}\n", True),
    "two keys of a type, the right one first": (b"{name} {key}\n{name} {other}\n", True),
    "the RSA key alone": (b"{name} {rsa}\n", True),
    "another RSA key alone": (b"{name} {other_rsa}\n", False),
    "another RSA key and the right key": (b"{name} {other_rsa}\n{name} {key}\n", True),
    "any host": (b"* {key}\n", True),
    "a pattern": (b"[127.0.0.*]:* {key}\n", True),
    "a pattern of one character": (b"[127.0.0.?]:{port} {key}\n", True),
    "a pattern that does not match": (b"[127.0.1.*]:* {key}\n", False),
    "square brackets are no set": (b"[{host}0-9]:{port} {key}\n", False),
    "a negated pattern": (b"*,!{name},!{host} {key}\n", False),
    "a negated pattern, the name without the port not": (b"*,!{name} {key}\n", True),
    "a negated pattern alone": (b"!elsewhere {key}\n", False),
    "a negated pattern of others": (b"!elsewhere,* {key}\n", True),
    "a list": (b"gate.example,{name},10.0.0.7 {key}\n", True),
    "a list with holes": (b",,{name},, {key}\n", True),
    "the name without the port": (b"{host} {key}\n", True),
    "the name without the port, another key": (b"{host} {other}\n", False),
    "the port's own line comes first": (b"{host} {key}\n{name} {other}\n", False),
    "the port's own line is of another type": (b"{host} {key}\n{name} {other_rsa}\n", False),
    "revoked without the port": (b"{host} {key}\n@revoked {host} {key}\n", False),
    "revoked without the port, known with it": (b"{name} {key}\n@revoked {host} {key}\n", True),
    "another port": (b"[{host}]:1 {key}\n", False),
    "a key cut off": (b"{name} {cut}\n", False),
    "a key of another type than it says": (b"{name} ssh-rsa {blob}\n", False),
    "letters that are no key": (b"{name} ssh-ed25519 AAAA!!!!\n{name} {key}\n", True),
    "a key of the first protocol": (b"{name} 1024 35 1234567890\n{name} {key}\n", True),
    "a NUL": (b"{name} {other}\0\n{name} {key}\n", True),
}
"""What a file holds, and whether ssh connects."""


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("board")
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(folder / "rsa")], check=True)
    with loopback_sshd(folder, options=f"HostKey {folder / 'rsa'}") as server:
        yield server


@pytest.fixture(scope="module")
def words(board, tmp_path_factory) -> dict[bytes, bytes]:
    """What stands for the words in braces."""
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("ed25519", "rsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / kind)], check=True)
    key = b" ".join(board.known_hosts.read_bytes().split()[1:3])

    def public(path: Path) -> bytes:
        return b" ".join(path.with_suffix(".pub").read_bytes().split()[:2])

    return {
        b"{name}": f"[{HOST}]:{board.port}".encode(),
        b"{host}": HOST.encode(),
        b"{port}": str(board.port).encode(),
        b"{key}": key,
        b"{blob}": key.split()[1],
        b"{cut}": key[:-9],
        b"{rsa}": public(board.identity_file.parent / "rsa"),
        b"{other}": public(folder / "ed25519"),
        b"{other_rsa}": public(folder / "rsa"),
    }


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


def ssh_connects(board: Sshd, known: Path) -> bool:
    options = {"BatchMode": "yes", "UserKnownHostsFile": known, "GlobalKnownHostsFile": "none", "LogLevel": "QUIET"}
    done = subprocess.run(
        ["ssh", "-F", "none", "-p", str(board.port), "-i", str(board.identity_file), "-l", board.user]
        + [f"-o{word}={value}" for word, value in options.items()]
        + [board.host, "true"],
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def refused(board: Sshd, known: Path) -> str | None:
    """Why we refuse, None where we connect."""
    connection = Connection(
        host=board.host,
        port=board.port,
        user=board.user,
        identity_file=str(board.identity_file),
        known_hosts=str(known),
    )
    try:
        connect(connection, device="pi").close()
    except HostKeyError as error:
        return str(error)
    return None


def filled(text: bytes, words: dict[bytes, bytes]) -> bytes:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


@pytest.mark.parametrize("name", CASES)
def test_we_connect_where_ssh_does(board, home, words, tmp_path, name):
    text, connects = CASES[name]
    known = tmp_path / "known_hosts"
    known.write_bytes(filled(text, words))
    expected = ssh_connects(board, known)
    assert expected is connects
    said = refused(board, known)
    assert (said is None) is expected, said
    assert said is None or "\n" not in said


def test_hashed_names(board, home, words, tmp_path):
    for text in (b"{name} {key}\n", b"{name} {other}\n", b"{host} {key}\n"):
        known = tmp_path / "known_hosts"
        known.write_bytes(filled(text, words))
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
        assert (refused(board, known) is None) is ssh_connects(board, known)


def test_a_hashed_name_that_is_none_is_passed_over(board, home, words, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_bytes(filled(b"|1|no|hash= {key}\n|2|AAAA|AAAA {key}\n|1|AAAA {key}\n", words))
    assert "is unknown" in (refused(board, known) or "") and not ssh_connects(board, known)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"@revoked {name} {key}\n", "is revoked: ssh-ed25519 SHA256:"),
        (b"@cert-authority {name} {key}\n", "@cert-authority in line 1 of"),
        (b"\n{name} {other}\n", "not the one in line 2 of"),
        (b"{name} {other_rsa}\n@revoked x {key}\n", "has changed"),
    ],
)
def test_a_refusal_names_the_line(board, home, words, text, sentence):
    known = home / "known hosts"
    known.write_bytes(filled(text, words))
    assert sentence in (refused(board, known) or "")


def test_what_the_refusal_offers_is_quoted_for_a_shell(board, home, tmp_path):
    known = tmp_path / "known $(touch x) hosts"
    said = refused(board, known) or ""
    command = said.rpartition("accept it with: ")[2]
    assert command.endswith(f">> '{known}'")
    subprocess.run(command, shell=True, check=True, capture_output=True, cwd=tmp_path)  # noqa: S602
    assert refused(board, known) is None and not (tmp_path / "x").exists()


def test_files_that_are_none_hold_no_keys(tmp_path):
    assert read_known_hosts(Path("/dev/null")) == read_known_hosts(tmp_path) == read_known_hosts(tmp_path / "no") == ()


def test_a_name_with_many_wildcards_is_matched_soon(tmp_path):
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIH9uZ8Uxe83N7QxmcWDacOx8IWHFLuYvKy0guBH44yYi"
    (tmp_path / "known").write_text(f"{'*a' * 200}b ssh-ed25519 {blob}\n{'*' * 5000}x ssh-ed25519 {blob}\n")
    first, second = read_known_hosts(tmp_path / "known")
    assert not first.matches("a" * 250) and first.matches("a" * 250 + "b") and second.matches("x")
