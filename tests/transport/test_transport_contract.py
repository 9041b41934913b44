"""What every transport promises, run against this machine and against a real sshd, with SFTP and without."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from support.needs import missing, need_root
from support.sshd import loopback_sshd

from harness.records.device import Connection, TransportName
from harness.records.errors import BoardUnfitError, ConnectionLostError
from harness.transport import TRANSPORTS, Transport, connect

WAIT_S = 20.0


@pytest.fixture(scope="module", params=[*sorted(TRANSPORTS), "ssh without SFTP"])
def transport(request, tmp_path_factory) -> Iterator[Transport]:
    if request.param == "local":
        opened = connect(Connection(transport="local"), device="board")
        yield opened
        opened.close()
        return
    options = "" if request.param == "ssh" else "Subsystem other /bin/false"
    with loopback_sshd(tmp_path_factory.mktemp("sshd"), options=options) as board:
        opened = connect(
            Connection(
                host=board.host,
                port=board.port,
                user=board.user,
                identity_file=str(board.identity_file),
                known_hosts=str(board.known_hosts),
            ),
            device="board",
        )
        yield opened
        opened.close()


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def test_words_arrive_as_they_stand_here(transport):
    words = ["two words", "it's", '"quoted"', "$HOME", "a;b", "*", "ä", ""]
    process = transport.start(python("import sys, json; print(json.dumps(sys.argv[1:]))", *words))
    line = process.read_line(WAIT_S)
    assert json.loads(line) == words
    assert process.read_line(WAIT_S) is None
    assert process.wait(WAIT_S) == 0


def test_exit_status_and_stderr_come_back(transport):
    process = transport.start(python("import sys; print('so', file=sys.stderr); sys.exit(7)"))
    assert process.wait(WAIT_S) == 7
    assert process.stderr_tail() == "so"
    assert process.read_line(WAIT_S) is None


def test_a_conversation_line_by_line(transport):
    process = transport.start(
        python("import sys\nfor l in iter(sys.stdin.readline, ''): print(l.upper(), end='', flush=True)")
    )
    for word in (b"one", b"two", b"three"):
        process.write(word + b"\n")
        assert process.read_line(WAIT_S) == word.upper()


def test_a_killed_command_ends(transport, tmp_path):
    ends = tmp_path / "ended"
    code = "import sys, pathlib\nprint('up', flush=True)\nsys.stdin.read()\npathlib.Path(sys.argv[1]).touch()"
    process = transport.start(python(code, str(ends)))
    assert process.read_line(WAIT_S) == b"up"
    process.kill()
    process.wait(WAIT_S)
    assert process.read_line(WAIT_S) is None


def test_a_long_line_goes_both_ways(transport):
    length = 3 * 2**20
    process = transport.start(python("import sys; print(len(sys.stdin.readline())); print('x' * 5_000_000)"))
    process.write(b"y" * length + b"\n")
    assert process.read_line(WAIT_S) == str(length + 1).encode()
    assert process.read_line(WAIT_S) == b"x" * 5_000_000


def test_no_line_within_the_deadline_is_a_timeout_and_the_process_can_go_on(transport):
    process = transport.start(python("import sys; sys.stdin.readline(); print('late')"))
    with pytest.raises(TimeoutError, match="no line within"):
        process.read_line(0.05)
    with pytest.raises(TimeoutError, match="still runs"):
        process.wait(0.05)
    process.write(b"\n")
    assert process.read_line(WAIT_S) == b"late"


def test_five_megabytes_of_stderr_block_nothing(transport):
    process = transport.start(
        python("import sys; sys.stderr.write('e' * 5_000_000 + '\\nlast'); print('done'); sys.exit(3)")
    )
    assert process.wait(WAIT_S) == 3
    assert process.read_line(WAIT_S) == b"done"
    assert process.stderr_tail().endswith("last")
    assert len(process.stderr_tail()) < 20_000


def test_stdout_nobody_fetches_keeps_until_it_is_read(transport):
    process = transport.start(python("for i in range(100_000): print(i)"))
    assert process.wait(WAIT_S) == 0
    assert [process.read_line(WAIT_S) for _ in range(100_000)] == [str(i).encode() for i in range(100_000)]


def test_a_last_line_without_its_end_is_a_line(transport):
    process = transport.start(python("print('a'); print('b', end='')"))
    assert [process.read_line(WAIT_S) for _ in range(3)] == [b"a", b"b", None]


def test_writing_to_an_ended_command_says_how_it_ended(transport):
    process = transport.start(python("import sys; print('no model', file=sys.stderr); sys.exit(5)"))
    assert process.wait(WAIT_S) == 5
    with pytest.raises(ConnectionLostError, match=r"board: .*exit status 5: no model"):
        process.write(b"too late\n")


def test_a_command_killed_by_a_signal_has_a_status_that_is_not_zero(transport):
    process = transport.start(python("import os; os.kill(os.getpid(), 9)"))
    assert process.wait(WAIT_S) in (-9, -1, 137)


def test_put_copies_byte_for_byte(transport, tmp_path):
    source = tmp_path / "with space"
    source.write_bytes(bytes(range(256)) * 9_000)
    target = tmp_path / "a target"
    transport.put(source, str(target))
    assert target.read_bytes() == source.read_bytes()


def test_put_where_the_board_refuses_says_what_is_needed_and_leaves_nothing(transport, tmp_path):
    source = tmp_path / "model"
    source.write_bytes(b"x" * 100)
    with pytest.raises(BoardUnfitError, match="100 bytes are needed") as caught:
        transport.put(source, str(tmp_path / "absent" / "target"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "absent").exists()


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    need_root()
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False).returncode:
        missing("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_put_onto_a_full_disk_leaves_no_partial_file(transport, tmp_path, tiny_disk):
    source = tmp_path / "model"
    source.write_bytes(b"x" * 1_000_000)
    with pytest.raises(BoardUnfitError, match="1000000 bytes are needed") as caught:
        transport.put(source, str(tiny_disk / "model"))
    assert "size mismatch" not in str(caught.value)
    assert list(tiny_disk.iterdir()) == []


def test_profiles_may_name_the_transports_that_there_are():
    assert set(get_args(TransportName)) == set(TRANSPORTS)
