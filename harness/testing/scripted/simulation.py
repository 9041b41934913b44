"""A scripted board while it runs: what its firmware, kernel and neighbours do, by a script, in real time.

It is one process beside the board. It writes the board's files every 10 ms, the unit of the kernel's own counters,
and heeds what the board's processes write. What happens between two writes is counted at its own time.
"""

import contextlib
import heapq
import itertools
import json
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.records.errors import UsageError
from harness.testing.scripted.boards import BOARDS
from harness.testing.scripted.changes import changes_of
from harness.testing.scripted.clocks import CpuPolicy, DevfreqDevice, JetsonMemoryClock
from harness.testing.scripted.kernel_files import KernelFiles
from harness.testing.scripted.kinds import BoardKind
from harness.testing.scripted.live import LiveWords
from harness.testing.scripted.machine import CpuUsage, Load, Machine
from harness.testing.scripted.rails import Rails
from harness.testing.scripted.script import Event

TICK_S = 0.01
_SLOW_TICK_S = 0.1
MODE_FILE = "var/lib/nvpmodel/status"
_ALARM = "sys/devices/platform/soc/soc:firmware/raspberrypi-hwmon/hwmon/hwmon1"


class Simulation:
    """The board's state and its files. ``change`` is what a script may have happen."""

    def __init__(self, kind: BoardKind, root: Path, live: Path, usage: Path | None = None) -> None:
        self.kind = kind
        self.live = LiveWords(live)
        self.files = KernelFiles(root)
        used = CpuUsage(usage)
        self.machine = Machine(self.files, kind, used)
        self.rails = Rails(self.files, kind)
        self.policies = [CpuPolicy(self.files, cluster, kind.governors) for cluster in kind.clusters]
        self.devices = [DevfreqDevice(self.files, device) for device in kind.devices]
        self.emc = JetsonMemoryClock(self.files, kind.emc_hz) if kind.emc_hz else None
        self.throttled = 0
        self.firmware_khz: int | None = None
        self.temps = {zone.kind: zone.celsius for zone in kind.zones}
        self.cooling = {name: 0 for name, _ in kind.cooling}
        self._cooled: dict[str, int] = {}
        self._cooling_moves: Counter[str] = Counter()
        self._clocked: tuple[CpuPolicy | DevfreqDevice, ...] = (*self.policies, *self.devices)
        self._load = Load(used, kind.cpus)
        self._mode = ""
        self._now = time.monotonic()
        self._slow = 0.0
        self._due: list[tuple[float, int, Event]] = []
        self._number = itertools.count()
        self._kept: dict[str, Any] = {}
        """What changes found there first, since ``keep``."""
        self._kept_throttled = 0
        self._changes = changes_of(self)
        self._make()
        self.tick()

    def _make(self) -> None:
        kind, files = self.kind, self.files
        for number, zone in enumerate(kind.zones):
            folder = f"sys/devices/virtual/thermal/thermal_zone{number}"
            files.write(f"{folder}/type", zone.kind)
            files.link(f"sys/class/thermal/thermal_zone{number}", folder)
        for number, (name, most) in enumerate(self._cooling_devices()):
            folder = f"sys/devices/virtual/thermal/cooling_device{number}"
            files.write(f"{folder}/type", name)
            files.write(f"{folder}/max_state", str(most))
            files.write(f"{folder}/cur_state", "0")
            files.link(f"sys/class/thermal/cooling_device{number}", folder)
        if kind.firmware_path is not None:
            files.write(f"{_ALARM}/name", "rpi_volt")
            files.link("sys/class/hwmon/hwmon1", _ALARM)
        if kind.power_modes:
            files.write(MODE_FILE, f"pmode:{kind.first_mode:04d}")
        self.take_mode()

    def _cooling_devices(self) -> list[tuple[str, int]]:
        cpus = [
            (f"cpufreq-cpu{policy.cluster.cpus[0]}", len(policy.clock.points) - 1)
            for policy in self.policies
            if self.kind.firmware_path is None
        ]
        return [*cpus, *self.kind.cooling]

    def plan(self, event: Event) -> None:
        """Have an event happen, its time that of time.monotonic."""
        self.check(event.changes)
        heapq.heappush(self._due, (event.at_s, next(self._number), event))

    def check(self, changes: Mapping[str, Any]) -> None:
        """Raise UsageError for a change that this board does not know."""
        for name in changes:
            if name not in self._changes:
                known = ", ".join(sorted(self._changes))
                raise UsageError(f"a script has no change {name!r} for this board; it has {known}")

    def change(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Have changes happen now; what was there before, to be put back the same way."""
        before = {name: self._changes[name](value) for name, value in changes.items()}
        self._kept = before | self._kept
        self._run()
        return before

    def keep(self) -> None:
        """Have ``reset`` go back to what is now."""
        self._kept = {}
        self._kept_throttled = self.throttled

    def reset(self) -> None:
        """Undo all changes since ``keep``, the last that was made first; events to come are forgotten.

        A Raspberry Pi's bits of what was since boot are what they were too, as after a new start.
        """
        self._due.clear()
        kept, self._kept = self._kept, {}
        for name, value in kept.items():
            self._changes[name](value)
        self.throttled = self._kept_throttled
        self._run()

    def tick(self) -> float:
        """Bring everything up to now, each event at its own time; seconds until the next tick."""
        now = time.monotonic()
        self.take_settings()
        while self._due and self._due[0][0] <= now:
            self._happen(heapq.heappop(self._due)[2])
        self._pass_time(now)
        self._load.look(self.live.working_threads())
        self._show()
        return max(TICK_S - (time.monotonic() - now), 0.0)

    def _happen(self, event: Event) -> None:
        """An event at its own time; what undoes it, and its next time, are to come."""
        self._pass_time(max(event.at_s, self._now))
        before = self.change(event.changes)
        if event.lasting_s is not None:
            self.plan(Event(event.at_s + event.lasting_s, before))
        if event.every_s is not None:
            self.plan(replace(event, at_s=event.at_s + event.every_s))

    def take_settings(self) -> None:
        """See what processes of the board wrote to governors, limits and the power mode."""
        for one in self._clocked:
            one.settings.take()
        self.take_mode()

    def take_mode(self) -> None:
        """Set the limits of the power mode that nvpmodel wrote down."""
        if not self.kind.power_modes:
            return
        text = self.files.read(MODE_FILE)
        modes = {f"pmode:{mode.number:04d}": mode for mode in self.kind.power_modes}
        if text == self._mode or text not in modes:
            return
        self._mode, mode = text, modes[text]
        for policy in self.policies:
            policy.settings.set("scaling_max_freq", str(mode.cpu_khz))
        for device in self.devices:
            device.settings.set("max_freq", str(mode.gpu_hz))
        if self.emc is not None:
            self.emc.set_cap(mode.memory_hz)

    @property
    def mode_name(self) -> str:
        """What the present power mode is called."""
        return next(mode.name for mode in self.kind.power_modes if self._mode == f"pmode:{mode.number:04d}")

    def set_mode(self, number: int) -> None:
        """Write the power mode down, as nvpmodel does, and heed it."""
        self.files.put_back(MODE_FILE, f"pmode:{number:04d}")
        self.take_mode()

    def _pass_time(self, until: float) -> None:
        seconds, self._now = max(until - self._now, 0.0), until
        for one in self._clocked:
            one.clock.pass_time(seconds)
        self.machine.pass_time(seconds)
        fastest = max(self._khz(policy) / policy.clock.points[-1] for policy in self.policies)
        self.rails.pass_time(seconds, fastest, self._load.mean)
        self._run()

    def _run(self) -> None:
        for one in self._clocked:
            one.run(self._load.busiest)
        if self.emc is not None:
            self.emc.run(self._load.busiest)
        self.live.show([self._khz(policy) for policy in self.policies])

    def _khz(self, policy: CpuPolicy) -> int:
        """What the CPUs really run at: the firmware's word goes before the kernel's."""
        return min(policy.clock.now, self.firmware_khz or policy.clock.now)

    def _show(self) -> None:
        for policy in self.policies:
            policy.show(self.firmware_khz)
        for device in self.devices:
            device.show()
        self.machine.show()
        if self.emc is not None:
            self.emc.show()
        for number, zone in enumerate(self.kind.zones):
            celsius = self.temps[zone.kind]
            self.files.write(f"sys/devices/virtual/thermal/thermal_zone{number}/temp", f"{1000 * celsius:.0f}")
        self._show_cooling()
        self._show_firmware()
        if self._now - self._slow >= _SLOW_TICK_S:
            self._slow = self._now
            self.machine.show_memory()
            self.rails.show()

    def _show_cooling(self) -> None:
        own = {f"cpufreq-cpu{policy.cluster.cpus[0]}": policy.cooling_state for policy in self.policies}
        for number, (name, _) in enumerate(self._cooling_devices()):
            state = own.get(name, self.cooling.get(name, 0))
            folder = f"sys/devices/virtual/thermal/cooling_device{number}"
            if state != self._cooled.get(name, 0):
                self._cooled[name] = state
                self._cooling_moves[name] += 1
            self.files.write(f"{folder}/cur_state", str(state))
            self.files.write(f"{folder}/stats/total_trans", str(self._cooling_moves[name]))

    def _show_firmware(self) -> None:
        path = self.kind.firmware_path
        if path is None:
            return
        self.files.write(f"{path}/get_throttled", f"{self.throttled:x}")
        self.files.write(f"{_ALARM}/in0_lcrit_alarm", str(self.throttled & 1))
        self.files.write("firmware/throttled", f"throttled=0x{self.throttled:x}")
        self.files.write("firmware/temp", f"temp={self.temps['cpu-thermal']:.1f}'C")
        khz = min(self.firmware_khz or self.policies[0].clock.now, self.policies[0].clock.now)
        self.files.write("firmware/clock", f"frequency(0)={khz * 1000}")


def main(words: list[str]) -> None:
    """Run a board: ``KIND ROOT LIVE [USAGE]``; a JSON line for each request on stdin, answered by one on stdout."""
    # A busy machine may not delay what happens on the board; it takes a hundredth or two of a CPU.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    simulation = Simulation(BOARDS[words[0]], *map(Path, words[1:]))
    _say({"ok": True})
    waiting = b""
    while True:
        ready, _, _ = select.select([sys.stdin.fileno()], [], [], simulation.tick())
        if not ready:
            continue
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            return
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            _say(_answer(simulation, json.loads(line)))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _answer(simulation: Simulation, request: dict[str, Any]) -> dict[str, Any]:
    """A request is "keep", "reset", or events by the fields of Event, their times counted from now."""
    now = time.monotonic()
    try:
        if "keep" in request:
            simulation.keep()
        if "reset" in request:
            simulation.reset()
        events = [Event(**fields) for fields in request.get("events", [])]
        for event in events:
            simulation.check(event.changes)
        for event in events:
            simulation.plan(replace(event, at_s=now + event.at_s))
        simulation.tick()
    except (UsageError, ValueError, KeyError, TypeError) as error:
        return {"error": str(error)}
    return {"ok": True, "now_s": now}


if __name__ == "__main__":
    main(sys.argv[1:])
