"""What is changed on a board is put back, whatever happens. The board's files are made up."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Steward
from edge_agent.restore import Originals
from edge_agent.sysfs import Root
from support import needs

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
    assert one.ask("tune", tuning={"governor": "performance"})[-1]["event"] == "done"
    return one


def test_the_governor_of_every_policy_is_set(steward: Start, governors: Governors) -> None:
    answer = steward().ask("tune", tuning={"governor": "performance"})[0]
    assert [tuple(one.values()) for one in answer["point"]["settings"]] == [
        ("governor of policy0", "performance", "ondemand", "performance", None, False),
        ("governor of policy4", "performance", "schedutil", "performance", None, False),
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
    one.ask("tune", tuning={"governor": "schedutil"})
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


def watchdog_of(one: Steward) -> int:
    """The process that watches a steward."""
    (found,) = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
    words = Path(f"/proc/{found}/cmdline")
    assert awaited(lambda: b"watchdog" in words.read_bytes()), "it is started, and becomes what it is"
    return int(found)


def killed(one: Steward) -> None:
    """A steward that was killed together with its watchdog."""
    os.kill(watchdog_of(one), signal.SIGKILL)
    one.process.kill()
    one.wait()


def awaited(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20.0
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def test_a_killed_stewards_watchdog_puts_it_back(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    watchdog = watchdog_of(one)
    one.process.kill()
    one.wait()
    assert awaited(lambda: governors() == ["ondemand", "schedutil"])
    assert awaited(lambda: not Path(f"/proc/{watchdog}").exists())
    assert not (one.cache / "steward.json").exists()
    assert steward().first["restored"] == []


def test_a_watchdog_ends_with_a_steward_that_ends_in_order(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    watchdog = watchdog_of(one)
    one.ask("release")
    one.wait()
    assert not Path(f"/proc/{watchdog}").exists()


def test_a_watchdog_changes_nothing_while_somebody_measures(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    watchdog = watchdog_of(one)
    os.kill(watchdog, signal.SIGSTOP)
    one.process.kill()
    one.wait()
    two = tuned(steward())
    os.kill(watchdog, signal.SIGCONT)
    time.sleep(1.5)
    assert governors() == ["performance", "performance"]
    two.ask("release")
    two.wait()
    assert governors() == ["ondemand", "schedutil"]
    assert awaited(lambda: not Path(f"/proc/{watchdog}").exists())


def test_the_next_steward_puts_back_what_a_killed_one_left(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    killed(one)
    assert governors() == ["performance", "performance"]
    restored = steward().first["restored"]
    assert restored == [
        f"{POLICIES}/policy0/scaling_governor back to ondemand",
        f"{POLICIES}/policy4/scaling_governor back to schedutil",
    ]
    assert governors() == ["ondemand", "schedutil"]


def test_after_a_new_start_of_the_board_nothing_is_put_back(steward: Start, governors: Governors) -> None:
    one = tuned(steward())
    killed(one)
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
    killed(one)
    file = one.cache / "steward.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "files": {"../outside": "theirs"}}))
    assert steward().first["restored"] == ["../outside back to theirs failed: no path with .. is written"]
    assert outside.read_text() == "mine"


def test_a_governor_that_is_not_there_is_refused_and_nothing_stays(steward: Start, governors: Governors) -> None:
    one = steward()
    kind, message = one.refusal("tune", tuning={"governor": "warp"})
    assert kind == "unfit"
    assert message == "policy0 has no governor warp, only performance, schedutil, ondemand"
    assert governors() == ["ondemand", "schedutil"]


def test_a_governor_that_this_account_cannot_set_is_said_in_one_line(steward: Start, tmp_path: Path) -> None:
    governor = tmp_path / "root" / POLICIES / "policy0" / "scaling_governor"
    governor.unlink()
    # The kernel lets nobody write this file, root included.
    governor.symlink_to("/proc/version")
    one = steward()
    first, second = one.ask("tune", tuning={"governor": "performance"})[0]["point"]["settings"]
    assert (first["wanted"], second["problem"], second["reached"]) == ("performance", None, "performance")
    assert first["problem"] in ("Input/output error", "Permission denied")
    one.ask("release")
    one.wait()
    assert not (one.cache / "steward.json").exists()


def test_a_board_without_governors_is_unfit(steward: Start, tmp_path: Path) -> None:
    (tmp_path / "root" / POLICIES).rename(tmp_path / "elsewhere")
    kind, message = steward().refusal("tune", tuning={"governor": "performance"})
    assert kind == "unfit"
    assert "this board has no cpufreq" in message


def test_cpus_that_are_not_there_are_refused(steward: Start) -> None:
    kind, message = steward().refusal("tune", tuning={"cpus": "0,4000"})
    assert kind == "unfit"
    assert message.startswith("CPU 4000 of [tuning] cpus")


def test_cpus_that_are_there(steward: Start) -> None:
    first = min(os.sched_getaffinity(0))
    answer = steward().ask("tune", tuning={"cpus": str(first)})[0]
    assert answer["point"]["cpus"] == str(first)


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


OTHER = 54321
"""An account that is not ours."""


@pytest.fixture
def left(tmp_path: Path, governors: Governors) -> Callable[..., Path]:
    """A copy, in the made-up board's /tmp, of what another account's steward says it left changed."""
    needs.need_root()
    for policy in ("policy0", "policy4"):
        (tmp_path / "root" / POLICIES / policy / "scaling_governor").write_text("performance\n")
    (tmp_path / "root" / "tmp").mkdir()

    def made(name: str = f"edge-harness-{OTHER}.json", *, owner: int = OTHER, **changes: object) -> Path:
        record = {
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "root": str(tmp_path / "root"),
            "files": {f"{POLICIES}/policy0/scaling_governor": "ondemand"},
        }
        path = tmp_path / "root" / "tmp" / name
        path.write_text(json.dumps({**record, **changes}))
        os.chown(path, owner, owner)
        return path

    return made


def test_what_another_accounts_steward_left_is_put_back_and_said(
    steward: Start, governors: Governors, left: Callable[..., Path]
) -> None:
    left()
    assert steward().first["restored"] == [
        f"{POLICIES}/policy0/scaling_governor back to ondemand, which a run of account number {OTHER} "
        "had left at performance"
    ]
    assert governors() == ["ondemand", "performance"]


def test_what_cannot_be_put_back_for_another_account_is_said(left: Callable[..., Path], tmp_path: Path) -> None:
    left()
    governor = tmp_path / "root" / POLICIES / "policy0" / "scaling_governor"
    governor.unlink()
    governor.symlink_to("/proc/sys/kernel/ostype")
    (sentence,) = Originals(Root(str(tmp_path / "root")), tmp_path).put_back_of_dead()
    assert "is still Linux, as a run of account number 54321 left it, and cannot be put back to ondemand: " in sentence


@pytest.mark.parametrize(
    "forged",
    [
        {"files": {f"{POLICIES}/policy0/scaling_governor": "warp"}},
        {"files": {f"{POLICIES}/policy0/scaling_max_freq": "ondemand"}},
        {"files": {f"{POLICIES}/policy0/../../../../../outside": "ondemand"}},
        {"files": {"/etc/shadow": "ondemand"}},
        {"files": {f"{POLICIES}/policy0/scaling_governor": 7}},
        {"files": []},
        {"boot": "another"},
        {"root": "/"},
        {"owner": 54322},
        {"name": "edge-harness-0.json"},
        {"name": "edge-harness-054321.json"},
    ],
)
def test_a_forged_copy_changes_nothing(
    tmp_path: Path, governors: Governors, left: Callable[..., Path], forged: dict[str, object]
) -> None:
    left(**forged)
    assert Originals(Root(str(tmp_path / "root")), tmp_path).put_back_of_dead() == []
    assert governors() == ["performance", "performance"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "endless"])
def test_what_is_no_file_of_that_account_is_passed_over(
    tmp_path: Path, governors: Governors, left: Callable[..., Path], kind: str
) -> None:
    path = left()
    kept = path.with_name("kept")
    path.rename(kept)
    if kind == "link":
        path.symlink_to(kept)
        os.lchown(path, OTHER, OTHER)
    elif kind == "pipe":
        os.mkfifo(path)
        os.chown(path, OTHER, OTHER)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert Originals(Root(str(tmp_path / "root")), tmp_path).put_back_of_dead() == []
    assert governors() == ["performance", "performance"]


def test_a_copy_is_for_all_to_read_and_follows_nothing(steward: Start, governors: Governors, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    copies = tmp_path / "root" / "tmp"
    copies.mkdir()
    own = copies / f"edge-harness-{os.getuid()}.json"
    own.symlink_to(precious)
    one = tuned(steward())
    assert precious.read_text() == "mine"
    assert not own.is_symlink()
    assert own.stat().st_mode & 0o777 == 0o644
    assert set(json.loads(own.read_text())["files"].values()) == {"ondemand", "schedutil"}
    one.ask("release")
    one.wait()
    assert list(copies.iterdir()) == []
