"""A loopback board whose /sys, and parts of whose /proc, are made up and changed while it runs. Needs root.

Its sshd runs in mount and process namespaces of its own: overlays lie over /sys, /etc and /usr/sbin, files over some of
/proc, and it sees no processes but its own. ``date``, ``reboot`` and ``swapoff`` there change the made-up board alone.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import needs
from support.sshd import HOST, Sshd, loopback_sshd

POLICY = "sys/devices/system/cpu/cpufreq/policy0"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI = {
    f"{POLICY}/scaling_governor": "performance",
    f"{POLICY}/scaling_available_governors": "performance ondemand powersave",
    f"{POLICY}/scaling_max_freq": "1500000",
    f"{POLICY}/cpuinfo_max_freq": "1500000",
    "sys/devices/system/cpu/cpufreq/boost": "0",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": "48686",
    "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
    "sys/class/thermal/cooling_device0/cur_state": "0",
    FIRMWARE: "0",
    "sys/class/hwmon/hwmon0/name": "rpi_volt",
    "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "0",
    "sys/class/hwmon/hwmon1/name": "ina226",
    "sys/class/hwmon/hwmon1/power1_input": "3100000",
    "sys/class/devfreq/dmc/cur_freq": "1600000000",
    "sys/class/devfreq/dmc/max_freq": "1600000000",
    "sys/class/devfreq/dmc/governor": "performance",
    "sys/class/devfreq/dmc/available_governors": "performance simple_ondemand",
    "sys/firmware/acpi/platform_profile": "performance",
    "sys/firmware/acpi/platform_profile_choices": "low-power balanced performance",
}
"""A board on which nothing is wrong."""
GPU = "sys/class/devfreq/gpu"
TUNABLE = {
    f"{POLICY}/scaling_governor": "ondemand",
    f"{POLICY}/scaling_min_freq": "600000",
    f"{POLICY}/scaling_max_freq": "1500000",
    f"{POLICY}/scaling_available_frequencies": "600000 1000000 1500000",
    f"{GPU}/governor": "simple_ondemand",
    f"{GPU}/available_governors": "performance simple_ondemand",
    f"{GPU}/cur_freq": "300000000",
    f"{GPU}/min_freq": "300000000",
    f"{GPU}/max_freq": "800000000",
    f"{GPU}/available_frequencies": "300000000 800000000",
    "sys/class/devfreq/dmc/min_freq": "1600000000",
}
"""What a board has beside `PI` whose clocks of all kinds can be set."""
TUNING = """[tuning]
governor = "performance"
max_freq = "1 GHz"
power_mode = "MAXN"
irq_cpus = "0"
drop_caches = true
devices = { gpu = { governor = "performance", min_freq = "max" } }
"""
"""A profile's, that sets all of it."""
_NVPMODEL = """#!/bin/sh
if [ "$1" = -q ]; then echo "NV Power Mode: it"; cat /etc/mode; exit; fi
test "$(id -u)" = 0 && echo "$2" > /etc/mode
"""
INTERRUPTS = ("33", "34")
"""Those it has, by number."""
_SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"
_ENTER = """
set -e
made=$1; shift
mount --make-rprivate /
mkdir -p $made/over; mount -t tmpfs tmpfs $made/over; mkdir $made/over/upper $made/over/work
mount -t overlay sys -o lowerdir=/sys,upperdir=$made/over/upper,workdir=$made/over/work /sys
mount -t proc proc /proc
for name in meminfo swaps stat; do mount --bind $made/proc/$name /proc/$name; done
mount --bind $made/proc/irq /proc/irq
for place in etc usr/sbin; do
    mkdir -p $made/over/$place/upper $made/over/$place/work
    mount -t overlay $place -o lowerdir=/$place,upperdir=$made/over/$place/upper,workdir=$made/over/$place/work /$place
done
mkdir -p /etc/udev/rules.d
mount --bind $made/boot_id /proc/sys/kernel/random/boot_id
test "$restarts" || exec "$@"
while :; do "$@" || sleep "$restarts"; done
"""
_CLOCK = """
import pathlib, time
_real, _ahead = time.time, pathlib.Path({ahead!r})
time.time = lambda: _real() + float(_ahead.read_text())
"""
_STAND_INS = {
    "date": 'test "$1" = -s && echo $((${2#@} - $(/bin/date +%s))) > {made}/ahead || exec /bin/date "$@"',
    # In place, as files lie over /proc by what they are, not by their names.
    "swapoff": "printf 'Filename\\n' > {made}/proc/swaps; sed 's/^SwapTotal.*/SwapTotal: 0 kB/' {made}/proc/meminfo"
    " > {made}/meminfo; cat {made}/meminfo > {made}/proc/meminfo",
    "reboot": "echo 0 > /{firmware}; echo 0 > /sys/class/hwmon/hwmon0/in0_lcrit_alarm",
}


