"""The host's side of the conversation, against stewards that say what a script tells them."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.board import open_board
from harness.board.boot import AgentPackage, pack_agent
from harness.board.untrusted import RANGES, make_printable, one_line
from harness.board.wire import SMALL_BYTES, Wire
from harness.records.base import Record
from harness.records.board import BoardFacts, Trial
from harness.records.errors import (
    BoardAnswerError,
    BoardUnfitError,
    ConnectionLostError,
    HarnessError,
    LeaseHeldError,
    TrialError,
)
from harness.records.plan import BlockSpec, RunnerSpec, TrialSpec

FACTS = {
    "hostname": "pi",
    "model": None,
    "arch": "aarch64",
    "kernel": "6.1",
    "os": None,
    "libc": None,
    "python": "3.11.2",
    "cpu": None,
    "cpu_count": 4,
    "max_freq_khz": None,
    "governor": None,
    "governors": [],
    "memory_bytes": None,
    "storage": None,
    "disk_free_bytes": 1000,
    "temp_c": None,
    "throttled": None,
    "runtimes": [],
    "sensors": [],
    "cache_dir": "/nowhere",
}
READY = {"event": "ready", "protocol": 1, "restored": []}
DONE = {"event": "done"}
POINT: dict[str, object] = {"power_mode": None, "clocks": [], "cpus": None, "settings": []}
RUNNER = RunnerSpec(package="litert", version="2.3.0", python="python3", site=None, num_threads=1, delegate="none")
_STEWARD = """
import json, os, sys
script = json.loads({script!r})
def say(message):
    print(message if isinstance(message, str) else json.dumps(message), flush=True)
say(script["greeting"])
for line in sys.stdin:
    request = json.loads(line)
    for answer in script.get(request["op"], [{{"event": "done"}}]):
        if answer == "DIE":
            print("steward fell over", file=sys.stderr, flush=True)
            sys.exit(9)
        if answer == "NOISE":
            print("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.", file=sys.stderr, flush=True)
            os.kill(os.getpid(), 9)
        say(answer if isinstance(answer, str) else dict({{"id": request["id"]}}, **answer))
    if request["op"] == "release":
        break
