"""What a profile's [tuning] asks of a board, in the steward's words, and what became of it."""

from typing import Any

from harness.records.device import ClockTuning, Tuning
from harness.records.operating_point import OperatingPoint, SettingReached
from harness.records.units import parse_quantity

_LIMIT_WORDS = ("min", "max")


def tuning_request(tuning: Tuning) -> dict[str, Any]:
    """The field ``tuning`` of the request: as the profile has it, frequencies in Hz."""
    return {
        **tuning.model_dump(mode="json"),
        **_limits(tuning),
        "policies": {name: _clock(own) for name, own in tuning.policies.items()},
        "devices": {name: _clock(own) for name, own in tuning.devices.items()},
    }


def _clock(tuning: ClockTuning) -> dict[str, Any]:
    return {"governor": tuning.governor, **_limits(tuning)}


def _limits(tuning: ClockTuning) -> dict[str, Any]:
    return {"min_freq": _frequency(tuning.min_freq), "max_freq": _frequency(tuning.max_freq)}


def _frequency(text: str | None) -> float | str | None:
    return text if text is None or text in _LIMIT_WORDS else parse_quantity(text, "Hz")


def describe_untuned(point: OperatingPoint | None, device: str) -> str | None:
    """What the board did not take, and what would let it where only rights are missing; None where it took all."""
    refused = point.refused if point is not None else ()
    if not refused:
        return None
    kept = [setting.words for setting in refused if not setting.denied]
    denied = [f"{setting.what} ({_instead(setting)})" for setting in refused if setting.denied]
    if denied:
        kept.append(f"its account may not set {', '.join(denied)}: harness doctor {device} --rights lets it")
    return "; ".join(kept)


def _instead(setting: SettingReached) -> str:
    return f"not {setting.wanted}" if setting.reached is None else f"{setting.reached}, not {setting.wanted}"