@dataclass(frozen=True)
class MadeBoard:
    """The board, and what a test does to it."""

    sshd: Sshd
    made: Path
    """Where its made-up files of /proc lie."""

    @property
    def inner(self) -> int:
        """The first process of its namespace, by its number here."""
        return self.sshd.processes()[0]

    @property
    def root(self) -> Path:
        """The board's own file system, as its processes see it."""
        return Path(f"/proc/{self.inner}/root")

    def write(self, relative: str, text: str) -> Path:
        """Make up a file of /sys."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="ascii")
        return path

    def read(self, relative: str) -> str:
        return (self.root / relative).read_text(encoding="ascii").strip()

    def make_tunable(self) -> None:
        """Give it clocks of all kinds, two power modes, and a sysctl that only notes what it was asked."""
        for relative, text in TUNABLE.items():
            self.write(relative, text)
        etc = self.root / "etc"
        (etc / "nvpmodel.conf").write_text("< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=MAXN >\n")
        (etc / "mode").write_text("0\n")
        for name, text in (("nvpmodel", _NVPMODEL), ("sysctl", '#!/bin/sh\necho "$@" >> /etc/asked\n')):
            program = self.root / "usr/sbin" / name
            program.unlink(missing_ok=True)
            program.write_text(text)
            program.chmod(0o755)

    def settings(self) -> dict[str, str]:
        """All that tuning may change on a tunable board, as it is."""
        interrupts = [f"proc/irq/{number}/smp_affinity_list" for number in INTERRUPTS]
        return {path: self.read(path) for path in (*TUNABLE, "etc/mode", *interrupts)}

    def swap(self, used_kb: int) -> None:
        """Swap of 100 MB, so much of it in use."""
        (self.made / "proc/swaps").write_text(f"{_SWAPS}/var/swap\tfile\t102396\t{used_kb}\t-2\n")
        self._memory(f"SwapTotal: 102396 kB\nSwapFree: {102396 - used_kb} kB\n")

    def clock(self, ahead_s: float) -> None:
        """Set the board's clock ahead of this machine's."""
        (self.made / "ahead").write_text(str(ahead_s))

    def run(self, command: str) -> str:
        """What a command says that root runs on the board."""
        words = ["nsenter", "--mount", "--pid", "--target", str(self.inner), "sh", "-c", command]
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout

    def _memory(self, swap: str) -> None:
        real = Path("/proc/meminfo").read_text(encoding="ascii").splitlines(keepends=True)
        kept = "".join(line for line in real if not line.startswith("Swap"))
        (self.made / "proc/meminfo").write_text(kept + swap)


@contextlib.contextmanager
def made_board(
    folder: Path,
    account: str | None = None,
    *,
    restarts_s: float | None = None,
    host: str = HOST,
    prefix: Sequence[str] = (),
) -> Iterator[MadeBoard]:
    """A board on which nothing is wrong; with ``account`` it is that of a new account without any rights.

    With ``restarts_s`` a sshd that ends is followed by another after so long. ``host`` and ``prefix`` as of
    `loopback_sshd`.
    """
    needs.need_root()
    made = folder / "made"
    _make_files(made)
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh", str(made)]
    restarts = "" if restarts_s is None else str(restarts_s)
    prefix = [*prefix, "env", f"restarts={restarts}", *enter]
    env = {"PATH": f"{made}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    if account is None:
        env["PYTHONPATH"] = str(made / "site")
    with loopback_sshd(folder, account, env=env, host=host, prefix=prefix) as sshd:
        board = MadeBoard(sshd, made)
        board.swap(0)
        for relative, text in PI.items():
            board.write(relative, text)
        try:
            yield board
        finally:
            # The first process of the namespace: with it all others end, and unshare, which heeds no SIGTERM.
            os.kill(board.inner, signal.SIGKILL)


def _make_files(made: Path) -> None:
    for name in ("proc", "bin", "site"):
        (made / name).mkdir(parents=True)
    for name in ("meminfo", "swaps", "stat"):
        shutil.copyfile(f"/proc/{name}", made / "proc" / name)
    for number in INTERRUPTS:
        (made / "proc/irq" / number).mkdir(parents=True)
        (made / "proc/irq" / number / "smp_affinity_list").write_text("0-1\n")
    (made / "boot_id").write_text("11111111-2222-3333-4444-555555555555\n")
    (made / "ahead").write_text("0")
    (made / "site" / "sitecustomize.py").write_text(_CLOCK.format(ahead=str(made / "ahead")))
    for name, text in _STAND_INS.items():
        program = made / "bin" / name
        words = text.replace("{made}", str(made)).replace("{firmware}", FIRMWARE)
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(0o755)
