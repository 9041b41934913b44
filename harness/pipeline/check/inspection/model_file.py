"""What a TensorFlow Lite file says of itself, read without running it; the file is not trusted."""

import math
import mmap
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.pipeline.check.inspection.activations import peak_bytes
from harness.pipeline.check.inspection.flatbuffer import DamagedError, Table, root
from harness.pipeline.check.inspection.graph import NAME_LIMIT, Graph, Tensor, reachable_graphs, read_graphs
from harness.pipeline.check.inspection.index_inputs import lookup_limits
from harness.pipeline.check.inspection.macs import operator_macs
from harness.pipeline.check.inspection.weights import WeightKind, parameters, weight_kinds, zero_share
from harness.records.artifact import Inside, OperatorTally, TensorInfo
from harness.records.errors import ModelFileError
from harness.records.files import open_regular

_MOST_COMPRESSED_BYTES = 128 * 2**20
_CHUNK_BYTES = 2**20
_LEVEL = 6
_IDENTIFIER = b"TFL3"
_MOST_SIGNATURES = 64
_MOST_IN_ORDER = 5000


@dataclass(frozen=True)
class Signature:
    """A signature's name and the number of its graph; interpreters run graph 0 where none is named."""

    name: str
    graph: int


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


@dataclass(frozen=True)
class ModelInfo:
    """A model file's inputs, outputs and operators (of its first subgraph), size, and all that can be counted in it."""

    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: int
    custom_operators: tuple[str, ...]
    """Of all subgraphs, since an interpreter must know them all."""
    contents: Contents
    open_inputs: tuple[str, ...] = ()
    """Inputs with an axis of open size, such as the batch; ``shape`` and all figures take it as the file does, as 1."""
    open_shapes: tuple[tuple[int, ...], ...] = ()
    """Each input's shape with -1 for an axis of open size."""
    signatures: tuple[Signature, ...] = ()

    @property
    def inside(self) -> Inside:
        """Operators, parameters, multiply-accumulates and sizes, as results keep them."""
        return self.contents.inside


def inspect_file(path: str | Path, *, compress: bool = True) -> ModelInfo:
    """What the file says of itself. Compressing it takes most of the time: up to a second for 10 MB.

    Raises ModelFileError, in one line, for anything that is no whole TensorFlow Lite model. Operators are
    reported, not judged: ``refuse_unresolved_operators`` does that.
    """
    file = Path(path)
    try:
        with open_regular(file) as stream:
            if os.fstat(stream.fileno()).st_size == 0:
                raise ModelFileError(f"{file} is empty (0 bytes): a TensorFlow Lite model was expected; copy it again")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
                return _inspect(file, view, compress=compress)
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror or error}") from error


def _inspect(file: Path, view: memoryview, *, compress: bool) -> ModelInfo:
    _check_identifier(file, view)
    try:
        model = root(view)
        graphs = read_graphs(model)
        if not graphs:
            raise ModelFileError(f"{file} holds no subgraph, so there is nothing to run: convert the model again")
        return _describe(model, graphs, view, compress=compress)
    except DamagedError as damage:
        raise ModelFileError(
            f"{file} is cut off or damaged: its {len(view):,} bytes {damage}; copy it again"
        ) from damage


def _check_identifier(file: Path, view: memoryview) -> None:
    found = bytes(view[4:8])
    if found == _IDENTIFIER:
        return
    raise ModelFileError(
        f"{file} is no TensorFlow Lite model: it {_looks_like(bytes(view[:64]))}, "
        f'where bytes 4 to 7 should say "{_IDENTIFIER.decode()}"; give a .tflite file'
    )


def _looks_like(head: bytes) -> str:
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "looks like a web page (a download that failed?)"
    if not head.strip(b"\0"):
        return "starts with zero bytes"
    kinds = {
        b"\x89hdf": "looks like a Keras .h5 file",
        b"pk\x03\x04": "looks like a zip (a .keras or PyTorch file?)",
        b"version https://git-lfs": "is a Git LFS pointer (run git lfs pull)",
    }
    for magic, kind in kinds.items():
        if start.startswith(magic):
            return kind
    said = head[4:8]
    return f'says "{said.decode()}"' if said.isascii() and said.decode().isprintable() and said else "does not say so"


