"""A board that exists only in memory: models with a latency distribution, under a clock of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from harness.records.board import (
    BoardFacts,
    OutputCheck,
    StageTimes,
    Trial,
    TrialMemory,
    TrialTelemetry,
    Turns,
)
from harness.records.device import DeviceProfile
from harness.records.energy import EnergyReading
from harness.records.errors import BoardUnavailableError, TrialError
from harness.records.plan import BlockSpec, TrialSpec
from harness.records.storage import TrialLoad
from harness.testing.builders import make_facts, make_profile
from harness.testing.models import OUTPUTS, BoardState, SimulatedModel
from harness.testing.simulated_slices import SimulatedArm, simulate_turns

BATCH_BELOW_S = 50e-6
READ_SPAN_S = 100e-6
MOST_SINGLES = 2000
CLOCK_COST_NS = 60
RUNTIME_BYTES = 34_000_000
PROCESS_START_S = 0.01


@dataclass
class SimulatedBoard:
    """Implements the board's protocol without a board. Time is simulated: pass ``now`` and ``sleep`` on.

    ``models`` maps the sha256 of model files to behaviours, ``model`` serves all others. ``states`` are sorted by
    ``from_s``. ``sensors`` gives watts (busy, idle) by sensor name. ``lost_after`` trials the given error
    is raised. The same seed gives the same trials.
    """

    profile: DeviceProfile = field(default_factory=make_profile)
    facts: BoardFacts = field(default_factory=make_facts)
    model: SimulatedModel = field(default_factory=SimulatedModel)
    models: Mapping[str, SimulatedModel] = field(default_factory=dict)
    states: tuple[BoardState, ...] = (BoardState(),)
    sensors: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lost: BoardUnavailableError | None = None
    lost_after: int = 0
    seed: int = 0
    bytes_sent: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    shipped: dict[str, Path] = field(default_factory=dict)
    blocks: list[BlockSpec] = field(default_factory=list)
    clock_s: float = 0.0
    _trials_run: int = 0
    _turns: dict[int, Turns] = field(default_factory=dict)
    """Of the pair that took turns last, by the trial's index."""

    def now(self) -> float:
        """Seconds of simulated time."""
        return self.clock_s

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.clock_s += seconds

    def ship(self, path: Path, sha256: str) -> None:
        """Take note of a file; nothing is sent twice. The file is not read."""
        if sha256 not in self.shipped:
            self.shipped[sha256] = path
            self.bytes_sent += path.stat().st_size if path.exists() else 0

    def watch(self, seconds: float) -> TrialTelemetry:
        """The board's state over so many seconds in which nothing runs."""
        before = self._state()
        self.clock_s += seconds
        return self._telemetry(before, seconds, 0.0).model_copy(update={"cpu_s": 0.0})

    def run_block(self, block: BlockSpec) -> Iterator[Trial]:
        """The block's trials, one after the other. TrialError for a file that was not shipped."""
        self.blocks.append(block)
        self._turns = {}
        for spec in block.trials:
            if self.lost is not None and self._trials_run >= self.lost_after:
                raise self.lost
            self._require_files(spec)
            self._take_turns(spec, [one for one in block.trials if one.kind == "slices"])
            yield self._trial(block, spec)
            self._trials_run += 1

    def _take_turns(self, spec: TrialSpec, by_turns: list[TrialSpec]) -> None:
        """Measure both arms of a pair with the first of them."""
        if spec.kind != "slices" or spec.index in self._turns:
            return
        place = by_turns.index(spec)
        pair = (by_turns[place], by_turns[place + 1])
        arms = [self._arm(one) for one in pair]
        random = Random(f"{self.seed}/{spec.index}/turns")  # noqa: S311 - simulated noise, not a secret
        told = simulate_turns((arms[0], arms[1]), random, lambda: self._state().slowdown, self.sleep)
        self._turns = {one.index: told[one.arm] for one in pair}

    def _arm(self, spec: TrialSpec) -> SimulatedArm:
        model = self.models.get(spec.model, self.model)
        random = Random(f"{self.seed}/{spec.index}")  # noqa: S311 - simulated noise, not a secret
        typical_s = model.latency_s * random.lognormvariate(0.0, model.between_sd)
        return SimulatedArm(spec, typical_s * (1.0 + model.drift) ** self._trials_run, model.within_sd)

    def _require_files(self, spec: TrialSpec) -> None:
        for sha256 in (spec.model, spec.inputs, spec.expected, spec.expected_builtin, spec.stages, spec.raw):
            if sha256 is not None and sha256 not in self.shipped:
                raise TrialError(f"trial {spec.index}: file {sha256[:12]} is not on the simulated board; ship it first")

    def _trial(self, block: BlockSpec, spec: TrialSpec) -> Trial:
        model = self.models.get(spec.model, self.model)
        self.clock_s += PROCESS_START_S
        died = model.deaths.get(spec.index, model.deaths.get(spec.kind))
        found: dict[str, Any] = {"died": died} if died is not None else self._lived(spec, model)
        return Trial(index=spec.index, block=block.index, arm=spec.arm, kind=spec.kind, **found)

    def _lived(self, spec: TrialSpec, model: SimulatedModel) -> dict[str, Any]:
        if spec.kind == "check":
            return {"check": _check(model)}
        if spec.kind == "slices":
            return self._by_turns(spec, model)
        if spec.kind == "load":
            return self._load(spec, model)
        if spec.kind == "energy" and spec.sensors[0] not in self.sensors:
            return {"died": f"sensor {spec.sensors[0]} is not on the board"}
        random = Random(f"{self.seed}/{spec.index}")  # noqa: S311 - simulated noise, not a secret
        before = self._state()
        typical = model.latency_s * before.slowdown * random.lognormvariate(0.0, model.between_sd)
        typical *= (1.0 + model.drift) ** self._trials_run
        measured = _measured(spec, typical, model=model, random=random)
        span = measured["n"] * typical
        self.clock_s += model.init_s + typical * spec.warmup_runs + span
        if spec.kind == "energy":
            measured["energy"] = self._reading(spec, measured["n"])
        if spec.kind == "memory":
            measured["memory"] = _memory(model)
        if spec.kind == "stages":
            measured |= _staged(measured, model, before.slowdown)
            extra = measured["n"] * (model.preprocess_s + model.postprocess_s) * before.slowdown
            span, self.clock_s = span + extra, self.clock_s + extra
        return measured | {"telemetry": self._telemetry(before, span, model.utilisation)}

    def _load(self, spec: TrialSpec, model: SimulatedModel) -> dict[str, Any]:
        """A medium that takes no time: cold is as warm."""
        seconds = model.init_s + model.latency_s * model.first_factor
        self.clock_s += seconds
        return {"init_s": model.init_s, "n": 1, "load": TrialLoad(cold=spec.cold, load_s=seconds)}

    def _by_turns(self, spec: TrialSpec, model: SimulatedModel) -> dict[str, Any]:
        turns = self._turns[spec.index]
        spent_s = sum(one.sum_ns for one in turns.slices) / 1e9
        self.clock_s += model.init_s
        return {
            "init_s": model.init_s,
            "n": sum(one.n for one in turns.slices),
            "turns": turns,
            "telemetry": self._telemetry(self._state(), spent_s, model.utilisation),
        }

    def _state(self) -> BoardState:
        return max((w for w in self.states if w.from_s <= self.clock_s), key=lambda w: w.from_s)

    def _telemetry(self, before: BoardState, wall_s: float, utilisation: float | None) -> TrialTelemetry:
        after = self._state()
        return TrialTelemetry(
            temp_before_c=before.temp_c,
            temp_after_c=after.temp_c,
            freq_before_khz=before.freq_khz,
            freq_after_khz=after.freq_khz,
            throttled=after.throttled,
            involuntary_switches=0,
            runqueue_wait_s=0.0,
            cpu_s=wall_s,
            wall_s=wall_s,
            utilisation=utilisation,
        )

    def _reading(self, spec: TrialSpec, inferences: int) -> EnergyReading:
        busy_w, idle_w = self.sensors[spec.sensors[0]]
        self.clock_s += spec.min_secs
        return EnergyReading(
            sensor=spec.sensors[0],
            window_s=spec.min_secs,
            mean_w=busy_w,
            idle_w=idle_w,
            readings=max(1, int(spec.min_secs)),
            inferences=inferences,
        )


