"""What the agent says of a system at rest and of its state, from made-up files."""

import json
import os
from pathlib import Path

import pytest
from edge_agent import footprint, oom, state
from edge_agent.sysfs import Root

from harness.records.health import Footprint, SystemState

SENSOR = {"sys/class/hwmon/hwmon1/name": "ina226", "sys/class/hwmon/hwmon1/power1_input": "2500000"}
PROCESSES = {
    "proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 3600000 kB\nSlab: 50000 kB\nKernelStack: 2000 kB\n",
    "proc/stat": "cpu 10 0 10 80 0 0 0 0\nintr 500 1 2\nctxt 900\n",
    "proc/100/status": "Name:\tcups\nVmRSS:\t 9000 kB\n",
    "proc/100/cgroup": "0::/system.slice/cups.service\n",
    "proc/100/smaps_rollup": "Pss:  7000 kB\n",
    "proc/100/task/100/status": "voluntary_ctxt_switches:\t40\n",
    "proc/101/status": "Name:\tcups\nVmRSS:\t 1000 kB\n",
    "proc/101/cgroup": "0::/system.slice/cups.service\n",
    "proc/102/status": "Name:\tssh\nVmRSS:\t 3000 kB\n",
    "proc/102/cgroup": "0::/system.slice/ssh.service\n",
    "proc/103/status": "Name:\tbash\nVmRSS:\t 3000 kB\n",
    "proc/103/cgroup": "0::/user.slice/session-1.scope\n",
    "proc/2/status": "Name:\tkthreadd\n",
}


def made(root: Path, files: dict[str, str]) -> Root:
    for relative, text in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Root(str(root))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 0.02 s."""
    monkeypatch.setattr(footprint, "WINDOW_S", 0.02)


def read(root: Root, *sensors: str) -> Footprint:
    return Footprint.model_validate_json(json.dumps(footprint.read_footprint(root, list(sensors))))


def test_a_system_at_rest(tmp_path: Path, quick: None) -> None:
    found = read(made(tmp_path, PROCESSES | SENSOR), "hwmon:none", "hwmon:ina226")
    assert found.memory_used_bytes == (400_000 * 1024,) * 3
    assert found.kernel_memory_bytes == 52_000 * 1024
    assert (found.sensor, found.idle_w) == ("hwmon:ina226", (2.5,) * 3)
    assert found.processes == 4
    assert [(one.name, one.processes, one.memory_bytes) for one in found.services] == [
        ("cups.service", 2, 8_000 * 1024),
        ("ssh.service", 1, 3_000 * 1024),
    ]
    assert found.interrupts_per_s == found.switches_per_s == (0.0,) * 3
    assert (found.wakeups_per_s, found.busy) == ((), ())


def test_what_happens_meanwhile_is_counted_by_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(tmp_path, PROCESSES | {"sys/devices/system/cpu/cpu0/cpuidle/state1/usage": "0"})
    times = iter(range(1000))

    def pass_a_second(_: float) -> None:
        made(
            tmp_path,
            {
                "proc/stat": f"cpu {10 + 30 * (now := next(times) + 1)} 0 10 {80 + 70 * now} 0 0 0 0\n"
                f"intr {500 + 200 * now}\nctxt {900 + 400 * now}\n",
                "sys/devices/system/cpu/cpu0/cpuidle/state1/usage": str(150 * now),
            },
        )

    clock = iter(range(1000))
    monkeypatch.setattr(footprint.time, "sleep", pass_a_second)
    monkeypatch.setattr(footprint.time, "monotonic", lambda: float(next(clock)))
    found = read(root)
    assert (found.interrupts_per_s, found.switches_per_s) == ((200.0,) * 3, (400.0,) * 3)
    assert (found.wakeups_per_s, found.busy) == ((150.0,) * 3, (0.3,) * 3)
    assert (found.sensor, found.idle_w) == (None, ())


def test_a_sensor_that_fails_gives_no_watts(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(tmp_path, PROCESSES | SENSOR)
    monkeypatch.setattr(footprint.time, "sleep", lambda _: made(tmp_path, {next(reversed(SENSOR)): "broken"}))
    assert read(root, "hwmon:ina226").idle_w == ()


def look(root: Root, monkeypatch: pytest.MonkeyPatch) -> SystemState:
    monkeypatch.setattr(state, "_WATCH_S", 0.02)
    return SystemState.model_validate_json(json.dumps(state.read_state(root, root.path)))


def test_a_board_that_says_nothing_has_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(Root(str(tmp_path)), monkeypatch)
    assert (found.uid, found.root) == (os.getuid(), str(tmp_path))
    assert (found.policies, found.turbo, found.power_mode, found.devices, found.busy) == ((), None, None, (), ())
    assert (found.swap_bytes, found.steal, found.pressure, found.supply_alarm) == (None, None, (), None)


def test_a_jetson_s_power_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "var/lib/nvpmodel/status": "pmode:0001",
        "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\nx\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n",
    }
    found = look(made(tmp_path, files), monkeypatch)
    assert found.power_mode == "1"
    assert [(mode.key, mode.name) for mode in found.power_modes] == [("0", "15W"), ("2", "MAXN_SUPER")]


def test_intels_file_for_turbo_says_the_opposite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turbo = look(made(tmp_path, {"sys/devices/system/cpu/intel_pstate/no_turbo": "0"}), monkeypatch).turbo
    assert turbo is not None
    assert (turbo.on, turbo.off_value, turbo.file) == (True, "1", "/sys/devices/system/cpu/intel_pstate/no_turbo")


def test_a_process_of_a_service_that_keeps_a_core_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 9 0 0\n"
    at = {"proc/7/cgroup": "0::/system.slice/indexer.service\n", "proc/stat": "cpu 0 0 0 0 0 0 0 0\n"}
    root = made(tmp_path, at | {"proc/7/stat": stat.format(ticks=0)})
    later = {"proc/7/stat": stat.format(ticks=10**6), "proc/stat": "cpu 50 0 0 40 0 0 0 10\n"}
    monkeypatch.setattr(state.time, "sleep", lambda _: made(tmp_path, later))
    found = look(root, monkeypatch)
    assert [(one.pid, one.name, one.unit, one.share > 1) for one in found.busy] == [
        (7, "a) b", "indexer.service", True)
    ]
    assert found.steal == 0.1


def test_psi_swap_and_the_file_that_limits_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made(
        tmp_path,
        {
            "proc/pressure/io": "some avg10=12.50 avg60=1.00 avg300=0.10 total=9\nfull avg10=9.00\n",
            "proc/meminfo": "SwapTotal: 100 kB\nSwapFree: 40 kB\n",
            "proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 100 60 5\n",
            "proc/self/cgroup": "0::/user.slice/a\n",
            "sys/fs/cgroup/user.slice/memory.max": "500\n",
            "sys/fs/cgroup/user.slice/a/memory.max": "max\n",
        },
    )
    found = look(root, monkeypatch)
    assert [(one.resource, one.percent) for one in found.pressure] == [("io", 12.5)]
    assert (found.swap_bytes, found.swap_used_bytes, found.swaps) == (102_400, 61_440, ("/dev/zram0",))
    assert (found.memory_limit_file, oom.group_limit(root)) == ("sys/fs/cgroup/user.slice/memory.max", 500)
