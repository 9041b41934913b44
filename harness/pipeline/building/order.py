"""What has to be built for a candidate, and the keys under which it is kept."""

import sys
from dataclasses import dataclass
from pathlib import Path

from harness.pipeline.building.jobs import ModelSource, TrainingStage
from harness.pipeline.building.sources import source_hashes
from harness.pipeline.cache import building_key, building_versions, key
from harness.pipeline.recipes import Recipe, parse_recipe
from harness.pipeline.zoo import ZOO
from harness.records.base import Record
from harness.records.candidate import Candidate
from harness.records.errors import BuildError


class BuiltRecord(Record):
    """What stands beside a built .tflite file: its hash, the seconds it took, and the versions that made it."""

    sha256: str
    build_s: float
    versions: dict[str, str]


@dataclass(frozen=True)
class Order:
    """A build to be done: its model, its trainings, and keys.

    ``prepared`` is the folder of the trained and exported model, shared by recipes that train alike.
    """

    model: ModelSource
    stages: tuple[TrainingStage, ...]
    recipe: str
    versions: dict[str, str]
    prepared: Path
    artifact_key: str


def order_for(candidate: Candidate, *, seed: int, cache_dir: Path) -> Order:
    """The order for a zoo model or a factory. Raises BuildError for a module that is not there.

    Keys hold what decides the result: the factory's sources with what they import, the recipe, the seed, the
    versions of TensorFlow, Keras, numpy and scikit-learn, and the sources of the harness that build.
    """
    factory = ZOO[candidate.source] if candidate.kind == "zoo" else candidate.source
    search = [candidate.base_dir] if candidate.base_dir else []
    search += [place for place in sys.path if place and place not in search]
    module = factory.partition(":")[0]
    sources = source_hashes(module, search)
    if not sources:
        raise BuildError(
            f"{candidate.source}: there is no module {module} beside the calling file ({candidate.base_dir}) "
            "or on Python's module path"
        )
    recipe = parse_recipe(candidate.recipe or "float32")
    versions = building_versions()
    model = ModelSource(
        kind="factory",
        source=factory,
        label=candidate.name,
        arguments=dict(candidate.arguments),
        search=search,
        base_dir=candidate.base_dir,
        weights=candidate.weights,
        data=candidate.data,
    )
    base = [factory, sources, sorted(model.arguments.items()), seed, versions, building_key()]
    stages = _stages(base, recipe, cache_dir)
    training = key([base, list(map(str, recipe.model_steps()))])
    return Order(
        model=model,
        stages=stages,
        recipe=str(recipe),
        versions=versions,
        prepared=cache_dir / "prepared" / training,
        artifact_key=key([training, str(recipe)]),
    )


def _stages(base: list[object], recipe: Recipe, cache_dir: Path) -> tuple[TrainingStage, ...]:
    """The model's own training, then one for each model step; each keeps its weights under all that led to them."""
    steps = [str(step) for step in recipe.model_steps()]
    return tuple(
        TrainingStage(step=step, weights=str(cache_dir / "weights" / key([base, steps[:done]])))
        for done, step in enumerate([None, *steps])
    )
