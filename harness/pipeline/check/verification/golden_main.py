"""The limited process that runs a model on the host: golden outputs first, then every labelled sample's score."""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.golden_client import BuiltinAnswer, GoldenAnswer, GoldenJob, ScoreAnswer
from harness.pipeline.check.verification.litert import (
    MOST_DB,
    Array,
    LiteRTModel,
    RefusedError,
    dequantize,
    describe_refusal,
    ratio_db,
    repeatable_outputs,
)
from harness.pipeline.check.verification.samples import BadSamplesError, Samples, random_samples, read_samples
from harness.pipeline.check.verification.scoring import NoScoreError, all_outputs, score_all
from harness.records.artifact import TensorInfo


def main(text: str, tell: Tell) -> None:
    """Run one job, a GoldenJob."""
    job = GoldenJob.model_validate_json(text)
    try:
        model = LiteRTModel(job.model)
        samples = (
            random_samples(model.inputs, count=job.keep, seed=job.seed)
            if job.samples is None
            else read_samples(job.samples, model.inputs, truth=job.score == "own")
        )
        keep = min(job.keep, len(samples), samples.fitting())
        kept = _stack(repeatable_outputs(model, [samples.sample(index) for index in range(keep)]))
        _save(job.inputs_path, _number("i", [array[:keep] for array in samples.fed]))
        _save(job.outputs_path, _number("o", kept))
    except RefusedError as refusal:
        tell(GoldenAnswer(refused=str(refusal)))
    except BadSamplesError as fault:
        tell(GoldenAnswer(bad_samples=str(fault)))
    else:
        tell(GoldenAnswer(samples=keep, outputs=model.outputs))
        if job.score is not None:
            tell(_score(job, job.score, samples))
        tell(_builtin(job, samples, model.outputs, kept))


def _builtin(job: GoldenJob, samples: Samples, tensors: Sequence[TensorInfo], kept: Sequence[Array]) -> BuiltinAnswer:
    """The same samples by the built-in kernels, kept where their outputs are other bits."""
    try:
        model = LiteRTModel(job.model, kernels="builtin")
        others = _stack([model.run(samples.sample(index)) for index in range(len(kept[0]))])
        if all(one.tobytes() == other.tobytes() for one, other in zip(others, kept, strict=True)):
            return BuiltinAnswer()
        _save(job.builtin_path, _number("o", others))
    except RefusedError as refusal:
        return BuiltinAnswer(reason=str(refusal))
    return BuiltinAnswer(sqnr_db=min(map(_apart_db, others, kept, tensors)))


def _apart_db(ours: Array, theirs: Array, tensor: TensorInfo) -> float:
    """Signal power over error power of one output, where both are finite."""
    signal, other = dequantize(theirs, tensor), dequantize(ours, tensor)
    finite = np.isfinite(signal) & np.isfinite(other)
    error = float(((other[finite] - signal[finite]) ** 2).sum())
    ratio = ratio_db(float((signal[finite] ** 2).sum()), error)
    return MOST_DB if ratio is None else ratio


def _score(job: GoldenJob, score: str, samples: Samples) -> ScoreAnswer:
    try:
        if score == "own":
            _save(job.scores_path, _number("o", all_outputs(job.model, samples, threads=job.threads)))
        else:
            _save(job.scores_path, score_all(job.model, samples, score=score, threads=job.threads))
    except (NoScoreError, RefusedError) as error:
        return ScoreAnswer(reason=str(error))
    return ScoreAnswer(n=len(samples))


def _stack(kept: list[list[Array]]) -> list[Array]:
    try:
        return [np.stack(values) for values in zip(*kept, strict=True)]
    except ValueError as error:
        raise RefusedError("its outputs change their shape from sample to sample") from error


def _number(prefix: str, arrays: Sequence[Array]) -> dict[str, Array]:
    return {f"{prefix}{index}": array for index, array in enumerate(arrays)}


def _save(path: str, arrays: Mapping[str, Array]) -> None:
    try:
        np.savez(path, allow_pickle=False, **arrays)
    except OSError as error:
        raise RefusedError(f"what it reads or gives cannot be stored: {describe_refusal(error)}") from error
