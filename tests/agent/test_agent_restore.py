"""What is changed on a board is put back, whatever happens. The board's files are made up."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_conversation import Steward

Start = Callable[..., Steward]
POLICIES = "sys/devices/system/cpu/cpufreq"


@pytest.fixture
def governors(tmp_path: Path) -> Callable[[], list[str]]:
    """Two policies under the made-up root; gives what their governors are now."""
    files = []
    for name, governor in (("policy0", "ondemand"), ("policy4", "schedutil")):
        folder = tmp_path / "root" / POLICIES / name
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(governor + "\n")
        (folder / "scaling_available_governors").write_text("performance schedutil ondemand\n")
        files.append(folder / "scaling_governor")
    return lambda: [file.read_text().strip() for file in files]


@pytest.fixture
def steward(governors: object, agent: Path, tmp_path: Path) -> object:
    """As in conftest, over the root with governors."""
    assert governors
    started: list[Steward] = []

    def start(silence: str = "20") -> Steward:
        options = {
            "cache": str(tmp_path / "cache"),
            "root": str(tmp_path / "root"),
            "holder": "a test",
            "lease": f"edge-harness-{tmp_path}"[-90:],
            "silence": silence,
        }
        started.append(Steward(agent, options))
        return started[-1]

    yield start
    for one in started:
        one.end()


Governors = Callable[[], list[str]]


def tuned(one: Steward) -> Steward:
    assert one.ask("tune", governor="performance", cpus=None)[-1]["event"] == "done"
    return one


def test_the_governor_of_every_policy_is_set(steward: Start, governors: Governors) -> None:
    answer = steward().ask("tune", governor="performance", cpus=None)[0]
    assert answer["changed"] == [
        "governor of policy0 from ondemand to performance",
        "governor of policy4 from schedutil to performance",
    ]
    assert governors() == ["performance", "performance"]


def test_originals_are_on_disk_first_and_gone_last(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    stored = json.loads((one.cache / "steward.json").read_text())
    assert set(stored["files"].values()) == {"ondemand", "schedutil"}
    one.ask("release")
    one.wait()
    assert governors() == ["ondemand", "schedutil"]
    assert not (one.cache / "steward.json").exists()


def test_tuned_twice_goes_back_to_the_first(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    one.ask("tune", governor="schedutil", cpus=None)
    assert governors() == ["schedutil", "schedutil"]
    one.ask("release")
    one.wait()
    assert governors() == ["ondemand", "schedutil"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_puts_it_back(steward: Start, governors: Governors, number: signal.Signals) -> None:
    one = tuned(steward())
    one.process.send_signal(number)
    assert one.wait() == 0
    assert governors() == ["ondemand", "schedutil"]


def test_silence_puts_it_back(steward: Start, governors: Governors) -> None:
    one = tuned(steward(silence="1"))
    assert one.wait() == 0
    assert governors() == ["ondemand", "schedutil"]


def test_the_next_steward_puts_back_what_a_killed_one_left(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    one.process.kill()
    one.wait()
    assert governors() == ["performance", "performance"]
    restored = steward().first["restored"]
    assert restored == [
        f"{POLICIES}/policy0/scaling_governor back to ondemand",
        f"{POLICIES}/policy4/scaling_governor back to schedutil",
    ]
    assert governors() == ["ondemand", "schedutil"]


def test_after_a_new_start_of_the_board_nothing_is_put_back(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    one.process.kill()
    one.wait()
    file = one.cache / "steward.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "boot": "another"}))
    assert steward().first["restored"] == []
    assert governors() == ["performance", "performance"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}', '{"boot": null}'])
def test_a_damaged_record_is_dropped(steward: Start, tmp_path: Path, content: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "steward.json").write_text(content)
    assert steward().first["restored"] == []


def test_a_record_cannot_write_outside_its_root(steward: Start, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    one = tuned(steward())
    one.process.kill()
    one.wait()
    file = one.cache / "steward.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "files": {"../outside": "theirs"}}))
    assert steward().first["restored"] == ["../outside back to theirs failed: no path with .. is written"]
    assert outside.read_text() == "mine"


def test_a_governor_that_is_not_there_is_refused_and_nothing_stays(steward: Start, governors: Governors) -> None:
    one = steward()
    kind, message = one.refusal("tune", governor="warp", cpus=None)
    assert kind == "unfit"
    assert message == "policy0 has no governor warp, only performance, schedutil, ondemand"
    assert governors() == ["ondemand", "schedutil"]


def test_a_governor_that_this_account_cannot_set_is_said_in_one_line(steward: Start, tmp_path: Path) -> None:
    governor = tmp_path / "root" / POLICIES / "policy0" / "scaling_governor"
    governor.unlink()
    # The kernel lets nobody write this file, root included.
    governor.symlink_to("/proc/version")
    one = steward()
    kind, message = one.refusal("tune", governor="performance", cpus=None)
    assert kind == "not_permitted"
    assert message.startswith("governor performance of policy0 cannot be set: ")
    assert message.endswith("or remove governor from [tuning] of the profile")
    one.ask("release")
    one.wait()
    assert not (one.cache / "steward.json").exists()


def test_a_board_without_governors_is_unfit(steward: Start, tmp_path: Path) -> None:
    (tmp_path / "root" / POLICIES).rename(tmp_path / "elsewhere")
    kind, message = steward().refusal("tune", governor="performance", cpus=None)
    assert kind == "unfit"
    assert "this board has no cpufreq" in message


def test_cpus_that_are_not_there_are_refused(steward: Start) -> None:
    kind, message = steward().refusal("tune", governor=None, cpus="0,4000")
    assert kind == "unfit"
    assert message.startswith("CPU 4000 of [tuning] cpus")


def test_cpus_that_are_there(steward: Start) -> None:
    first = min(os.sched_getaffinity(0))
    answer = steward().ask("tune", governor=None, cpus=str(first))[0]
    assert answer["changed"] == [f"measuring on CPUs {first}"]


def test_what_cannot_be_put_back_is_said_at_the_release_and_tried_by_the_next(
    steward: Start, governors: Governors, tmp_path: Path
) -> None:
    one = tuned(steward())
    setting = tmp_path / "root" / POLICIES / "policy0" / "scaling_governor"
    setting.rename(setting.with_name("away"))
    setting.mkdir()
    kind, message = one.refusal("release")
    assert kind == "unfit"
    assert "policy0/scaling_governor back to ondemand failed: Is a directory" in message
    one.close_stdin()
    assert one.wait() == 0
    two = steward()
    assert any("failed" in sentence for sentence in two.first["restored"])
    setting.rmdir()
    setting.with_name("away").rename(setting)
    assert two.ask("release")[-1]["event"] == "done"
    assert two.wait() == 0
    assert governors() == ["ondemand", "schedutil"]
    assert not (two.cache / "steward.json").exists()
