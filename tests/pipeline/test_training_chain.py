"""Trainings one after another: what is trained, what is loaded, what is refused before anything trains."""

import re

from pipeline.experiments import outcome


def test_weights_are_trained_once_and_the_same_wherever(workbench):
    found = outcome(workbench, "chain_experiments:one_stage")
    first, second, again = found["first"], found["second"], found["again"]
    assert first["trainings"] == [["trained", 4, False]]
    assert re.fullmatch(r"training, epoch 1 of 4: validation accuracy \d+\.\d %", first["epochs"][0])
    assert (second["trainings"], second["epochs"]) == ([["trained", 4, True]], [])
    assert first["print"] == second["print"] == again["print"]


def test_a_stage_that_is_kept_needs_none_before_it(workbench):
    found = outcome(workbench, "chain_experiments:two_stages")
    first, second, without = found["first"], found["second"], found["without_the_first"]
    assert first["trainings"] == [["trained", 4, False], ["further", 2, False]]
    assert second["trainings"] == without["trainings"] == [["trained", 4, True], ["further", 2, True]]
    assert second["epochs"] == without["epochs"] == []
    assert first["print"] == second["print"] == without["print"]


def test_a_step_may_make_the_model_anew(workbench):
    found = outcome(workbench, "chain_experiments:narrow_student")
    assert found["first"]["calls"] == ["8,digits", "4,digits"]
    assert found["first"]["trainings"] == [["trained", 4, False], ["narrow", 2, False]]
    assert found["asked"].startswith("student quadrants 0.")
    assert found["second"]["epochs"] == []
    assert found["first"]["print"] == found["second"]["print"]


def test_a_teacher_learns_the_students_data_and_is_kept(workbench):
    found = outcome(workbench, "chain_experiments:named_teacher")
    assert found["first"]["calls"] == ["8,digits", "64,digits", "4,digits"]
    assert found["first"]["trainings"] == [["its teacher, trained", 4, False], ["narrow", 2, False]]
    assert found["first"]["epochs"][0].startswith("training its teacher, epoch 1 of 4: ")
    assert found["asked"].startswith("student quadrants ")
    assert found["again"]["trainings"] == [["its teacher, trained", 4, True], ["narrow", 2, False]]
    assert found["first"]["print"] == found["again"]["print"]
    assert not found["own_trained"]


def test_a_teacher_of_other_classes_is_told_before_anything_trains(workbench):
    found = outcome(workbench, "chain_experiments:teacher_of_other_classes")
    assert found["refused"] == (
        "student/trial: its teacher five_classes gives (5,) a sample, and the student (4,): "
        "name one with the same classes"
    )
    assert found["left"] == []


def test_a_factory_that_trains_itself_can_be_trained_further(workbench):
    found = outcome(workbench, "chain_experiments:a_model_that_trains_itself")
    assert found["found"]["trainings"] == [["trained by its factory", None, False], ["further", 2, False]]
    assert found["narrow"]["calls"] == ["8,digits", "4,digits"]


def test_without_data_nothing_is_trained_further(workbench):
    found = outcome(workbench, "chain_experiments:nothing_to_train_on")
    assert found["factory"].startswith(
        "without_data/trial trains the model, and there is no data to train it on: made up: "
    )
    assert found["alone"] == [["trained by its factory", None, False]]


def test_files_take_the_place_of_training(workbench):
    found = outcome(workbench, "chain_experiments:files")
    assert found["as_given"]["print"] == found["weights"]["print"] == found["of_keras_file"] == found["stored"]
    assert found["as_given"]["trainings"] == [["trained before: model.keras", None, False]]
    assert found["weights"]["trainings"] == [["weights of given.weights.h5", None, False]]
    assert found["further"].startswith("model.keras/trial trains the model further, and no data set was named")
    assert re.match(r"text.keras: .*/text.keras cannot be read as a model: ", found["damaged"])
    assert re.match(r"five_like: the weights of .*/narrow.weights.h5 do not fit the model: ", found["misfit"])
    assert re.fullmatch(r"five_like: the weights file .*/nowhere.h5 does not exist", found["missing"])
    assert all("\n" not in found[name] for name in ("damaged", "misfit", "missing"))


def test_a_keras_file_learns_the_data_named_for_it(workbench):
    found = outcome(workbench, "chain_experiments:file_with_data")
    assert found["trained"]["trainings"] == [["trained before: flat.keras", None, False], ["further", 2, False]]
    assert found["trained"]["score"] > 0.5
    assert found["made_up"]["score"] is not None


def test_weights_that_became_no_numbers_are_not_kept(workbench):
    found = outcome(workbench, "chain_experiments:spoiled")
    assert found["refused"].startswith("diverging/trial: ")
    assert found["left"] == []
