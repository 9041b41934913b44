"""How near a model's outputs are to those of its reference, on the same samples."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.pipeline.check.verification.golden_client import HostOutputs
from harness.pipeline.check.verification.litert import dequantize, ratio_db
from harness.records.artifact import Fidelity, GoldenOutputs, TensorInfo

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Nearness:
    max_error: float
    max_error_share: float
    sqnr_db: float | None
    cosine: float | None


def compare_outputs(own: HostOutputs, reference: HostOutputs, *, against: str) -> tuple[Fidelity | None, str | None]:
    """The comparison, or why there is none."""
    if own.golden is None or reference.golden is None:
        return None, f"{against} could not be run: {reference.reason}" if own.golden else own.reason
    ours, theirs = _outputs(own.golden, own.outputs), _outputs(reference.golden, reference.outputs)
    if [values.shape for values in ours] != [values.shape for values in theirs]:
        return None, f"its outputs have shape {_shapes(ours)}, those of {against} {_shapes(theirs)}"
    lost = sum(
        int((~np.isfinite(values) & np.isfinite(right)).sum()) for values, right in zip(ours, theirs, strict=True)
    )
    if lost:
        return None, f"{lost} of its output values are NaN or infinite where those of {against} are not"
    if not all(np.isfinite(values).all() for values in theirs):
        return None, f"outputs of {against} are NaN or infinite"
    outputs = [_nearness(values, right) for values, right in zip(ours, theirs, strict=True)]
    ratios = [one.sqnr_db for one in outputs if one.sqnr_db is not None]
    cosines = [one.cosine for one in outputs]
    told = [cosine for cosine in cosines if cosine is not None]
    return Fidelity(
        against=against,
        samples=own.golden.samples,
        real=own.golden.real,
        max_error=max((one.max_error for one in outputs), default=0.0),
        max_error_share=max((one.max_error_share for one in outputs), default=0.0),
        sqnr_db=min(ratios, default=None),
        cosine=min(told) if told and len(told) == len(cosines) else None,
    ), None


def _outputs(golden: GoldenOutputs, tensors: tuple[TensorInfo, ...]) -> list[Values]:
    with np.load(Path(golden.outputs_path), allow_pickle=False) as arrays:
        return [dequantize(arrays[f"o{index}"], tensor) for index, tensor in enumerate(tensors)]


def _nearness(ours: Values, theirs: Values) -> _Nearness:
    """Of one output, shape (samples, *tensor shape)."""
    error = np.abs(ours - theirs)
    largest = float(error.max(initial=0.0))
    span = float(np.ptp(theirs)) if theirs.size else 0.0
    span = span or float(np.abs(theirs).max(initial=0.0)) or 1.0
    return _Nearness(
        max_error=largest,
        max_error_share=largest / span,
        sqnr_db=ratio_db(float((theirs**2).sum()), float((error**2).sum())),
        cosine=_mean_cosine(ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)),
    )


def _mean_cosine(ours: Values, theirs: Values) -> float | None:
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    if not norms.all():
        return None
    return float(np.clip(((ours * theirs).sum(axis=1) / norms).mean(), -1.0, 1.0))


def _shapes(arrays: list[Values]) -> str:
    return ", ".join(str(array.shape[1:]) for array in arrays) or "none"
