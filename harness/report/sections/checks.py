"""How each artifact was checked: accuracy, nearness to float32, outputs on the devices, and how it was trained."""

from typing import Any

from harness.records.artifact import AccuracyDrop, AccuracyResult, Fidelity, LayerError, Rival, Training, Verification
from harness.records.results import Results
from harness.records.units import format_quantity
from harness.report.charts.page_charts import GroupCharts
from harness.report.groups import MeasuredArtifact, artifacts, artifacts_left_out
from harness.report.labels import device_title
from harness.report.numbers import gained_text, loss_interval, points
from harness.report.sections import Section

COLUMNS = ("accuracy", "against float32", "SQNR", "cosine", "largest error")
SCORES = {"top1": "right", "auc": "AUC"}

Cell = tuple[str, ...]


def _context(results: Results, _: list[GroupCharts]) -> dict[str, Any] | None:
    candidates = [
        {
            "name": candidate,
            "rows": [(one.name, _cells(one.record.verification)) for one in found],
            "cards": [(one.name, _facts(results, one)) for one in found],
        }
        for candidate, found in artifacts(results)
    ]
    return (
        {"columns": COLUMNS, "candidates": candidates, "left_out": artifacts_left_out(results)} if candidates else None
    )


def _cells(found: Verification) -> list[Cell]:
    return [_accuracy(found.accuracy), _drop(found.accuracy_drop, found.accuracy), *_nearness(found.fidelity)]


def _accuracy(accuracy: AccuracyResult | None) -> Cell:
    if accuracy is None:
        return ("–",)
    value = format_quantity(accuracy.value, accuracy.unit)
    if accuracy.metric is not None:
        return (value, f"{accuracy.title}, n {accuracy.n:,}")
    if accuracy.score == "auc":
        return (value, f"AUC, n {accuracy.n:,}")
    return (value, f"n {accuracy.n:,}" if accuracy.correct is None else f"{accuracy.correct:,} of {accuracy.n:,}")


def _drop(drop: AccuracyDrop | None, accuracy: AccuracyResult | None) -> Cell:
    """Points gained or lost; the interval with the same sign; the samples behind it."""
    if drop is None:
        return ("–",)
    changed = "" if drop.lost is None else f"{drop.lost} lost, {drop.gained} gained"
    return (gained_text(drop.value, accuracy), *filter(None, (loss_interval(drop, accuracy), changed)))


def _nearness(fidelity: Fidelity | None) -> list[Cell]:
    if fidelity is None:
        return [("–",)] * 3
    ratio = "equal" if fidelity.sqnr_db is None else f"{fidelity.sqnr_db:.1f} dB"
    cosine = "–" if fidelity.cosine is None else f"{fidelity.cosine:.6f}"
    share = f"{format_quantity(fidelity.max_error_share, '1')} of the range"
    return [(ratio,), (cosine,), (f"{fidelity.max_error:.3g}", share)]


def _facts(results: Results, one: MeasuredArtifact) -> list[tuple[str, list[str]]]:
    record, found = one.record, one.record.verification
    told = [
        ("outputs", _outputs(results, one)),
        ("test set", _test_set(found)),
        ("compared", _comparison(found)),
        ("worst layers", [*map(_layer, found.worst_layers), *_as_texts(found.layers_reason)]),
        ("notes", list(record.notes)),
        ("trained", [text for training in record.trainings for text in _training(training)]),
        ("held against", _rival(record.rival) if record.rival else []),
    ]
    return [(name, texts) for name, texts in told if texts]


def _as_texts(reason: str | None) -> list[str]:
    return [reason] if reason else []


def _outputs(results: Results, one: MeasuredArtifact) -> list[str]:
    """What each device's outputs were held against; the device is named where there are several answers."""
    told: dict[str, list[str]] = {}
    for entry in one.entries:
        told.setdefault(entry.outputs, []).append(device_title(entry.device, results.devices))
        if entry.cross_check is not None:
            told.setdefault(entry.cross_check.sentence, []).append(device_title(entry.device, results.devices))
    return [f"{', '.join(dict.fromkeys(names))}: {outputs}" for outputs, names in told.items()]


def _test_set(found: Verification) -> list[str]:
    if found.accuracy is None:
        return _as_texts(found.accuracy_reason)
    return [", ".join(filter(None, (found.accuracy.dataset, found.accuracy.obtained)))]


def _comparison(found: Verification) -> list[str]:
    fidelity, drop = found.fidelity, found.accuracy_drop
    if fidelity is None:
        texts = _as_texts(found.fidelity_reason)
    else:
        kind = "real" if fidelity.real else "made-up"
        texts = [f"outputs against {fidelity.against} on {fidelity.samples:,} {kind} samples"]
    if drop is not None:
        p_value = "" if drop.p_value is None else f", p {drop.p_value:.3g}"
        texts = [*texts, f"{drop.obtained}; {format_quantity(drop.confidence, '1')} interval{p_value}"]
    return texts


def _layer(layer: LayerError) -> str:
    fall = "" if layer.fall_db is None else f", {layer.fall_db:.1f} dB below what it was given"
    return f"{layer.layer} ({layer.operator}): {layer.sqnr_db:.1f} dB{fall}"


def _training(training: Training) -> list[str]:
    epochs = "" if training.epochs is None else f"{training.epochs} epoch{'' if training.epochs == 1 else 's'}"
    spent = format_quantity(training.seconds, "s") if training.seconds else ""
    kept = "weights from the cache" if training.cached else ""
    return [", ".join(filter(None, (training.what, epochs, spent, kept))), *training.notes]


def _rival(rival: Rival) -> list[str]:
    own, other = (format_quantity(value, "1") for value in (rival.own_value, rival.value))
    difference = points(rival.own_value - rival.value)
    score = SCORES[rival.score]
    return [
        f"{own} against {other} {score} for {rival.what} ({difference}; n {rival.n:,}, seed {rival.seed}, in Keras)"
    ]


CHECKS = Section("checks", "How each artifact was checked", _context)
