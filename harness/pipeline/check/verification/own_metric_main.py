"""The limited process that calls a user's metric: once, once more to see that it repeats, then on resamples."""

import importlib
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.litert import Array, dequantize
from harness.pipeline.check.verification.own_metric_client import (
    FEWEST_RESAMPLES,
    MetricLoss,
    OwnMetricAnswer,
    OwnMetricJob,
    ScoredOutputs,
)
from harness.records.text import shorten
from harness.stats.bootstrap import BootstrapInterval, Indices, bootstrap_figure, bootstrap_mean

Function = Callable[[Sequence[Array], Mapping[str, Array]], object]
Figure = float | NDArray[np.float64]
"""One number for the whole test set, or one for each sample, whose mean it is."""
_INPUT: Final = "i"


class FaultError(Exception):
    """The function or its truth is at fault; the message says how."""


def main(text: str, tell: Tell) -> None:
    """Run one job, an OwnMetricJob."""
    job = OwnMetricJob.model_validate_json(text)
    try:
        tell(_score(job))
    except FaultError as fault:
        tell(OwnMetricAnswer(fault=str(fault)))


def _score(job: OwnMetricJob) -> OwnMetricAnswer:
    metric = _Metric(_function(job), _truth(job), job.n)
    outputs = _outputs(job.outputs)
    own = metric.figure(outputs, "")
    began = time.monotonic()
    again = metric.figure(outputs, " on a second call")
    call_s = time.monotonic() - began
    if not np.array_equal(own, again):
        raise FaultError(
            f"it gives {_mean(own):.9g}, and {_mean(again):.9g} on a second call with the same outputs: let it give "
            "the same each time, e.g. by seeding what it draws"
        )
    loss = None
    if job.reference is not None:
        loss = _loss(job, metric, (outputs, own), _outputs(job.reference), call_s)
    return OwnMetricAnswer(value=_mean(own), per_sample=not isinstance(own, float), loss=loss)


@dataclass(frozen=True)
class _Metric:
    """The user's function with what is right of each sample."""

    function: Function
    truth: Mapping[str, Array]
    n: int

    def figure(self, outputs: Sequence[Array], when: str) -> Figure:
        """What the function gives for the whole test set. Raises FaultError for anything but finite numbers."""
        try:
            given = self.function(outputs, self.truth)
        except (Exception, SystemExit) as error:
            raise FaultError(f"it raised {_describe(error)}{when}") from error
        return _checked(given, self.n, when)

    def of(self, outputs: Sequence[Array], rows: Indices) -> float:
        """What it gives for some samples; NaN where it gives nothing that is a number."""
        try:
            truth = {name: _kept(array[rows]) for name, array in self.truth.items()}
            return float(self.function([_kept(one[rows]) for one in outputs], truth))  # type: ignore[arg-type]
        except (Exception, SystemExit):
            return float("nan")


def _loss(
    job: OwnMetricJob, metric: _Metric, own: tuple[Sequence[Array], Figure], others: Sequence[Array], call_s: float
) -> MetricLoss:
    """How much worse than the reference, with the interval of the paired difference."""
    outputs, ours = own
    theirs = metric.figure(others, " for the reference's outputs")
    sign = -1.0 if job.source.metric.better == "lower" else 1.0
    value = sign * (_mean(theirs) - _mean(ours))
    if not isinstance(ours, float) and not isinstance(theirs, float):
        found = bootstrap_mean(
            sign * (theirs - ours), resamples=job.resamples, seed=job.seed, confidence=job.confidence
        )
        return _told(value, found, "each sample's difference, drawn anew")
    resamples = _affordable(job, call_s)
    if resamples < FEWEST_RESAMPLES:
        return MetricLoss(value=value, low=None, high=None, obtained=_too_slow(job, call_s))
    found = bootstrap_figure(
        lambda rows: sign * (metric.of(others, rows) - metric.of(outputs, rows)),
        job.n,
        resamples=resamples,
        seed=job.seed,
        confidence=job.confidence,
    )
    return _told(value, found, "samples drawn anew, both figures computed for each draw")


