"""What has to be built for a candidate, and the keys under which it is kept."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from harness.pipeline.builder.keys import (
    conversion_sources,
    export_sources,
    model_parts,
    step_parts,
    training_sources,
    user_sources,
)
from harness.pipeline.cache import ARTIFACTS, PREPARED, WEIGHTS, building_versions, key
from harness.pipeline.candidates.make_candidates import candidates_from_paths
from harness.pipeline.model.job import BuildJob, ModelSource, TrainingStep
from harness.pipeline.model.zoo import ZOO
from harness.pipeline.recipes.recipe import parse_recipe
from harness.pipeline.recipes.recipe_grammar import Call
from harness.records.candidate import Candidate
from harness.records.errors import BuildError, CandidateSpecError

REFERENCE_RECIPE: Final = "float32"
"""What every other recipe of a candidate is compared with."""


@dataclass(frozen=True)
class BuildSpec:
    """A build to be done: its model, its trainings, and where each of its results is kept.

    ``prepared`` is the folder of the trained and exported model, shared by recipes that train alike; ``artifact``
    that of the .tflite file. ``sources`` are hashes of the user's files that the factory depends on.
    """

    model: ModelSource
    trainings: tuple[TrainingStep, ...]
    recipe: str
    seed: int
    versions: dict[str, str]
    prepared: Path
    artifact: Path
    sources: dict[str, str]

    def job(self, output: Path) -> BuildJob:
        """What the worker is asked; ``output`` is the file to write."""
        return BuildJob(
            model=self.model,
            trainings=list(self.trainings),
            recipe=self.recipe,
            seed=self.seed,
            prepared=str(self.prepared),
            output=str(output),
        )

    def training_folders(self) -> tuple[Path, ...]:
        """Folders that its trainings fill."""
        found = [path for training in self.trainings for path in (training.weights, training.teacher_weights) if path]
        return tuple(dict.fromkeys(map(Path, found)))


def make_build_spec(candidate: Candidate, *, seed: int, cache_dir: Path) -> BuildSpec:
    """The order for a zoo model, a factory, a Keras file or a SavedModel. Raises BuildError for what is not there.

    Keys hold what decides the result. Trained weights: the factory's sources with what they import, its arguments,
    the data, given weights, the model steps so far, the seed, the versions of TensorFlow, Keras, numpy and
    scikit-learn, and the harness' own code that trains. The exported model: that and the code that exports.
    The artifact: that, the whole recipe, and the code that converts.
    """
    recipe = parse_recipe(candidate.recipe or REFERENCE_RECIPE)
    model = model_source(candidate)
    versions = building_versions()
    base = [model_parts(model), seed, versions, training_sources()]
    trainings = _trainings(base, recipe.model_steps(), candidate, cache_dir)
    trained = Path(trainings[-1].weights).name
    prepared = key([trained, export_sources()])
    converting = [step_parts(call) for call in recipe.steps if call not in recipe.model_steps()]
    return BuildSpec(
        model=model,
        trainings=trainings,
        recipe=str(recipe),
        seed=seed,
        versions=versions,
        prepared=cache_dir / PREPARED / prepared,
        artifact=cache_dir / ARTIFACTS / key([prepared, str(recipe), converting, conversion_sources()]),
        sources=user_sources(model) if candidate.kind == "factory" else {},
    )


def model_source(candidate: Candidate) -> ModelSource:
    """What makes the model of a candidate that is built."""
    kinds: dict[str, Literal["factory", "keras", "saved_model"]] = {
        "zoo": "factory",
        "factory": "factory",
        "keras": "keras",
        "saved_model": "saved_model",
    }
    if candidate.kind not in kinds:
        raise BuildError(f"{candidate}: a .tflite file cannot be trained: give a factory or a .keras file")
    search = [candidate.base_dir] if candidate.base_dir else []
    search += [place for place in sys.path if place and place not in search]
    return ModelSource(
        kind=kinds[candidate.kind],
        source=ZOO[candidate.source] if candidate.kind == "zoo" else candidate.source,
        label=candidate.name,
        arguments=dict(candidate.arguments),
        search=search,
        base_dir=candidate.base_dir,
        weights=candidate.weights,
        data=candidate.data,
        samples=candidate.samples if candidate.stages is None else None,
        signature=candidate.signature,
    )


def _trainings(
    base: list[object], steps: tuple[Call, ...], candidate: Candidate, cache_dir: Path
) -> tuple[TrainingStep, ...]:
    """The model's own training, then one for each model step; each keeps its weights under all that led to them."""
    weights = cache_dir / WEIGHTS
    led = list(base)
    trainings = [TrainingStep(step=None, weights=str(weights / key(led)))]
    for call in steps:
        teacher = _teacher(call, candidate)
        taught = None if teacher is None else key(["teacher", model_parts(teacher), base])
        led = [*led, step_parts(call), taught]
        trainings.append(
            TrainingStep(
                step=str(call),
                weights=str(weights / key(led)),
                teacher=teacher,
                teacher_weights=str(weights / taught) if taught else None,
            )
        )
    return tuple(trainings)


def _teacher(call: Call, candidate: Candidate) -> ModelSource | None:
    """The teacher that a step names: a zoo model, module:function, or a Keras file."""
    named = dict(call.keywords).get("teacher")
    if named is None:
        return None
    base_dir = Path(candidate.base_dir) if candidate.base_dir else None
    try:
        (teacher,) = candidates_from_paths([str(named)], base_dir=base_dir)
    except (CandidateSpecError, ValueError) as error:
        raise BuildError(f"{candidate}: its teacher {named}: {error}") from error
    return model_source(teacher)
