"""A test set trial: what the model gives for some samples of a whole test set, sent back as raw arrays."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any, Dict, List

from edge_agent import inputs
from edge_agent.conversion import Form, StageMisfitError, as_inputs
from edge_agent.interpreters import TrialFailedError
from edge_agent.model import BoardModel, load
from edge_agent.trial_setup import Numbers, Setting

if TYPE_CHECKING:
    from edge_agent import spec
    from edge_agent.interfaces import Array

_KEEPS_STATE = "VAR_HANDLE"
"""Resource variables: no call of the interpreter's puts them back."""


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError.

    Each sample is of its own: variables are put back before it, as the host does it.
    """
    file, path = setting.file(trial.inputs), setting.file(trial.model)
    if file is None or path is None:
        raise TrialFailedError("a test set trial needs a model and samples")
    samples = inputs.read_samples(file, "i", trial.num_runs, trial.first)

    def opened() -> BoardModel:
        return load(setting.module, setting.runner, path, None)

    model = opened()
    forms = [Form(tensor) for tensor in model.inputs]
    fresh = opened if _keeps_state(model) else None
    rows = [_outputs(model if fresh is None else fresh(), forms, sample) for sample in samples]
    if not rows:
        raise TrialFailedError("there is no sample %d" % trial.first)
    return {**model.account(), "n": len(rows), "raw_outputs": [_packed(list(column)) for column in zip(*rows)]}


def _outputs(model: BoardModel, forms: List[Form], sample: List[Array]) -> List[Array]:
    reset = getattr(model.interpreter, "reset_all_variables", None)
    if reset is not None:
        reset()
    try:
        model.feed(as_inputs(sample, forms))
    except StageMisfitError as error:
        raise TrialFailedError(str(error).replace("preprocess gives", "the samples have", 1)) from error
    model.first_invoke()
    return model.written_results()


def _packed(values: List[Array]) -> Dict[str, Any]:
    """One output of all samples: type, shape with the samples first, bytes in C order, deflated, as base64."""
    import numpy as np

    if any(value.shape != values[0].shape or value.dtype != values[0].dtype for value in values):
        raise TrialFailedError("an output changes its shape from sample to sample")
    stacked = np.stack(values)
    if stacked.dtype.kind not in "fiub":
        raise TrialFailedError("an output is %s, which is no number" % stacked.dtype)
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(stacked).tobytes(), 1)).decode("ascii")
    return {"dtype": str(stacked.dtype), "shape": list(stacked.shape), "data": data}


def _keeps_state(model: BoardModel) -> bool:
    listed = getattr(model.interpreter, "_get_ops_details", None)
    return any(operator["op_name"] == _KEEPS_STATE for operator in (listed() if listed is not None else ()))
