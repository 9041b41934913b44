"""A metric of the user's own over a whole test set, computed in a process that may crash or hang alone."""

from dataclasses import dataclass
from typing import Final

from harness.pipeline.check import sandbox
from harness.pipeline.check.verification.golden_client import HostOutputs
from harness.records.artifact import AccuracyDrop, AccuracyResult, TensorInfo
from harness.records.base import Record
from harness.records.candidate import OwnMetric
from harness.records.errors import BuildError

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 2000
"""Of the bootstrap, where the function is quick; fewer of a slow one."""
FEWEST_RESAMPLES: Final = 200
"""Below that no interval is told: Efron and Tibshirani, 1993, section 13.3, ask for more for percentiles."""
BOOTSTRAP_S: Final = 60.0
"""What calling the user's function for the interval may take."""
_DEADLINE_S: Final = 600.0
_MAIN: Final = "harness.pipeline.check.verification.own_metric_main"


class MetricSource(Record):
    """A metric and where its module is found; ``sources`` are hashes of the user's files that it depends on.

    ``truth`` is the .npz with what is right of each sample, in arrays beside the inputs i0, i1...
    """

    metric: OwnMetric
    search: tuple[str, ...]
    sources: dict[str, str]
    truth: str


class ScoredOutputs(Record):
    """A model's outputs for the whole test set: an .npz with o0, o1..., samples first; None: those were not kept."""

    path: str
    tensors: tuple[TensorInfo, ...]


class OwnMetricJob(Record):
    """What is scored, beside what, and what calling the function may take."""

    source: MetricSource
    outputs: ScoredOutputs
    reference: ScoredOutputs | None
    n: int
    resamples: int
    bootstrap_s: float
    confidence: float
    seed: int


class MetricLoss(Record):
    """How much worse the figure is than the reference's; without an interval ``reason`` says why."""

    value: float
    low: float | None
    high: float | None
    obtained: str


class OwnMetricAnswer(Record):
    """The figure over the whole test set; or one line that says what is wrong with the function or the truth."""

    value: float = 0.0
    per_sample: bool = False
    """The function gives a figure for each sample, and the value is their mean."""
    loss: MetricLoss | None = None
    fault: str | None = None


@dataclass(frozen=True)
class OwnScore:
    """The accuracy by the user's metric, and what was lost of it; None where there is nothing to compare with."""

    accuracy: AccuracyResult
    drop: AccuracyDrop | None


def score_by_own_metric(
    source: MetricSource, own: HostOutputs, reference: HostOutputs | None, *, dataset: str, where: str
) -> OwnScore:
    """The user's figure of ``own``, paired with that of ``reference``; ``where`` says what ran the model.

    Raises BuildError, one line, for a function that raises, hangs, gives no number or another one on a second call, and
    for a truth that does not fit the samples. ``own`` has the outputs of every sample.
    """
    given = _outputs(own)
    if given is None:
        raise ValueError("the outputs of the whole test set were not kept")
    same = reference is not None and reference.n == own.n
    job = OwnMetricJob(
        source=source,
        outputs=given,
        reference=_outputs(reference) if reference is not None and same else None,
        n=own.n,
        resamples=RESAMPLES,
        bootstrap_s=BOOTSTRAP_S,
        confidence=CONFIDENCE,
        seed=0,
    )
    answer = _ask(job)
    metric = source.metric
    how = "mean of each sample's figure" if answer.per_sample else "of the whole set at once"
    accuracy = AccuracyResult(
        value=answer.value,
        correct=None,
        n=own.n,
        dataset=dataset,
        obtained=f"{metric.name} by {metric.function}, {how}, on {own.n} samples, {where}",
        score="own",
        metric=metric,
    )
    return OwnScore(accuracy, _drop(answer.loss, own.n))


def _outputs(found: HostOutputs | None) -> ScoredOutputs | None:
    if found is None or found.scores is None:
        return None
    return ScoredOutputs(path=str(found.scores), tensors=found.outputs)


def _drop(loss: MetricLoss | None, n: int) -> AccuracyDrop | None:
    if loss is None:
        return None
    return AccuracyDrop(
        value=loss.value,
        ci_low=loss.low,
        ci_high=loss.high,
        confidence=CONFIDENCE,
        p_value=None,
        lost=None,
        gained=None,
        n=n,
        obtained=loss.obtained,
    )


def _ask(job: OwnMetricJob) -> OwnMetricAnswer:
    function = job.source.metric.function
    limits = sandbox.ProcessLimits(deadline_s=_DEADLINE_S, memory_bytes=2**35)
    reply = sandbox.run(_MAIN, job, limits)
    answer = reply.first(OwnMetricAnswer)
    if answer is None:
        raise BuildError(reply.failure(f"{function}: the process that called it"))
    if answer.fault is not None:
        raise BuildError(f"{function}: {answer.fault}")
    return answer
