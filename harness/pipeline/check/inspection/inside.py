"""What a model's graphs hold, summed up."""

import zlib
from collections import Counter
from dataclasses import dataclass

from harness.pipeline.check.inspection.activations import peak_bytes
from harness.pipeline.check.inspection.graph import Graph, called_from
from harness.pipeline.check.inspection.macs import operator_macs
from harness.pipeline.check.inspection.weights import WeightKind, parameters, weight_kinds, zero_share
from harness.records.artifact import Inside, OperatorTally

_MOST_COMPRESSED_BYTES = 128 * 2**20
_CHUNK_BYTES = 2**20
_LEVEL = 6


@dataclass(frozen=True)
class Contents:
    """What the graphs that an inference runs hold: the first one, and those it calls, each counted once."""

    inside: Inside
    weights: tuple[WeightKind, ...]
    order: tuple[str, ...]
    """The first graph's operators, by name, in the order they run."""
    called: int
    """Graphs that the first one calls, such as the body of a loop."""
    aside: int
    """Graphs that it never runs: those of other signatures."""


def sum_up(
    graphs: tuple[Graph, ...], content: memoryview, custom_operators: tuple[str, ...], *, compress: bool
) -> Contents:
    """Everything that is counted. Raises DamagedError where the file contradicts itself."""
    numbers = called_from(graphs, 0)
    running = [graphs[number] for number in numbers]
    tallies = _tallies(running)
    weights = parameters(running)
    kinds = weight_kinds(weights)
    inside = Inside(
        operators=tallies,
        parameters=sum(kind.elements for kind in kinds),
        macs=sum(tally.macs for tally in tallies),
        weight_bytes=sum(kind.size_bytes for kind in kinds),
        activation_bytes=peak_bytes(graphs),
        zero_share=zero_share(running, content),
        compressed_bytes=_compressed(content) if compress else None,
        custom_operators=custom_operators,
    )
    order = tuple(operator.name for operator in graphs[0].operators)
    return Contents(inside, kinds, order, called=len(numbers) - 1, aside=len(graphs) - len(numbers))


def _tallies(graphs: list[Graph]) -> tuple[OperatorTally, ...]:
    counts: Counter[str] = Counter()
    macs: Counter[str] = Counter()
    for graph in graphs:
        for operator in graph.operators:
            counts[operator.name] += 1
            macs[operator.name] += operator_macs(graph, operator)
    tallies = [OperatorTally(name=name, count=count, macs=macs[name]) for name, count in counts.items()]
    return tuple(sorted(tallies, key=lambda tally: (-tally.macs, -tally.count, tally.name)))


def _compressed(content: memoryview) -> int | None:
    """The size after DEFLATE (RFC 1951); None for a file too large to try.

    At the level of zip and gzip: the highest takes ten times as long on pruned weights to save 5 % more.
    """
    if len(content) > _MOST_COMPRESSED_BYTES:
        return None
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunks = range(0, len(content), _CHUNK_BYTES)
    return sum(len(deflate.compress(content[at : at + _CHUNK_BYTES])) for at in chunks) + len(deflate.flush())
