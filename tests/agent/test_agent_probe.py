"""What boards say of themselves, from made-up files of real ones."""

import json
import platform
import sys
from pathlib import Path

import pytest
from edge_agent import probe, runtimes
from edge_agent.sysfs import Root

from harness.records.board import BoardFacts

PI_4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.2\0",
    "proc/cpuinfo": "\n\n".join(
        f"processor\t: {at}\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd08" for at in range(4)
    )
    + "\n\nHardware\t: BCM2835\n",
    "proc/meminfo": "MemTotal:        3884360 kB\nMemFree:  1 kB\n",
    "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_available_governors": "performance ondemand\n",
    "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/block/mmcblk0/device/type": "SD\n",
    "sys/block/loop0/size": "0\n",
}


def facts(root: Path, files: dict[str, str]) -> BoardFacts:
    for relative, text in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return BoardFacts.model_validate_json(json.dumps(probe.facts(Root(str(root)), root)))


def test_a_raspberry_pi_4(tmp_path: Path) -> None:
    found = facts(tmp_path, PI_4)
    assert found.model == "Raspberry Pi 4 Model B Rev 1.2"
    assert (found.cpu, found.cpu_count, found.max_freq_khz) == ("4x Cortex-A72", 4, 1_500_000)
    assert (found.governor, found.governors) == ("ondemand", ("ondemand", "performance"))
    assert found.memory_bytes == 3_884_360 * 1024
    assert found.os == "Debian GNU/Linux 12 (bookworm)"
    assert (found.temp_c, found.throttled, found.storage) == (48.686, 0, "microSD")
    assert found.simulated


@pytest.mark.parametrize(
    ("machine", "core", "emulated"),
    [
        ("linux,dummy-virt", "arm,cortex-a72", True),
        ("linux,dummy-virt", "arm,cortex-a76", True),
        ("linux,dummy-virt", "arm,arm-v8", False),
        ("linux,dummy-virt", "arm,cortex-a53", False),
        ("linux,dummy-virt", "arm,cortex-a57", False),
        ("linux,dummy-virt", "", False),
        ("raspberrypi,4-model-b\0brcm,bcm2711", "arm,cortex-a72", False),
    ],
)
def test_a_virtual_machine_is_emulated_only_where_no_board_could_run_its_processor(
    tmp_path: Path, machine: str, core: str, emulated: bool
) -> None:
    tree = {"proc/device-tree/compatible": f"{machine}\0", "proc/device-tree/cpus/cpu@0/compatible": f"{core}\0"}
    told = f"QEMU's machine virt with a processor made up as {core}"
    assert facts(tmp_path, tree).emulated == (told if emulated else None)


def test_two_kinds_of_cores(tmp_path: Path) -> None:
    parts = ["0xd05"] * 4 + ["0xd0b"] * 4
    cpuinfo = "\n\n".join(
        f"processor : {at}\nCPU implementer : 0x41\nCPU part : {part}" for at, part in enumerate(parts)
    )
    assert facts(tmp_path, {"proc/cpuinfo": cpuinfo}).cpu == "4x Cortex-A55 + 4x Cortex-A76"


def test_a_core_nobody_knows(tmp_path: Path) -> None:
    cpuinfo = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xfff\n"
    assert facts(tmp_path, {"proc/cpuinfo": cpuinfo}).cpu == "1x Arm part 0xfff"


def test_a_pc(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": "processor : 0\nmodel name : AMD EPYC\n\nprocessor : 1\nmodel name : AMD EPYC\n",
        "sys/class/dmi/id/product_name": "Standard PC\n",
        "sys/block/nvme0n1/size": "1",
        "sys/block/sda/queue/rotational": "1",
    }
    found = facts(tmp_path, files)
    assert (found.cpu, found.model, found.storage) == ("2x AMD EPYC", "Standard PC", "NVMe + hard disk")


def test_a_board_that_says_nothing(tmp_path: Path) -> None:
    found = facts(tmp_path, {})
    assert (found.model, found.cpu, found.governor, found.memory_bytes, found.temp_c) == (None,) * 5
    assert (found.throttled, found.storage, found.sensors) == (None, None, ())


