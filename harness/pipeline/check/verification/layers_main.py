"""The limited process that compares two models layer by layer: the same samples through both, every tensor kept.

Operators of the two files are paired first, which must be the same layers with the same weights, rounded.
An error goes on through all later layers, so the layer with the worst output is seldom the one at fault. What counts
is how far a layer's output stands below what it was given: the fall of the signal-to-noise ratio over it.
Ratios are means over channels, in dB.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.inspection.flatbuffer import DamagedError, root
from harness.pipeline.check.inspection.graph import Graph, Operator, read_graphs
from harness.pipeline.check.inspection.layer_names import layer_names
from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.layers_client import LayersAnswer, LayersJob
from harness.pipeline.check.verification.litert import Array, LiteRTModel, RefusedError, describe_refusal
from harness.records.artifact import LayerError

_BETWEEN_TYPES: Final = ("QUANTIZE", "DEQUANTIZE", "DENSIFY")
_FLOAT16_STEP: Final = 2.0**-10
_FLOAT16_LEAST: Final = 2.0**-24
_FLOAT32_STEP: Final = 1e-6
CLEAN_DB: Final = 40.0
"""What a layer is given counts as at most so good: about what int8 activations can hold."""
FALL_DB: Final = 10.0
"""A layer over which the error's share of the power grows tenfold is named."""
_MOST_NAMED: Final = 5
Values = NDArray[np.float64]
_CHANNEL_DB: Final = (0.0, 60.0)
"""A channel at 0 dB is all error; what lies beyond 60 dB is nobody's concern here."""


class UnlikeError(Exception):
    """The two files are not the same network; the message says in what they differ."""


@dataclass(frozen=True)
class OpenedModel:
    """A model in an interpreter that keeps all tensors, with its graph and what LiteRT says of its tensors."""

    model: LiteRTModel
    graph: Graph
    details: dict[int, dict[str, Any]]

    def layers(self) -> list[Operator]:
        """Operators in the order they run, without those that only change a type."""
        return [operator for operator in self.graph.operators if operator.name not in _BETWEEN_TYPES]

    def maker(self, number: int) -> int:
        """The tensor that a layer computed, or the model's input, behind operators that only change a type."""
        for _ in range(len(self.graph.operators)):
            operator = self.graph.makers.get(number)
            if operator is None or operator.name not in _BETWEEN_TYPES or not operator.inputs:
                break
            number = operator.inputs[0]
        return number


def main(text: str, tell: Tell) -> None:
    """Run one job, a LayersJob."""
    job = LayersJob.model_validate_json(text)
    try:
        tell(LayersAnswer(worst=_worst(job)))
    except (UnlikeError, RefusedError) as error:
        tell(LayersAnswer(reason=f"layers were not compared: {error}"))


@dataclass
class _Tally:
    """One pair of tensors over all samples; sums of squares for each channel, which is the last axis."""

    own: int
    reference: int
    signal: Values | float = 0.0
    noise: Values | float = 0.0

    def add(self, ours: Values, theirs: Values) -> None:
        """Take one sample in; what is NaN or infinite is an error without bounds."""
        wide = theirs.reshape(-1, theirs.shape[-1] if theirs.ndim else 1)
        error = np.nan_to_num(np.abs(ours - theirs), nan=1e150, posinf=1e150).reshape(wide.shape)
        self.signal = self.signal + (wide**2).sum(axis=0)
        self.noise = self.noise + (error**2).sum(axis=0)

    def ratio_db(self) -> float | None:
        """Signal power over error power, mean over channels; None where there is no signal.

        A sum over all channels would hide the small ones behind a large one, and it is the small ones that
        a range too wide for them ruins.
        """
        signal, noise = np.atleast_1d(self.signal), np.atleast_1d(self.noise)
        alive = signal > 0.0
        if not alive.any():
            return None
        low, high = _CHANNEL_DB
        worst = signal[alive] / 10.0 ** (high / 10.0)
        ratios = 10.0 * np.log10(signal[alive] / np.maximum(noise[alive], worst))
        return float(np.maximum(ratios, low).mean())


def _worst(job: LayersJob) -> tuple[LayerError, ...]:
    own, reference = open_model(job.model), open_model(job.reference)
    pairs = pair_layers(own, reference, name=job.name)
    outputs = [(a, b) for one, other in pairs for a, b in zip(one.outputs, other.outputs, strict=True)]
    inputs = list(zip(own.graph.inputs, reference.graph.inputs, strict=True))
    tallies = [_Tally(a, b) for a, b in [*inputs, *outputs] if _counts(own, reference, a, b)]
    ours, theirs = _samples(job.inputs_path, job.samples), _samples(job.reference_inputs_path, job.samples)
    for fed, right in zip(ours, theirs, strict=True):
        own.model.run(fed)
        reference.model.run(right)
        for tally in tallies:
            _take(tally, own, reference)
    ratios = {tally.reference: tally.ratio_db() for tally in tallies}
    return _rank(reference, {number: ratio for number, ratio in ratios.items() if ratio is not None})


def _counts(own: OpenedModel, reference: OpenedModel, ours: int, theirs: int) -> bool:
    """Whether two tensors are numbers that quantisation moved: computed ones, of floats in the reference."""
    computed = own.graph.tensors[ours].data is None
    return computed and reference.graph.tensors[theirs].dtype == "float32"


