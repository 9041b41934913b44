"""What happened trial by trial: latency, clock and temperature below each other, where the board told them."""

from dataclasses import dataclass

from harness.records.board import TrialTelemetry
from harness.records.conditions import Conditions
from harness.records.entry import Entry
from harness.report.board_conditions import mean_khz
from harness.report.charts.style import (
    INK,
    LIMIT,
    PALETTE,
    SHAPES,
    Spec,
    axis_unit,
    lane,
    layer,
    quantitative,
    range_of,
    short,
    stacked,
)

LANE_HEIGHT = 60
_ROOM = 0.1
_FEWEST = 3
"""Trials that a time line takes."""
_LEVEL_LATENCY, _LEVEL_CLOCK, _LEVEL_C = 0.1, 0.01, 5.0
"""By so much, latency and clock as a share, trials may differ and still be called alike."""
_ARMS = ("candidate", "baseline")
_VOID = "void"

Row = dict[str, str | float]


@dataclass(frozen=True)
class _Trial:
    """What the time line shows of a trial."""

    arm: str
    median_s: float
    void: str | None
    telemetry: TrialTelemetry | None


@dataclass(frozen=True)
class _Lane:
    """One figure of all trials: its name and unit, the values by trial, and a limit of the profile."""

    name: str
    unit: str
    values: tuple[tuple[int, str, float], ...]
    """Place of the trial, from 1; its arm, or "void"; the value in the lane's unit."""
    level: float
    """By so much values may differ and still be called alike; what the axis shows at least is twice that."""
    limit: float | None = None

    @property
    def told(self) -> str:
        """``clock 1500 MHz``, or ``temperature 48 to 52 °C``."""
        low, high = (f"{end:.4g}" for end in self.ends)
        return f"{self.name} {low if low == high else f'{low} to {high}'} {self.unit}"

    @property
    def is_level(self) -> bool:
        """Whether the trials of each arm are alike; both arms may differ."""
        by_arm: dict[str, list[float]] = {}
        for _, arm, value in self.values:
            by_arm.setdefault(arm, []).append(value)
        return all(max(values) - min(values) <= self.level for values in by_arm.values())

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value."""
        values = [value for _, _, value in self.values]
        return min(values), max(values)


@dataclass(frozen=True)
class Timeline:
    """The lanes of an entry, at least latency and one of clock and temperature."""

    lanes: tuple[_Lane, ...]
    trials: int
    voids: tuple[str, ...]
    clock_counted: bool = False
    """Whether the kernel counted the clock's times, so that dips between two readings show."""

    @property
    def is_calm(self) -> bool:
        """Whether nothing happened that a picture would show: no void trial, and all lanes as good as level."""
        return not self.voids and all(one.is_level for one in self.lanes)

    @property
    def ranges(self) -> str:
        """``median latency 4.1 to 4.2 ms``, and so on for each lane."""
        return ", ".join(one.told for one in self.lanes)

    @property
    def caption(self) -> str:
        """How to read it."""
        void = (
            f" {len(self.voids)} void, drawn as crosses: {'; '.join(dict.fromkeys(self.voids))}." if self.voids else ""
        )
        clock = "Clock: the mean over a trial" if self.clock_counted else "Clock"
        ends = ", temperature at its end" if self.clock_counted else " and temperature: at a trial's end"
        return f"Trials in the order in which they were measured. {clock}{ends}.{void}"

    @property
    def alternative(self) -> str:
        """The picture in words: each lane's least and largest value."""
        return f"{self.trials} trials in their order: {self.ranges}."

    def spec(self) -> Spec:
        """The Vega-Lite specification."""
        x: Spec = quantitative("x", domain=(0.5, self.trials + 0.5), log=False, title="trial")
        x["axis"] |= {"tickMinStep": 1, "grid": False}
        bare = x | {"axis": x["axis"] | {"labels": False, "ticks": False, "domain": False, "title": None}}
        last = len(self.lanes) - 1
        arms = {arm for one in self.lanes for _, arm, _ in one.values if arm in _ARMS}
        return stacked(
            [
                _draw_lane(one, x if place == last else bare, legend=place == last and len(arms) > 1)
                for place, one in enumerate(self.lanes)
            ],
            spacing=8,
        )


