"""The state of a made-up board, read around a trial."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent.agent_conversation import Steward
from edge_agent import clock_state, telemetry
from edge_agent.sysfs import Root

from harness.records.board import BoardFacts

POLICY = "sys/devices/system/cpu/cpufreq/policy0"
TRANS_STAT = """     From  :   To
           : 528000000 2112000000   time(ms)
  528000000:         0         1      %d
*2112000000:         1         0      %d
Total transition : 2
"""
BOARD = {
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": "51500",
    f"{POLICY}/scaling_governor": "performance",
    f"{POLICY}/scaling_max_freq": "1500000",
    f"{POLICY}/stats/time_in_state": "600000 100\n1500000 5000",
    "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0",
    "sys/class/thermal/cooling_device0/cur_state": "0",
    "sys/class/thermal/cooling_device0/stats/total_trans": "4",
    "sys/class/thermal/cooling_device1/type": "pwm-fan",
    "sys/class/thermal/cooling_device1/cur_state": "3",
    "sys/class/devfreq/dmc/cur_freq": "2112000000",
    "sys/class/devfreq/dmc/min_freq": "528000000",
    "sys/class/devfreq/dmc/max_freq": "2112000000",
    "sys/class/devfreq/dmc/governor": "performance",
    "sys/class/devfreq/dmc/trans_stat": TRANS_STAT % (100, 9000),
    "var/lib/nvpmodel/status": "pmode:0002 fmode:quiet",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=2 NAME=15W >",
    "proc/vmstat": "nr_free_pages 1\npswpin 10\npswpout 20\npgfault 3",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\nfull avg10=0.00 total=900",
    "proc/stat": "cpu  100 0 100 10000 0 0 0 5 0 0\ncpu0 1 1 1 1",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0",
    "sys/class/hwmon/hwmon0/name": "rpi_volt",
    "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "0",
}


def _write(root: Path, files: dict[str, str]) -> None:
    for relative, text in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


@pytest.fixture
def board(tmp_path: Path) -> Root:
    _write(tmp_path, BOARD)
    telemetry.find_again()
    return Root(str(tmp_path))


def _between(board: Root, changes: dict[str, str], cpu_s: float | None = 0.0) -> dict[str, Any]:
    span = telemetry.BoardSpan(board, {0})
    _write(board.path, changes)
    return span.end(cpu_s)


def test_a_calm_span_says_what_it_read(board: Root) -> None:
    found = _between(board, {f"{POLICY}/stats/time_in_state": "600000 100\n1500000 5050"})["conditions"]
    assert found.pop("reading_s") > 0.0
    assert found == {
        "governor": "performance",
        "caps_khz": [1_500_000],
        "clocks": [{"name": "policy0", "khz": [1_500_000], "ms": [500]}],
        "lowest_khz": None,
        "clock_reads": 0,
        "throttled_before": 0,
        "supply_alarm": False,
        "cooling": [],
        "cooling_moves": 0,
        "devices": [
            {
                "name": "dmc", "hz_before": 2_112_000_000, "hz": 2_112_000_000, "held": True, "lowest_hz": None,
                "low_ms": 0, "bounds": "dmc to 2112 MHz, performance",
            }
        ],
        "power_mode": "15W",
        "swapped_pages": 0,
        "memory_pressure": 0.0,
        "steal": None,
        "others": None,
    }  # fmt: skip


def test_what_passed_between_two_readings_is_seen(board: Root) -> None:
    changes = {
        f"{POLICY}/stats/time_in_state": "600000 120\n1500000 5030",
        "sys/class/thermal/cooling_device0/stats/total_trans": "6",
        "sys/class/devfreq/dmc/trans_stat": TRANS_STAT % (300, 9200),
        "proc/vmstat": "pswpin 40\npswpout 90",
        "proc/stat": "cpu  300 0 100 10000 0 0 0 55 0 0",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50000",
    }
    told = _between(board, changes)
    found = told["conditions"]
    assert found["clocks"] == [{"name": "policy0", "khz": [1_500_000, 600_000], "ms": [300, 200]}]
    assert (found["cooling"], found["cooling_moves"]) == ([], 2)
    assert (found["devices"][0]["lowest_hz"], found["devices"][0]["low_ms"]) == (528_000_000, 200)
    assert found["swapped_pages"] == 100
    assert found["steal"] > 0.0
    assert found["others"] > found["steal"]
    assert (found["throttled_before"], told["throttled"]) == (0, 0x50000)


@pytest.mark.parametrize("end", ["before", "after"])
def test_cooling_at_either_end_is_kept(board: Root, end: str) -> None:
    state = "sys/class/thermal/cooling_device0/cur_state"
    if end == "before":
        _write(board.path, {state: "2"})
    found = _between(board, {state: "0" if end == "before" else "2"})["conditions"]
    assert found["cooling"] == [{"kind": "thermal-cpufreq-0", "state": 2}]


def test_a_board_that_says_nothing_is_not_taken_for_well(tmp_path: Path) -> None:
    telemetry.find_again()
    span = telemetry.BoardSpan(Root(str(tmp_path)), {0})
    found = span.end(0.0)["conditions"]
    del found["reading_s"]
    assert {value for value in found.values() if not isinstance(value, list)} <= {None, 0}
    assert [value for value in found.values() if isinstance(value, list)] == [[], [], [], []]
    assert span.look is None


def test_without_times_the_clock_is_read_between_inferences(board: Root) -> None:
    (board.path / POLICY / "stats" / "time_in_state").unlink()
    current = "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
    _write(board.path, {current: "1500000"})
    telemetry.find_again()
    span = telemetry.BoardSpan(board, {0})
    look = span.look
    assert look is not None
    _write(board.path, {current: "600000"})
    look()
    _write(board.path, {current: "1500000"})
    found = span.end(0.0)["conditions"]
    assert (found["lowest_khz"], found["clock_reads"], found["clocks"]) == (600_000, 3, [])


def test_only_policies_that_are_measured_on_count(board: Root) -> None:
    other = POLICY.replace("policy0", "policy4")
    _write(board.path, {f"{POLICY}/related_cpus": "0 1 2 3", f"{other}/related_cpus": "4 5"})
    _write(board.path, {f"{other}/stats/time_in_state": "400000 100"})
    telemetry.find_again()
    changes = {f"{other}/stats/time_in_state": "400000 150", f"{POLICY}/stats/time_in_state": "1500000 5050"}
    assert [one["name"] for one in _between(board, changes)["conditions"]["clocks"]] == ["policy0"]


def test_a_jetsons_memory_clock_is_read_where_the_account_may(board: Root) -> None:
    folder = board.path / clock_state.MEMORY_CLOCK
    _write(folder, {"rate": "2133000000", "max_rate": "3199000000", "mrq_rate_locked": "1"})
    telemetry.find_again()
    assert clock_state.device_clocks(board)[-1] == "emc to 3199 MHz, locked"
    (emc,) = (one for one in _between(board, {})["conditions"]["devices"] if one["name"] == "emc")
    assert (emc["hz"], emc["held"]) == (2_133_000_000, True)


def test_the_probe_tells_the_set_up(steward: Callable[..., Steward]) -> None:
    one = steward()
    _write(one.root, BOARD)
    _write(
        one.root,
        {
            "boot/firmware/config.txt": "# a comment\narm_freq=2000 # faster\nover_voltage = 6\ndtparam=audio=on",
            "proc/cmdline": "root=/dev/mmcblk0p2 isolcpus=3 quiet mitigations=off",
            "proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 2097148 0 100",
        },
    )
    facts = BoardFacts.model_validate_json(json.dumps(one.ask("probe")[0]["facts"]))
    assert facts.clock_caps_khz == (1_500_000,)
    assert facts.firmware_settings == "arm_freq=2000, over_voltage=6"
    assert facts.kernel_options == "isolcpus=3 mitigations=off"
    assert facts.swap == "zram 2.1 GB"
    assert (facts.power_mode, facts.clocks_locked) == ("15W", None)


def test_a_quiet_board_is_watched(steward: Callable[..., Steward]) -> None:
    one = steward()
    _write(one.root, BOARD)
    (found, _) = one.ask("watch", seconds=0.4)
    assert found["event"] == "watched"
    assert found["telemetry"]["temp_after_c"] == 51.5
    assert found["telemetry"]["wall_s"] >= 0.4


def test_a_board_that_was_throttled_since_boot_is_looked_at_while_the_trial_runs(board: Root, tmp_path: Path) -> None:
    bits = "sys/devices/platform/soc/soc:firmware/get_throttled"
    # Its clocks are counted, and a bit that rises is seen at the end.
    assert telemetry.Span(board).look is None
    _write(tmp_path, {bits: "40000"})
    span = telemetry.Span(board)
    assert span.look is not None
    _write(tmp_path, {bits: "40004"})
    span.look()
    _write(tmp_path, {bits: "40000"})
    found = span.end()
    assert found is not None
    assert found["throttled"] == 0x40004
