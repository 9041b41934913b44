"""Programs that a board of a kind has: a Raspberry Pi's vcgencmd, a Jetson's nvpmodel and jetson_clocks.

They are shell scripts over the made-up files. A call of the firmware sleeps as long as it takes on a board.
"""

from pathlib import Path

from harness.testing.scripted.kinds import BoardKind

MAILBOX_S = 0.002
"""A question to a Raspberry Pi's firmware."""
_PMIC_S = 0.008
"""All channels of the power management chip's converter, one after the other."""
_VCGENCMD = """#!/bin/sh
case "$1" in
pmic_read_adc) sleep {pmic} ;;
*) sleep {mailbox} ;;
esac
case "$1" in
get_throttled) cat {made}/firmware/throttled ;;
measure_temp) cat {made}/firmware/temp ;;
measure_clock) cat {made}/firmware/clock ;;
measure_volts) echo volt=0.8600V ;;
{pmic_line}
get_config) grep "^$2=" {made}/firmware/config || echo "$2=0" ;;
version) echo "Sep 13 2024 16:02:27"; echo "version {bootloader} (release)" ;;
bootloader_version) echo "2024/09/13 16:02:27"; echo "version {bootloader} (release)" ;;
*) echo 'error=1 error_msg="Command not registered"' ;;
esac | tr -s '\\n'
"""
_NVPMODEL = """#!/bin/sh
status={made}/var/lib/nvpmodel/status
case "$1" in
-q|--query)
    number=$(tr -s '\\n' < $status | sed 's/^pmode:0*//'); number=${{number:-0}}
    echo "NV Power Mode: $(sed -n "s/^< POWER_MODEL ID=$number NAME=\\(.*\\) >$/\\1/p" {made}/etc/nvpmodel.conf)"
    echo "$number" ;;
-m|--mode)
    test "$(id -u)" = 0 || {{ echo "nvpmodel: must be root" >&2; exit 1; }}
    grep -q "^< POWER_MODEL ID=$2 " {made}/etc/nvpmodel.conf || {{ echo "NVPM ERROR: no mode $2" >&2; exit 255; }}
    printf 'pmode:%04d\\n' "$2" | dd of=$status conv=notrunc status=none
    sleep 0.1 ;;
*) echo "usage: nvpmodel -q | -m MODE" >&2; exit 1 ;;
esac
"""
_JETSON_CLOCKS = """#!/bin/sh
cpufreq=/sys/devices/system/cpu/cpufreq; gpu=/sys/class/devfreq/17000000.gpu
emc=/sys/kernel/debug/bpmp/debug/clk/emc
files="$cpufreq/policy0/scaling_min_freq $cpufreq/policy4/scaling_min_freq $gpu/min_freq $emc/mrq_rate_locked"
case "$1" in
--show)
    for policy in 0 4; do
        folder=$cpufreq/policy$policy
        echo "cpu$policy: Governor=$(tr -d '\\n' < $folder/scaling_governor)" \\
            "MinFreq=$(tr -d '\\n' < $folder/scaling_min_freq) MaxFreq=$(tr -d '\\n' < $folder/scaling_max_freq)" \\
            "CurrentFreq=$(tr -d '\\n' < $folder/scaling_cur_freq)"
    done
    echo "GPU MinFreq=$(tr -d '\\n' < $gpu/min_freq) MaxFreq=$(tr -d '\\n' < $gpu/max_freq)" \\
        "CurrentFreq=$(tr -d '\\n' < $gpu/cur_freq)"
    exit ;;
esac
test "$(id -u)" = 0 || {{ echo "Error: Run this script($0) as a root user" >&2; exit 1; }}
case "$1" in
--store) for file in $files; do echo "$file:$(tr -d '\\n' < $file)"; done > "${{2:-/root/.jetsonclocks_conf.txt}}" ;;
--restore)
    while IFS=: read -r file value; do echo "$value" > "$file"; done < "${{2:-/root/.jetsonclocks_conf.txt}}" ;;
"")
    for file in $files; do
        case $file in *locked) echo 1 ;; *) tr -d '\\n' < "$(echo "$file" | sed 's/min_/max_/')" ;; esac > "$file"
    done ;;
*) echo "usage: jetson_clocks [--show | --store FILE | --restore FILE]" >&2; exit 1 ;;
esac
"""


def write_programs(kind: BoardKind, folder: Path, made: Path) -> None:
    """Put the board's own programs into a folder; ``made`` is the root of its files, seen from outside."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind.firmware_path is not None:
        pmic = f"pmic_read_adc) cat {made}/firmware/pmic ;;" if kind.rail_sensor == "pmic" else ""
        config = made / "firmware" / "config"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("".join(f"{key}={value}\n" for key, value in kind.config.items()))
        text = _VCGENCMD.format(
            made=made, pmic=_PMIC_S, mailbox=MAILBOX_S, pmic_line=pmic, bootloader=kind.bootloader or ""
        )
        _program(folder / "vcgencmd", text)
    if kind.power_modes:
        _program(folder / "nvpmodel", _NVPMODEL.format(made=made))
        _program(folder / "jetson_clocks", _JETSON_CLOCKS.format())
        modes = [
            f"< POWER_MODEL ID={mode.number} NAME={mode.name} >\nCPU_A78_0 MAX_FREQ {mode.cpu_khz}\n"
            f"GPU MAX_FREQ {mode.gpu_hz}\nEMC MAX_FREQ {mode.memory_hz}\n"
            for mode in kind.power_modes
        ]
        conf = made / "etc" / "nvpmodel.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text("\n".join([*modes, f"< PM_CONFIG DEFAULT={kind.first_mode} >\n"]))


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