def _check(model: SimulatedModel) -> OutputCheck:
    return OUTPUTS[model.outputs] if isinstance(model.outputs, str) else model.outputs


def _memory(model: SimulatedModel) -> TrialMemory:
    peak = RUNTIME_BYTES + model.memory_bytes
    return TrialMemory(hwm_before_bytes=RUNTIME_BYTES, hwm_bytes=peak, rss_bytes=peak)


def _staged(measured: dict[str, Any], model: SimulatedModel, slowdown: float) -> dict[str, Any]:
    """The inferences of a latency trial, each between the model's two stages."""
    inference = tuple(sample // measured["batch"] for sample in measured["samples_ns"])
    before, after = (round(1e9 * seconds * slowdown) for seconds in (model.preprocess_s, model.postprocess_s))
    times = StageTimes(
        preprocess_ns=(before,) * len(inference),
        inference_ns=inference,
        postprocess_ns=(after,) * len(inference),
        end_to_end_ns=tuple(before + ns + after for ns in inference),
        answers=model.answers,
    )
    return {"stages": times, "batch": 1, "samples_ns": (), "singles_ns": (), "n": len(inference)}


def _measured(spec: TrialSpec, typical_s: float, *, model: SimulatedModel, random: Random) -> dict[str, Any]:
    """Samples until num_runs and min_secs are reached, at most max_secs, batched as the agent batches."""
    batch = max(1, round(READ_SPAN_S / typical_s)) if typical_s < BATCH_BELOW_S else 1
    inferences = min(max(spec.num_runs, spec.min_secs / typical_s), max(1.0, spec.max_secs / typical_s))
    reads = max(1, -(-int(inferences) // batch))
    singles = MOST_SINGLES if batch > 1 else 0

    def draw(count: int) -> int:
        return max(1, round(1e9 * typical_s * count * random.lognormvariate(0.0, model.within_sd)))

    return {
        "init_s": model.init_s,
        "first_inference_s": typical_s * model.first_factor,
        "batch": batch,
        "samples_ns": tuple(draw(batch) for _ in range(reads)),
        "singles_ns": tuple(draw(1) + CLOCK_COST_NS for _ in range(singles)),
        "clock_cost_ns": CLOCK_COST_NS,
        "n": reads * batch,
    }
