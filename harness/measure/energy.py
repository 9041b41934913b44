"""Energy and power: from a sensor, else from the profile's model, else unknown; each with where it comes from.

A sensor's window is an observation of its own: its joules by its inferences. A model has the utilisation of each
latency trial instead, and so is an observation a trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.measure.arm_evidence import ArmEvidence, unknown
from harness.measure.power_source import SourceWindows, describe_source, examine_windows, power_figures, source_text
from harness.measure.trial_summary import mean_s
from harness.records.device import PowerModel
from harness.records.energy import PowerSource
from harness.records.entry import Measurement
from harness.records.metrics import METRICS, metrics_of
from harness.stats.estimates import mean_over_trials

_MOST_TOLD: Final = 3


@dataclass(frozen=True)
class EnergyFigures:
    """What a source tells: figures by metric for each trial it is known of, and how far off they may be.

    ``by_trial`` is by the index of a trial: an energy trial's of a sensor, a latency trial's of a model. ``hidden`` is
    the share by which a sensor's steps may shift all of its figures alike.
    """

    source: PowerSource
    text: str
    band: float
    by_trial: Mapping[int, Mapping[str, float]]
    idle_w: float | None
    hidden: float = 0.0
    is_measured: bool = True
    inference_s: float | None = None
    """Of one inference, on average."""


def compute(evidence: ArmEvidence) -> list[Measurement]:
    """One measurement for each metric of energy; unknown with the reason without a power source."""
    found = energy_figures(evidence)
    if isinstance(found, str):
        reason = f"no power source: {found}"
        return [unknown(metric.name, reason) for metric in metrics_of("energy")]
    return [_measurement(evidence, found, metric.name) for metric in metrics_of("energy")]


def energy_figures(evidence: ArmEvidence) -> EnergyFigures | str:
    """The best source's figures, or why there is none."""
    sick: list[SourceWindows] = []
    for found in _sensors_examined(evidence):
        if found.windows and not found.is_sick:
            return _of_sensor(evidence, found, sick)
        sick.append(found)
    return _of_model(evidence, _sensor_trouble(evidence, sick))


def _sensors_examined(evidence: ArmEvidence) -> list[SourceWindows]:
    """The sensors that were read, those that the profile names first before the others."""
    told = [(trial.index, trial.energy) for trial in evidence.lived("energy") if trial.energy is not None]
    named = evidence.profile.power.sensors
    names = dict.fromkeys(reading.sensor for _, reading in told)
    ranked = sorted(names, key=lambda name: named.index(name) if name in named else len(named))
    return [
        examine_windows(
            name,
            [(index, reading) for index, reading in told if reading.sensor == name],
            least_s=evidence.energy_window_s,
            power=evidence.profile.power,
        )
        for name in ranked
    ]


def _of_sensor(evidence: ArmEvidence, found: SourceWindows, sick: Sequence[SourceWindows]) -> EnergyFigures:
    source, band = describe_source(found, evidence.profile.power)
    idle = [one.idle.watts for one in found.windows if one.idle is not None]
    by_trial = {one.index: one.figures(evidence.rate) for one in found.windows}
    told = [source_text(source)]
    told += (
        [f"{len(found.faults)} window{'s' if len(found.faults) > 1 else ''} left out: it {found.faults[0]}"]
        if found.faults
        else []
    )
    told += [f"{one.sensor} {one.faults[0]}" for one in sick]
    seconds = sum(one.reading.window_s for one in found.windows)
    return EnergyFigures(
        source=source,
        text="; ".join(told),
        band=band,
        by_trial=by_trial,
        idle_w=sum(idle) / len(idle) if idle else None,
        hidden=max(one.hidden for one in found.windows),
        inference_s=seconds / sum(one.reading.inferences for one in found.windows),
    )


