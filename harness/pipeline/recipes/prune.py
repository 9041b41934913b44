"""prune(sparsity, block=(rows, columns)): a share of the weights set to zero, the rest trained to make up for it."""

from typing import Final

from harness.pipeline.recipes.recipe_grammar import Call
from harness.pipeline.recipes.step import ModelStep, number, step_arguments
from harness.records.errors import CandidateSpecError

_NAMES: Final = ("sparsity", "block")
_USAGE: Final = "prune(0.8) or prune(0.8, block=(1, 4))"
_PAIR: Final = 2


def sparsity_of(call: Call) -> float:
    """The share of weights to be zero. Raises CandidateSpecError unless it is a number between 0 and 1."""
    given = step_arguments(call, _NAMES, usage=_USAGE)
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
    block = step_arguments(call, _NAMES, usage=_USAGE).get("block", (1, 1))
    if not (isinstance(block, tuple) and len(block) == _PAIR and all(size >= 1 for size in block)):
        raise CandidateSpecError(f'step "{call}": its block is {block}, where (rows, columns) was expected: {_USAGE}')
    return block


def _check(call: Call) -> None:
    sparsity_of(call)
    block_of(call)


STEP: Final = ModelStep("prune", _check, "harness.pipeline.model.training.pruning")
