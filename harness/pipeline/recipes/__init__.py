"""What a recipe says: its grammar, and the steps it may name. Loads neither numpy nor TensorFlow.

``STEPS`` is the list of all steps. A number format is a row of ``number_formats.py``. A step that trains is one file
here, with the arguments it takes, one in ``harness/pipeline/model/training/`` that trains, and its name in ``STEPS``.
"""

from typing import Final

from harness.pipeline.recipes import distill, prune
from harness.pipeline.recipes.number_formats import NUMBER_FORMATS
from harness.pipeline.recipes.step import Step

STEPS: Final[dict[str, Step]] = {step.name: step for step in (*NUMBER_FORMATS, prune.STEP, distill.STEP)}

__all__ = ["STEPS"]
