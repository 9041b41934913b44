"""The limited process in which LiteRT hands operators to XNNPACK; nothing is run."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from harness.pipeline.check.inspection.delegation_client import DelegationAnswer, DelegationJob
from harness.pipeline.check.sandbox import Tell
from harness.records.text import shorten

_DELEGATE: Final = "DELEGATE"
_UNRESOLVED: Final = ("Encountered unresolved custom op", "Select TensorFlow op(s)")
"""How LiteRT says that it does not have an operator."""


def main(text: str, tell: Tell) -> None:
    """Do one job, a DelegationJob."""
    tell(_load(DelegationJob.model_validate_json(text).model))


def _load(path: str) -> DelegationAnswer:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        return DelegationAnswer(refused=f"this host has no LiteRT ({error})")
    try:
        interpreter = Interpreter(model_path=path, num_threads=1)
        # Listed before anything is handed over: some custom operators are XNNPACK's alone.
        names = [node["op_name"] for node in _nodes(interpreter)]
        interpreter.allocate_tensors()
        nodes = _nodes(interpreter)
    except (ValueError, RuntimeError, MemoryError) as error:
        told = shorten(str(error)) or f"{type(error).__name__} without a message (out of memory?)"
        unresolved = str(error) if any(words in str(error) for words in _UNRESOLVED) else None
        return DelegationAnswer(refused=f"LiteRT refuses it: {told}", unresolved=unresolved)
    operators, parts = nodes[: len(names)], nodes[len(names) :]
    if any(part["op_name"] != _DELEGATE for part in parts):
        return DelegationAnswer(refused="LiteRT lists its operators in a way this version of the harness cannot read")
    taken = {index for part in parts for index in delegated_operators(operators, part)}
    return DelegationAnswer(operators=tuple(names), taken=tuple(sorted(taken)), parts=len(parts))


def _nodes(interpreter: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - not typed
    """All nodes of the first graph: the file's operators, then a DELEGATE for each part that was handed over."""
    nodes: list[dict[str, Any]] = interpreter._get_ops_details()
    return nodes


def delegated_operators(operators: Sequence[dict[str, Any]], part: dict[str, Any]) -> Iterable[int]:
    """The operators inside a part: those met on the way back from its outputs to its inputs."""
    makers = {int(output): index for index, operator in enumerate(operators) for output in operator["outputs"]}
    borders = {int(number) for number in part["inputs"]}
    found: set[int] = set()
    waiting = [int(number) for number in part["outputs"]]
    while waiting:
        number = waiting.pop()
        maker = makers.get(number)
        if number in borders or maker is None or maker in found:
            continue
        found.add(maker)
        waiting += [int(each) for each in operators[maker]["inputs"]]
    return found
