"""Which operators of a model a delegate took, as the runtime lists them.

Its list has the file's operators first, then a node for each part that was handed over, with what that part reads and
writes: the operators within are those met on the way back from the one to the other. The host asks likewise
(``check/inspection/delegation_main.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Set

if TYPE_CHECKING:
    from edge_agent.interfaces import Interpreter

_PART = "DELEGATE"
_LONGEST_NAME = 128
MOST_OPERATORS = 5000


class OperatorPlacement(NamedTuple):
    """The names of the model's operators, the numbers of those that a delegate took, and in how many parts."""

    operators: List[str]
    delegated: List[int]
    parts: int

    def record(self) -> Optional[Dict[str, Any]]:
        """The Placement record; None for more operators than are told one by one."""
        return self._asdict() if len(self.operators) <= MOST_OPERATORS else None


def read_placement(interpreter: Interpreter) -> Optional[OperatorPlacement]:
    """What is handed over by now; None where the runtime does not list its operators."""
    listed = getattr(interpreter, "_get_ops_details", None)
    if listed is None:
        return None
    nodes: List[Dict[str, Any]] = listed()
    parts = [node for node in nodes if node["op_name"] == _PART]
    operators = nodes[: len(nodes) - len(parts)]
    if any(node["op_name"] == _PART for node in operators):
        return None
    delegated = sorted(set().union(*(_within(operators, part) for part in parts)))
    names = [str(node["op_name"])[:_LONGEST_NAME] for node in operators]
    return OperatorPlacement(names, delegated, len(parts))


def _within(operators: Sequence[Dict[str, Any]], part: Dict[str, Any]) -> Set[int]:
    makers = {int(output): number for number, operator in enumerate(operators) for output in operator["outputs"]}
    borders = {int(tensor) for tensor in part["inputs"]}
    found: Set[int] = set()
    waiting = [int(tensor) for tensor in part["outputs"]]
    while waiting:
        tensor = waiting.pop()
        maker = makers.get(tensor)
        if tensor in borders or maker is None or maker in found:
            continue
        found.add(maker)
        waiting += [int(each) for each in operators[maker]["inputs"]]
    return found