def timeline(entry: Entry, *, max_temp_c: float | None = None) -> Timeline | None:
    """The entry's time line, or None for few trials, or where neither clock nor temperature is known."""
    trials = _shown_trials(entry)
    around = [one for one in (_clock(trials), _temperature(trials, max_temp_c)) if one is not None]
    if len(trials) < _FEWEST or not around:
        return None
    voids = tuple(trial.void for trial in trials if trial.void is not None)
    counted = any(mean_khz(_conditions(trial)) is not None for trial in trials)
    return Timeline((_latency(trials), *around), len(trials), voids, counted)


def _shown_trials(entry: Entry) -> list[_Trial]:
    """Whole trials, or where arms took turns the processes of slices, in the order they were measured."""
    whole = [_Trial(one.arm, one.quantiles.get("p50", one.mean_s), one.void, one.telemetry) for one in entry.trials]
    slices = [
        _Trial(one.arm, one.values["latency_p50"], one.void, one.telemetry)
        for one in entry.figures
        if one.kind == "slices" and "latency_p50" in one.values and one.telemetry is not None
    ]
    return slices if len(slices) > len(whole) else whole


def _conditions(trial: _Trial) -> Conditions | None:
    return trial.telemetry.conditions if trial.telemetry is not None else None


def _state(trial: _Trial) -> str:
    return _VOID if trial.void is not None else trial.arm


def _latency(trials: list[_Trial]) -> _Lane:
    medians = [(place, _state(t), t.median_s) for place, t in enumerate(trials, 1)]
    fastest = min(value for _, _, value in medians)
    factor, unit = axis_unit(fastest, "s")
    values = tuple((place, arm, value / factor) for place, arm, value in medians)
    return _Lane("median latency", unit, values, _LEVEL_LATENCY * fastest / factor)


def _clock(trials: list[_Trial]) -> _Lane | None:
    told = tuple(
        (place, _state(trial), khz / 1000)
        for place, trial in enumerate(trials, 1)
        if trial.telemetry is not None
        and (khz := mean_khz(trial.telemetry.conditions) or trial.telemetry.freq_after_khz) is not None
    )
    return _Lane("clock", "MHz", told, _LEVEL_CLOCK * min(mhz for _, _, mhz in told)) if told else None


def _temperature(trials: list[_Trial], max_temp_c: float | None) -> _Lane | None:
    told = tuple(
        (place, _state(trial), trial.telemetry.temp_after_c)
        for place, trial in enumerate(trials, 1)
        if trial.telemetry is not None and trial.telemetry.temp_after_c is not None
    )
    return _Lane("temperature", "°C", told, _LEVEL_C, max_temp_c) if told else None


def _draw_lane(one: _Lane, x: Spec, *, legend: bool) -> Spec:
    limits = [] if one.limit is None else [one.limit]
    found = range_of([value for _, _, value in one.values], limits, least=2 * one.level)
    y = quantitative("y", domain=found.padded(_ROOM, floor=0.0), log=found.log, title=None)
    y["axis"] |= {"tickCount": 4}
    rows: list[Row] = [{"kind": "trial", "arm": arm, "x": place, "y": short(value)} for place, arm, value in one.values]
    title = f"{one.name} ({one.unit})"
    if one.limit is not None and one.limit not in found.outside:
        rows.append({"kind": "limit", "y": one.limit})
        title += f", at most {one.limit:g}"
    return lane([title], rows=rows, layers=_layers(x, y, legend=legend), height=LANE_HEIGHT)


def _layers(x: Spec, y: Spec, *, legend: bool) -> list[Spec]:
    domain = [*_ARMS, _VOID]
    shown = {"orient": "bottom", "title": None, "symbolOpacity": 1, "symbolSize": 60} if legend else None
    named: Spec = {"field": "arm", "type": "nominal", "legend": shown}
    colours, shapes = [PALETTE[1], PALETTE[0], INK], [SHAPES[0], SHAPES[1], SHAPES[4]]
    colour = named | {"scale": {"domain": domain, "range": colours}}
    shape = named | {"scale": {"domain": domain, "range": shapes}}
    dashed = {"type": "rule", "strokeDash": [5, 3], "strokeWidth": 1.5}
    symbol = {"type": "point", "filled": True, "opacity": 0.8}
    size = {"condition": {"test": f"datum.arm === '{_VOID}'", "value": 70}, "value": 24}
    return [
        layer("limit", dashed, {"y": y, "color": {"value": LIMIT}}),
        layer("trial", symbol, {"x": x, "y": y, "color": colour, "shape": shape, "size": size}),
    ]
