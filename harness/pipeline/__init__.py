"""From a candidate to an artifact: the only room that knows TensorFlow, in a process of its own.

Benchmarks import this room when they are collected, so what only building needs loads when it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from harness.pipeline.candidates.make_candidates import candidates, candidates_from_paths
from harness.pipeline.model.zoo import ZOO
from harness.pipeline.recipes import STEPS
from harness.pipeline.recipes.recipe import Recipe, parse_recipe

if TYPE_CHECKING:
    from harness.pipeline.builder.build import Builder
    from harness.pipeline.check.inspection.model_file import ModelInfo, inspect_file
    from harness.pipeline.model.dataset import Dataset, Schedule, TrainedModel, UntrainedModel

__all__ = [
    "STEPS",
    "ZOO",
    "Builder",
    "Dataset",
    "ModelInfo",
    "Recipe",
    "Schedule",
    "TrainedModel",
    "UntrainedModel",
    "candidates",
    "candidates_from_paths",
    "inspect_file",
    "parse_recipe",
]

_LATER = {
    "Builder": "builder.build",
    "Dataset": "model.dataset",
    "TrainedModel": "model.dataset",
    "UntrainedModel": "model.dataset",
    "Schedule": "model.dataset",
    "ModelInfo": "check.inspection.model_file",
    "inspect_file": "check.inspection.model_file",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute can be anything
    if name in _LATER:
        return getattr(importlib.import_module(f"harness.pipeline.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
