"""What kinds of trials have in common: where a trial runs, and a model loaded, fed and warmed up."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from edge_agent import inputs, spec
from edge_agent.interpreters import TrialFailedError, guard, make_interpreter
from edge_agent.model import BoardModel, Make, load
from edge_agent.sysfs import Root
from edge_agent.timing import limits_of, warm_up

if TYPE_CHECKING:
    from edge_agent.interfaces import Array

SAMPLES_CYCLED = 16
"""Stored samples a latency or energy trial goes through again and again."""

Numbers = Dict[str, Any]


def _pass() -> None:
    """Nothing is to be done."""


class Setting(NamedTuple):
    """Where a trial runs: the imported interpreter module, the runner, the store and the facts' root."""

    module: Any
    runner: spec.Runner
    cache: Path
    root: Root

    def file(self, sha256: Optional[str]) -> Optional[Path]:
        """A file of the store."""
        return None if sha256 is None else self.cache / "store" / sha256


class Prepared(NamedTuple):
    """A model that has run once, its samples, and the seconds of that first inference."""

    model: BoardModel
    samples: List[List[Array]]
    first_s: float

    def account(self) -> Numbers:
        """The first inference and what the model tells of itself, as the Trial record has it."""
        return {"first_inference_s": self.first_s, **self.model.account(), **self.model.placement()}

    def advancer(self) -> Optional[Callable[[], None]]:
        """Feeds the next sample at each call; None where there is one sample only."""
        if len(self.samples) < 2:
            return None
        turns = itertools.cycle(self.samples)
        return lambda: self.model.feed(next(turns))


def load_fed(
    trial: spec.Trial,
    setting: Setting,
    samples: List[List[Array]],
    loaded: Callable[[], None] = _pass,
    make: Make = make_interpreter,
) -> Tuple[BoardModel, List[List[Array]]]:
    """A model that has not run yet, with the first sample in its inputs; random inputs where there are no samples.

    ``loaded`` is called when its tensors are allocated, before anything is fed. Raises TrialFailedError.
    """
    path = setting.file(trial.model)
    if path is None:
        raise TrialFailedError("no model was named")
    model = load(setting.module, setting.runner, path, samples[0] if samples else None, make)
    loaded()
    samples = samples or [inputs.random_sample(model.inputs, trial.seed, trial.below)]
    model.feed(samples[0])
    return model, samples


def prepare(trial: spec.Trial, setting: Setting, samples: List[List[Array]]) -> Prepared:
    """Load, feed and run once; raises TrialFailedError."""
    model, samples = load_fed(trial, setting, samples)
    return Prepared(model, samples, model.first_invoke())


def read_samples(trial: spec.Trial, setting: Setting, limit: int) -> List[List[Array]]:
    """The trial's stored samples, at most so many; empty where it names none."""
    path = setting.file(trial.inputs)
    return [] if path is None else inputs.read_samples(path, "i", limit)


class Timed(NamedTuple):
    """A model that has warmed up, an inference, the next sample, its typical nanoseconds, and its account."""

    model: BoardModel
    invoke: Callable[[], None]
    advance: Optional[Callable[[], None]]
    single_ns: int
    account: Numbers


def prepare_timed(trial: spec.Trial, setting: Setting) -> Timed:
    """Load, feed and warm up, for whoever times it then; raises TrialFailedError."""
    # Samples are the measuring's own: where memory is limited it does with one.
    most = 1 if trial.memory_limit_bytes else SAMPLES_CYCLED
    prepared = prepare(trial, setting, read_samples(trial, setting, most))
    invoke, most_ns = prepared.model.invoke, limits_of(trial).max_ns
    single_ns = guard("invoke", lambda: warm_up(invoke, trial.warmup_runs, most_ns))
    return Timed(prepared.model, invoke, prepared.advancer(), single_ns, prepared.account())
