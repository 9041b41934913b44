"""Scripted boards as the agent sees them: through a real sshd, and as files under a root of their own."""

import hashlib
import time
from pathlib import Path

import pytest
from support import needs
from support.own_lease import own_lease

import harness.session
from harness.board import choose_runner, open_board
from harness.profiles import load
from harness.records.errors import UsageError
from harness.records.plan import BlockSpec, TrialSpec
from harness.testing.scripted import Event, scripted_board

pytestmark = pytest.mark.board
MODEL = Path(harness.session.__file__).with_name("selftest_model.tflite")
LABEL = "simulated: timings of this machine"
SHOWN = {
    "rpi4": ("Raspberry Pi 4 Model B Rev 1.4", "4x Cortex-A72", 1_500_000),
    "rpi5": ("Raspberry Pi 5 Model B Rev 1.0", "4x Cortex-A76", 2_400_000),
    "jetson-orin-nano": (
        "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
        "6x Cortex-A78AE",
        1_728_000,
    ),
    "rock-5b": ("Radxa ROCK 5B", "4x Cortex-A55 + 4x Cortex-A76", 2_400_000),
    "imx8mp-evk": ("NXP i.MX8MPlus EVK board", "4x Cortex-A53", 1_800_000),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_the_agent_finds_the_board_and_its_label(kind, tmp_path):
    needs.need("sshd")
    needs.need_root()
    with (
        own_lease(),
        scripted_board(kind, devices_dir=tmp_path) as board,
        open_board(load(board.name, tmp_path)) as opened,
    ):
        facts = opened.facts
    assert (facts.model, facts.cpu, facts.max_freq_khz) == SHOWN[kind]
    assert facts.simulated == LABEL
    assert facts.throttled == (0 if kind.startswith("rpi") else None)
    assert facts.power_mode == ("25W" if kind.startswith("jetson") else None)
    assert not list(tmp_path.glob("*.toml"))


def test_a_governor_that_the_profile_names_is_set_and_put_back(tmp_path):
    needs.need("sshd")
    needs.need_root()
    policy = "sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
    with own_lease(), scripted_board("rpi4") as board:
        (tmp_path / "b.toml").write_text(board.profile_text('[tuning]\ngovernor = "performance"\ncpus = "0-3"'))
        with open_board(load("b", tmp_path)) as opened:
            assert board.read(policy) == "performance"
            board.play([Event(0.0, {"throttled": True, "temp_c": 81.0})])
            assert (opened.probe().throttled, opened.facts.temp_c) == (0x40004, 81.0)
        assert board.read(policy) == "ondemand"


def test_a_stub_runtime_takes_work_by_clock_and_threads(tmp_path):
    needs.need("sshd")
    needs.need_root()
    with own_lease(), scripted_board("jetson-orin-nano", stub_cycles=6e6) as board:
        (tmp_path / "b.toml").write_text(board.profile_text('[tuning]\ngovernor = "performance"'))
        with open_board(load("b", tmp_path)) as opened:
            assert ("litert", "2.3.0+scripted") in {(one.package, one.version) for one in opened.facts.runtimes}
            # Never quicker than the script's clock; the quickest of many is hardly slower on any machine.
            assert quickest(opened, threads=1) == pytest.approx(6e6 / 1.344e9, rel=0.2)
            assert quickest(opened, threads=4) == pytest.approx(6e6 / 1.344e9 / 4, rel=0.2)
            board.set(power_mode="15W", cpu_max_khz=960_000)
            assert quickest(opened, threads=4) == pytest.approx(6e6 / 0.96e9 / 4, rel=0.2)


def quickest(opened, threads):
    """The shortest of an inference's times on the board, seconds."""
    sha256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    opened.ship(MODEL, sha256)
    runner = choose_runner(opened.profile, opened.facts, num_threads=threads)
    limits = {"warmup_runs": 1, "num_runs": 50, "min_secs": 0.3, "max_secs": 5.0, "deadline_s": 30.0}
    spec = TrialSpec(index=0, arm="candidate", kind="latency", model=sha256, **limits)
    (trial,) = opened.run_block(BlockSpec(index=0, runner=runner, trials=(spec,)))
    return min(trial.samples_ns) / trial.batch / 1e9


def test_a_jetson_has_its_programs(tmp_path):
    needs.need("sshd")
    needs.need_root()
    policy = "sys/devices/system/cpu/cpufreq/policy0"
    with own_lease(), scripted_board("jetson-orin-nano") as board:
        assert board.run("nvpmodel -q").splitlines() == ["NV Power Mode: 25W", "1"]
        board.run(f"nvpmodel -m 2 && jetson_clocks --store {tmp_path}/clocks && jetson_clocks")
        assert board.run("nvpmodel -q").splitlines() == ["NV Power Mode: MAXN_SUPER", "2"]
        assert board.read(f"{policy}/scaling_min_freq") == board.read(f"{policy}/scaling_max_freq") == "1728000"
        assert board.read("sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked") == "1"
        board.run(f"jetson_clocks --restore {tmp_path}/clocks")
        assert board.read(f"{policy}/scaling_min_freq") == "115200"
        shown = board.run("jetson_clocks --show").splitlines()
        assert shown[0].startswith("cpu0: Governor=schedutil MinFreq=115200 MaxFreq=1728000 CurrentFreq=")


def test_a_raspberry_pi_5_has_vcgencmd_and_a_neighbour_may_run_beside():
    needs.need("sshd")
    needs.need_root()
    with own_lease(), scripted_board("rpi5") as board:
        board.set(throttled=True, VDD_CORE_w=1.72)
        assert board.run("vcgencmd get_throttled") == "throttled=0x40004\n"
        assert board.run("vcgencmd get_config arm_freq") == "arm_freq=2400\n"
        with board.neighbour():
            time.sleep(0.5)
        rails = board.run("vcgencmd pmic_read_adc").splitlines()
        assert "    VDD_CORE_A current(7)=2.00000000A" in rails
        assert "    VDD_CORE_V volt(15)=0.86000000V" in rails
        # All that the board's processes did, and the neighbour is one of them.
        assert int(board.read("proc/stat").split()[1]) >= 2
        assert board.looks == []


def test_without_root_the_agent_reads_the_boards_files_under_a_root_of_their_own(tmp_path):
    with (
        own_lease(),
        scripted_board("jetson-orin-nano", devices_dir=tmp_path, sshd=False) as board,
        open_board(load(board.name, tmp_path), root=board.root) as opened,
    ):
        assert opened.facts.model == SHOWN["jetson-orin-nano"][0]
        assert opened.facts.simulated == LABEL


def test_a_board_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"no scripted board 'rpi3'; there are rpi4, rpi5"), scripted_board("rpi3"):
        pass
