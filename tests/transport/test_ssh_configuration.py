"""What the user's SSH configuration says holds: as ssh itself follows it, or the word is named."""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sshd import Sshd, loopback_sshd

from harness.records.device import Connection
from harness.records.errors import HostKeyError, ProfileError, UnreachableError
from harness.transport import connect
from harness.transport.ssh_config import Hop, hops

WAIT_S = 20.0


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Iterator[Sshd]:
    with loopback_sshd(tmp_path_factory.mktemp("board")) as server:
        yield server


@pytest.fixture(scope="module")
def gate(tmp_path_factory) -> Iterator[Sshd]:
    with loopback_sshd(tmp_path_factory.mktemp("gate")) as server:
        yield server


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    (tmp_path / "home" / ".ssh" / "config.d").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def without_ssh(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def configured(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_text(text, encoding="utf-8")


def way(host: str = "pi-lab", **words: str | int) -> list[tuple[str, int]]:
    return [(hop.host, hop.port) for hop in hops(Connection.model_validate({"host": host} | words), "pi")]


def last(host: str = "pi-lab", **words: str | int) -> Hop:
    return hops(Connection.model_validate({"host": host} | words), "pi")[-1]


def refusal(host: str = "pi-lab", **words: str | int) -> str:
    with pytest.raises(ProfileError) as caught:
        last(host, **words)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("pi: ")
    return str(caught.value)


def answers(connection: Connection) -> bool:
    transport = connect(connection, device="pi")
    try:
        return transport.start([sys.executable, "-c", "print('up')"]).read_line(WAIT_S) == b"up"
    finally:
        transport.close()


def entry(name: str, server: Sshd, *lines: str) -> str:
    """A Host block that leads to a server."""
    words = [
        f"Host {name}",
        f"HostName {server.host}",
        f"Port {server.port}",
        f"User {server.user}",
        f"IdentityFile {server.identity_file}",
        f"UserKnownHostsFile {server.known_hosts}",
        *lines,
    ]
    return "\n  ".join(words) + "\n"


def test_files_that_are_included(home):
    (home / ".ssh/config.d/a_lab").write_text("Host pi-lab\n  HostName 127.0.0.1\n  Port 2222\n  Include deeper\n")
    (home / ".ssh/deeper").write_text("IdentityFile ~/.ssh/lab\nUser %%lab\n")
    configured(home, "Include config.d/*  # all of them\nHost *\n  Port 1\n  User other\n")
    hop = last()
    assert (hop.host, hop.port, hop.user) == ("127.0.0.1", 2222, "%%lab")
    assert hop.identity_files == (home / ".ssh/lab",) and not hop.default_keys


def test_an_include_within_a_block_holds_for_that_block(home):
    (home / ".ssh/inner").write_text("Host pi-*\n  Port 7\n")
    configured(home, "Host other\n  Include inner\nHost *\n  Include ~/.ssh/absent\n  Port 9\n")
    assert way("pi-lab") == [("pi-lab", 9)] and way("other") == [("other", 9)]


def test_matches_that_hold_and_that_do_not(home, tmp_path):
    configured(
        home,
        f'Match exec "test -e {tmp_path}/flag"\n  HostName 9.9.9.9\nMatch user root\n  Port 9\n'
        "Match originalhost pi-lab\n  HostName 127.0.0.1\n",
    )
    assert way(user="me") == [("127.0.0.1", 22)]
    (tmp_path / "flag").touch()
    assert way(user="root") == [("9.9.9.9", 9)]


def test_a_word_that_ssh_does_not_know_is_named_with_its_line(home):
    (home / ".ssh/config.d/lab").write_text("Host pi-lab\n  HostNmae 127.0.0.1\n")
    configured(home, "Include config.d/*\n")
    assert f"{home}/.ssh/config.d/lab line 2: Bad configuration option: hostnmae" in " ".join(
        refusal().replace(": line", " line").split()
    )


def test_what_the_profile_says_wins(home):
    configured(home, "Host pi-lab\n  User other\n  Port 1\n  ProxyJump gate\n  IdentityFile /there\n")
    hop = last(user="me", port=2, proxy_jump="none", identity_file="~/mine", known_hosts="~/known")
    assert (hop.user, hop.port, hop.identity_files, hop.named_key) == ("me", 2, (home / "mine",), True)
    assert hop.known_hosts == (home / "known",) and way(proxy_jump="none") == [("pi-lab", 1)]
    assert way(proxy_jump="a,b:3") == [("a", 22), ("b", 3), ("pi-lab", 1)]


def test_files_and_names_of_host_keys(home):
    hop = last()
    assert hop.known_hosts[:2] == (home / ".ssh/known_hosts", home / ".ssh/known_hosts2")
    assert Path("/etc/ssh/ssh_known_hosts") in hop.known_hosts
    configured(
        home,
        "Host pi-lab\n  HostKeyAlias Lab-Pi\n  Port 7\n  UserKnownHostsFile ~/a %d/b\n  GlobalKnownHostsFile none\n",
    )
    hop = last()
    assert (hop.listed_name, hop.known_hosts) == ("lab-pi", (home / "a", home / "b"))


def test_tokens_and_variables(home, monkeypatch):
    monkeypatch.setenv("KEYS", "/keys")
    configured(home, "Host pi-lab\n  HostName %h.lab\n  User me\n  IdentityFile ${KEYS}/%n-%h-%r-%p-%u%%\n")
    assert last().identity_files == (Path(f"/keys/pi-lab-pi-lab.lab-me-22-{getpass.getuser()}%"),)
    configured(home, "Host pi-lab\n  IdentityFile ~/%C\n")
    assert "IdentityFile ~/%C of your SSH configuration: %C is not followed".replace("~", str(home)) in refusal()
    configured(home, "Host pi-lab\n  IdentityFile ${NO_SUCH_PLACE}/key\n")
    assert "the environment has no NO_SUCH_PLACE" in refusal()


def test_the_agent(home, monkeypatch):
    assert last().agent is None
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("OTHER", "/run/other")
    assert last().agent == "/run/agent"
    for text, agent in (
        ("none", None),
        ("SSH_AUTH_SOCK", "/run/agent"),
        ("$OTHER", "/run/other"),
        ("~/a", f"{home}/a"),
    ):
        configured(home, f"Host pi-lab\n  IdentityAgent {text}\n  IdentitiesOnly yes\n")
        assert last().agent == agent and last().identities_only


def test_jumps_that_have_jumps(home):
    configured(
        home,
        "Host pi-lab\n  ProxyJump me@inner\nHost inner\n  HostName 10.0.0.2\n  ProxyJump outer:2222\n"
        "Host outer\n  ProxyCommand nc %h %p\n",
    )
    chain = hops(Connection(host="pi-lab"), "pi")
    assert [(hop.host, hop.port) for hop in chain] == [("outer", 2222), ("10.0.0.2", 22), ("pi-lab", 22)]
    assert [hop.proxy_command for hop in chain] == ["nc outer 2222", None, None]
    assert [hop.jump for hop in chain] == ["", "outer:2222", "me@inner"] and chain[1].user == "me"


def test_jumps_in_a_circle(home):
    configured(home, "Host pi-lab\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    assert "more than 8 proxy jumps" in refusal()
    configured(home, "Host *\n  ProxyJump gate\n")
    assert "jumphost loop via gate" in refusal()


@pytest.mark.parametrize(
    ("jump", "first"),
    [
        ("ssh://me@gate:2222", ("gate", 2222, "me")),
        ("ssh://gate", ("gate", 22, None)),
        ("me@[::1]:2222", ("::1", 2222, "me")),
        ("::1", ("::1", 22, None)),
        ("[fe80::1%eth0]", ("fe80::1%eth0", 22, None)),
    ],
)
def test_jumps_as_people_write_them(home, jump, first):
    host, port, user = first
    hop = hops(Connection(host="pi-lab", proxy_jump=jump), "pi")[0]
    assert (hop.host, hop.port, hop.user) == (host, port, user or getpass.getuser())
    if jump.count(":") < 2 or "]:" in jump:  # ssh itself wants brackets, and no zone
        configured(home, f"Host pi-lab\n  ProxyJump {jump}\n")
        hop = hops(Connection(host="pi-lab"), "pi")[0]
        assert (hop.host, hop.port, hop.user) == (host, port, user or getpass.getuser())


def test_words_that_would_lead_elsewhere_are_refused_by_name(home):
    configured(home, "Host pi-lab\n  ProxyCommand nc %h %p\n  ProxyUseFdpass yes\n")
    assert "proxyusefdpass yes of your SSH configuration is not followed for pi-lab" in refusal()


def test_without_ssh_blocks_are_read_and_words_that_decide_more_are_named(home, without_ssh):
    configured(
        home,
        "Match host elsewhere\n  Port 9\nHost pi-lab\n  HostName 127.0.0.1\n  Port 2222\n"
        "  UserKnownHostsFile ~/a ~/b\n",
    )
    hop = last(user="me")
    assert (hop.host, hop.port, hop.user, hop.known_hosts[:2]) == ("127.0.0.1", 2222, "me", (home / "a", home / "b"))
    assert last("other").known_hosts[0] == home / ".ssh/known_hosts" and last("other").default_keys
    for text, named in (
        ("Host x\n\n  Match localnetwork 9.9.9.0/24\n  HostName 9.9.9.9\n", "line 3: Match localnetwork 9.9.9.0/24"),
        ("Match exec true\n  HostName 9.9.9.9\n", "line 1: Match exec true"),
        ("CanonicalizeHostname yes\n", "line 1: CanonicalizeHostname"),
    ):
        configured(home, text)
        assert f"{home}/.ssh/config {named} is followed only where OpenSSH's ssh is installed" in refusal()
    configured(home, "Include config.d/*\n")
    assert way() == [("pi-lab", 22)]
    (home / ".ssh/config.d/lab").touch()
    assert "line 1: Include is followed only" in refusal()


def test_a_user_without_an_account(home, monkeypatch):
    """As in a container that runs as any number: ssh itself refuses everything there."""
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    configured(home, "Host pi-lab\n  Port 7\n")
    assert "set the environment variable USER" in refusal()
    monkeypatch.setenv("USER", "me")
    assert (last().user, last().port, last(user="pi").user) == ("me", 7, "pi")


def test_another_ssh_is_not_asked(home, monkeypatch, tmp_path):
    """Dropbear's has no -G."""
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "Dropbear v2022.83" >&2\n[ "$1" = -V ] || touch "$0.asked"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    configured(home, "Host pi-lab\n  Port 7\n")
    assert way() == [("pi-lab", 7)] and not (tmp_path / "ssh.asked").exists()


def test_a_command_of_the_configuration_that_hangs_is_named(home, monkeypatch):
    monkeypatch.setattr("harness.transport.ssh_options.ASK_S", 0.5)
    configured(home, 'Match exec "exec sleep 77.7"\n  Port 7\n')
    with pytest.raises(UnreachableError, match=r"ssh -G pi-lab took more than 0.5 s: does a Match exec .* hang\?"):
        last()
    assert not subprocess.run(["pgrep", "-f", "sleep 77.7"], capture_output=True, check=False).stdout


def test_without_ssh_a_proxy_command_and_jumps_are_followed(home, without_ssh):
    configured(home, "Host pi-lab\n  ProxyJump me@inner\nHost inner\n  ProxyCommand nc %h %p\n")
    assert [hop.proxy_command for hop in hops(Connection(host="pi-lab"), "pi")] == ["nc inner 22", None]


def test_a_board_by_its_name_in_the_configuration(board, home):
    configured(home, entry("pi-lab", board))
    assert answers(Connection(host="pi-lab"))


def test_a_board_behind_a_proxy_command_and_jumps_of_jumps(board, gate, home):
    relay = "import socket,sys,threading,os\n"
    relay += "s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n"
    relay += (
        "threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(65536),b'')],daemon=True).start()\n"
    )
    relay += "[s.sendall(d) for d in iter(lambda:os.read(0,65536),b'')]\n"
    (home / "relay.py").write_text(relay)
    configured(
        home,
        entry("pi-lab", board, "ProxyJump middle")
        + entry("middle", board, "ProxyJump gate")
        + entry("gate", gate, f"ProxyCommand {sys.executable} {home}/relay.py %h %p"),
    )
    before = board.log.count("direct-tcpip")
    assert answers(Connection(host="pi-lab"))
    assert "direct-tcpip" in gate.log and board.log.count("direct-tcpip") > before
    left = subprocess.run(["pgrep", "-f", f"{home}/relay.py"], capture_output=True, check=False).stdout
    assert left == b""


def test_a_proxy_command_that_fails_is_quoted_with_its_last_words(board, home):
    configured(home, entry("pi-lab", board, "ProxyCommand sh -c 'echo no route to \\033[2J the lab >&2; exit 3'"))
    with pytest.raises(UnreachableError) as caught:
        connect(Connection(host="pi-lab"), device="pi")
    said = str(caught.value)
    assert "ProxyCommand" in said and "ended without a connection" in said and "no route to" in said
    assert "\x1b" not in said and "\n" not in said


def test_an_alias_of_the_host_key(board, home, tmp_path):
    key = " ".join(board.known_hosts.read_text().split()[1:3])
    (tmp_path / "known").write_text(f"lab-pi {key}\n")
    alias = entry("pi-lab", board, "HostKeyAlias lab-pi").replace(str(board.known_hosts), str(tmp_path / "known"))
    configured(home, alias)
    assert answers(Connection(host="pi-lab"))
    configured(home, alias.replace("HostKeyAlias lab-pi", "HostKeyAlias other\n  StrictHostKeyChecking no"))
    with pytest.raises(HostKeyError) as caught:
        connect(Connection(host="pi-lab"), device="pi")
    assert "the host key of other is unknown" in str(caught.value)
    assert "StrictHostKeyChecking false is not followed here" in str(caught.value)
    assert str(caught.value).endswith(f"accept it with: ssh -p {board.port} -l {board.user} pi-lab true")


def test_a_list_of_revoked_keys(board, home, tmp_path):
    (tmp_path / "revoked").write_text(" ".join(board.known_hosts.read_text().split()[1:3]) + "\n")
    configured(home, entry("pi-lab", board, f"RevokedHostKeys {tmp_path}/revoked"))
    with pytest.raises(HostKeyError, match=r"is revoked: .* stands in RevokedHostKeys"):
        connect(Connection(host="pi-lab"), device="pi")
    (tmp_path / "revoked").write_bytes(b"SSHKRL\n\0")
    with pytest.raises(HostKeyError, match="a KRL is not followed here"):
        connect(Connection(host="pi-lab"), device="pi")


def test_a_board_by_ipv6(home, tmp_path):
    with loopback_sshd(tmp_path / "six", options="ListenAddress ::1") as server:
        key = " ".join(server.known_hosts.read_text().split()[1:3])
        (tmp_path / "known").write_text(f"[::1]:{server.port} {key}\n")
        for host in ("::1", "[::1]"):
            connection = Connection(
                host=host,
                port=server.port,
                user=server.user,
                identity_file=str(server.identity_file),
                known_hosts=str(tmp_path / "known"),
            )
            assert answers(connection)
        (tmp_path / "known").write_text("")
        with pytest.raises(HostKeyError, match=rf"the host key of \[::1\]:{server.port} is unknown"):
            connect(connection, device="pi")
        jumped = connection.model_copy(update={"host": "127.0.0.1", "proxy_jump": f"{server.user}@[::1]:{server.port}"})
        (tmp_path / "known").write_text(f"[::1]:{server.port},[127.0.0.1]:{server.port} {key}\n")
        assert answers(jumped)


def test_the_accounts_own_configuration_is_read_by_ssh_itself(home, monkeypatch):
    """Where HOME is the account's home, ssh reads its own files: nothing is copied."""
    monkeypatch.setattr("harness.transport.ssh_options.account_home", lambda: home)
    monkeypatch.setattr("harness.transport.ssh_options.copy_config", lambda *_: pytest.fail("copied"))
    assert way("127.0.0.1", port=7, user="me") == [("127.0.0.1", 7)]
    assert os.environ["HOME"] == str(home)