def _affordable(job: OwnMetricJob, call_s: float) -> int:
    """How many resamples, of two calls each, the time allows: one of a few numbers, so that runs mostly agree."""
    steps = (job.resamples, job.resamples // 2, job.resamples // 4, FEWEST_RESAMPLES)
    return next((count for count in steps if 2 * count * call_s <= job.bootstrap_s), 0)


def _too_slow(job: OwnMetricJob, call_s: float) -> str:
    return (
        f"difference over the same samples; no interval: one call of the metric takes {call_s:.3g} s, and "
        f"{FEWEST_RESAMPLES} resamples of two calls would take more than {job.bootstrap_s:g} s"
    )


def _told(value: float, found: BootstrapInterval, how: str) -> MetricLoss:
    drawn = f"paired bootstrap, {found.resamples} resamples ({how}; percentiles, Efron and Tibshirani 1993)"
    if found.low is None:
        drawn = f"difference over the same samples; no interval: {found.undefined} of {found.resamples} resamples"
        return MetricLoss(value=value, low=None, high=None, obtained=f"{drawn} have no figure")
    if found.low == found.high:
        drawn += ", which have no width here: no draw tells the two apart"
    left_out = f", {found.undefined} without a figure left out" if found.undefined else ""
    return MetricLoss(value=value, low=found.low, high=found.high, obtained=f"{drawn}{left_out}")


def _checked(given: object, n: int, when: str) -> Figure:
    """One finite number, or one for each sample. Raises FaultError."""
    expected = f"where one number, or an array of one for each of the {n} samples, was expected"
    try:
        found = np.asarray(given)
    except Exception as error:
        raise FaultError(f"it gives {_named(given)}{when}, {expected}") from error
    if found.dtype.kind not in "fiub" or found.shape not in ((), (n,)):
        shape = f" of shape {found.shape}" if isinstance(given, np.ndarray) or found.shape else ""
        raise FaultError(f"it gives {_named(given)}{shape}{when}, {expected}")
    figures = found.astype(np.float64)
    if not np.isfinite(figures).all():
        broken = figures[~np.isfinite(figures)][0]
        where = f" for sample {int((~np.isfinite(figures)).argmax())}" if found.shape else ""
        raise FaultError(f"it gives {broken}{where}{when}, where finite numbers were expected")
    return figures if found.shape else float(figures)


def _mean(figure: Figure) -> float:
    return float(np.mean(figure))


def _named(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _function(job: OwnMetricJob) -> Function:
    module, _, name = job.source.metric.function.partition(":")
    sys.path[:0] = job.source.search
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (Exception, SystemExit) as error:
        raise FaultError(f"its module cannot be imported: {_describe(error)}") from error
    if not callable(found):
        raise FaultError(f"the module {module} has no function {name}")
    return found  # type: ignore[no-any-return]


def _describe(error: BaseException) -> str:
    """The exception, and the line of the user's file that it came from."""
    said = shorten(str(error))
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "harness/pipeline" not in one.filename]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' if said else ''}{said}{where}"


def _outputs(scored: ScoredOutputs) -> list[Array]:
    """Floats, samples first, without the model's batch of one: what is quantised as a whole is dequantised."""
    with np.load(scored.path, allow_pickle=False) as arrays:
        found = [arrays[f"o{index}"] for index in range(len(scored.tensors))]
    floats = [_as_floats(one, tensor) for one, tensor in zip(found, scored.tensors, strict=True)]
    return [_kept(one[:, 0] if one.ndim > 1 and one.shape[1] == 1 else one) for one in floats]


def _as_floats(values: Array, tensor: Any) -> Array:  # noqa: ANN401 - TensorInfo
    return dequantize(values, tensor).astype(np.float32) if values.dtype.kind == "f" or tensor.scale else values


def _truth(job: OwnMetricJob) -> dict[str, Array]:
    """What is right of each sample, by the arrays' names. Raises FaultError for arrays of another length."""
    with np.load(job.source.truth, allow_pickle=False) as arrays:
        names = [name for name in arrays.files if not _is_input(name)]
        found = {name: _kept(arrays[name]) for name in names}
    if not found:
        raise FaultError(f"{job.source.truth} says nothing of what is right: add arrays beside i0, samples first")
    for name, array in found.items():
        if array.shape[:1] != (job.n,):
            raise FaultError(f'"{name}" has shape {array.shape}, where ({job.n}, ...) was expected, a row a sample')
    return found


def _is_input(name: str) -> bool:
    return name.startswith(_INPUT) and name[len(_INPUT) :].isdigit()


def _kept(array: Array) -> Array:
    """Read-only: what a function changes would show in its next call."""
    array.setflags(write=False)
    return array
