"""A stages trial: a model between its own pre- and post-processing, timed from a raw sample to the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from edge_agent import telemetry
from edge_agent.conversion import Form, answer_text, as_inputs
from edge_agent.inputs import read_raw
from edge_agent.interpreters import TrialFailedError, guard
from edge_agent.model import BoardModel, load
from edge_agent.stages import Stages
from edge_agent.timing import RunLimits, limits_of
from edge_agent.trial_setup import Numbers, Setting

if TYPE_CHECKING:
    from edge_agent import spec
    from edge_agent.interfaces import Array

MOST_RUNS = 5000
"""Of one trial: more tell no more of a median, and their times would be much to keep."""


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    file, raw, path = (setting.file(sha256) for sha256 in (trial.stages, trial.raw, trial.model))
    if file is None or raw is None or path is None:
        raise TrialFailedError("a stages trial needs a model, a stages file and raw samples")
    raws, stages = read_raw(raw), Stages(file, trial.stages_name or "the stages file")
    model, limits = load(setting.module, setting.runner, path, None), limits_of(trial)
    pipeline = Pipeline(model, stages)

    def timed() -> Numbers:
        begun = time.perf_counter_ns()
        first_s = pipeline.answer_all(raws, limits.max_ns)
        pipeline.warm_up(raws, trial.warmup_runs, begun + limits.max_ns - time.perf_counter_ns())
        span = telemetry.Span(setting.root, read_state=trial.read_state)
        pipeline.measure(raws, limits)
        return {"first_inference_s": first_s, "telemetry": span.end()}

    numbers = guard("invoke", lambda: stages.guarded(timed))
    return {**numbers, **model.account(), "n": pipeline.runs, "stages": pipeline.record()}


class Pipeline:
    """Raw sample to answer, with the nanoseconds of every run that is counted."""

    def __init__(self, model: BoardModel, stages: Stages) -> None:
        self._model = model
        self._stages = stages
        self._inputs = [Form(tensor) for tensor in model.inputs]
        self._outputs = [Form(tensor) for tensor in model.outputs]
        self._taken: List[Tuple[int, int, int, int]] = []
        self._answers: List[str] = []

    @property
    def runs(self) -> int:
        """How many runs were counted."""
        return len(self._taken)

    def feed(self, raw: Array) -> None:
        """preprocess, quantise, copy in; without a preprocess the raw sample is the input."""
        preprocess = self._stages.preprocess
        self._model.feed(as_inputs(raw if preprocess is None else preprocess(raw), self._inputs))

    def answer(self, results: List[Array]) -> object:
        """Dequantise, postprocess; without a postprocess the outputs."""
        outputs = [form.floats(value) for form, value in zip(self._outputs, results)]
        postprocess = self._stages.postprocess
        return outputs if postprocess is None else postprocess(outputs)

    def answer_all(self, raws: List[Array], most_ns: int) -> float:
        """Each sample's answer in turn, at most so long, uncounted; seconds that the first inference took.

        The model has not run yet: its variables start as they did on the host.
        """
        begun = time.perf_counter_ns()
        first_s = 0.0
        for at, raw in enumerate(raws):
            if at and time.perf_counter_ns() - begun >= most_ns:
                return first_s
            self.feed(raw)
            seconds = self._model.first_invoke()
            first_s = first_s if at else seconds
            answer = self.answer(self._model.written_results())
            if self._stages.postprocess is not None:
                self._answers.append(answer_text(answer))
        return first_s

    def warm_up(self, raws: List[Array], runs: int, most_ns: int) -> None:
        """Run without counting, at most so long."""
        begun = time.perf_counter_ns()
        for at in range(runs):
            if time.perf_counter_ns() - begun >= most_ns:
                return
            self._run(raws[at % len(raws)])

    def measure(self, raws: List[Array], limits: RunLimits) -> None:
        """Go through the samples in turn until both minima are reached and each was run once, or the maximum is."""
        begun = time.perf_counter_ns()
        least = min(max(limits.num_runs, len(raws)), MOST_RUNS)
        while True:
            self._taken.append(self._run(raws[self.runs % len(raws)]))
            passed = time.perf_counter_ns() - begun
            enough = passed >= limits.min_ns and self.runs >= least
            if enough or passed >= limits.max_ns or self.runs >= MOST_RUNS:
                return

    def _run(self, raw: Array) -> Tuple[int, int, int, int]:
        clock = time.perf_counter_ns
        invoke = self._model.invoke
        begun = clock()
        self.feed(raw)
        fed = clock()
        invoke()
        inferred = clock()
        self.answer(self._model.results())
        ended = clock()
        return fed - begun, inferred - fed, ended - inferred, ended - begun

    def record(self) -> Dict[str, Any]:
        """The StageTimes record."""
        names = ("preprocess_ns", "inference_ns", "postprocess_ns", "end_to_end_ns")
        columns = [list(column) for column in zip(*self._taken)]
        return {**dict(zip(names, columns)), "answers": self._answers}
