"""The limited process that compares two models layer by layer: the same samples through both, every tensor kept.

An error goes on through all later layers, so the layer with the worst output is seldom the one at fault. What counts
is how far a layer's output stands below what it was given: the fall of the signal-to-noise ratio over it.
Ratios are means over channels, in dB.
"""

import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.layer_names import layer_names
from harness.pipeline.check.verification.layer_pairs import Opened, UnlikeError, dequantised, opened, paired
from harness.pipeline.check.verification.layers_job import LayersAnswer, LayersJob
from harness.pipeline.check.verification.running import Array, RefusedError, one_line
from harness.records.artifact import LayerError

CLEAN_DB: Final = 40.0
"""What a layer is given counts as at most so good: about what int8 activations can hold."""
FALL_DB: Final = 10.0
"""A layer over which the error's share of the power grows tenfold is named."""
_MOST_NAMED: Final = 5
Values = NDArray[np.float64]
_CHANNEL_DB: Final = (0.0, 60.0)
"""A channel at 0 dB is all error; what lies beyond 60 dB is nobody's concern here."""


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


def main(text: str, tell: Tell) -> None:
    """Run one job, a LayersJob."""
    job = LayersJob.model_validate_json(text)
    try:
        tell(LayersAnswer(worst=_worst(job)))
    except (UnlikeError, RefusedError) as error:
        tell(LayersAnswer(reason=f"layers were not compared: {error}"))


def _worst(job: LayersJob) -> tuple[LayerError, ...]:
    own, reference = opened(job.model), opened(job.reference)
    pairs = paired(own, reference, name=job.name)
    outputs = [(a, b) for one, other in pairs for a, b in zip(one.outputs, other.outputs, strict=True)]
    inputs = list(zip(own.graph.inputs, reference.graph.inputs, strict=True))
    tallies = [_Tally(a, b) for a, b in [*inputs, *outputs] if _is_told(own, reference, a, b)]
    ours, theirs = _samples(job.inputs_path, job.samples), _samples(job.reference_inputs_path, job.samples)
    for fed, right in zip(ours, theirs, strict=True):
        own.model.run(fed)
        reference.model.run(right)
        for tally in tallies:
            _take(tally, own, reference)
    ratios = {tally.reference: tally.ratio_db() for tally in tallies}
    return _ranked(reference, {number: ratio for number, ratio in ratios.items() if ratio is not None})


def _is_told(own: Opened, reference: Opened, ours: int, theirs: int) -> bool:
    """Whether two tensors are numbers that quantisation moved: computed ones, of floats in the reference."""
    computed = own.graph.tensors[ours].data is None
    return computed and reference.graph.tensors[theirs].dtype == "float32"


def _take(tally: _Tally, own: Opened, reference: Opened) -> None:
    ours, theirs = own.model.tensor(tally.own), reference.model.tensor(tally.reference)
    if ours is not None and theirs is not None and ours.shape == theirs.shape:
        tally.add(dequantised(ours, own.details[tally.own]), dequantised(theirs, reference.details[tally.reference]))


def _ranked(reference: Opened, ratios: dict[int, float]) -> tuple[LayerError, ...]:
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
        raise RefusedError(f"the samples cannot be read: {one_line(error)}") from error
    return [list(values) for values in zip(*columns, strict=True)] if columns else [[]]
