"""What has to be built for a candidate, and the keys under which it is kept."""

import sys
from dataclasses import dataclass
from pathlib import Path

from harness.pipeline.cache import building_key, building_versions, key
from harness.pipeline.recipes import Recipe, parse_recipe
from harness.pipeline.sources import source_hashes
from harness.pipeline.steps import STEPS
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
    """A build to be done: its factory, recipe and keys.

    ``prepared`` is the folder of the trained and exported model, shared by recipes that train alike.
    """

    factory: str
    search: list[str]
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
    training = key([factory, sources, _model_steps(recipe), seed, versions, building_key()])
    return Order(
        factory=factory,
        search=search,
        recipe=str(recipe),
        versions=versions,
        prepared=cache_dir / "prepared" / training,
        artifact_key=key([training, str(recipe)]),
    )


def _model_steps(recipe: Recipe) -> list[str]:
    return [str(step) for step in recipe.steps if STEPS[step.name].stage == "model"]
