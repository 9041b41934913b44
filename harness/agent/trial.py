"""One trial, in the process that is given to it: each kind but slices has a file of its own, ``..._trial.py``."""

from __future__ import annotations

from typing import Callable, Dict

from edge_agent import (
    check_trial,
    cross_check_trial,
    energy_trial,
    latency_trial,
    load_trial,
    memory_trial,
    operators_trial,
    spec,
    stages_trial,
    test_set_trial,
)
from edge_agent.interpreters import TrialFailedError
from edge_agent.trial_setup import Numbers, Setting

_KINDS: Dict[str, Callable[[spec.Trial, Setting], Numbers]] = {
    "check": check_trial.run,
    "latency": latency_trial.run,
    "memory": memory_trial.run,
    "load": load_trial.run,
    "energy": energy_trial.run,
    "stages": stages_trial.run,
    "operators": operators_trial.run,
    "cross_check": cross_check_trial.run,
    "test_set": test_set_trial.run,
}


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The Trial record, with ``died`` set if the runtime refused the model or the samples do not fit."""
    try:
        return {**spec.heading(trial, None), **_KINDS[trial.kind](trial, setting)}
    except TrialFailedError as error:
        return spec.heading(trial, str(error))
    except MemoryError:
        return spec.heading(trial, "the board's memory does not suffice")
