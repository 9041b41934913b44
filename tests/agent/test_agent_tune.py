"""Bringing a made-up big.LITTLE board to an operating point, and back: order, limits, power mode, cores, interrupts."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent.agent_conversation import Steward
from edge_agent import clocks, restore_record, settings
from edge_agent.restore import Originals
from edge_agent.storage import drop_caches
from edge_agent.sysfs import Root
from edge_agent.tune import tune
from edge_agent.wire import AgentError

from harness.records.operating_point import OperatingPoint

Start = Callable[..., Steward]
CPU = "sys/devices/system/cpu"
LITTLE, BIG = f"{CPU}/cpufreq/policy0", f"{CPU}/cpufreq/policy4"
GPU = "sys/class/devfreq/fb000000.gpu"
IRQ = "proc/irq/33/smp_affinity_list"
MODES = """< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=MAXN >
"""
NVPMODEL = """#!/bin/sh
# As NVIDIA's: a mode moves the clocks along with itself.
cd "$(dirname "$0")/../.."
if [ "$1" = -q ]; then echo "NV Power Mode: it"; cat mode; exit; fi
echo "$2" > mode
if [ "$2" = 1 ]; then most=2400000; else most=1800000; fi
echo $most > sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq
"""


def policy(place: str, cpus: str, steps: str) -> dict[str, str]:
    least, most = steps.split(maxsplit=1)[0], steps.rsplit(maxsplit=1)[-1]
    return {
        f"{place}/scaling_governor": "schedutil",
        f"{place}/scaling_available_governors": "performance schedutil powersave",
        f"{place}/scaling_min_freq": least,
        f"{place}/scaling_max_freq": most,
        f"{place}/scaling_available_frequencies": steps,
        f"{place}/cpuinfo_min_freq": least,
        f"{place}/cpuinfo_max_freq": most,
        f"{place}/related_cpus": cpus,
    }


FILES = {
    **policy(LITTLE, "0 1", "408000 1008000 1800000"),
    **policy(BIG, "4 5", "408000 1200000 1800000 2400000"),
    **{f"{CPU}/cpu{number}/cpu_capacity": capacity for number, capacity in ((0, "530"), (1, "530"), (4, "1024"))},
    f"{CPU}/cpu5/cpu_capacity": "1024",
    f"{GPU}/governor": "simple_ondemand",
    f"{GPU}/available_governors": "performance simple_ondemand",
    f"{GPU}/min_freq": "300000000",
    f"{GPU}/max_freq": "1000000000",
    f"{GPU}/available_frequencies": "300000000 600000000 1000000000",
    IRQ: "0-1,4-5",
    "proc/sys/vm/drop_caches": "0",
}


class Board:
    """Its files, and what the agent does to them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "root"
        self.cache = folder / "cache"
        self.cache.mkdir()
        for relative, text in FILES.items():
            self.write(relative, text)
        self.originals = Originals(Root(str(self.path)), self.cache)

    def write(self, relative: str, text: str, mode: int = 0o644) -> None:
        path = self.path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        path.chmod(mode)

    def read(self, relative: str) -> str:
        return (self.path / relative).read_text().strip()

    def all(self) -> dict[str, str]:
        return {relative: self.read(relative) for relative in FILES}

    def tune(self, **wishes: Any) -> OperatingPoint:
        found = tune(Root(str(self.path)), self.originals, wishes)
        return OperatingPoint.model_validate_json(json.dumps(found))

    def has_modes(self) -> None:
        self.write("etc/nvpmodel.conf", MODES)
        self.write("usr/sbin/nvpmodel", NVPMODEL, 0o755)
        self.write("mode", "0")
        self.write(f"{BIG}/scaling_max_freq", "1200000")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    made = Board(tmp_path)
    # The watchdog is a process of the packed agent: `test_agent_restore` has it.
    monkeypatch.setattr(Originals, "_watch", lambda _: None)
    return made


def put_back(board: Board) -> None:
    board.originals.put_back()
    assert board.originals.unrestored == []
    assert not board.originals.pending


