"""Every artifact before it ships: run on the host, scored, and held against its float32 reference."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from harness.pipeline.check.verification.accuracy import accuracy_of, drop_between
from harness.pipeline.check.verification.fidelity import compare_outputs
from harness.pipeline.check.verification.golden_client import HostInputs, HostOutputs, Score, run_on_host
from harness.pipeline.check.verification.layers_client import LayerComparison, compare_layers
from harness.pipeline.check.verification.own_metric_client import MetricSource, score_by_own_metric
from harness.records.artifact import AccuracyDrop, AccuracyResult, Fidelity, Verification
from harness.records.errors import BuildError

CLIFF_DROP: Final = 0.05
"""More than five points lost: quantisation fell off a cliff..."""
CLIFF_SQNR_DB: Final = 10.0
"""...or an output's error has more than a tenth of its power. Healthy int8 models stand at 20 to 40 dB."""


@dataclass(frozen=True)
class Reference:
    """The file an artifact is held against; ``name`` as people read it, e.g. "float32"."""

    path: Path
    sha256: str
    name: str


@dataclass(frozen=True)
class Claims:
    """What may be said of accuracy: on which data set, by which score, or why nothing.

    ``real`` says whether the samples are real ones. ``metric`` is the user's own, in place of the score.
    """

    dataset: str | None
    score: Literal["top1", "auc"]
    accuracy_reason: str | None
    real: bool
    metric: MetricSource | None = None

    @property
    def asked(self) -> Score | None:
        """How samples are scored; None: not at all."""
        if self.dataset is None or self.accuracy_reason is not None:
            return None
        return self.score if self.metric is None else "own"


@dataclass(frozen=True)
class _Runs:
    """How a question is run: both models alike."""

    inputs: HostInputs
    score: Score | None
    cache_dir: Path
    deadline_s: float

    def of(self, path: Path, sha256: str) -> HostOutputs:
        return run_on_host(
            path,
            sha256,
            inputs=self.inputs,
            score=self.score,
            cache_dir=self.cache_dir,
            deadline_s=self.deadline_s,
        )


def verify(  # noqa: PLR0913 - by keyword
    model: Path,
    sha256: str,
    *,
    reference: Reference | None,
    inputs: HostInputs,
    claims: Claims,
    cache_dir: Path,
    deadline_s: float,
) -> Verification:
    """Golden outputs, accuracy on the whole test part, and the comparison with the reference.

    Without samples, both models run on what is made up for the reference. Raises BuildError for samples that do not
    fit the model; a model that cannot be run is no error here.
    """
    runs = _Runs(replace(inputs, real=claims.real), claims.asked, cache_dir, deadline_s)
    own, other, why_not = _run_both(runs, model, sha256, reference)
    fidelity = None
    if reference is not None and other is not None:
        fidelity, why_not = compare_outputs(own, other, against=reference.name)
    accuracy, drop = _score(own, other, claims)
    layers = LayerComparison()
    in_points = drop if claims.metric is None else None
    if reference is not None and other is not None and _is_much_worse(fidelity, in_points):
        layers = compare_layers(model, own, reference.path, other, name=reference.name, deadline_s=deadline_s)
    return Verification(
        golden=own.golden,
        golden_reason=own.reason,
        accuracy=accuracy,
        accuracy_reason=None if accuracy else _why_no_accuracy(own, claims),
        accuracy_drop=drop,
        fidelity=fidelity,
        fidelity_reason=None if fidelity else why_not,
        worst_layers=layers.worst,
        layers_reason=layers.reason,
    )


def _run_both(
    runs: _Runs, model: Path, sha256: str, reference: Reference | None
) -> tuple[HostOutputs, HostOutputs | None, str | None]:
    """What the model gives, and what the reference gives on the same samples, or why that is not known."""
    if reference is None:
        return runs.of(model, sha256), None, "there is nothing to compare it with"
    try:
        other = runs.of(reference.path, reference.sha256)
    except BuildError as error:
        return runs.of(model, sha256), None, f"{reference.name} was not run: {error}"
    if runs.inputs.samples is not None or other.golden is None:
        return runs.of(model, sha256), other, None
    shared = replace(runs, inputs=replace(runs.inputs, samples=Path(other.golden.inputs_path), real=False))
    try:
        return shared.of(model, sha256), other, None
    except BuildError:
        return runs.of(model, sha256), None, f"it has other inputs than {reference.name}"


def _score(
    own: HostOutputs, other: HostOutputs | None, claims: Claims
) -> tuple[AccuracyResult | None, AccuracyDrop | None]:
    """The accuracy on the whole test part and what was lost of it, by the user's own metric where there is one."""
    if claims.dataset is None:
        return None, None
    if claims.metric is None:
        drop = drop_between(own, other) if other is not None else None
        return accuracy_of(own, dataset=claims.dataset), drop
    if own.golden is None or own.scores is None:
        return None, None
    where = f"by {own.golden.runtime} on the host"
    found = score_by_own_metric(claims.metric, own, other, dataset=claims.dataset, where=where)
    return found.accuracy, found.drop


def _is_much_worse(fidelity: Fidelity | None, drop: AccuracyDrop | None) -> bool:
    """Whether so much was lost that people will ask where."""
    if drop is not None and drop.value > CLIFF_DROP:
        return True
    return fidelity is None or (fidelity.sqnr_db is not None and fidelity.sqnr_db < CLIFF_SQNR_DB)


def _why_no_accuracy(own: HostOutputs, claims: Claims) -> str:
    if claims.accuracy_reason is not None:
        return claims.accuracy_reason
    if claims.dataset is None:
        return "no data set was named"
    return own.reason or own.scores_reason or "its samples were not scored"
