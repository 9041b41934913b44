"""Recipe steps, one file a family: what is done to a model, or to its conversion.

``STEPS`` is the list of all of them. A new step is one file with a ``STEP`` and its name here.
"""

from typing import Final

from harness.pipeline.recipes import distill, dynamic_int8, float16, float32, int8, int8_float_io, int16x8, prune
from harness.pipeline.recipes.step import FormatStep, ModelStep, Step

STEPS: Final[dict[str, Step]] = {
    step.name: step
    for step in (
        float32.STEP,
        float16.STEP,
        dynamic_int8.STEP,
        int8.STEP,
        int8_float_io.STEP,
        int16x8.STEP,
        prune.STEP,
        distill.STEP,
    )
}

__all__ = ["STEPS", "FormatStep", "ModelStep", "Step"]
