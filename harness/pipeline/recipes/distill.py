"""distill(width=..., teacher=...): a student that learns from a teacher's answers as well as from the labels.

The student is the candidate's own architecture, with another width where one is given. The teacher is the candidate
as trained, or the model that is named: a zoo model, module:function, or a Keras file.
"""

from typing import Final

from harness.pipeline.recipes.recipe_grammar import Call
from harness.pipeline.recipes.step import ModelStep, number, step_arguments
from harness.records.errors import CandidateSpecError

_NAMES: Final = ("width", "teacher")
_USAGE: Final = 'distill(width=0.5), distill(teacher=ic_resnet8) or distill(width=0.5, teacher="teacher.keras")'


def width_of(call: Call) -> float | None:
    """The student's width; None: the candidate's own."""
    given = step_arguments(call, _NAMES, usage=_USAGE)
    if "width" not in given:
        return None
    width = number(given["width"])
    if width is None or width <= 0.0:
        raise CandidateSpecError(f'step "{call}": a number above 0 was expected for its width; write {_USAGE}')
    return width


def _check(call: Call) -> None:
    if call.positional:
        raise CandidateSpecError(f'step "{call}": give what it takes by name; write {_USAGE}')
    given = step_arguments(call, _NAMES, usage=_USAGE)
    teacher = given.get("teacher")
    if width_of(call) is None and teacher is None:
        raise CandidateSpecError(f'step "{call}" makes a student that is its own teacher; write {_USAGE}')
    if not (teacher is None or isinstance(teacher, str | Call)):
        raise CandidateSpecError(f'step "{call}": its teacher is {teacher}, where a model was expected; write {_USAGE}')


STEP: Final = ModelStep("distill", _check, "harness.pipeline.model.training.distillation", new_model=True)