def _of_model(evidence: ArmEvidence, trouble: str) -> EnergyFigures | str:
    model = evidence.profile.power.model
    if model is None:
        return trouble or _nothing_named(evidence)
    latency = evidence.lived("latency")
    used = {t.index: t.telemetry.utilisation for t in latency if t.telemetry is not None}
    known = {index: share for index, share in used.items() if share is not None}
    if not known:
        lacking = "the power model needs the cores' utilisation, which the board did not tell"
        return "; ".join(filter(None, [trouble, lacking]))
    span, mean = model.full_w - model.idle_w, sum(known.values()) / len(known)
    watts = {index: model.idle_w + span * share for index, share in known.items()}
    typical = mean_over_trials(list(watts.values())).value
    instead = f"; {trouble}" if trouble else ""
    return EnergyFigures(
        source=PowerSource(
            name="model",
            kind="model",
            windows=len(known),
            band_says=f"of the model at this utilisation, as its source has it: {model.source}",
        ),
        text=f"model: {model.idle_w:g} W + {span:.4g} W x utilisation {mean:.2f} ({model.source}){instead}",
        band=_band(model, mean),
        by_trial={
            trial.index: power_figures(
                watts.get(trial.index, typical), mean_s(trial), idle_w=model.idle_w, rate=evidence.rate
            )
            for trial in latency
        },
        idle_w=model.idle_w,
        is_measured=False,
        inference_s=sum(map(mean_s, latency)) / len(latency),
    )


def _measurement(evidence: ArmEvidence, found: EnergyFigures, metric: str) -> Measurement:
    figures = [values[metric] for values in found.by_trial.values() if metric in values]
    if metric == "power_at_rate":
        note = "reckoned from windows without a pause, not run at that pace"
        return _told(found, metric, figures, note) if figures else unknown(metric, _why_not_at_rate(evidence, found))
    if metric != "power_idle" or figures:
        return _told(found, metric, figures)
    model = evidence.profile.power.model
    if found.is_measured or model is None:
        return unknown(metric, f"{found.source.name} told nothing at rest")
    whole = _told(found, metric, [model.idle_w], "as the model has it, and not measured")
    return whole.model_copy(update={"band": _band(model, 0.0), "ci_low": None, "ci_high": None, "confidence": None})


def _told(found: EnergyFigures, metric: str, figures: Sequence[float], note: str = "") -> Measurement:
    known, estimate = METRICS[metric], mean_over_trials(figures)
    idle = found.idle_w if metric in ("energy_per_inference", "power_mean") else None
    watts = mean_over_trials([values["power_mean"] for values in found.by_trial.values()]).value
    return Measurement(
        metric=metric,
        unit=known.unit,
        better=known.better,
        value=estimate.value,
        ci_low=estimate.low,
        ci_high=estimate.high,
        confidence=estimate.confidence,
        n=estimate.trials,
        obtained=f"{known.obtained}; {note or 'the interval leaves out the error of the source, which is its band'}",
        source=found.text,
        band=found.band,
        idle_share=None if idle is None else min(1.0, idle / watts),
        power_source=found.source,
    )


def _why_not_at_rate(evidence: ArmEvidence, found: EnergyFigures) -> str:
    rate = evidence.rate
    if rate is None:
        return "no rate was given: --rate 10/s"
    if found.idle_w is None or found.inference_s is None:
        return "the power at rest is not known"
    return f"{rate:g} inferences a second were asked for, and {1.0 / found.inference_s:.4g} is what it manages"


def _nothing_named(evidence: ArmEvidence) -> str:
    """What to add where the profile is silent and the board is not."""
    offered = [sensor.name for sensor in evidence.facts.sensors if sensor.readable]
    hint = f"; the board offers {', '.join(offered)}: name it in [power] sensors" if offered else ""
    return f"the profile names no sensor and no power model{hint}"


def _band(model: PowerModel, utilisation: float) -> float:
    """The relative error of the last band that begins at or below the utilisation; below all, the widest."""
    held = [error for begins, error in sorted(model.bands) if begins <= utilisation]
    return held[-1] if held else max(error for _, error in model.bands)


def _sensor_trouble(evidence: ArmEvidence, sick: Sequence[SourceWindows]) -> str:
    """Why none of the profile's sensors gave a figure; empty where it names none."""
    if not evidence.profile.power.sensors:
        return ""
    if sick:
        return "; ".join(f"sensor {one.sensor} {one.faults[0]}" for one in sick[:_MOST_TOLD])
    died = [trial.died for trial in evidence.trials if trial.kind == "energy" and trial.died]
    if died:
        return f"sensor not read: {died[0]}"
    return "; ".join(_unread(evidence, name) for name in evidence.profile.power.sensors)


def _unread(evidence: ArmEvidence, name: str) -> str:
    found = {sensor.name: sensor for sensor in evidence.facts.sensors}.get(name.partition("/")[0])
    if found is None:
        return f"sensor {name} is not on the board"
    if not found.readable:
        return f"sensor {name} cannot be read: {found.reason or 'no reason was given'}"
    return f"sensor {name} was not read: no room in the time limit for its window"