def _describe(model: Table, graphs: tuple[Graph, ...], view: memoryview, *, compress: bool) -> ModelInfo:
    first = model.element(2, 0)
    custom = tuple(dict.fromkeys(op.name for graph in graphs for op in graph.operators if op.custom))
    return ModelInfo(
        size_bytes=len(view),
        inputs=_tensors(first, graphs[0], 1),
        outputs=_tensors(first, graphs[0], 2),
        operators=len(graphs[0].operators),
        custom_operators=custom,
        contents=sum_up(graphs, view, custom, compress=compress),
        open_inputs=tuple(_open_inputs(first, graphs[0])),
        open_shapes=tuple(_open_shape(first, graphs[0], number) for number in graphs[0].inputs),
        signatures=tuple(map(_signature, islice(model.tables(7), _MOST_SIGNATURES))),
    )


def _tensors(table: Table, graph: Graph, field: int) -> tuple[TensorInfo, ...]:
    """Inputs or outputs, with their names and scales, which are kept for no other tensors."""
    numbers = graph.inputs if field == 1 else graph.outputs
    limits = lookup_limits(graph) if field == 1 else (None,) * len(numbers)
    return tuple(
        _tensor(table.element(0, number), graph.tensors[number]).model_copy(update={"below": below})
        for number, below in zip(numbers, limits, strict=True)
    )


def _open_inputs(table: Table, graph: Graph) -> Iterator[str]:
    """Names of inputs whose shape signature, or the shape itself, leaves a size open."""
    for number in graph.inputs:
        tensor = table.element(0, number)
        if any(size < 0 for size in (*tensor.whole_numbers(7), *graph.tensors[number].shape)):
            yield tensor.text(3, limit=NAME_LIMIT)


def _open_shape(table: Table, graph: Graph, number: int) -> tuple[int, ...]:
    stated, shape = table.element(0, number).whole_numbers(7), graph.tensors[number].shape
    return stated if len(stated) == len(shape) else shape


def _signature(table: Table) -> Signature:
    return Signature(table.text(2, limit=NAME_LIMIT), table.scalar(4, "I"))


def _tensor(table: Table, tensor: Tensor) -> TensorInfo:
    parameters = table.table(4)
    scales = parameters.numbers(2, "f", limit=1) if parameters is not None and tensor.scales == 1 else ()
    quantised = bool(scales) and math.isfinite(scales[0])
    return TensorInfo(
        name=table.text(3, limit=NAME_LIMIT),
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=float(scales[0]) if quantised else 0.0,
        zero_point=tensor.zero_point if quantised else 0,
    )


def sum_up(
    graphs: tuple[Graph, ...], content: memoryview, custom_operators: tuple[str, ...], *, compress: bool
) -> Contents:
    """Everything that is counted. Raises DamagedError where the file contradicts itself."""
    numbers = reachable_graphs(graphs, 0)
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
        compressed_bytes=_compressed_bytes(content) if compress else None,
        order=_order(graphs[0], tallies),
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


def _order(graph: Graph, tallies: tuple[OperatorTally, ...]) -> tuple[tuple[int, int], ...]:
    """Nothing for a graph of too many: every result would hold it."""
    if len(graph.operators) > _MOST_IN_ORDER:
        return ()
    places = {tally.name: place for place, tally in enumerate(tallies)}
    return tuple((places[operator.name], operator_macs(graph, operator)) for operator in graph.operators)


def _compressed_bytes(content: memoryview) -> int | None:
    """The size after DEFLATE (RFC 1951); None for a file too large to try.

    At the level of zip and gzip: the highest takes ten times as long on pruned weights to save 5 % more.
    """
    if len(content) > _MOST_COMPRESSED_BYTES:
        return None
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    chunks = range(0, len(content), _CHUNK_BYTES)
    return sum(len(deflate.compress(content[at : at + _CHUNK_BYTES])) for at in chunks) + len(deflate.flush())
