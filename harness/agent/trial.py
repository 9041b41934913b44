"""One trial, in the process that is given to it: check, latency, memory, energy or stages."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_agent import check, energy, inputs, latency, memory, spec, telemetry
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.model import LoadedModel, load
from edge_agent.pipeline import Pipeline
from edge_agent.stages import Stages
from edge_agent.sysfs import Root

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

SAMPLES_CYCLED = 16
"""Stored samples a latency or energy trial goes through again and again."""
_ALL = 1 << 30


class Setting(NamedTuple):
    """Where a trial runs: the imported interpreter module, the runner, the store and the facts' root."""

    module: Any
    runner: spec.Runner
    cache: Path
    root: Root

    def file(self, sha256: Optional[str]) -> Optional[Path]:
        """A file of the store."""
        return None if sha256 is None else self.cache / "store" / sha256


Numbers = Dict[str, Any]


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The Trial record, with ``died`` set if the runtime refused the model or the samples do not fit."""
    try:
        return {**spec.heading(trial, None), **_KINDS[trial.kind](trial, setting)}
    except TrialFailedError as error:
        return spec.heading(trial, str(error))
    except MemoryError:
        return spec.heading(trial, "the board's memory does not suffice")


class _Prepared(NamedTuple):
    model: LoadedModel
    samples: List[List[Array]]
    first_s: float


def _load_fed(trial: spec.Trial, setting: Setting, samples: List[List[Array]]) -> Tuple[LoadedModel, List[List[Array]]]:
    """A model that has not run yet, with the first sample in its inputs; random inputs where there are no samples."""
    path = setting.file(trial.model)
    if path is None:
        raise TrialFailedError("no model was named")
    model = load(setting.module, setting.runner, path, samples[0] if samples else None)
    samples = samples or [inputs.random_sample(model.inputs, trial.seed, trial.below)]
    model.feed(samples[0])
    return model, samples


def _prepare(trial: spec.Trial, setting: Setting, samples: List[List[Array]]) -> _Prepared:
    """Load, feed and run once."""
    model, samples = _load_fed(trial, setting, samples)
    return _Prepared(model, samples, model.first_invoke())


def _read_samples(trial: spec.Trial, setting: Setting, limit: int) -> List[List[Array]]:
    path = setting.file(trial.inputs)
    return [] if path is None else inputs.read_samples(path, "i", limit)


def _account(prepared: _Prepared) -> Numbers:
    return {"first_inference_s": prepared.first_s, **prepared.model.account()}


def _advancer(model: LoadedModel, samples: List[List[Array]]) -> Optional[Callable[[], None]]:
    """Feeds the next sample at each call; None where there is one sample only."""
    if len(samples) < 2:
        return None
    turns = itertools.cycle(samples)
    return lambda: model.feed(next(turns))


def _limits(trial: spec.Trial) -> latency.RunLimits:
    return latency.RunLimits(trial.num_runs, round(trial.min_secs * 1e9), round(trial.max_secs * 1e9))


def _latency(trial: spec.Trial, setting: Setting) -> Numbers:
    model = prepare_timed(trial, setting)

    def timed() -> Numbers:
        cost_ns = latency.clock_cost_ns()
        span = telemetry.Span(setting.root)
        timings = latency.measure(model.invoke, model.single_ns, _limits(trial), model.advance)
        return {
            "telemetry": span.end(),
            "batch": timings.batch,
            "samples_ns": timings.samples_ns,
            "singles_ns": timings.singles_ns,
            "n": timings.inferences,
            "clock_cost_ns": cost_ns,
        }

    return {**model.account, **guard("invoke", timed)}


class Timed(NamedTuple):
    """A model that has warmed up: an inference, the next sample, its typical nanoseconds, and its account."""

    invoke: Callable[[], None]
    advance: Optional[Callable[[], None]]
    single_ns: int
    account: Numbers


def prepare_timed(trial: spec.Trial, setting: Setting) -> Timed:
    """Load, feed and warm up, for whoever times it then; raises TrialFailedError."""
    prepared = _prepare(trial, setting, _read_samples(trial, setting, SAMPLES_CYCLED))
    invoke, most_ns = prepared.model.invoke, _limits(trial).max_ns
    single_ns = guard("invoke", lambda: latency.warm_up(invoke, trial.warmup_runs, most_ns))
    return Timed(invoke, _advancer(prepared.model, prepared.samples), single_ns, _account(prepared))


def _memory(trial: spec.Trial, setting: Setting) -> Numbers:
    samples = _read_samples(trial, setting, 1)
    before = memory.high_water()
    prepared = _prepare(trial, setting, samples)
    most_ns = _limits(trial).max_ns
    guard("invoke", lambda: latency.warm_up(prepared.model.invoke, trial.warmup_runs, most_ns))
    return {**_account(prepared), "n": max(trial.warmup_runs, 1), "memory": memory.account(before)}


def _energy(trial: spec.Trial, setting: Setting) -> Numbers:
    sensor = energy.pick(setting.root, trial.sensors)
    prepared = _prepare(trial, setting, _read_samples(trial, setting, SAMPLES_CYCLED))
    model, limits = prepared.model, _limits(trial)
    guard("invoke", lambda: latency.warm_up(model.invoke, trial.warmup_runs, limits.max_ns))
    idle = energy.watch(sensor, lambda: time.sleep(energy.IDLE_S))
    span = telemetry.Span(setting.root)
    work = _SteadyWork(model.invoke, limits, _advancer(model, prepared.samples))
    busy = energy.watch(sensor, lambda: guard("invoke", work))
    return {
        **_account(prepared),
        "telemetry": span.end(),
        "n": work.inferences,
        "energy": energy.record(sensor, idle, busy, work.inferences),
    }


class _SteadyWork:
    """Inferences without a pause until the limits are met; the time per call is not kept."""

    def __init__(
        self, invoke: Callable[[], None], limits: latency.RunLimits, advance: Optional[Callable[[], None]]
    ) -> None:
        self._invoke = invoke
        self._limits = limits
        self._advance = advance
        self.inferences = 0

    def __call__(self) -> None:
        begun = time.perf_counter_ns()
        while True:
            self._invoke()
            self.inferences += 1
            passed = time.perf_counter_ns() - begun
            enough = passed >= self._limits.min_ns and self.inferences >= self._limits.num_runs
            if enough or passed >= self._limits.max_ns:
                return
            if self._advance is not None:
                self._advance()


def _check(trial: spec.Trial, setting: Setting) -> Numbers:
    """The samples in their order on a model that never ran: its variables start as they did on the host."""
    golden = setting.file(trial.expected)
    if golden is None:
        raise TrialFailedError("there are no expected outputs to check against")
    model, samples = _load_fed(trial, setting, _read_samples(trial, setting, _ALL))
    stored = trial.inputs is not None
    against = _OutputComparison(golden, model, len(samples) if stored else None)
    builtin = setting.file(trial.expected_builtin)
    other = None if builtin is None else _OutputComparison(builtin, model, len(samples) if stored else None)
    seconds = []
    for at, sample in enumerate(samples):
        model.feed(sample)
        seconds.append(model.first_invoke())
        results = model.written_results()
        for comparison in filter(None, (against, other)):
            comparison.add(at, results)
    checks = {"check": against.summary(), "check_builtin": None if other is None else other.summary()}
    return {**_account(_Prepared(model, samples, seconds[0])), "n": len(samples), **checks}


class _OutputComparison:
    """A model's outputs against one file of expected ones, sample by sample."""

    def __init__(self, path: Path, model: LoadedModel, samples: Optional[int]) -> None:
        self._expected = inputs.read_samples(path, "o", _ALL)
        self._tallies = [check.OutputTally(tensor, at) for at, tensor in enumerate(model.outputs)]
        outputs = len(self._expected[0])
        if outputs != len(self._tallies) or samples not in (None, len(self._expected)):
            raise TrialFailedError(
                "expected are %d outputs of %d samples, here are %d of %d"
                % (outputs, len(self._expected), len(self._tallies), samples or 1)
            )
        self._samples = 0

    def add(self, at: int, results: List[Array]) -> None:
        """Take the results for one sample in."""
        self._samples += 1
        for tally, obtained, wanted in zip(self._tallies, results, self._expected[at]):
            tally.add(obtained, wanted)

    def summary(self) -> Numbers:
        """The OutputCheck record."""
        return check.summary(self._tallies, self._samples)


