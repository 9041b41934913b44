"""What a scripted board's files say while things happen on it, without a board: the simulation alone."""

import struct
import time

import pytest

from harness.records.errors import UsageError
from harness.testing.scripted.boards import BOARDS
from harness.testing.scripted.clocks import EMC
from harness.testing.scripted.live import MOST_POLICIES
from harness.testing.scripted.rails import INA3221
from harness.testing.scripted.script import Event, load_script
from harness.testing.scripted.simulation import Simulation

POLICY = "sys/devices/system/cpu/cpufreq/policy0"


def simulation(kind, root):
    made = Simulation(BOARDS[kind], root, root / "live")
    made.change({"governor": "performance"})
    made.tick()
    return made


def seconds_at(made, khz, policy=POLICY):
    lines = made.files.read(f"{policy}/stats/time_in_state").splitlines()
    return {int(line.split()[0]): int(line.split()[1]) / 100 for line in lines}[khz]


@pytest.mark.parametrize("kind", BOARDS)
def test_every_board_shows_clocks_heat_and_a_model(kind, tmp_path):
    made = simulation(kind, tmp_path)
    fastest = max(khz for cluster in BOARDS[kind].clusters for khz in cluster.khz)
    shown = [int(made.files.read(f"{policy.folder}/cpuinfo_max_freq")) for policy in made.policies]
    assert max(shown) == fastest
    assert 30_000 < int(made.files.read("sys/class/thermal/thermal_zone0/temp")) < 60_000
    assert made.files.read("sys/firmware/devicetree/base/model") == BOARDS[kind].model
    assert made.files.read("proc/cpuinfo").count("processor") == BOARDS[kind].cpus


def test_a_governor_that_the_agent_writes_takes_effect_and_one_that_the_kernel_lacks_does_not(tmp_path):
    made = simulation("rpi4", tmp_path)
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1500000"
    (tmp_path / POLICY / "scaling_governor").write_text("powersave\n")
    made.tick()
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "600000"
    (tmp_path / POLICY / "scaling_governor").write_text("turbo\n")
    made.tick()
    assert made.files.read(f"{POLICY}/scaling_governor") == "powersave"


def test_a_script_writes_over_what_the_agent_wrote(tmp_path):
    made = simulation("rpi4", tmp_path)
    (tmp_path / POLICY / "scaling_governor").write_text("performance")
    made.tick()
    made.change({"governor": "userspace"})
    made.tick()
    assert (tmp_path / POLICY / "scaling_governor").read_text().strip() == "userspace"


def test_what_scripts_had_happen_is_undone_at_once(tmp_path):
    made = simulation("rpi4", tmp_path)
    made.keep()
    made.change({"throttled": True, "temp_c": 81.0})
    made.change({"temp_c": 90.0, "governor": "powersave"})
    made.plan(Event(time.monotonic() + 0.01, {"steal": 0.5}))
    made.reset()
    time.sleep(0.02)
    made.tick()
    assert made.files.read("sys/devices/platform/soc/soc:firmware/get_throttled") == "0"
    assert made.files.read("sys/class/thermal/thermal_zone0/temp") == "48686"
    assert made.files.read(f"{POLICY}/scaling_governor") == "performance"
    assert made.machine.steal == 0


def test_policies_of_several_kinds_get_their_own_limits_back(tmp_path):
    made = simulation("rock-5b", tmp_path)
    made.keep()
    made.change({"cpu_max_khz": 1_200_000})
    made.tick()
    assert {policy.clock.now for policy in made.policies} == {1_200_000}
    made.reset()
    made.tick()
    assert [policy.clock.now for policy in made.policies] == [1_800_000, 2_400_000, 2_400_000]


def test_a_cap_that_the_agent_writes_takes_effect(tmp_path):
    made = simulation("rpi4", tmp_path)
    (tmp_path / POLICY / "scaling_max_freq").write_text("1000000")
    made.tick()
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1000000"


def test_a_dip_between_two_looks_is_in_time_in_state_alone(tmp_path):
    made = simulation("rock-5b", tmp_path)
    now, before = time.monotonic(), seconds_at(made, 408_000)
    made.plan(Event(now + 0.01, {"cpu_dip_khz": 408_000}, lasting_s=0.05))
    time.sleep(0.1)
    made.tick()
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1800000"
    assert seconds_at(made, 408_000) - before == pytest.approx(0.05, abs=0.0101)
    assert int(made.files.read(f"{POLICY}/stats/total_trans")) >= 2


def test_the_firmware_of_a_pi_slows_it_without_a_word_to_the_kernel(tmp_path):
    made = simulation("rpi4", tmp_path)
    made.change({"under_voltage": True, "firmware_khz": 600_000})
    made.tick()
    assert made.files.read("sys/devices/platform/soc/soc:firmware/get_throttled") == "10001"
    assert made.files.read("sys/class/hwmon/hwmon1/in0_lcrit_alarm") == "1"
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1500000"
    assert made.files.read(f"{POLICY}/cpuinfo_cur_freq") == "600000"
    made.change({"under_voltage": False})
    made.tick()
    assert made.files.read("sys/devices/platform/soc/soc:firmware/get_throttled") == "10000"


