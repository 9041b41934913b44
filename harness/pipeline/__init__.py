"""From a candidate to an artifact: the only room that knows TensorFlow, in a process of its own."""

from harness.pipeline.candidates import candidates, candidates_from_paths
from harness.pipeline.recipes import Recipe, parse_recipe
from harness.pipeline.steps import STEPS
from harness.pipeline.zoo import ZOO

__all__ = ["STEPS", "ZOO", "Recipe", "candidates", "candidates_from_paths", "parse_recipe"]