def test_an_operating_point_is_reached_told_and_left(board: Board) -> None:
    before = board.all()
    point = board.tune(
        governor="performance",
        policies={"big": {"min_freq": 1.2e9, "max_freq": 1.8e9}, "policy0": {"max_freq": "min"}},
        devices={"*.gpu": {"governor": "performance", "min_freq": "max"}},
        irq_cpus="little",
        drop_caches=True,
    )
    assert point.refused == ()
    assert [clock.words for clock in point.clocks] == [
        "policy0 (CPUs 0-1) performance, 408 MHz",
        "policy4 (CPUs 4-5) performance, 1.2 GHz to 1.8 GHz",
        "fb000000.gpu performance, 1 GHz",
    ]
    assert point.changed == (
        "governor of policy0 from schedutil to performance",
        "highest frequency of policy0 from 1.8 GHz to 408 MHz",
        "governor of policy4 from schedutil to performance",
        "lowest frequency of policy4 from 408 MHz to 1.2 GHz",
        "highest frequency of policy4 from 2.4 GHz to 1.8 GHz",
        "governor of fb000000.gpu from simple_ondemand to performance",
        "lowest frequency of fb000000.gpu from 300 MHz to 1 GHz",
        "interrupts from 0 of 1 there to 1 of 1 there",
        "page cache may be dropped",
    )
    assert board.read(IRQ) == "0-1"
    put_back(board)
    assert board.all() == before


def test_what_is_so_already_is_told_and_not_written(board: Board) -> None:
    point = board.tune(governor="schedutil")
    assert [(one.what, one.before, one.reached, one.problem) for one in point.settings] == [
        ("governor of policy0", "schedutil", "schedutil", None),
        ("governor of policy4", "schedutil", "schedutil", None),
    ]
    assert not board.originals.pending


@pytest.mark.parametrize(
    ("now", "wanted", "order"),
    [
        (("408000", "1200000"), {"min_freq": 1.8e9, "max_freq": 2.4e9}, ["scaling_max_freq", "scaling_min_freq"]),
        (("1800000", "2400000"), {"min_freq": 4.08e8, "max_freq": 1.2e9}, ["scaling_min_freq", "scaling_max_freq"]),
        (("408000", "1200000"), {"min_freq": 2.4e9}, ["scaling_max_freq", "scaling_min_freq"]),
        (("1800000", "2400000"), {"max_freq": 1.2e9}, ["scaling_min_freq", "scaling_max_freq"]),
    ],
)
def test_limits_never_cross(
    board: Board, monkeypatch: pytest.MonkeyPatch, now: tuple[str, str], wanted: dict[str, float], order: list[str]
) -> None:
    board.write(f"{BIG}/scaling_min_freq", now[0])
    board.write(f"{BIG}/scaling_max_freq", now[1])
    written = []
    as_it_is = settings.write_setting

    def watched(root: Root, key: str, value: str) -> None:
        written.append(key.rpartition("/")[2])
        as_it_is(root, key, value)
        assert int(board.read(f"{BIG}/scaling_min_freq")) <= int(board.read(f"{BIG}/scaling_max_freq"))

    monkeypatch.setattr(settings, "write_setting", watched)
    board.tune(policies={"big": wanted})
    assert written == order
    put_back(board)
    assert written == [*order, *reversed(order)]
    assert (board.read(f"{BIG}/scaling_min_freq"), board.read(f"{BIG}/scaling_max_freq")) == now


def test_a_power_mode_comes_before_limits_and_everything_goes_back(board: Board) -> None:
    board.has_modes()
    before = board.all()
    point = board.tune(power_mode="maxn", policies={"big": {"max_freq": 2.4e9}})
    assert point.power_mode == "MAXN"
    assert point.changed == ("power mode from 15W to MAXN",)
    assert board.read(f"{BIG}/scaling_max_freq") == "2400000"
    put_back(board)
    assert (board.all(), board.read("mode")) == (before, "0")