def test_a_power_mode_caps_cpus_gpu_and_memory(tmp_path):
    made = simulation("jetson-orin-nano", tmp_path)
    # As jetson_clocks leaves it; else the memory clock follows the load.
    (tmp_path / EMC / "mrq_rate_locked").write_text("1\n")
    made.change({"power_mode": "15W"})
    made.tick()
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1497600"
    assert made.files.read("sys/class/devfreq/17000000.gpu/max_freq") == "612000000"
    assert made.files.read(f"{EMC}/rate") == "2133000000"


def test_cooling_lowers_the_clock_and_is_shown(tmp_path):
    made = simulation("imx8mp-evk", tmp_path)
    made.change({"cooling": 1})
    made.tick()
    assert made.files.read("sys/class/thermal/cooling_device0/cur_state") == "1"
    assert made.files.read(f"{POLICY}/scaling_cur_freq") == "1600000"


def test_steal_swap_and_pressure_count_while_they_last(tmp_path):
    made = simulation("rpi4", tmp_path)
    before = [int(word) for word in made.files.read("proc/stat").splitlines()[0].split()[1:9]]
    made.change({"steal": 0.5, "swap_used_kb": 2048, "memory_pressure": 0.2})
    time.sleep(0.15)
    made.tick()
    after = [int(word) for word in made.files.read("proc/stat").splitlines()[0].split()[1:9]]
    assert before[7] == 0
    assert after[7] >= 0.5 * 0.1 * 4 * 100
    assert "SwapTotal:          102396 kB" in made.files.read("proc/meminfo")
    assert "SwapFree:           100348 kB" in made.files.read("proc/meminfo")
    assert made.files.read("proc/pressure/memory").startswith("some avg10=20.00")


def test_rails_follow_the_script(tmp_path):
    made = simulation("jetson-orin-nano", tmp_path)
    made.change({"VDD_IN_w": 10.0})
    time.sleep(0.11)
    made.tick()
    volts, amperes = (int(made.files.read(f"sys/class/hwmon/hwmon4/{name}1_input")) / 1000 for name in ("in", "curr"))
    assert volts * amperes == pytest.approx(10.0, rel=0.005)


def test_a_rail_follows_the_threads_that_a_stub_runtime_works_on(tmp_path):
    made = simulation("jetson-orin-nano", tmp_path)
    made.change({"cpu_max_khz": 960_000})
    for _ in range(3):
        struct.pack_into("<qI", made.live.words, 4 * MOST_POLICIES, time.monotonic_ns(), 4)
        made.tick()
        made.rails.show()
        time.sleep(0.01)
    watts = int(made.files.read(f"{INA3221}/in1_input")) * int(made.files.read(f"{INA3221}/curr1_input")) / 1e6
    # At rest 4.2 W, and 7.5 W more for six cores at 1.728 GHz.
    assert watts == pytest.approx(4.2 + 7.5 * 4 / 6 * (0.96 / 1.728) ** 3, abs=0.04)


def test_a_change_that_the_board_does_not_know_is_refused(tmp_path):
    made = simulation("rock-5b", tmp_path)
    with pytest.raises(UsageError, match=r"no change 'throttled' for this board; it has .*cooling.*npu_dip_hz"):
        made.check({"throttled": True})


def test_an_event_comes_again_and_is_undone_each_time(tmp_path):
    made = simulation("rock-5b", tmp_path)
    before = seconds_at(made, 408_000)
    made.plan(Event(time.monotonic(), {"cpu_dip_khz": 408_000}, lasting_s=0.03, every_s=0.05))
    time.sleep(0.19)
    made.tick()
    assert seconds_at(made, 408_000) - before >= 4 * 0.03 - 0.0101


def test_a_script_is_a_file_of_events(tmp_path):
    script = tmp_path / "weak.toml"
    script.write_text(
        '[[event]]\nat = "2 s"\nfor = "500 ms"\nevery = "10 s"\nunder_voltage = true\nfirmware_khz = 600000\n'
    )
    (event,) = load_script(script)
    assert event == Event(2.0, {"under_voltage": True, "firmware_khz": 600_000}, lasting_s=0.5, every_s=10.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("temp_c = 80.0", "expected nothing but \\[\\[event]] tables"),
        ("[[event]]\ntemp_c = 80.0", 'event 1: expected at = "2 s" and what changes'),
        ('[[event]]\nat = "soon"\ntemp_c = 80.0', "event 1, at: "),
        ('[[event]]\nat = 0\nfor = "2 s"\nevery = "1 s"\ntemp_c = 80.0', "every has to be longer"),
    ],
)
def test_a_script_that_is_none_is_refused_in_one_line(text, told, tmp_path):
    script = tmp_path / "odd.toml"
    script.write_text(text)
    with pytest.raises(UsageError, match=told):
        load_script(script)
