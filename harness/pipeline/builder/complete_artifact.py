"""The last task of a candidate: its file is inspected, run, compared, and its record made."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.pipeline.builder.artifact_cache import ArtifactCache, BuiltRecord, TaskContext
from harness.pipeline.builder.scheduler import Scheduler
from harness.pipeline.builder.verify_client import load_or_verify
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.pipeline.check.verification.own_metric_client import MetricSource
from harness.pipeline.model.conversion.quantize_client import has_small_weights
from harness.pipeline.model.job import PreparedInfo
from harness.pipeline.recipes.number_formats import FLOAT32
from harness.pipeline.recipes.recipe import parse_recipe
from harness.pipeline.source_hashes import user_source_hashes
from harness.pipeline.worker.protocol import Stage, Staging, Verify
from harness.records.artifact import AccuracyResult, Artifact, HeldOutSet, Verification
from harness.records.candidate import OF_THE_DATASET, Candidate
from harness.records.errors import BuildError, EntryError
from harness.records.units import format_quantity


@dataclass(frozen=True)
class Found:
    """A candidate's .tflite file and what is known of it before it is run.

    ``test``, ``raw`` and ``calibration`` are files of its data set, None where it has none. ``reference`` is the
    artifact it is compared with, or the reason why there is none. ``cached`` None: it depends on the check alone.
    """

    file: Path
    record: BuiltRecord
    about: PreparedInfo
    test: Path | None
    raw: Path | None
    reference: Artifact | str
    reference_name: str
    cached: bool | None
    deadline_s: float
    calibration: Path | None = None
    samples: Path | None = None
    """Samples to check outputs on where there is no test part; ``samples_real``: given, not made up."""
    samples_real: bool = False


def complete_artifact(candidate: Candidate, found: Found, cache: ArtifactCache, context: TaskContext) -> Artifact:
    """The artifact of a candidate. Raises BuildError, or ModelFileError for a file that is no model."""
    info = inspect_file(found.file)
    staging = prepare_stages(candidate, found, cache, context)
    question = _question(candidate, found, staging, cache)
    result, known = load_or_verify(cache, context, question)
    result = _with_reason(result, found)
    return Artifact(
        candidate=candidate.name,
        recipe=candidate.recipe,
        path=str(found.file),
        sha256=found.record.sha256,
        size_bytes=info.size_bytes,
        inputs=info.inputs,
        outputs=info.outputs,
        inside=info.inside,
        verification=result,
        trainings=found.about.trainings,
        rival=found.about.rival,
        stages=staging.file if staging else None,
        test_set=_test_set(question, result),
        notes=(
            *_by_chance(result.accuracy),
            *found.about.notes,
            *_unchanged_weights(found.file, candidate.recipe),
        ),
        cached=known if found.cached is None else found.cached,
        build_s=found.record.build_s,
        versions=found.record.versions,
    )


def prepare_stages(candidate: Candidate, found: Found, cache: ArtifactCache, context: TaskContext) -> Staging | None:
    """The candidate's pre- and post-processing, run once on raw samples; None where it has none."""
    if candidate.stages is None:
        return None
    stages = candidate.stages if candidate.stages != OF_THE_DATASET else found.about.preprocessing
    if stages is None:
        raise BuildError(f"{candidate}: its data set has no preprocessing of its own: name a file with stages=")
    raw = candidate.samples or found.raw
    if raw is None:
        raise BuildError(f"{candidate}: its pre- and post-processing needs raw samples: give samples=")
    context.say("running its pre- and post-processing")
    request = Stage(
        label=context.label,
        stages=stages,
        raw=str(raw),
        model=str(found.file),
        sha256=found.record.sha256,
        cache_dir=str(cache.cache_dir),
    )
    staging = Staging.model_validate_json(cache.ask(request, context).result)
    cache.note_names([Path(path).parent for path in (staging.file.path, staging.file.raw_path)], context)
    return staging


