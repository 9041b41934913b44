"""From a candidate to an artifact: the only room that knows TensorFlow, in a process of its own."""

from harness.pipeline.build import Builder, build, build_many
from harness.pipeline.candidates import candidates, candidates_from_paths
from harness.pipeline.dataset import Dataset, TrainedModel
from harness.pipeline.inspect import ModelInfo, inspect_file
from harness.pipeline.recipes import Recipe, parse_recipe
from harness.pipeline.steps import STEPS
from harness.pipeline.zoo import ZOO

__all__ = [
    "STEPS",
    "ZOO",
    "Builder",
    "Dataset",
    "ModelInfo",
    "Recipe",
    "TrainedModel",
    "build",
    "build_many",
    "candidates",
    "candidates_from_paths",
    "inspect_file",
    "parse_recipe",
]
