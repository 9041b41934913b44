"""What each device is: what its profile expects, what it said of itself, and where the two differ."""

from typing import Any

from harness.records.board import BoardFacts
from harness.records.device import ClockTuning, DeviceProfile, Tuning
from harness.records.operating_point import OperatingPoint
from harness.records.results import DeviceRecord, Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.sections import Section

Fact = tuple[str, str]


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any]:
    return {
        "devices": [
            {"name": name, "record": record, "facts": _facts(record), "profile": _profile(record.profile)}
            for name, record in results.devices.items()
        ],
        "bytes_sent": {name: format_quantity(sent, "B") for name, sent in results.run.bytes_sent.items()},
    }


_OF_FEW = ("simulated", "power mode", "device clocks", "locked clocks", "firmware settings", "throttling bits")
"""What only boards of some makers have, so that its absence is no gap."""


def _facts(record: DeviceRecord) -> list[Fact]:
    facts = record.facts
    if facts is None:
        return []
    known = [*_machine(facts), *_software(facts), *_state(facts), *_operating_point(record.operating_point)]
    unknown = [name for name, value in [*_software(facts), *_state(facts)] if value is None and name not in _OF_FEW]
    known.append(("not known", ", ".join(unknown)))
    known.append(("fingerprint", record.fingerprint))
    if record.selftests:
        known.append(("self-tests", record.selftests.sentence))
    return [(name, value) for name, value in known if value]


def _machine(facts: BoardFacts) -> list[tuple[str, str | None]]:
    cores = f"{facts.cpu_count} cores"
    return [
        ("model", facts.model),
        ("CPU", f"{facts.cpu}, {cores}" if facts.cpu else cores),
        ("architecture", facts.arch),
        ("highest clock", _megahertz(facts.max_freq_khz)),
        ("memory", _bytes(facts.memory_bytes)),
        ("storage", facts.storage),
        ("power sensors", ", ".join(sensor.name for sensor in facts.sensors if sensor.readable) or "none readable"),
    ]


def _software(facts: BoardFacts) -> list[tuple[str, str | None]]:
    runtimes = ", ".join(f"{found.package} {found.version}" for found in facts.runtimes)
    return [
        ("system", facts.os),
        ("kernel", facts.kernel),
        ("firmware", facts.firmware),
        ("libc", facts.libc),
        ("Python", facts.python),
        ("runtimes", runtimes or "none found"),
    ]


def _state(facts: BoardFacts) -> list[tuple[str, str | None]]:
    return [
        ("governor", facts.governor),
        ("power mode", facts.power_mode),
        ("device clocks", "; ".join(facts.device_clocks) or None),
        ("clock caps", " + ".join(f"{khz / 1e6:.4g} GHz" for khz in facts.clock_caps_khz) or None),
        ("locked clocks", None if facts.clocks_locked is None else "yes" if facts.clocks_locked else "no"),
        ("firmware settings", facts.firmware_settings),
        ("kernel options", facts.kernel_options),
        ("swap", facts.swap),
        ("huge pages", facts.huge_pages),
        ("temperature", None if facts.temp_c is None else f"{facts.temp_c:.1f} °C"),
        ("throttling bits", None if facts.throttled is None else f"{facts.throttled:#x}"),
        ("disk free", _bytes(facts.disk_free_bytes)),
        ("simulated", facts.simulated),
    ]


def _operating_point(point: OperatingPoint | None) -> list[tuple[str, str | None]]:
    """What the board was set to while it measured, and what of it was set for the run; differences tell the rest."""
    if point is None:
        return []
    kept = [setting.words for setting in point.settings if setting.problem is None and not setting.changed]
    return [
        ("operating point", "; ".join(clock.words for clock in point.clocks)),
        ("measured on", f"CPUs {point.cpus}" if point.cpus else None),
        ("set for the run", "; ".join(setting.words for setting in point.settings if setting.changed)),
        ("so already", "; ".join(kept)),
    ]


def _tuning(tuning: Tuning) -> list[tuple[str, str | None]]:
    limits = [("from", tuning.min_freq), ("to", tuning.max_freq)]
    return [
        ("power mode", tuning.power_mode),
        ("governor", tuning.governor),
        ("clocks", " ".join(f"{word} {value}" for word, value in limits if value)),
        *(_clock_tuning(name, own) for name, own in (tuning.policies | tuning.devices).items()),
        ("CPUs used", tuning.cpus),
        ("interrupts on", f"CPUs {tuning.irq_cpus}" if tuning.irq_cpus else None),
        ("page cache", "dropped before cold loads" if tuning.drop_caches else None),
    ]


def _clock_tuning(name: str, own: ClockTuning) -> tuple[str, str]:
    said = [("", own.governor), ("from ", own.min_freq), ("to ", own.max_freq)]
    return name, " ".join(f"{word}{value}" for word, value in said if value)


def _profile(profile: DeviceProfile) -> list[Fact]:
    hardware, runtime = profile.hardware, profile.runtime
    said = [
        ("extends", " → ".join(profile.lineage[1:])),
        ("architecture", hardware.arch),
        ("CPU", hardware.cpu),
        ("memory", hardware.memory),
        ("storage", hardware.storage),
        ("runtime", f"{runtime.package}, {runtime.delegate}, {_threads(runtime.num_threads)}"),
        *_tuning(profile.tuning),
        ("power model", profile.power.model.source if profile.power.model else None),
    ]
    return [(name, value) for name, value in said if value]


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _bytes(value: int | None) -> str | None:
    return None if value is None else format_quantity(value, "B")


def _megahertz(khz: int | None) -> str | None:
    return None if khz is None else f"{khz / 1000:.4g} MHz"


DEVICES = Section("devices", "Devices", _context)