def test_another_point_starts_from_what_the_board_had(board: Board) -> None:
    board.has_modes()
    board.tune(power_mode="1", policies={"little": {"max_freq": 1.008e9}})
    point = board.tune(governor="performance")
    assert (point.power_mode, board.read(f"{LITTLE}/scaling_max_freq")) == ("15W", "1800000")
    assert board.read(f"{BIG}/scaling_max_freq") == "1200000"
    put_back(board)
    assert board.read(f"{LITTLE}/scaling_governor") == "schedutil"


def test_a_power_mode_outlasts_a_start_of_the_board_and_clocks_do_not(board: Board) -> None:
    board.has_modes()
    board.tune(power_mode="MAXN", governor="performance")
    record = board.cache / restore_record.OWN
    record.write_text(json.dumps({**json.loads(record.read_text()), "boot": "an earlier one"}))
    said = Originals(Root(str(board.path)), board.cache).put_back_of_dead()
    assert said == ["nvpmodel back to 0"]
    assert (board.read("mode"), board.read(f"{LITTLE}/scaling_governor")) == ("0", "performance")
    assert not record.exists()


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"policies": {"big": {"max_freq": 2e9}}}, "policy4 has no frequency 2 GHz, only 408 MHz, 1.2 GHz, 1.8 GHz"),
        ({"policies": {"policy7": {"governor": "performance"}}}, "the board has no policy7, only policy0, policy4"),
        ({"devices": {"*.npu": {"max_freq": "max"}}}, "the board has no device *.npu, only fb000000.gpu"),
        ({"devices": {"*": {"governor": "warp"}}}, "fb000000.gpu has no governor warp, only performance"),
        ({"power_mode": "MAXN"}, "power mode MAXN cannot be set: this board has none"),
        ({"policies": {"big": {"min_freq": "max", "max_freq": 1.2e9}}}, "policy4 would be 2.4 GHz, above the highest"),
        ({"cpus": "4000"}, "CPU 4000 of [tuning] cpus"),
    ],
)
def test_what_the_board_does_not_have_is_refused_before_anything_is_changed(
    board: Board, wishes: dict[str, Any], said: str
) -> None:
    before = board.all()
    with pytest.raises(AgentError) as refused:
        board.tune(governor="performance", **wishes)
    assert refused.value.kind == "unfit" and said in refused.value.message
    assert (board.all(), board.originals.pending) == (before, False)


def test_a_mode_that_is_not_there_names_those_that_are(board: Board) -> None:
    board.has_modes()
    with pytest.raises(AgentError, match="the board has no power mode 25W, only 15W, MAXN"):
        board.tune(power_mode="25W")


def test_a_mode_that_needs_a_start_of_the_board_is_named(board: Board) -> None:
    board.has_modes()
    board.write("usr/sbin/nvpmodel", '#!/bin/sh\n[ "$1" = -q ] && echo 0 || echo "NVPM WARN: Reboot required"', 0o755)
    (one,) = board.tune(power_mode="MAXN").refused
    assert one.words == "power mode is 15W, not MAXN: the board has to be started anew for it"
    put_back(board)


@pytest.mark.parametrize(
    ("file", "target", "problem"),
    [
        ("scaling_governor", "/proc/self/oom_score_adj", "Invalid argument"),
        ("scaling_governor", "/dev/null", "it reads  afterwards"),
        ("scaling_governor", None, "it cannot be read"),
    ],
)
def test_a_write_that_the_kernel_does_not_take_is_named(
    board: Board, file: str, target: str | None, problem: str
) -> None:
    (board.path / BIG / file).unlink()
    if target is not None:
        (board.path / BIG / file).symlink_to(target)
    (one,) = board.tune(governor="performance").refused
    assert (one.what, one.problem, one.denied) == ("governor of policy4", problem, False)
    assert board.read(f"{LITTLE}/scaling_governor") == "performance"
    put_back(board)
    assert board.read(f"{LITTLE}/scaling_governor") == "schedutil"


