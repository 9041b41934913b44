"""energy_per_inference and power_mean: from a sensor, else from the profile's model, else unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.arm_evidence import ArmEvidence, unknown
from harness.measure.trial_summary import mean_s
from harness.records.board import EnergyReading, Trial
from harness.records.device import PowerModel
from harness.records.metrics import METRICS
from harness.records.results import Measurement
from harness.stats.estimates import Estimate, mean_over_trials, multiplied


@dataclass(frozen=True)
class _PowerFigure:
    """Mean total power in watts, what of it is idle, and where it comes from.

    ``by_trial`` are the trials' own watts where a model tells them, or a sensor's windows where there are several.
    """

    watts: float
    idle_w: float | None
    source: str
    by_trial: Estimate | None = None
    band: float | None = None


def compute(evidence: ArmEvidence) -> list[Measurement]:
    """Joules and watts, both with source and the idle share; unknown with the reason without a power source.

    Energy is the geometric mean over trials of mean total power times the trial's mean latency; its interval is over
    trials and a sensor's windows, and the source's own error stands in ``band``.
    """
    power = _power(evidence)
    if isinstance(power, str):
        reason = f"no power source: {power}"
        return [unknown("energy_per_inference", reason), unknown("power_mean", reason)]
    return [_energy(evidence, power), _measurement("power_mean", power, power.by_trial)]


def of_each_trial(evidence: ArmEvidence) -> dict[int, dict[str, float]]:
    """By the index of a latency trial its own joules an inference, and its own watts where a model tells them.

    A sensor gives the watts of all trials, the mean over its windows; each window's own stand by the index of its
    energy trial. Empty without a power source.
    """
    power = _power(evidence)
    if isinstance(power, str):
        return {}
    model = evidence.profile.power.model if power.band is not None else None
    told = {trial.index: _of_trial(trial, power, model) for trial in evidence.lived("latency")}
    windows = [] if power.band is not None else _best_windows(evidence)
    return told | {index: {"power_mean": reading.mean_w} for index, reading in windows}


def _of_trial(trial: Trial, power: _PowerFigure, model: PowerModel | None) -> dict[str, float]:
    used = trial.telemetry.utilisation if trial.telemetry is not None else None
    if model is None or used is None:
        return {"energy_per_inference": power.watts * mean_s(trial)}
    watts = model.idle_w + (model.full_w - model.idle_w) * used
    return {"energy_per_inference": watts * mean_s(trial), "power_mean": watts}


def _energy(evidence: ArmEvidence, power: _PowerFigure) -> Measurement:
    told = of_each_trial(evidence).values()
    joules = [figures["energy_per_inference"] for figures in told if "energy_per_inference" in figures]
    if not joules:
        return unknown("energy_per_inference", evidence.absence("latency"))
    found = mean_over_trials(joules)
    windows = power.by_trial if power.band is None else None
    return _measurement("energy_per_inference", power, found if windows is None else multiplied(found, windows))


def _measurement(metric: str, power: _PowerFigure, found: Estimate | None) -> Measurement:
    """The trials' figure; of one window for all of them its watts, without an interval."""
    known = METRICS[metric]
    return Measurement(
        metric=metric,
        unit=known.unit,
        better=known.better,
        value=found.value if found else power.watts,
        ci_low=found.low if found else None,
        ci_high=found.high if found else None,
        confidence=found.confidence if found else None,
        n=found.trials if found else 1,
        obtained=f"{known.obtained}; the interval leaves out the source's own error",
        source=power.source,
        band=power.band,
        idle_share=None if power.idle_w is None else min(1.0, power.idle_w / power.watts),
    )


def _power(evidence: ArmEvidence) -> _PowerFigure | str:
    """The best source's figure, or why there is none."""
    windows = [reading for _, reading in _best_windows(evidence)]
    if windows:
        return _measured_power(windows)
    readings = [trial.energy for trial in evidence.lived("energy") if trial.energy is not None]
    return _modelled_power(evidence, _sensor_trouble(evidence, readings))


