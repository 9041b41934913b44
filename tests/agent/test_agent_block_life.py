"""The life of a block: what it hears while it measures, and that nothing of it stays."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Steward, block, put, run, trial

Start = Callable[..., Steward]

SLOW_ENOUGH = "models/tiny_ic_resnet8_int8.tflite"
QUICK = "models/tflm_hello_world_fp32.tflite"


def processes_of(folder: Path) -> list[str]:
    """Command lines on this machine that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            # It ended while we looked.
            continue
        if str(folder) in line:
            found.append(line)
    return found


def begin_long_block(one: Steward) -> None:
    """A block that would take ten minutes; its first trial has ended when this returns."""
    model = put(one, SLOW_ENOUGH)
    quick = trial(model, index=0)
    long = trial(model, index=1, min_secs=600.0, max_secs=600.0, deadline_s=700.0)
    one.tell("block", block=block([quick, long]))
    assert [one.read()["event"], one.read()["event"]] == ["started", "trial"]


def becomes(folder: Path, count: int) -> bool:
    """Whether so many processes name a folder, soon and at two looks: one that is just ending counts at one."""
    until = time.monotonic() + 20
    looks = 0
    while looks < 2 and time.monotonic() < until:
        looks = looks + 1 if len(processes_of(folder)) == count else 0
        time.sleep(0.1)
    return looks == 2


def test_a_ping_is_answered_during_a_block_and_others_are_refused(steward: Start) -> None:
    one = steward()
    begin_long_block(one)
    assert one.ask("ping")[-1]["event"] == "done"
    assert one.refusal("probe")[0] == "bad_request"
    assert one.refusal("block", block=block([]))[0] == "bad_request"


def own_agent(agent: Path, tmp_path: Path) -> Path:
    """A link to the agent by which this test's processes are told apart."""
    link = tmp_path / "this-agent"
    link.symlink_to(agent)
    return link


def start_own(agent: Path, tmp_path: Path) -> Steward:
    options = {"cache": str(tmp_path / "c"), "holder": "a test", "silence": "20", "root": "/"}
    return Steward(own_agent(agent, tmp_path), {**options, "lease": f"edge-harness-{tmp_path}"[-90:]})


@pytest.mark.parametrize("how", ["release", "close", "kill"])
def test_no_process_is_left(agent: Path, tmp_path: Path, how: str) -> None:
    one = start_own(agent, tmp_path)
    try:
        begin_long_block(one)
        assert becomes(tmp_path / "this-agent", 3), processes_of(tmp_path)
        if how == "release":
            one.tell("release")
        elif how == "close":
            one.close_stdin()
        else:
            one.process.send_signal(signal.SIGKILL)
        one.wait()
        assert becomes(tmp_path / "this-agent", 0)
    finally:
        one.end()


def test_many_blocks_leave_no_descriptor(steward: Start) -> None:
    one = steward()
    model = put(one, QUICK)

    def held_after_a_block() -> set[str]:
        run(one, [trial(model)])
        # A block's own are closed after its last answer, and before the next request is heard.
        one.ask("ping")
        return {path.name for path in Path(f"/proc/{one.process.pid}/fd").iterdir()}

    before = held_after_a_block()
    assert [held_after_a_block() for _ in range(3)] == [before] * 3
