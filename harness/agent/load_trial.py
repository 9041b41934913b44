"""A load trial: the time from a process that has imported the runtime to the end of a model's first inference.

Cold, the model's file is on the store's medium alone, which is checked; warm, all of it is in memory.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict

from edge_agent import storage
from edge_agent.interpreters import TrialFailedError
from edge_agent.trial_setup import Numbers, Setting, prepare, read_samples

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent import spec

_PROBE = "read-rate"


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    path = setting.file(trial.model)
    if path is None:
        raise TrialFailedError("no model was named")
    samples = read_samples(trial, setting, 1)
    told: Dict[str, Any] = {"cold": trial.cold, "medium": storage.medium_of(setting.root, path.parent)}
    if trial.cold:
        told.update(_read_rate(setting, path.with_name(_PROBE)))
        try:
            told["by"] = storage.put_out(setting.root, path)
        except storage.NotColdError as error:
            return {"n": 0, "load": {**told, "not_cold": str(error)}}
    else:
        storage.read_through(path)
    begun = time.perf_counter()
    prepared = prepare(trial, setting, samples)
    told["load_s"] = time.perf_counter() - begun
    return {**prepared.account(), "n": 1, "load": told}


def _read_rate(setting: Setting, probe: Path) -> Dict[str, Any]:
    """Bytes and seconds of a file read from the store's medium, or why they are not known."""
    try:
        storage.make_probe(probe)
        storage.put_out(setting.root, probe)
        return {"read_s": storage.read_through(probe), "read_bytes": storage.READ_BYTES}
    except OSError as error:
        return {"unread": "no file can be kept to read from: %s" % (error.strerror or "").lower()}
    except storage.NotColdError as error:
        return {"unread": str(error)}
