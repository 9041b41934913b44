"""Recipe steps that train: on small networks, in one process with TensorFlow."""

import json
from pathlib import Path

import pytest
from support.kept_cache import kept_folder
from support.warm_builds import run_with_tensorflow

SCRIPT = Path(__file__).with_name("pruned_and_distilled.py")


@pytest.fixture(scope="module")
def found():
    text = SCRIPT.read_text(encoding="utf-8")

    def make(folder: Path) -> None:
        (folder / "told.json").write_text(run_with_tensorflow(text).stdout, encoding="utf-8")

    return json.loads((kept_folder("pruned_and_distilled", text, make) / "told.json").read_text(encoding="utf-8"))


def test_the_share_of_zeros_is_what_was_asked_for(found):
    assert found["prune"]["zeros"] == pytest.approx(0.8, abs=0.001)
    assert found["blocks"]["zeros"] == pytest.approx(0.5, abs=0.01)


def test_every_layer_keeps_some_weights_and_the_network_still_works(found):
    assert all(found["prune"]["kept"])
    assert found["prune"]["before"] > 0.9
    assert found["prune"]["after"] > found["prune"]["before"] - 0.05


def test_blocks_are_zero_together(found):
    assert found["blocks"]["blocks"] == 1.0
    assert found["prune"]["blocks"] < 1.0


def test_pruning_twice_gives_the_same(found):
    assert found["prune"] == found["again"]


def test_how_it_was_pruned_is_told(found):
    assert found["prune"]["what"] == "prune(0.8)"
    assert "weights in 3 layers are zero" in found["prune"]["notes"][0]


@pytest.mark.parametrize("kind", ["distill", "logits", "auc"])
def test_the_student_is_smaller_and_is_scored_beside_the_same_trained_alone(found, kind):
    told = found[kind]
    teacher, student = told["parameters"]
    assert student < 0.6 * teacher
    assert told["own"] == told["scored"]
    assert told["own"] > 0.8 and told["alone"] > 0.8
    assert told["what"] == ["distill(width=0.5)", "the same student trained alone", "auc" if kind == "auc" else "top1"]


@pytest.mark.parametrize("kind", ["distill", "logits", "auc", "teacher"])
def test_the_teacher_does_not_learn(found, kind):
    assert not found[kind]["teacher_moved"]


def test_the_student_learns_what_the_teacher_knows_and_the_labels_do_not_say(found):
    assert found["taught"]["taught"] > 0.85
    assert found["taught"]["alone"] < 0.6


def test_a_student_that_rebuilds_its_input_learns_from_the_teacher_s_output(found):
    """Seven tenths of the loss pull it to the teacher's zeros, three tenths to the input."""
    assert 0.15 < found["taught_to_rebuild"] < 0.5


def test_the_student_gives_what_its_architecture_gives(found):
    assert found["distill"]["last"] == "softmax"
    assert found["logits"]["last"] == "linear"


def test_a_named_teacher_teaches_the_candidate_s_own_architecture(found):
    teacher, student = found["teacher"]["parameters"]
    assert teacher == student


def test_what_cannot_be_trained_is_refused_in_one_line(found):
    assert "there is no data: no data here" in found["no_data"]
    assert "no convolution or dense layer to prune" in found["nothing_to_prune"]
    assert "its teacher does not fit the student" in found["other_classes"]
    assert all(len(found[name].splitlines()) == 1 for name in ("no_data", "nothing_to_prune", "other_classes"))
