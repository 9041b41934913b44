"""What an artifact and its figures tell."""

from pathlib import Path

import pytest

from harness.records.artifact import AccuracyResult, BuiltinOutputs
from harness.records.candidate import Candidate
from harness.records.entry import ArtifactRecord
from harness.records.results import Outcome
from harness.testing import make_artifact, make_golden


def accuracy(value: float, correct: int | None, **changes: object) -> AccuracyResult:
    told = {"n": 200, "dataset": "digits", "obtained": "on the host"} | changes
    return AccuracyResult.model_validate({"value": value, "correct": correct, **told})


def test_a_loss_is_of_counts_where_there_are_some() -> None:
    before, after = accuracy(0.99, 198), accuracy(0.9701, 194)
    assert after.lost_against(before) == 0.02
    assert before.lost_against(after) == -0.02


def test_it_is_of_shares_where_there_are_none() -> None:
    assert accuracy(0.5, None).lost_against(accuracy(0.75, 150)) == 0.25
    assert accuracy(0.5, 100).lost_against(accuracy(0.75, None)) == 0.25


@pytest.mark.parametrize("changes", [{"dataset": "other"}, {"n": 100}, {"score": "auc"}])
def test_there_is_none_over_another_test_set(changes: dict[str, object]) -> None:
    assert accuracy(0.5, 100).lost_against(accuracy(0.75, 150, **changes)) is None


def test_golden_outputs_list_their_files() -> None:
    golden = make_golden()
    files = {golden.inputs_path: golden.inputs_sha256, golden.outputs_path: golden.outputs_sha256}
    assert golden.files == files
    builtin = BuiltinOutputs.model_construct(outputs_path="b.npz", outputs_sha256="b" * 64)
    assert golden.model_copy(update={"builtin": builtin}).files == files | {"b.npz": "b" * 64}


def test_an_artifact_is_a_file_of_this_host_and_a_record_keeps_it() -> None:
    artifact = make_artifact(notes=("a note",), build_s=1.5)
    assert artifact.local_path == Path(artifact.path)
    record = ArtifactRecord.of(artifact)
    assert (record.sha256, record.notes, record.build_s) == (artifact.sha256, ("a note",), 1.5)
    assert record.verification == artifact.verification


def test_a_candidate_is_named_by_its_recipe_where_it_has_one() -> None:
    assert str(Candidate("kws", "zoo", "kws", "int8")) == "kws/int8"
    assert str(Candidate("kws", "tflite", "kws.tflite")) == "kws"


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({}, False),
        ({"end": "interrupted"}, True),
        ({"unreached": ["pi was not reached"]}, True),
        ({"measured": 1}, True),
        ({"measured": 3}, False),
    ],
)
def test_a_run_lacks_what_was_planned_and_not_measured(changes: dict[str, object], lacking: bool) -> None:
    outcome = Outcome.model_validate({"end": "whole", "planned": 2, "measured": 2, **changes})
    assert outcome.lacking is lacking
