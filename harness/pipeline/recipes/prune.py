"""prune(sparsity, block=(rows, columns)): a share of the weights set to zero, the rest trained to make up for it."""

from typing import Any, Final

from harness.pipeline.recipes.arguments import arguments_of, number
from harness.pipeline.recipes.recipe_grammar import Call
from harness.pipeline.recipes.step import ModelStep, StepOutcome, Subject
from harness.records.errors import CandidateSpecError

_NAMES: Final = ("sparsity", "block")
_USAGE: Final = "prune(0.8) or prune(0.8, block=(1, 4))"
_PAIR: Final = 2


def sparsity_of(call: Call) -> float:
    """The share of weights to be zero. Raises CandidateSpecError unless it is a number between 0 and 1."""
    given = arguments_of(call, _NAMES, usage=_USAGE)
    if "sparsity" not in given:
        raise CandidateSpecError(f'step "{call}" names no sparsity; write {_USAGE}')
    sparsity = number(given["sparsity"])
    if sparsity is None or not 0.0 < sparsity < 1.0:
        raise CandidateSpecError(
            f'step "{call}": a share between 0 and 1 was expected for its sparsity; write {_USAGE}'
        )
    return sparsity


def block_of(call: Call) -> tuple[int, int]:
    """Rows and columns that are zero together, the weights being a matrix of outputs and inputs; (1, 1): one by one."""
    block = arguments_of(call, _NAMES, usage=_USAGE).get("block", (1, 1))
    if not (isinstance(block, tuple) and len(block) == _PAIR and all(size >= 1 for size in block)):
        raise CandidateSpecError(f'step "{call}": its block is {block}, where (rows, columns) was expected: {_USAGE}')
    return block


def _check(call: Call) -> None:
    sparsity_of(call)
    block_of(call)


def _architecture(subject: Subject, _call: Call) -> Any:  # noqa: ANN401 - keras is not typed
    return subject.previous().model


def _train(model: Any, subject: Subject, call: Call) -> StepOutcome:  # noqa: ANN401
    from harness.pipeline.model.training.pruning import prune

    return StepOutcome(prune(model, subject, sparsity=sparsity_of(call), block=block_of(call), what=str(call)))


STEP: Final = ModelStep("prune", _check, _architecture, _train)
