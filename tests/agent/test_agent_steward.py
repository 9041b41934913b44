"""A steward as a real process: lease, heartbeats, bad requests, its end."""

import datetime
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agent.agent_conversation import PACKAGE, PYTHON, Steward, block, trial

from harness.records.board import BoardFacts

Start = Callable[..., Steward]


def lease_of(tmp_path: Path) -> str:
    return "\0" + f"edge-harness-{tmp_path}"[-90:]


def test_ready_ping_release(steward: Start) -> None:
    one = steward()
    assert one.first == {"event": "ready", "protocol": 1, "restored": []}
    assert one.ask("ping") == [{"id": 1, "event": "done"}]
    assert one.ask("release")[-1]["event"] == "done"
    assert one.wait() == 0


def test_the_zip_runs_as_it_is(agent_zip: Path, tmp_path: Path) -> None:
    options = {"cache": str(tmp_path / "c"), "root": "/", "holder": "zip", "lease": lease_of(tmp_path)[1:]}
    one = Steward(agent_zip, options)
    try:
        assert one.first["event"] == "ready"
    finally:
        one.end()


def test_an_unknown_word_is_refused(agent: Path) -> None:
    done = subprocess.run([PYTHON, agent, "dance"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "usage: AGENT steward|watchdog|block|trial, not 'dance'\n"


def test_a_second_steward_is_told_who_holds_the_board(steward: Start) -> None:
    first = steward(holder="anna on laptop")
    second = steward(holder="ben")
    assert second.first["event"] == "held"
    assert second.first["holder"] == "anna on laptop"
    assert datetime.datetime.fromisoformat(second.first["since"]).tzinfo is not None
    assert second.wait() == 3
    assert first.ask("ping")[-1]["event"] == "done"


def test_whoever_connects_is_told(steward: Start, tmp_path: Path) -> None:
    steward(holder="line one\nline two")
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(10)
        asker.connect(lease_of(tmp_path))
        assert json.loads(asker.recv(1000))["holder"] == "line one"


def test_a_holder_that_does_not_answer_still_holds(steward: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(lease_of(tmp_path))
        silent.listen()
        assert steward().first["holder"] == "unknown (it does not answer)"


def test_a_holder_that_answers_nonsense_still_holds(steward: Start, tmp_path: Path) -> None:
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('\\0' + sys.argv[1]); s.listen(); print();"
        "s.accept()[0].send(b'[1]')"
    )
    with subprocess.Popen([sys.executable, "-uc", code, lease_of(tmp_path)[1:]], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        assert steward().first == {"event": "held", "holder": "unknown", "since": "unknown"}


def test_the_lease_is_free_when_its_holder_is_killed(steward: Start) -> None:
    first = steward()
    first.process.send_signal(signal.SIGKILL)
    first.wait()
    assert steward().first["event"] == "ready"


def test_silence_ends_it(steward: Start) -> None:
    one = steward(silence="0.5")
    assert one.wait() == 0
    assert "nothing heard for 0.5 s" in one.said()


def test_the_end_of_stdin_ends_it(steward: Start) -> None:
    one = steward()
    one.close_stdin()
    assert one.wait() == 0


def test_a_signal_ends_it(steward: Start) -> None:
    one = steward()
    one.process.send_signal(signal.SIGTERM)
    assert one.wait() == 0
    assert "signal 15" in one.said()


def test_nonsense_is_refused_and_the_next_request_is_heard(steward: Start) -> None:
    one = steward()
    for line in (b"\n", b"no json\n", b"[1]\n", b'{"op":"ping"}\n', b'{"id":true,"op":"ping"}\n', b"\xff\xfe\n"):
        one.tell_raw(line)
        answer = one.read()
        assert (answer["id"], answer["event"], answer["kind"]) == (0, "error", "bad_request")
    assert one.ask("ping")[-1]["event"] == "done"


def test_wrong_fields_are_refused_in_one_line(steward: Start) -> None:
    one = steward()
    wrong: list[tuple[str, dict[str, object]]] = [
        ("dance", {}),
        ("have", {"sha256": "x"}),
        ("have", {"sha256": [1]}),
        ("have", {"sha256": ["../../etc/passwd"]}),
        ("admit", {"sha256": "0" * 64}),
        ("unpack", {"sha256": "0" * 64, "env": "x"}),
        ("tune", {"tuning": {"governor": 5}}),
        ("tune", {"tuning": {"cpus": "a-b"}}),
        ("block", {}),
        ("block", {"block": {"index": 0, "runner": {}, "trials": []}}),
        ("block", {"block": block([trial("0" * 63)])}),
        ("block", {"block": block([trial("0" * 64, kind="dance")])}),
        ("block", {"block": block([trial("0" * 64, min_secs="1")])}),
        ("block", {"block": block([trial("0" * 64, kind="memory"), trial("0" * 64, kind="memory")])}),
    ]
    for op, fields in wrong:
        assert one.refusal(op, **fields)[0] == "bad_request", (op, fields)


def test_an_endless_line_ends_it(steward: Start) -> None:
    one = steward()
    try:
        for _ in range(80):
            one.tell_raw(b"x" * (1 << 16))
    except BrokenPipeError:
        # It hung up before all was sent.
        pass
    assert one.wait() == 0
    assert "more than" in one.said()


def test_a_cache_that_cannot_be_made_is_said_first(steward: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one = steward(cache=str(tmp_path / "file" / "cache"))
    assert (one.first["event"], one.first["kind"]) == ("error", "unfit")
    assert str(tmp_path / "file" / "cache") in one.first["message"]
    assert one.wait() == 4


def test_facts_are_what_the_host_expects(steward: Start) -> None:
    one = steward()
    answer = one.ask("probe")[0]
    facts = BoardFacts.model_validate_json(json.dumps(answer["facts"]))
    assert facts.simulated == "sysfs under a made-up root"
    assert facts.cache_dir == str(one.cache)
    assert any(found.package == PACKAGE and found.python == PYTHON for found in facts.runtimes)


def test_facts_of_this_machine(steward: Start) -> None:
    facts = BoardFacts.model_validate_json(json.dumps(steward(root="/").ask("probe")[0]["facts"]))
    assert facts.simulated is None
    assert facts.memory_bytes
    assert facts.cpu_count > 0
