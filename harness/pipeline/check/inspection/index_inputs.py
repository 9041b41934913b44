"""Which inputs of a model are indices into a table, and how large the table is: read from its graph."""

import mmap
from pathlib import Path
from typing import Final

from harness.pipeline.check.inspection.flatbuffer import DamagedError, root
from harness.pipeline.check.inspection.graph import Graph, Operator, read_graphs

_PASSED_ON: Final = frozenset(
    {
        *("CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "SLICE", "STRIDED_SLICE", "TRANSPOSE", "IDENTITY"),
        *("PACK", "UNPACK", "CONCATENATION", "SPLIT", "SPLIT_V", "TILE", "PAD", "REVERSE_V2"),
    }
)
"""Operators that give the numbers on as they are."""
_LOOKUPS: Final = {
    "GATHER": (0, 1),
    "GATHER_ND": (0, 1),
    "EMBEDDING_LOOKUP": (1, 0),
    "EMBEDDING_LOOKUP_SPARSE": (4, 0),
}
"""Operators that look into a table: where the table and where the indices stand among their inputs."""


def file_graphs(path: Path) -> tuple[Graph, ...]:
    """The graphs of a file, the first one first; none where they cannot be read."""
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
            memoryview(content) as view,
        ):
            return read_graphs(root(view))
    except (OSError, ValueError, DamagedError):
        return ()


def lookup_limits(graph: Graph) -> tuple[int | None, ...]:
    """For each input of a graph the size of the smallest table that it indexes, None where there is none."""
    readers: dict[int, list[Operator]] = {}
    for operator in graph.operators:
        for number in operator.inputs:
            readers.setdefault(number, []).append(operator)
    return tuple(_limit(graph, readers, number) for number in graph.inputs)


def _limit(graph: Graph, readers: dict[int, list[Operator]], number: int) -> int | None:
    if not graph.tensors[number].dtype.startswith(("int", "uint")):
        return None
    sizes: list[int] = []
    waiting, seen = [number], {number}
    while waiting:
        tensor = waiting.pop()
        for operator in readers.get(tensor, ()):
            size = _table_size(graph, operator, tensor)
            sizes += [] if size is None else [size]
            if operator.name in _PASSED_ON:
                further = [output for output in operator.outputs if output not in seen]
                seen.update(further)
                waiting += further
    return min(sizes, default=None)


def _table_size(graph: Graph, operator: Operator, indices: int) -> int | None:
    """How many entries the table has that an operator looks into with these indices."""
    table_at, indices_at = _LOOKUPS.get(operator.name, (0, 0))
    if operator.name not in _LOOKUPS or len(operator.inputs) <= max(table_at, indices_at):
        return None
    table = graph.operand(operator, table_at)
    if operator.inputs[indices_at] != indices or table is None:
        return None
    if operator.name == "GATHER_ND":
        depth = graph.tensors[indices].shape[-1:]
        sizes = table.shape[: depth[0]] if depth else ()
    else:
        sizes = table.shape[operator.axis :][:1] if -len(table.shape) <= operator.axis < len(table.shape) else ()
    return min(sizes, default=0) if min(sizes, default=0) > 0 else None
