"""An operators trial: how long each operator takes, by LiteRT's own profiler, which slows the model and takes memory.

So it is a pass of its own, never a latency or memory trial. XNNPACK tells whole microseconds, cut off: the middle of
that microsecond is taken, so that many short operators do not sum to too little.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from edge_agent import compiled_model, telemetry
from edge_agent.compiled_model import CompiledModel, Event
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.timing import limits_of, warm_up
from edge_agent.trial_setup import SAMPLES_CYCLED, Numbers, Prepared, Setting, load_fed, read_samples

if TYPE_CHECKING:
    from edge_agent import spec

_WHOLE = "Invoke"
"""The event of an inference, without what CompiledModel does around it."""
_DEFAULT_KIND = 1
_KINDS = (compiled_model.OPERATOR, compiled_model.DELEGATED_OPERATOR, compiled_model.DELEGATE)
_CUT_OFF_US = 0.5
_LONGEST_NAME = 128
MOST_OPERATORS = 5000
MOST_RUNS = 1000


class _Inference(NamedTuple):
    """One inference: microseconds of the whole and of each operator, and which operators these were."""

    whole_us: int
    elapsed_us: Tuple[int, ...]
    operators: Tuple[Tuple[str, int, int], ...]


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    fed = read_samples(trial, setting, SAMPLES_CYCLED)
    model, samples = load_fed(trial, setting, fed, make=_profiled_model)
    compiled = model.interpreter
    if not isinstance(compiled, CompiledModel):
        raise TrialFailedError("LiteRT's profiler is that of its CompiledModel")
    prepared = Prepared(model, samples, model.first_invoke())
    advance = prepared.advancer() or _stay
    limits = limits_of(trial)
    guard("invoke", lambda: warm_up(model.invoke, trial.warmup_runs, limits.max_ns))
    span = telemetry.Span(setting.root)
    runs: List[_Inference] = []
    begun = time.perf_counter_ns()
    for events in compiled.profiled(advance):
        runs.append(_read(events))
        passed = time.perf_counter_ns() - begun
        enough = len(runs) >= limits.num_runs and passed >= limits.min_ns
        if enough or passed >= limits.max_ns or len(runs) >= MOST_RUNS:
            break
    told = {"telemetry": span.end(), "n": len(runs), "operators": _account(runs)}
    return {**prepared.account(), **told}


def _profiled_model(module: Any, runner: spec.Runner, model: str) -> CompiledModel:  # noqa: ANN401
    return guard("load", lambda: CompiledModel(module, runner, model, profiling=True))


def _stay() -> None:
    """There is one sample only."""


def _read(events: List[Event]) -> _Inference:
    whole = next((each for each in events if each.name == _WHOLE and each.kind == _DEFAULT_KIND), None)
    operators = [each for each in events if each.kind in _KINDS]
    if whole is None or not operators:
        raise TrialFailedError("LiteRT's profiler tells no operators")
    if any(each.graph != 0 for each in operators):
        raise TrialFailedError(
            "it calls other graphs (WHILE, IF), whose operators LiteRT's profiler does not tell apart"
        )
    if len(operators) > MOST_OPERATORS:
        raise TrialFailedError("%d operators are more than are told one by one" % len(operators))
    names = tuple((each.name[:_LONGEST_NAME], each.kind, each.number) for each in operators)
    return _Inference(whole.elapsed_us, tuple(each.elapsed_us for each in operators), names)


def _account(runs: List[_Inference]) -> Dict[str, Any]:
    """The OperatorTimes record: means over the faster half of the inferences, so that parts sum up.

    What else runs on the board makes inferences slower, and the time between two operators with them.
    """
    first = runs[0].operators
    if any(each.operators != first for each in runs):
        raise TrialFailedError("LiteRT's profiler tells other operators from one inference to the next")
    ordered = sorted(runs, key=lambda each: each.whole_us)
    kept = ordered[: (len(ordered) + 1) // 2]
    sums = [sum(column) / len(kept) for column in zip(*(each.elapsed_us for each in kept))]
    return {
        "inference_ns": 1e3 * sum(each.whole_us for each in kept) / len(kept),
        "runs": len(kept),
        "operators": list(_timed(first, sums)),
    }


def _timed(operators: Tuple[Tuple[str, int, int], ...], means_us: List[float]) -> Iterator[Dict[str, Any]]:
    for (name, kind, number), mean_us in zip(operators, means_us):
        within = kind == compiled_model.DELEGATED_OPERATOR
        cut_off_us = _CUT_OFF_US if within else 0.0
        node: Optional[int] = None if kind != compiled_model.OPERATOR else number
        yield {"name": name, "node": node, "ns": 1e3 * (mean_us + cut_off_us)}