def _question(candidate: Candidate, found: Found, staging: Staging | None, cache: ArtifactCache) -> Verify:
    given = found.test or (staging and staging.samples) or found.samples or candidate.samples
    made_up = given is not None and given is found.samples and not found.samples_real
    real = given is not None and not made_up and not (found.about.dataset and found.about.accuracy_reason)
    metric, about = _metric(candidate, found), found.about
    named = about.dataset or (Path(metric.truth).name if metric else None)
    reference = found.reference if isinstance(found.reference, Artifact) else None
    return Verify(
        label=str(candidate),
        model=str(found.file),
        sha256=found.record.sha256,
        reference=reference.path if reference else None,
        reference_sha256=reference.sha256 if reference else None,
        reference_name=found.reference_name,
        samples=str(given) if given else None,
        seed=cache.seed,
        dataset=named,
        score=about.score,
        accuracy_reason=None if metric and (about.unscored or not about.dataset) else about.accuracy_reason,
        real=real,
        metric=metric,
        cache_dir=str(cache.cache_dir),
        deadline_s=found.deadline_s,
    )


def _test_set(question: Verify, result: Verification) -> HeldOutSet | None:
    """What a board's outputs are scored by, where the host's were."""
    if result.accuracy is None or question.samples is None or question.dataset is None:
        return None
    metric = question.metric
    return HeldOutSet(
        samples=question.samples,
        dataset=question.dataset,
        score=question.score,
        seed=question.seed,
        reference=question.reference,
        reference_sha256=question.reference_sha256,
        deadline_s=question.deadline_s,
        metric=metric.metric if metric else None,
        search=metric.search if metric else (),
        truth=metric.truth if metric else None,
    )


def _metric(candidate: Candidate, found: Found) -> MetricSource | None:
    """The candidate's own metric with what is right of each sample; None where it names none. Raises BuildError."""
    metric = candidate.metric
    if metric is None:
        return None
    truth = found.test or (Path(candidate.samples) if candidate.samples and candidate.stages is None else None)
    if truth is None or truth.suffix != ".npz":
        raise BuildError(
            f"{candidate}: its metric {metric.function} has no test set: give samples= as an .npz with i0, i1... and, "
            "in arrays of other names, what is right of each sample; or data="
        )
    search = [*([candidate.base_dir] if candidate.base_dir else []), *(place for place in sys.path if place)]
    module = metric.function.partition(":")[0]
    sources = user_source_hashes(module, search)
    if not sources:
        raise BuildError(
            f"{candidate}: there is no module {module} for its metric beside the calling file ({candidate.base_dir}) "
            "or on Python's module path"
        )
    return MetricSource(metric=metric, search=tuple(dict.fromkeys(search)), sources=sources, truth=str(truth))


def _by_chance(accuracy: AccuracyResult | None) -> tuple[str, ...]:
    """A sentence where a model does no better on its test set than one that guesses."""
    if accuracy is None or not accuracy.by_chance or accuracy.chance is None:
        return ()
    value, chance = format_quantity(accuracy.value, "1"), format_quantity(accuracy.chance, "1")
    return (
        f"its accuracy, {value} over {accuracy.n:,} samples, is no better than guessing ({chance}): look at how its "
        "data is scaled, at the order of its classes, and at whether it is trained",
    )


def _unchanged_weights(file: Path, recipe: str | None) -> tuple[str, ...]:
    """A sentence where a recipe that makes weights smaller made none smaller."""
    number_format = parse_recipe(recipe).number_format if recipe else FLOAT32
    if not number_format.weights_only or has_small_weights(file):
        return ()
    return (
        f"{number_format.name} made no weights smaller, so that this is the float32 model: the converter leaves small "
        "weights and those inside loops as they are",
    )


def _with_reason(result: Verification, found: Found) -> Verification:
    """Why nothing was compared is told, where that is known here and not by the check."""
    if result.fidelity is not None or isinstance(found.reference, Artifact):
        return result
    return result.model_copy(update={"fidelity_reason": found.reference})


def reference_or_reason(scheduler: Scheduler, task: str | None) -> Artifact | str:
    """The artifact that a task gave, or why there is nothing to compare with."""
    if task is None:
        return "it is the reference itself"
    try:
        return cast(Artifact, scheduler.outcome(task))
    except EntryError as error:
        return f"the reference could not be built: {error}"


def if_there(path: Path) -> Path | None:
    """The path, where something stands."""
    return path if path.exists() else None