def _stages(trial: spec.Trial, setting: Setting) -> Numbers:
    file, raw, path = (setting.file(sha256) for sha256 in (trial.stages, trial.raw, trial.model))
    if file is None or raw is None or path is None:
        raise TrialFailedError("a stages trial needs a model, a stages file and raw samples")
    raws, stages = inputs.read_raw(raw), Stages(file, trial.stages_name or "the stages file")
    model, limits = load(setting.module, setting.runner, path, None), _limits(trial)
    pipeline = Pipeline(model, stages)

    def timed() -> Numbers:
        begun = time.perf_counter_ns()
        first_s = pipeline.answer_all(raws, limits.max_ns)
        pipeline.warm_up(raws, trial.warmup_runs, begun + limits.max_ns - time.perf_counter_ns())
        span = telemetry.Span(setting.root)
        pipeline.measure(raws, limits)
        return {"first_inference_s": first_s, "telemetry": span.end()}

    numbers = guard("invoke", lambda: stages.guarded(timed))
    return {**numbers, **model.account(), "n": pipeline.runs, "stages": pipeline.record()}


_KINDS: Dict[str, Callable[[spec.Trial, Setting], Numbers]] = {
    "check": _check,
    "latency": _latency,
    "memory": _memory,
    "energy": _energy,
    "stages": _stages,
}