def _take(tally: _Tally, own: OpenedModel, reference: OpenedModel) -> None:
    ours, theirs = own.model.tensor(tally.own), reference.model.tensor(tally.reference)
    if ours is not None and theirs is not None and ours.shape == theirs.shape:
        tally.add(
            dequantize_channels(ours, own.details[tally.own]),
            dequantize_channels(theirs, reference.details[tally.reference]),
        )


def _rank(reference: OpenedModel, ratios: dict[int, float]) -> tuple[LayerError, ...]:
    """The layers over which the ratio falls most, worst first; where none falls far, the worst output alone."""
    made = [(operator, number) for operator in reference.layers() for number in operator.outputs if number in ratios]
    names = layer_names({n: (op.name, str(reference.details[n]["name"])) for op, n in made})
    layers = []
    for operator, number in made:
        sources = [reference.maker(source) for source in operator.inputs if source >= 0]
        given = min([CLEAN_DB, *(ratios[source] for source in sources if source in ratios)])
        before = next((names[source] for source in sources if source in names), None)
        layers.append(
            LayerError(
                layer=names.get(number) or before or str(reference.details[number]["name"]),
                operator=operator.name,
                sqnr_db=ratios[number],
                fall_db=given - ratios[number],
            )
        )
    fallen = sorted(
        (layer for layer in layers if (layer.fall_db or 0.0) >= FALL_DB), key=lambda layer: -(layer.fall_db or 0.0)
    )
    return tuple(fallen[:_MOST_NAMED] or sorted(layers, key=lambda layer: layer.sqnr_db)[:1])


def _samples(path: str, most: int) -> list[list[Array]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            columns = [arrays[f"i{index}"][:most] for index in range(len(arrays.files))]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RefusedError(f"the samples cannot be read: {describe_refusal(error)}") from error
    return [list(values) for values in zip(*columns, strict=True)] if columns else [[]]


def open_model(path: str) -> OpenedModel:
    """Raises RefusedError."""
    try:
        graphs = read_graphs(root(memoryview(Path(path).read_bytes())))
    except (DamagedError, OSError) as error:
        raise RefusedError(f"its operators cannot be read: {error}") from error
    model = LiteRTModel(path, every_tensor=True)
    return OpenedModel(model, graphs[0], model.tensors())


def pair_layers(own: OpenedModel, reference: OpenedModel, *, name: str) -> list[tuple[Operator, Operator]]:
    """Each layer of a model with the same layer of the reference. Raises UnlikeError."""
    ours, theirs = own.layers(), reference.layers()
    if [operator.name for operator in ours] != [operator.name for operator in theirs]:
        raise UnlikeError(f"it has other operators than {name}")
    pairs = list(zip(ours, theirs, strict=True))
    for one, other in pairs:
        if _shapes(own, one) != _shapes(reference, other):
            raise UnlikeError(f"its layers have other sizes than those of {name}")
    if not all(_same_weights(own, one, reference, other) for one, other in pairs):
        raise UnlikeError(f"its weights were trained further than those of {name}")
    return pairs


def dequantize_channels(values: Array, detail: dict[str, Any]) -> NDArray[np.float64]:
    """Values as float64, by the tensor's own scales, one for each channel where it has several."""
    scales, zero_points, axis = _scales(detail)
    if values.dtype.kind not in "iu" or not scales.size:
        return values.astype(np.float64)
    shape = _along(axis, values.ndim) if scales.size > 1 else ()
    return (values.astype(np.float64) - zero_points.reshape(shape)) * scales.reshape(shape)


def _shapes(opened: OpenedModel, operator: Operator) -> list[tuple[int, ...]]:
    return [opened.graph.tensors[number].shape for number in operator.outputs]


def _same_weights(own: OpenedModel, one: Operator, reference: OpenedModel, other: Operator) -> bool:
    """Whether constants of an operator are the reference's own, rounded: no number is further off than one step."""
    for ours, theirs in zip(one.inputs, other.inputs, strict=False):
        number, right = own.graph.constant(ours), reference.graph.constant(theirs)
        if number is None or right is None or reference.graph.tensors[right].dtype != "float32":
            continue
        if len(reference.graph.tensors[right].shape) < 2:
            continue  # biases are rounded in steps of two other scales
        values, expected = own.model.tensor(number), reference.model.tensor(right)
        if values is None or expected is None or values.shape != expected.shape:
            continue
        error = np.abs(dequantize_channels(values, own.details[number]) - expected)
        if (error > _step(values, own.details[number], expected)).any():
            return False
    return True


def _step(values: Array, detail: dict[str, Any], expected: Array) -> NDArray[np.float64]:
    size = np.abs(expected).astype(np.float64)
    if values.dtype == np.float16:
        return size * _FLOAT16_STEP + _FLOAT16_LEAST
    scales, _, axis = _scales(detail)
    if values.dtype.kind not in "iu" or not scales.size:
        return size * _FLOAT32_STEP + _FLOAT32_STEP
    steps = scales.reshape(_along(axis, values.ndim)) if scales.size > 1 else scales
    return np.broadcast_to(steps * 1.001, values.shape)


def _scales(detail: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    told = detail["quantization_parameters"]
    scales = np.asarray(told["scales"], dtype=np.float64)
    return scales, np.asarray(told["zero_points"], dtype=np.float64), int(told["quantized_dimension"])


def _along(axis: int, dimensions: int) -> tuple[int, ...]:
    return tuple(-1 if index == axis else 1 for index in range(dimensions))