"""
_numbers = itertools.count()


def steward(greeting: object = READY, **answers: list[object]) -> AgentPackage:
    """An agent that answers each op by its list; a string is sent as it is, "DIE" and "NOISE" end the process."""
    script = {
        "greeting": greeting,
        "probe": [{"event": "facts", "facts": FACTS}, DONE],
        "tune": [{"event": "tuned", "point": POINT}, DONE],
        "number": next(_numbers),
    }
    source = _STEWARD.format(script=json.dumps(script | answers))
    return pack_agent({"__main__.py": source.encode(), "__init__.py": b""})


def trial(index: int, **changes: object) -> dict[str, object]:
    words: dict[str, object] = {"index": index, "block": 0, "arm": "candidate", "kind": "latency"}
    return {"event": "trial", "trial": words | changes}


def block(count: int) -> BlockSpec:
    specs = (
        TrialSpec(
            index=index,
            arm="candidate",
            kind="latency",
            model="ab" * 32,
            warmup_runs=0,
            num_runs=1,
            min_secs=0.0,
            max_secs=1.0,
            deadline_s=5.0,
        )
        for index in range(count)
    )
    return BlockSpec(index=0, runner=RUNNER, trials=tuple(specs))


BLOCK_DONE = {
    "event": "block",
    "done": {"block": 0, "runner": RUNNER.model_dump(mode="json"), "parent_start_s": 0.1},
}


def test_a_held_board(here):
    held = {"event": "held", "holder": "ada\nlovelace", "since": "2026-01-01T00:00:00+00:00"}
    message = refused(here, LeaseHeldError, greeting=held)
    assert "held by ada lovelace since 2026-01-01T00:00:00+00:00" in message


@pytest.mark.parametrize("kind", ["unfit", "disk_full"])
def test_a_steward_that_cannot_work_there_says_why(here, kind):
    greeting = {"id": 0, "event": "error", "kind": kind, "message": "the cache folder /c\ncannot be made"}
    assert refused(here, BoardUnfitError, greeting=greeting) == "pi: the cache folder /c cannot be made"


def test_a_refusal_is_told_though_the_steward_has_ended_before_it_was_asked():
    held = {"event": "held", "holder": "ada", "since": "2026-01-01"}
    with pytest.raises(LeaseHeldError, match="held by ada"):
        Wire(Ended(json.dumps(held).encode()), "pi").greet_asking("probe")
    with pytest.raises(ConnectionLostError, match=r"gone \(exit status 1"):
        Wire(Ended(), "pi").greet_asking("probe")


@pytest.mark.parametrize(
    "greeting",
    [
        "not json",
        "[]",
        '{"event":"ready"}',
        {"event": "ready", "protocol": 2, "restored": []},
        {"event": "ready", "protocol": 1, "restored": [], "extra": 1},
        {"event": "ready", "protocol": 1, "restored": [7]},
        {"event": "welcome"},
    ],
)
def test_a_greeting_that_is_no_word_of_the_protocol(here, greeting):
    assert "is no word of the protocol" in refused(here, BoardAnswerError, greeting=greeting)


@pytest.mark.parametrize(
    "answer",
    [
        "garbage",
        '{"id":1,"event":"facts","facts":{}}',
        {"event": "facts", "facts": FACTS | {"cpu_count": "four"}},
        {"event": "facts", "facts": FACTS | {"surprise": 1}},
        {"event": "facts", "facts": FACTS | {"hostname": "x" * SMALL_BYTES}},
        '{"id":1,"event":"facts","facts":{"temp_c":NaN}}',
        '{"id":77,"event":"done"}',
        "\x00\xff",
    ],
)
def test_facts_that_are_not_facts(here, answer):
    assert "is no word of the protocol" in refused(here, BoardAnswerError, probe=[answer, DONE])


def test_what_a_board_says_steers_no_terminal_and_breaks_no_line(here):
    odd = {"hostname": "\x1b[2Jpi", "model": "a\nb\u202ec", "governors": ["on\x00demand"], "os": "x" * 10_000}
    runtime = {"package": "litert", "version": "2\r3", "python": "/p", "site": None, "numpy": None}
    facts = FACTS | odd | {"runtimes": [runtime]}
    agent = steward(probe=[{"event": "facts", "facts": facts}, DONE], block=[trial(0, died="a\n\x1bb"), DONE])
    with open_board(here.profile, lease=here.lease, agent=agent) as board:
        assert (board.facts.hostname, board.facts.model) == (" [2Jpi", "a b c")
        assert (board.facts.governors, board.facts.runtimes[0].version) == (("on demand",), "2 3")
        assert len(board.facts.os) == 4096
        assert [one.died for one in board.run_block(block(1))] == ["a b"]


def test_facts_that_can_be_shown_stay_as_they_are():
    facts = BoardFacts.model_validate(FACTS, strict=False)
    assert make_printable(facts) == facts


def test_a_probe_without_facts(here):
    assert "probe was not answered" in refused(here, TrialError, probe=[DONE])


def refused(here, error: type[HarnessError], **script) -> str:
    with pytest.raises(error) as caught, open_board(here.profile, lease=here.lease, agent=steward(**script)):
        pass
    message = str(caught.value)
    assert message.startswith("pi: ")
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unfit", BoardUnfitError),
        ("disk_full", BoardUnfitError),
        ("not_found", BoardUnfitError),
        ("trial", TrialError),
        ("bad_request", HarnessError),
        ("internal", HarnessError),
    ],
)
def test_what_kinds_of_errors_mean(here, kind, error):
    failed = {"event": "error", "kind": kind, "message": "it\nwent wrong"}
    with open_board(here.profile, lease=here.lease, agent=steward(block=[failed])) as board:
        with pytest.raises(error, match=r"^pi: .*it went wrong") as caught:
            list(board.run_block(block(1)))
        assert type(caught.value) is error
        assert board.probe().hostname == "pi"


def trials_of(here, *answers: object, count: int = 2) -> list[Trial]:
    with open_board(here.profile, lease=here.lease, agent=steward(block=list(answers))) as board:
        return list(board.run_block(block(count)))


def test_trials_come_as_asked(here):
    found = trials_of(here, trial(0), trial(1, died="killed by SIGABRT"), BLOCK_DONE, DONE)
    assert [one.index for one in found] == [0, 1]
    assert found[1].died == "killed by SIGABRT"


def test_answers_to_heartbeats_in_between_are_passed_over(here):
    beat = '{"id":0,"event":"done"}'
    assert len(trials_of(here, beat, trial(0), beat, beat, trial(1), beat, BLOCK_DONE, DONE)) == 2


@pytest.mark.parametrize(
    "answers",
    [
        [trial(0), trial(0), BLOCK_DONE, DONE],
        [trial(5), BLOCK_DONE, DONE],
        [trial(0, arm="baseline"), DONE],
        [trial(0, kind="memory"), DONE],
        [trial(0, block=3), DONE],
        [{"event": "have", "missing": []}, DONE],
    ],
)
def test_a_trial_that_was_not_asked_for(here, answers):
    with pytest.raises(TrialError, match=r"^pi: the steward's answers do not fit"):
        trials_of(here, *answers)


def test_a_block_that_ends_early_names_the_missing_trial(here):
    with pytest.raises(TrialError, match=r"without trial 1"):
        trials_of(here, trial(0), BLOCK_DONE, DONE)


def test_a_steward_that_dies_amid_a_block_is_quoted(here):
    with pytest.raises(ConnectionLostError, match=r"exit status 9; it last said: steward fell over"):
        trials_of(here, trial(0), "DIE")


def test_a_steward_that_dies_at_the_end_spoils_nothing(here):
    with open_board(here.profile, lease=here.lease, agent=steward(release=["DIE"])) as board:
        assert board.facts.hostname == "pi"
    assert "steward fell over" in (board.release_problem or "")


def test_what_could_not_be_put_back_is_kept_for_the_report(here):
    failed = {"event": "error", "kind": "unfit", "message": "governor back to ondemand failed: read-only"}
    with open_board(here.profile, lease=here.lease, agent=steward(release=[failed])) as board:
        assert board.release_problem is None
    assert board.release_problem == "pi: governor back to ondemand failed: read-only"


def test_the_disk_is_too_small_for_a_file(here, tmp_path):
    path = tmp_path / "big.tflite"
    path.write_bytes(b"x" * 5000)
    agent = steward(have=[{"event": "have", "missing": ["ab" * 32]}, DONE])
    with (
        open_board(here.profile, lease=here.lease, agent=agent) as board,
        pytest.raises(
            BoardUnfitError,
            match=r"/nowhere on .* has 1000 bytes free; 5000 are .* delete /nowhere/store",
        ),
    ):
        board.ship(path, "ab" * 32)


def test_a_board_is_tuned_unless_it_is_only_looked_at(here):
    setting = {"what": "governor of policy0", "wanted": "performance", "before": "\x1b[1mx", "reached": "performance"}
    clock = {"name": "policy0", "cpus": "0-3", "governor": "performance", "min_hz": None, "max_hz": 10**9}
    point = {**POINT, "clocks": [clock], "settings": [{**setting, "problem": None, "denied": False}]}
    agent = steward(tune=[{"event": "tuned", "point": point}, DONE])
    with open_board(here.profile, lease=here.lease, agent=agent) as board:
        assert board.point.changed == ("governor of policy0 from  [1mx to performance",)
    with open_board(here.profile, lease=here.lease, agent=agent, tune=False) as board:
        assert board.point is None


@pytest.mark.parametrize("answers", [[DONE], [{"event": "tuned", "changed": []}, DONE]])
def test_an_answer_that_is_no_operating_point_ends_it(here, answers):
    with pytest.raises(HarnessError), open_board(here.profile, lease=here.lease, agent=steward(tune=answers)):
        pytest.fail("the board was opened")


class Recited:
    """A process whose stdout was written beforehand."""

    def __init__(self, *lines: bytes) -> None:
        self._lines = list(lines)

    def write(self, line: bytes) -> None:
        json.loads(line)

    def read_line(self, deadline_s: float) -> bytes | None:
        return self._lines.pop(0) if self._lines else None

    def stderr_tail(self) -> str:
        return ""

    def wait(self, deadline_s: float) -> int:
        return 0

    def kill(self) -> None:
        self._lines.clear()


class Ended(Recited):
    """A process that takes no more words."""

    def write(self, line: bytes) -> None:
        raise ConnectionLostError("pi: the command on the board ended with exit status 3: it said nothing")

    def wait(self, deadline_s: float) -> int:
        return 1


@given(st.lists(st.binary(max_size=60), max_size=5))
@settings(max_examples=200)
def test_whatever_a_board_sends_is_one_line_of_ours(lines):
    wire = Wire(Recited(*lines), "pi")
    with pytest.raises((ConnectionLostError, BoardAnswerError)) as caught:
        wire.request("probe", within_s=1.0)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_foreign_text_becomes_one_printable_line(text):
    line = one_line(text)
    assert line == "" or line.isprintable()
    assert len(line) <= 300


def test_the_agent_is_packed_the_same_way_every_time(tmp_path):
    sources = {"b.py": b"B = 1\n", "__main__.py": b"", "__init__.py": b"", "a.py": b"A = 1\n"}
    assert pack_agent(sources) == pack_agent(dict(reversed(sources.items())))
    assert pack_agent(sources).sha256 != pack_agent(sources | {"a.py": b"A = 2\n"}).sha256


def test_an_upload_that_arrives_damaged_is_thrown_away(here, tmp_path):
    good = steward()
    damaged = AgentPackage(good.content[:-1], good.sha256)
    with (
        pytest.raises(BoardUnfitError, match=r"pi: the agent arrived damaged on the board 2 times"),
        open_board(here.profile, lease=here.lease, agent=damaged),
    ):
        pass
    assert [path for path in Path(here.cache).rglob("*") if path.is_file()] == []


def numbers_of(record: type[Record]) -> set[str]:
    """Fields of a record that hold numbers."""
    return {
        name
        for name, field in record.model_fields.items()
        if {"int", "float"} & set(re.findall(r"\w+", str(field.annotation)))
    }


@pytest.mark.parametrize("record", RANGES, ids=lambda record: record.__name__)
def test_every_number_that_a_board_answers_has_a_range(record):
    assert numbers_of(record) == set(RANGES[record])


HUGE = [10**400, 2**63, 10**18, -(10**18)]
TELEMETRY = {
    "temp_before_c": 40.0,
    "temp_after_c": 40.0,
    "freq_before_khz": None,
    "freq_after_khz": None,
    "throttled": None,
    "involuntary_switches": 0,
    "runqueue_wait_s": None,
    "cpu_s": 1.0,
    "wall_s": 1.0,
    "utilisation": None,
}
MEMORY = {"hwm_before_bytes": 1, "hwm_bytes": 2, "rss_bytes": 2}


@pytest.mark.parametrize(
    "nonsense",
    [
        *({"samples_ns": [1000, number]} for number in HUGE),
        *({"batch": number} for number in HUGE),
        *({"n": number} for number in HUGE),
        *({"memory": MEMORY | {"rss_bytes": number}} for number in HUGE),
        *({"init_s": number} for number in (1e30, -1e30, 1e6)),
        {"telemetry": TELEMETRY | {"temp_before_c": -274.0}},
        {"telemetry": TELEMETRY | {"freq_after_khz": -1}},
        {"telemetry": TELEMETRY | {"involuntary_switches": 10**16}},
        {"samples_ns": "many"},
        {"surprise": 1},
        {"init_s": "NaN"},
    ],
    ids=str,
)
def test_a_trial_with_figures_that_cannot_be_is_dead_alone(nonsense):
    found = heard(trial(0, **nonsense), trial(1, n=1, samples_ns=[1000]))
    assert found[0].died.startswith("the board's answer makes no sense: ")
    assert len(found[0].died) < 400
    assert found[1].died is None


def test_a_number_beyond_all_floats_is_dead_alone(here):
    line = '{"id":%d,"event":"trial","trial":{"index":0,"block":0,"arm":"candidate","kind":"latency","init_s":1e999}}'
    found = trials_of(here, line % 3, BLOCK_DONE, DONE, count=1)
    assert "makes no sense: init_s: " in found[0].died


def heard(*answers: dict[str, object]) -> list[Trial]:
    """The trials among what a steward answers to the first request."""
    lines = [json.dumps({"id": 1} | answer).encode() for answer in (*answers, DONE)]
    return [event.trial for event in Wire(Recited(*lines), "pi").request("block", within_s=1.0)]


@pytest.mark.parametrize(
    "facts",
    [
        {"cpu_count": 0},
        {"cpu_count": -4},
        {"cpu_count": 10**9},
        {"memory_bytes": -1},
        {"memory_bytes": 10**18},
        {"temp_c": -274.0},
        {"max_freq_khz": 10**12},
        {"throttled": -1},
        {"disk_free_bytes": -5},
    ],
    ids=str,
)
def test_facts_that_cannot_be(facts):
    with pytest.raises(BoardAnswerError, match=r"^pi: the board's answer makes no sense: .* expected .* to "):
        heard({"event": "facts", "facts": FACTS | facts})
