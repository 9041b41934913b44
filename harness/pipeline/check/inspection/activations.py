"""How much memory activations take at one time: tensors live from the operator that makes them to their last use.

This is what an arena needs at least, in whatever order a planner places tensors in it. Planners do what this walk does:
TensorFlow Lite's ArenaPlanner lets an operator that only gives data another shape share its input's memory, and an
element-wise one write over an input that nobody reads afterwards, save for the graph's own inputs and outputs
(tensorflow/lite/arena_planner.cc).
"""

from collections import Counter
from typing import Final

from harness.pipeline.check.inspection.graph import Graph, Operator, reachable_graphs

_SAME_DATA: Final = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BITCAST"})
_ELEMENT_WISE: Final = frozenset(
    {
        *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD"),
        *("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "PRELU", "ELU", "GELU", "HARD_SWISH"),
        *("LOGISTIC", "TANH", "SOFTMAX", "LOG_SOFTMAX", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "SIN", "COS"),
        *("ABS", "NEG", "SIGN", "FLOOR", "CEIL", "ROUND", "LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT"),
        *("ATAN2", "DYNAMIC_UPDATE_SLICE"),
    }
)


def peak_bytes(graphs: tuple[Graph, ...], first: int = 0) -> int:
    """The largest sum of activations that live at one time while a graph runs, those of the graphs it calls included.

    Constants do not count, nor do weights that operators unpack from them.
    """
    peaks: dict[int, int] = {}
    for number in reversed(reachable_graphs(graphs, first)):
        peaks[number] = _Walk(graphs[number], peaks).peak
    return peaks[first]


class _Walk:
    """One pass over a graph's operators, in the order they run."""

    def __init__(self, graph: Graph, peaks: dict[int, int]) -> None:
        self._graph = graph
        self._uses = Counter(number for operator in graph.operators for number in operator.inputs if number >= 0)
        self._uses.update(graph.outputs)  # read after the last operator
        self._ends = {*graph.inputs, *graph.outputs}
        self._place: dict[int, int] = {}
        """Of a tensor that lives or lived: the one whose memory it has."""
        self._readers: Counter[int] = Counter()
        """Reads still to come, of all tensors that share one's memory."""
        self._live = 0
        kept = [number for number, tensor in enumerate(graph.tensors) if tensor.variable]
        for number in dict.fromkeys([*graph.inputs, *kept]):
            self._give_room(number)
        self._readers.update(kept)
        self.peak = self._live
        for operator in graph.operators:
            self._run(operator, max((peaks.get(call, 0) for call in operator.calls), default=0))

    def _run(self, operator: Operator, below: int) -> None:
        made = [number for number in operator.outputs if number >= 0 and number not in self._place]
        made = [number for number in made if self._graph.constant(number) is None]
        for number in made:
            shared = self._shared(operator, number)
            if shared is None:
                self._give_room(number)
            else:
                self._place[number] = shared
                self._readers[shared] += self._uses[number]
        self.peak = max(self.peak, self._live + below)
        for number in operator.inputs:
            if number in self._place:
                self._read(self._place[number])
        for number in made:
            if self._place[number] == number and not self._readers[number]:
                self._live -= self._graph.tensors[number].size_bytes

    def _shared(self, operator: Operator, output: int) -> int | None:
        """The tensor whose memory an output takes over."""
        if operator.custom or output in self._ends:
            return None
        for number in operator.inputs[:2]:
            place = self._place.get(number)
            if place is None or place in self._ends:
                continue
            if operator.name in _SAME_DATA:
                return place
            same_size = self._graph.tensors[place].size_bytes == self._graph.tensors[output].size_bytes
            if operator.name in _ELEMENT_WISE and same_size and self._readers[place] == operator.inputs.count(number):
                return place
        return None

    def _give_room(self, number: int) -> None:
        self._place[number] = number
        self._readers[number] = self._uses[number]
        self._live += self._graph.tensors[number].size_bytes

    def _read(self, place: int) -> None:
        self._readers[place] -= 1
        if not self._readers[place]:
            self._live -= self._graph.tensors[place].size_bytes