def test_a_file_that_this_account_may_not_write_is_denied_and_the_rest_is_set(board: Board) -> None:
    if os.getuid() == 0:
        # Root may write anything but what lies on a file system that nobody may.
        (board.path / GPU / "governor").unlink()
        (board.path / GPU / "governor").symlink_to("/sys/kernel/notes")
    else:
        (board.path / GPU / "governor").chmod(0o444)
    (one,) = board.tune(governor="performance", devices={"*.gpu": {"governor": "performance"}}).refused
    assert (one.what, one.denied) == ("governor of fb000000.gpu", True), one
    assert board.read(f"{BIG}/scaling_governor") == "performance"
    put_back(board)


def test_limits_are_left_alone_while_the_kernel_cools_by_them(board: Board) -> None:
    board.write("sys/class/thermal/cooling_device0/type", "cpufreq-cpu4")
    board.write("sys/class/thermal/cooling_device0/cur_state", "2")
    with pytest.raises(AgentError, match=r"while the kernel cools by it \(cpufreq-cpu4 at 2\): let the board cool"):
        board.tune(max_freq="max")
    board.tune(governor="performance")
    put_back(board)


def test_an_interrupt_that_went_away_has_nothing_to_put_back(board: Board) -> None:
    board.tune(irq_cpus="4-5")
    (board.path / IRQ).unlink()
    put_back(board)


def test_big_and_little_are_told_by_capacity_and_not_by_number(board: Board) -> None:
    root = Root(str(board.path))
    board.write(f"{CPU}/cpu0/cpu_capacity", "1024")
    assert (clocks.cores(root, "big"), clocks.cores(root, "little")) == ({0, 4, 5}, {1})
    for number in (0, 1, 4, 5):
        (board.path / f"{CPU}/cpu{number}/cpu_capacity").unlink()
    with pytest.raises(AgentError, match="does not say which cores of this board are big: name them, such as 4-7"):
        board.tune(cpus="big")


def test_the_page_cache_is_dropped_where_the_account_may(board: Board) -> None:
    root = Root(str(board.path))
    assert drop_caches(root)
    assert board.read("proc/sys/vm/drop_caches").startswith("3")
    (board.path / "proc/sys/vm/drop_caches").unlink()
    assert not drop_caches(root)
    (one,) = board.tune(drop_caches=True).refused
    assert one.denied


@pytest.mark.parametrize(
    "wishes",
    [
        {"governor": 3},
        {"min_freq": "fast"},
        {"max_freq": True},
        {"policies": [3]},
        {"policies": {"big": 3}},
        {"devices": {"*": {"min_freq": []}}},
        {"cpus": "3-x"},
        {"irq_cpus": ""},
    ],
)
def test_a_wish_of_another_kind_is_refused_by_name(steward: Start, wishes: dict[str, Any]) -> None:
    kind, message = steward().refusal("tune", tuning=wishes)
    assert kind == "bad_request" and message


@pytest.mark.parametrize(
    ("key", "value", "ours"),
    [
        (f"{BIG}/scaling_governor", "schedutil", True),
        (f"{BIG}/scaling_max_freq", "1800000", True),
        (f"{BIG}/scaling_max_freq", "9900000", False),
        (f"{BIG}/scaling_max_freq", "-1", False),
        (f"{BIG}/scaling_setspeed", "1800000", False),
        (f"{GPU}/min_freq", "300000000", True),
        ("sys/class/devfreq/../devfreq/fb000000.gpu/min_freq", "300000000", False),
        (f"{CPU}/cpufreq/policy9/scaling_max_freq", "1800000", False),
        (IRQ, "0-3", True),
        (IRQ, "all", False),
        ("proc/irq/34/smp_affinity_list", "0", False),
        ("nvpmodel", "0", False),
        ("sys/firmware/acpi/platform_profile", "balanced", False),
        ("etc/shadow", "schedutil", False),
    ],
)
def test_of_a_strangers_copy_only_settings_and_what_they_offer_are_believed(
    board: Board, key: str, value: str, ours: bool
) -> None:
    assert settings.may_hold(Root(str(board.path)), key, value) is ours