@pytest.mark.parametrize("text", ["", "abc", "12 34", "\xff"])
def test_nonsense_in_sysfs_is_no_fact(tmp_path: Path, text: str) -> None:
    files = dict.fromkeys(PI_4, text)
    found = facts(tmp_path, files)
    assert (found.max_freq_khz, found.memory_bytes, found.temp_c) == (None, None, None)


@pytest.mark.parametrize("reading", ["-274000", "-40000000", "2147483647", "250000"])
def test_a_sensor_that_is_off_is_no_temperature(tmp_path: Path, reading: str) -> None:
    zone = {"sys/class/thermal/thermal_zone1/type": "gpu-cpu\n", "sys/class/thermal/thermal_zone1/temp": reading}
    assert facts(tmp_path, zone).temp_c is None
    assert facts(tmp_path, PI_4 | zone).temp_c == 48.686


def test_flash_chips_and_memory_are_no_disks(tmp_path: Path) -> None:
    disks = ("mtdblock0", "mtdblock12", "ubiblock0_1", "zram0", "ram1", "loop7", "mmcblk0boot0")
    files = {f"sys/block/{name}/queue/rotational": "0" for name in disks}
    assert facts(tmp_path, files).storage is None
    assert facts(tmp_path, PI_4 | files).storage == "microSD"


def distribution(folder: Path, name: str, installer: str | None) -> None:
    info = folder / f"{name}.dist-info"
    info.mkdir(parents=True)
    if installer is not None:
        (info / "INSTALLER").write_text(installer + "\n")


def test_a_distribution_is_found_by_its_folder(tmp_path: Path) -> None:
    distribution(tmp_path, "tflite_runtime-2.14.0", "pip")
    distribution(tmp_path, "tflite_runtime_nightly-3.0", "pip")
    assert runtimes.find_installed("tflite_runtime", [str(tmp_path)]) == runtimes.Installed("2.14.0", by_pip=True)
    assert runtimes.find_installed("tflite", [str(tmp_path)]) is None


def test_debians_mark(tmp_path: Path) -> None:
    (tmp_path / "numpy-1.24.2.egg-info").mkdir()
    (tmp_path / "tflite_runtime-2.5.0.post1-py3.9.egg-info").write_text("")
    assert runtimes.find_installed("numpy", [str(tmp_path)]) == runtimes.Installed("1.24.2", by_pip=False)
    found = runtimes.find_installed("tflite_runtime", [str(tmp_path)])
    assert found == runtimes.Installed("2.5.0.post1", by_pip=False)


@pytest.mark.parametrize(
    ("name", "installer", "module"),
    [
        ("tflite_runtime-2.5.0", None, "tflite_runtime.interpreter"),
        ("tflite_runtime-2.5.0", "debian", "tflite_runtime.interpreter"),
        ("tflite_runtime-2.14.0", "pip", None),
        ("tensorflow-2.16.1", "pip", "tensorflow.lite.python.interpreter"),
        ("tensorflow_cpu-2.21.0", "uv", "tensorflow.lite.python.interpreter"),
        ("tensorflow_hub-0.1", "pip", None),
    ],
)
def test_which_interpreter_is_the_systems(tmp_path: Path, name: str, installer: str | None, module: str | None) -> None:
    distribution(tmp_path, name, installer)
    assert runtimes.system_module([str(tmp_path)]) == module


def test_a_vendors_module_without_any_mark(tmp_path: Path) -> None:
    (tmp_path / "tflite_runtime").mkdir()
    assert runtimes.system_module([str(tmp_path)]) == "tflite_runtime.interpreter"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"package": "none"}', '{"package": "tflite", "machine": "other"}']
)
def test_an_environment_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "envs" / "x" / "site").mkdir(parents=True)
    (tmp_path / "envs" / "x" / "env.json").write_text(content)
    assert [found for found in runtimes.find_runtimes(tmp_path) if found["site"]] == []


def test_an_environment(tmp_path: Path) -> None:
    site = tmp_path / "envs" / "x" / "site"
    distribution(site, "numpy-1.26.4", "pip")
    info = {"package": "tflite", "version": "2.14.0", "machine": platform.machine()}
    (tmp_path / "envs" / "x" / "env.json").write_text(json.dumps(info))
    (found,) = [found for found in runtimes.find_runtimes(tmp_path) if found["site"]]
    assert (found["python"], found["version"], found["numpy"]) == (sys.executable, "2.14.0", "1.26.4")