def _best_windows(evidence: ArmEvidence) -> list[tuple[int, EnergyReading]]:
    """The windows of the best sensor that has any which are long enough, by the index of their trials."""
    told = [(trial.index, trial.energy) for trial in evidence.lived("energy") if trial.energy is not None]
    usable = [(index, reading) for index, reading in told if reading.window_s >= evidence.energy_window_s]
    best = min((_rank(evidence, reading) for _, reading in usable), default=None)
    return [(index, reading) for index, reading in usable if _rank(evidence, reading) == best]


def _rank(evidence: ArmEvidence, reading: EnergyReading) -> int:
    """The sensor's place in the profile, which lists the best first."""
    sensors = evidence.profile.power.sensors
    return sensors.index(reading.sensor) if reading.sensor in sensors else len(sensors)


def _measured_power(windows: Sequence[EnergyReading]) -> _PowerFigure:
    sensor, shortest = windows[0].sensor, min(reading.window_s for reading in windows)
    only = ", package only" if sensor == "rapl" else ""
    idle = [reading.idle_w for reading in windows if reading.idle_w is not None]
    by_window = mean_over_trials([reading.mean_w for reading in windows])
    count = "window" if len(windows) == 1 else f"{len(windows)} windows of"
    return _PowerFigure(
        watts=by_window.value,
        idle_w=sum(idle) / len(idle) if idle else None,
        source=f"sensor {sensor}, {count} {shortest:.1f} s{only}",
        by_trial=by_window if len(windows) > 1 else None,
    )


def _modelled_power(evidence: ArmEvidence, trouble: str) -> _PowerFigure | str:
    model = evidence.profile.power.model
    if model is None:
        return trouble or _nothing_named(evidence)
    latency = evidence.lived("latency")
    told = [t.telemetry.utilisation for t in latency if t.telemetry is not None]
    used = [utilisation for utilisation in told if utilisation is not None]
    if not used:
        return "the power model needs the cores' utilisation, which the board did not tell"
    return _from_utilisation(model, used, trouble)


def _nothing_named(evidence: ArmEvidence) -> str:
    """What to add where the profile is silent and the board is not."""
    offered = [sensor.name for sensor in evidence.facts.sensors if sensor.readable]
    hint = f"; the board offers {', '.join(offered)}: name it in [power] sensors" if offered else ""
    return f"the profile names no sensor and no power model{hint}"


def _from_utilisation(model: PowerModel, used: list[float], trouble: str) -> _PowerFigure:
    span = model.full_w - model.idle_w
    mean = sum(used) / len(used)
    by_trial = mean_over_trials([model.idle_w + span * u for u in used])
    instead = f"; {trouble}" if trouble else ""
    return _PowerFigure(
        watts=by_trial.value,
        idle_w=model.idle_w,
        source=f"model: {model.idle_w:g} W + {span:.4g} W x utilisation {mean:.2f} ({model.source}){instead}",
        by_trial=by_trial,
        band=_band(model, mean),
    )


def _band(model: PowerModel, utilisation: float) -> float:
    """The relative error of the last band that begins at or below the utilisation; below all, the widest."""
    held = [error for begins, error in sorted(model.bands) if begins <= utilisation]
    return held[-1] if held else max(error for _, error in model.bands)


def _sensor_trouble(evidence: ArmEvidence, readings: list[EnergyReading]) -> str:
    """Why none of the profile's sensors gave a figure; empty where it names none."""
    if not evidence.profile.power.sensors:
        return ""
    if readings:
        return f"the window of {readings[0].window_s:.1f} s is under {evidence.energy_window_s:g} s"
    died = [trial.died for trial in evidence.trials if trial.kind == "energy" and trial.died]
    if died:
        return f"sensor not read: {died[0]}"
    return "; ".join(_unread(evidence, name) for name in evidence.profile.power.sensors)


def _unread(evidence: ArmEvidence, name: str) -> str:
    found = {sensor.name: sensor for sensor in evidence.facts.sensors}.get(name)
    if found is None:
        return f"sensor {name} is not on the board"
    if not found.readable:
        return f"sensor {name} cannot be read: {found.reason or 'no reason was given'}"
    return f"sensor {name} was not read: no room in the time limit for its window"
